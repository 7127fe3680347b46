#include "net/jet/stream_keeper.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "core/base/assert.h"
#include "core/base/log.h"
#include "net/jet/jet_names.h"
#include "proto/json_string.h"

namespace millrace {
namespace {

constexpr Bytes kAdvisories = "$JS.EVENT.ADVISORY.STREAM.";
constexpr unsigned kStepShift = 32;

std::string filter_of(Bytes subject) {
  std::string body = R"({"subjects_filter":)";
  append_json_string(body, subject);
  return body + '}';
}

// The token before the stream's name.
Bytes action_of(Bytes subject) {
  if (!subject.starts_with(kAdvisories)) return {};
  const Bytes rest = subject.substr(kAdvisories.size());
  return rest.substr(0, rest.find('.'));
}

}  // namespace

StreamKeeper::StreamKeeper(NatsPort& port, const std::vector<JetNamespace>& namespaces,
                           StreamEvents& events, TimerWheel& timers, Random& random,
                           ShardMetrics& metrics)
    : port_(port), events_(events), timers_(timers), random_(random), metrics_(metrics) {
  for (const JetNamespace& name_space : namespaces) {
    auto entry = std::make_unique<Entry>();
    entry->settings = name_space;
    entry->plan = plan_stream(port.options().subject_prefix, name_space);
    entry->due = Instant::never();
    advisories_.push_back(
        port_.subscribe(std::string(kAdvisories) + "*." + entry->plan.name, *this));
    streams_.push_back(std::move(entry));
  }
}

StreamKeeper::~StreamKeeper() {
  timers_.cancel(timer_);
  for (const NatsSubscriptionId id : advisories_) port_.unsubscribe(id);
}

std::uint32_t StreamKeeper::find(Bytes name_space) const {
  const auto found = std::find_if(streams_.begin(), streams_.end(), [&](const auto& entry) {
    return entry->settings.name == name_space;
  });
  return static_cast<std::uint32_t>(found - streams_.begin());
}

// --- asking --------------------------------------------------------------------------------------

std::uint64_t StreamKeeper::want(std::uint32_t stream, Instant now) {
  Entry& entry = *streams_[stream];
  if (entry.step != Step::kNone) {
    entry.again = true;
    return entry.asked + 1;
  }
  begin(stream, now);
  return entry.asked;
}

void StreamKeeper::begin(std::uint32_t stream, Instant now) {
  Entry& entry = *streams_[stream];
  CHECK(entry.step == Step::kNone);
  entry.again = false;
  ++entry.asked;
  ++metrics_.stream_checks_total;
  ask(stream, Step::kInfo, now);
}

void StreamKeeper::ask(std::uint32_t stream, Step step, Instant now) {
  Entry& entry = *streams_[stream];
  const std::string& prefix = port_.options().subject_prefix;
  NatsPost post;
  switch (step) {
    case Step::kInfo:
      post.subject = "$JS.API.STREAM.INFO." + entry.plan.name;
      post.data = filter_of(jet_mark_wildcard(prefix, entry.settings.name));
      break;
    case Step::kCreate:
      post.subject = "$JS.API.STREAM.CREATE." + entry.plan.name;
      post.data = stream_config_json(entry.plan);
      break;
    case Step::kMark:
      post.subject = jet_mark_all_subject(prefix, entry.settings.name);
      post.data = "{}";
      break;
    case Step::kUpdate:
      post.subject = "$JS.API.STREAM.UPDATE." + entry.plan.name;
      post.data = stream_config_json(entry.plan);
      break;
    case Step::kNone:
      CHECK(false);
  }
  entry.step = step;
  const std::uint64_t token = std::uint64_t{static_cast<std::uint8_t>(step)} << kStepShift | stream;
  if (port_.ask(std::move(post), kPatience, *this, token, now) == 0) {
    fail(entry, "can't be asked about: NATS is away or its lane full", kRetry, now);
  }
}

void StreamKeeper::on_nats_answer(std::uint64_t token, NatsAnswered how,
                                  const NatsMessageView* reply, Instant now) {
  const auto stream = static_cast<std::uint32_t>(token);
  const auto step = static_cast<Step>(token >> kStepShift);
  Entry& entry = *streams_[stream];
  CHECK(entry.step == step);
  switch (how) {
    case NatsAnswered::kReply:
      return take_answer(stream, step, JetAnswer(validator_, reply->data()), now);
    case NatsAnswered::kNoResponders:
      return fail(entry, "can't be asked about: JetStream is off; start nats-server with -js",
                  kRetry, now);
    case NatsAnswered::kTimeout:
    case NatsAnswered::kLost:
      return fail(entry, "has no leader that answers", kRetry, now);
  }
}

void StreamKeeper::fail(Entry& entry, std::string cause, Duration retry, Instant now) {
  entry.step = Step::kNone;
  if (entry.ready || entry.cause != cause) {
    log_warn(fmt::format("JetStream: stream {} {}", entry.plan.name, cause));
  }
  entry.ready = false;
  entry.cause = std::move(cause);
  const auto jitter =
      static_cast<std::int64_t>(random_.below(static_cast<std::uint64_t>(retry.ns)));
  entry.due = now + retry + nanoseconds(jitter / 2);
  set_timer();
}

// --- answers -------------------------------------------------------------------------------------

void StreamKeeper::take_answer(std::uint32_t stream, Step step, const JetAnswer& answer,
                               Instant now) {
  if (answer.error()) return take_error(stream, step, *answer.error(), now);
  Entry& entry = *streams_[stream];
  if (step == Step::kMark) {
    if (answer.ack()) return ask(stream, Step::kUpdate, now);
  } else if (const auto info = answer.stream_info()) {
    // What was made or changed is asked for anew: that is what the leader says.
    if (step == Step::kInfo) return take_info(stream, *info, now);
    entry.judged = true;
    return ask(stream, Step::kInfo, now);
  }
  fail(entry, "was answered about with what is no answer", kRetry, now);
}

void StreamKeeper::take_info(std::uint32_t stream, const JetStreamInfo& info, Instant now) {
  Entry& entry = *streams_[stream];
  const Epoch epoch = stream_epoch(entry.plan.name, info.created);
  const bool reborn = !entry.epoch.none() && entry.epoch != epoch;
  if (reborn) entry.judged = false;
  if (!entry.judged && !fits(entry, stream, info, now)) return;
  entry.judged = true;
  entry.step = Step::kNone;
  if (!entry.ready) log_info(fmt::format("JetStream: stream {} is ready", entry.plan.name));
  entry.ready = true;
  entry.cause.clear();
  entry.make_after = {};
  entry.epoch = epoch;
  entry.first = info.first;
  entry.last = info.last;
  entry.per_subject = jet_number(jet_member(info.config, "max_msgs_per_subject")).value_or(0);
  entry.told = entry.asked;
  entry.marks.clear();
  entry.marks.insert(info.subjects.begin(), info.subjects.end());
  entry.more_marks = info.more;
  const auto jitter =
      static_cast<std::int64_t>(random_.below(static_cast<std::uint64_t>(kCheckEvery.ns) / 4));
  entry.due = now + kCheckEvery - nanoseconds(jitter);
  set_timer();
  if (reborn) {
    ++metrics_.stream_reborn_total;
    log_warn(fmt::format("JetStream: stream {} was deleted and made again", entry.plan.name));
    events_.on_stream_reborn(stream, now);
  }
  events_.on_stream_told(stream, now);
  if (entry.again && entry.step == Step::kNone) begin(stream, now);
}

// False: something was asked or failed.
bool StreamKeeper::fits(Entry& entry, std::uint32_t stream, const JetStreamInfo& info,
                        Instant now) {
  const StreamVerdict verdict = judge_stream(entry.plan, info.config);
  switch (verdict.fit) {
    case StreamFit::kSame:
      return true;
    case StreamFit::kDiffers:
      log_info(fmt::format("JetStream: stream {} is updated: {}", entry.plan.name, verdict.what));
      // Who was there before may have lost what the old limit dropped: the mark says so first.
      ask(stream, verdict.keeps_more ? Step::kMark : Step::kUpdate, now);
      return false;
    case StreamFit::kForeign:
      fail(
          entry,
          fmt::format("is there with what can't be changed: {}; rename or delete it", verdict.what),
          kRefusedRetry, now);
      return false;
  }
  return false;
}

void StreamKeeper::take_error(std::uint32_t stream, Step step, const JetError& error, Instant now) {
  Entry& entry = *streams_[stream];
  if (step == Step::kInfo && error.code == kJetNotFound) return missing(entry, stream, now);
  if (step == Step::kCreate && error.err_code == kJetNameInUse) {
    return ask(stream, Step::kInfo, now);  // somebody was faster
  }
  constexpr std::uint32_t kBusy = 500;  // and beyond: no leader, no room, ... that may pass
  const char* const what = step == Step::kCreate   ? "can't be made"
                           : step == Step::kUpdate ? "can't be updated"
                                                   : "can't be read";
  fail(entry, fmt::format("{}: {}", what, error.text), error.code >= kBusy ? kRetry : kRefusedRetry,
       now);
}

void StreamKeeper::missing(Entry& entry, std::uint32_t stream, Instant now) {
  // It was there, so somebody has deleted it, perhaps just now.
  if (!entry.epoch.none() && entry.make_after == Instant{}) entry.make_after = now + kMakeAgain;
  if (now >= entry.make_after) return ask(stream, Step::kCreate, now);
  fail(entry, "was deleted; it is made again in a moment", kRetry, now);
}

// --- when to look --------------------------------------------------------------------------------

void StreamKeeper::on_nats_message(NatsSubscriptionId id, const NatsMessageView& message,
                                   Instant now) {
  const auto found = std::find_if(advisories_.begin(), advisories_.end(),
                                  [id](const auto& each) { return each.index == id.index; });
  CHECK(found != advisories_.end());
  const auto stream = static_cast<std::uint32_t>(found - advisories_.begin());
  const Bytes action = action_of(message.subject());
  Entry& entry = *streams_[stream];
  if (action == "LEADER_ELECTED") {
    static_cast<void>(want(stream, now));
    events_.on_stream_suspect(stream, now);
  } else if (action == "DELETED") {
    entry.make_after = now + kMakeAgain;
    static_cast<void>(want(stream, now));
  } else if (action == "CREATED") {
    static_cast<void>(want(stream, now));
  }
}

void StreamKeeper::on_timer(Timer& /*timer*/, Instant now) {
  for (std::uint32_t stream = 0; stream < streams_.size(); ++stream) {
    Entry& entry = *streams_[stream];
    if (entry.due > now) continue;
    entry.due = Instant::never();
    if (entry.step == Step::kNone) begin(stream, now);
  }
  set_timer();
}

void StreamKeeper::set_timer() {
  Instant due = Instant::never();
  for (const auto& entry : streams_) due = std::min(due, entry->due);
  if (due == Instant::never()) return timers_.cancel(timer_);
  if (!timer_.armed() || timer_.deadline() != due) timers_.arm(timer_, due, *this);
}

void StreamKeeper::on_up(Instant now) {
  for (std::uint32_t stream = 0; stream < streams_.size(); ++stream) {
    static_cast<void>(want(stream, now));
  }
}

BrokerStatus StreamKeeper::status() const {
  for (const auto& entry : streams_) {
    if (entry->ready) continue;
    return {.ready = false, .cause = "JetStream: stream " + entry->plan.name + " " + entry->cause};
  }
  return {};
}

}  // namespace millrace
