// Questions about what is kept: recoveries, history, positions.
#include <algorithm>
#include <utility>

#include "core/base/assert.h"
#include "core/hub/channel_name.h"
#include "core/hub/history_bytes.h"
#include "core/hub/stream_store.h"
#include "net/jet/jet_broker.h"

namespace millrace {
namespace {

// A stream keeps one message more than the history is long. For histories up to this length the
// oldest page is read whole, so that the odd one is not shown.
constexpr std::uint32_t kWholeHistory = 1'000;

bool other_epoch(const HistoryQuery& query, const Epoch& epoch) {
  return query.since && !query.since->epoch.none() && query.since->epoch != epoch;
}

}  // namespace

void JetBroker::read_history(Bytes channel, const HistoryQuery& query, const StreamOptions& options,
                             RequestToken token, Instant now) {
  now_ = now;
  ++metrics_.history_reads_total;
  const auto acquired = questions_.acquire();
  if (acquired.object == nullptr) {
    ++metrics_.stream_refused_total;
    ++metrics_.history_refused_total;
    return events_.on_history(token, {.outcome = HistoryOutcome::kUnavailable});
  }
  Question& question = *acquired.object;
  question.channel = channel;
  question.stream = keeper_.find(channel_namespace(channel));
  question.query = query;
  question.options = options;
  question.token = token;
  question.until = now + kAnswerPatience;
  ends_.emplace_back(question.until, acquired.id);
  set_timer();
  ChannelTrack* track = find(channel);
  if (track == nullptr) return ask_alone(acquired.id, now);
  question.track = track->id;
  track->askers.push_back(acquired.id);
  serve(*track, now);
}

// Of a channel that nobody here listens to: only the leader knows.
void JetBroker::ask_alone(SlotId id, Instant now) {
  Question* question = questions_.find(id);
  if (question == nullptr) return;
  question->track = {};
  // Without room for it the question waits for its time's end.
  question->read = reader_.top(question->stream, question->channel, {}, 0,
                               token_of(Asker::kQuestion, id), question->until, now);
}

void JetBroker::on_top(std::uint64_t token, const TopAnswer& answer, Instant now) {
  const SlotId id = SlotId::unpack(token & ((std::uint64_t{1} << kAskerShift) - 1));
  if (static_cast<Asker>(token >> kAskerShift) == Asker::kCheck) {
    ChannelTrack* track = tracks_.find(id);
    CHECK(track != nullptr);
    return on_check(*track, answer, now);
  }
  Question* question = questions_.find(id);
  CHECK(question != nullptr);
  question->read.reset();
  if (!answer.ok) return refuse(id);
  question->top = answer;
  answer_from(id, view_of(answer), now);
}

void JetBroker::on_read(std::uint64_t token, ReadAnswer answer, Instant now) {
  const SlotId id = SlotId::unpack(token & ((std::uint64_t{1} << kAskerShift) - 1));
  if (static_cast<Asker>(token >> kAskerShift) == Asker::kFill) {
    ChannelTrack* track = tracks_.find(id);
    CHECK(track != nullptr && track->filling != nullptr);
    return on_fill(*track, std::move(answer), now);
  }
  on_question_read(id, answer, now);
}

// --- what is known -------------------------------------------------------------------------------

JetBroker::View JetBroker::view_of(ChannelTrack& track, const StreamOptions& options, Instant now) {
  cache_.expire(track.window, now - options.age);
  track.told = std::max(track.told, track.empty ? track.sure : track.last);
  return {.top = {track.told, track.epoch},
          .newest = track.last,
          .sure = std::max(track.sure, track.told),
          .floor = track.window.floor(),
          .empty = track.empty,
          .window = &track.window};
}

JetBroker::View JetBroker::view_of(const TopAnswer& top) {
  const std::uint64_t stands = top.top == 0 ? top.last : top.top;
  return {.top = {stands, top.epoch},
          .newest = top.top,
          .sure = std::max(top.last, top.top),
          .floor = stands,
          .empty = top.top == 0};
}

// --- answers -------------------------------------------------------------------------------------

void JetBroker::answer_from(SlotId id, const View& view, Instant now) {
  const Question& question = *questions_.find(id);
  const HistoryQuery& query = question.query;
  if (other_epoch(query, view.top.epoch)) {
    return answer(id,
                  {.outcome = HistoryOutcome::kWrongEpoch, .top = view.top, .newest = view.newest});
  }
  const std::uint64_t since = query.since ? query.since->offset : 0;
  const bool forwards = query.since && !query.reverse;
  const bool beyond = forwards && since > view.sure;
  // Of an empty channel only what is behind the floor is known without asking.
  const bool up_to_date =
      forwards && !beyond && since >= view.newest && (!view.empty || since >= view.floor);
  const bool nothing = query.limit == 0 || beyond || up_to_date;
  if (nothing) {
    return answer(id, {.top = view.top, .newest = view.newest, .complete = up_to_date});
  }
  std::uint64_t cached = 0;
  if (query.reverse && view.window != nullptr) {
    for (const CachedPublication* each = view.window->front(); each != nullptr;
         each = CacheWindow::next(*each)) {
      if (!query.since || each->offset < since) ++cached;
    }
  }
  const bool known = view.window != nullptr &&
                     (query.reverse ? cached >= query.limit : since >= view.floor && forwards);
  if (!known) return read_for(id, view, now);
  ++metrics_.stream_cache_hits_total;
  answer_page(id, view, nullptr);
}

void JetBroker::read_for(SlotId id, const View& view, Instant now) {
  Question& question = *questions_.find(id);
  const HistoryQuery& query = question.query;
  ++metrics_.stream_reads_total;
  question.floor = view.floor;
  ReadQuestion read;
  read.stream = question.stream;
  read.channel = question.channel;
  read.until = view.empty ? 0 : view.floor;
  read.most = query.limit;
  read.most_bytes = limits_.page_bytes;
  if (query.reverse) {
    read.newest = true;
    if (query.since)
      read.until = std::min(read.until, std::max<std::uint64_t>(query.since->offset, 1) - 1);
  } else if (query.since) {
    read.since = query.since->offset;
    read.prove = true;
  } else if (question.options.size <= kWholeHistory) {
    read.newest = true;
    read.most = question.options.size;
    read.most_bytes = SIZE_MAX;
  }
  question.read =
      reader_.read(std::move(read), token_of(Asker::kQuestion, id), question.until, now);
  // Without room for it the question waits for its time's end.
}

void JetBroker::on_question_read(SlotId id, const ReadAnswer& answer, Instant now) {
  Question* question = questions_.find(id);
  CHECK(question != nullptr);
  question->read.reset();
  if (!answer.ok) return refuse(id);
  if (question->track.generation == 0) {
    const View view = view_of(question->top);
    if (answer.epoch != view.top.epoch) return refuse(id);
    return answer_page(id, view, &answer);
  }
  ChannelTrack* track = tracks_.find(question->track);
  if (track == nullptr) return ask_alone(id, now);
  const View view = view_of(*track, question->options, now);
  if (answer.epoch != view.top.epoch) return refuse(id);  // another life
  if (view.floor <= question->floor) return answer_page(id, view, &answer);
  // The window has lost what the answer was to be joined with: for want of room, or because more
  // than the whole history was published meanwhile. Then the window is the history.
  if (view.window->size() < question->options.size) return refuse(id);
  if (!question->query.since) return answer_page(id, view, nullptr);
  JetBroker::answer(id, {.top = view.top, .newest = view.newest});
}

// What was read, and the window behind it.
void JetBroker::answer_page(SlotId id, const View& view, const ReadAnswer* read) {
  const Question& question = *questions_.find(id);
  const HistoryQuery& query = question.query;
  std::vector<KeptPublication> all;
  bool complete = query.since && !query.reverse && query.since->offset <= view.sure;
  if (read != nullptr) {
    const std::int64_t oldest = calendar_.seconds() - question.options.age.to_seconds();
    complete = complete && read->all && read->complete;
    for (const JetPublication& each : read->publications) {
      if (each.time != 0 && each.time < oldest) {
        complete = false;  // the history is shorter than what the stream keeps
        continue;
      }
      all.push_back({each.offset, each.data, unpack_client_info(each.info)});
    }
  }
  const CachedPublication* cached = view.window == nullptr ? nullptr : view.window->front();
  for (; cached != nullptr; cached = CacheWindow::next(*cached)) {
    if (query.since && !query.reverse && cached->offset <= query.since->offset) continue;
    if (query.since && query.reverse && cached->offset >= query.since->offset) continue;
    if (read != nullptr && cached->offset <= question.floor) continue;
    all.push_back({cached->offset, cached->data, unpack_client_info(cached->info)});
  }
  // The last so many are the history.
  if (!query.since && all.size() > question.options.size) {
    all.erase(all.begin(), all.end() - question.options.size);
  }
  if (query.reverse) std::reverse(all.begin(), all.end());
  std::size_t bytes = 0;
  std::size_t taken = 0;
  for (; taken < std::min<std::size_t>(all.size(), query.limit); ++taken) {
    const KeptPublication& each = all[taken];
    bytes += each.data.size() + each.info.user.size() + each.info.client.size() +
             each.info.conn_info.size() + each.info.chan_info.size() + StreamStore::kPageEnvelope;
    if (taken > 0 && bytes > limits_.page_bytes) break;
  }
  complete = complete && taken == all.size();
  all.resize(taken);
  // A copy: whoever is answered may end what these are views of.
  const OwnedBytes packed = pack_publications(all);
  const std::vector<KeptPublication> page = unpack_publications(packed);
  answer(id, {.top = view.top, .newest = view.newest, .complete = complete, .publications = page});
}

// It is gone before it is answered: who hears it may ask again.
void JetBroker::answer(SlotId id, const HistoryPage& page) {
  Question& question = *questions_.find(id);
  const RequestToken token = question.token;
  if (question.read) reader_.forget(*question.read);
  questions_.release(id);
  events_.on_history(token, page);
}

void JetBroker::refuse(SlotId id) {
  if (questions_.find(id) == nullptr) return;
  ++metrics_.history_refused_total;
  answer(id, {.outcome = HistoryOutcome::kUnavailable});
}

}  // namespace millrace
