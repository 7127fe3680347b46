#include "net/jet/stream_reader.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <utility>

#include "core/base/assert.h"
#include "core/hub/channel_name.h"
#include "net/jet/jet_names.h"
#include "net/nats/subject.h"
#include "proto/json_string.h"

namespace millrace {
namespace {

constexpr Bytes kLeader = "$JS.API.STREAM.MSG.GET.";
constexpr Bytes kAnyReplica = "$JS.API.DIRECT.GET.";

std::string next_of(Bytes subject, std::uint64_t from) {
  std::string body = R"({"next_by_subj":)";
  append_json_string(body, subject);
  return body + fmt::format(R"(,"seq":{}}})", std::max<std::uint64_t>(from, 1));
}

std::string last_of(Bytes subject) {
  std::string body = R"({"last_by_subj":)";
  append_json_string(body, subject);
  return body + '}';
}

}  // namespace

StreamReader::StreamReader(NatsPort& port, StreamKeeper& keeper, JetPayloads& payloads,
                           StreamReaderEvents& events, TimerWheel& timers, ShardMetrics& metrics)
    : port_(port),
      keeper_(keeper),
      payloads_(payloads),
      events_(events),
      timers_(timers),
      metrics_(metrics),
      waiting_(keeper.size()) {}

StreamReader::~StreamReader() {
  ops_.for_each([this](SlotId, Op& op) { release(op); });
}

// --- questions come and go -----------------------------------------------------------------------

std::optional<SlotId> StreamReader::open(Op*& op, std::uint32_t stream, Bytes channel,
                                         std::uint64_t token, Instant until) {
  const auto acquired = ops_.acquire();
  if (acquired.object == nullptr) {
    ++metrics_.stream_refused_total;
    return std::nullopt;
  }
  op = acquired.object;
  op->id = acquired.id;
  op->token = token;
  op->until = until;
  op->subject = channel_to_subject(port_.options().subject_prefix, channel);
  op->question.stream = stream;
  op->question.channel = channel;
  timers_.arm(*op, until, *this);
  return acquired.id;
}

std::optional<SlotId> StreamReader::top(std::uint32_t stream, Bytes channel, const Epoch& epoch,
                                        std::uint64_t sure, std::uint64_t token, Instant until,
                                        Instant now) {
  Op* op = nullptr;
  const auto id = open(op, stream, channel, token, until);
  if (!id) return id;
  op->is_top = true;
  op->epoch = epoch;
  op->sure = sure;
  ++metrics_.stream_checks_total;
  wait_for_info(*op, now);
  return id;
}

std::optional<SlotId> StreamReader::read(ReadQuestion question, std::uint64_t token, Instant until,
                                         Instant now) {
  Op* op = nullptr;
  const auto id = open(op, question.stream, question.channel, token, until);
  if (!id) return id;
  op->question = std::move(question);
  op->epoch = keeper_.at(op->question.stream).epoch;
  op->next = op->question.since + 1;
  if (op->question.until > op->question.since) {
    enter(*op, Step::kNext, now);
  } else {
    op->read.all = true;
    wait_for_info(*op, now);
  }
  return id;
}

void StreamReader::forget(SlotId id) {
  Op* op = ops_.find(id);
  if (op != nullptr) release(*op);
}

void StreamReader::release(Op& op) {
  timers_.cancel(op);
  if (op.asked) {
    port_.forget(op.request);
    --asked_;
  }
  ops_.release(op.id);
}

void StreamReader::finish(Op& op, bool ok, Instant now) {
  const std::uint64_t token = op.token;
  const bool is_top = op.is_top;
  TopAnswer top = op.top;
  ReadAnswer read = std::move(op.read);
  top.ok = read.ok = ok;
  read.epoch = keeper_.at(op.question.stream).epoch;
  release(op);
  if (is_top) {
    events_.on_top(token, top, now);
  } else {
    events_.on_read(token, std::move(read), now);
  }
  pump(now);
}

// --- requests ------------------------------------------------------------------------------------

void StreamReader::wait_for_info(Op& op, Instant now) {
  op.step = Step::kInfo;
  waiting_[op.question.stream].push_back(op.id);
  op.ticket = keeper_.want(op.question.stream, now);
}

void StreamReader::on_stream_told(std::uint32_t stream, Instant now) {
  const std::uint64_t told = keeper_.at(stream).told;
  std::vector<SlotId> waiting = std::exchange(waiting_[stream], {});
  std::vector<SlotId> ready;
  for (const SlotId id : waiting) {
    const Op* op = ops_.find(id);
    if (op == nullptr || op->step != Step::kInfo) continue;
    (op->ticket <= told ? ready : waiting_[stream]).push_back(id);
  }
  for (const SlotId id : ready) {
    Op* op = ops_.find(id);
    if (op != nullptr && op->step == Step::kInfo) take_info(*op, now);
  }
}

void StreamReader::enter(Op& op, Step step, Instant now) {
  op.step = step;
  if (asked_ < kMaxAsked && line_.empty()) return request(op, now);
  op.waits = true;
  line_.push_back(op.id);
}

void StreamReader::pump(Instant now) {
  while (asked_ < kMaxAsked && !line_.empty()) {
    Op* op = ops_.find(line_.front());
    line_.pop_front();
    if (op == nullptr || !op->waits) continue;
    op->waits = false;
    request(*op, now);
  }
}

NatsPost StreamReader::post_of(const Op& op) const {
  const KeptStream& stream = keeper_.at(op.question.stream);
  const std::string& prefix = port_.options().subject_prefix;
  NatsPost post;
  post.subject = std::string(op.step == Step::kNext ? kAnyReplica : kLeader) + stream.plan.name;
  switch (op.step) {
    case Step::kTop:
      post.data = last_of(op.subject);
      break;
    case Step::kNext:
    case Step::kNextLeader:
      post.data = next_of(op.subject, op.next);
      break;
    case Step::kMark:
      post.data = last_of(jet_mark_subject(prefix, op.question.channel));
      break;
    case Step::kMarkAll:
      post.data = last_of(jet_mark_all_subject(prefix, stream.settings.name));
      break;
    case Step::kRetained:
      post.data = next_of(op.subject, op.question.since);
      break;
    case Step::kOldest:
      post.data = next_of(op.subject, 1);
      break;
    case Step::kCount:
      post.subject = "$JS.API.STREAM.INFO." + stream.plan.name;
      post.data = R"({"subjects_filter":)";
      append_json_string(post.data, op.subject);
      post.data += '}';
      break;
    case Step::kInfo:
      CHECK(false);
  }
  return post;
}

void StreamReader::request(Op& op, Instant now) {
  op.request = port_.ask(post_of(op), kPatience, *this, op.id.pack(), now);
  if (op.request == 0) return retry(op, now);
  op.asked = true;
  ++asked_;
}

// The timer stands for the deadline or, if that is earlier, for the next try.
void StreamReader::retry(Op& op, Instant now) {
  // Another replica may know, or this one was asked in vain because it has none of it.
  if (op.step == Step::kNext) op.step = Step::kNextLeader;
  timers_.arm(op, std::min(op.until, now + kRetry), *this);
}

void StreamReader::on_timer(Timer& timer, Instant now) {
  Op& op = static_cast<Op&>(timer);
  if (now >= op.until) return finish(op, false, now);
  timers_.arm(op, op.until, *this);
  enter(op, op.step, now);
}

void StreamReader::on_nats_answer(std::uint64_t token, NatsAnswered how,
                                  const NatsMessageView* reply, Instant now) {
  const SlotId id = SlotId::unpack(token);
  Op* op = ops_.find(id);
  CHECK(op != nullptr && op->asked);
  op->asked = false;
  --asked_;
  if (how != NatsAnswered::kReply) {
    retry(*op, now);
  } else if (op->step == Step::kNext) {
    take_direct(*op, *reply, now);
  } else {
    take_leader(*op, *reply, now);
  }
  pump(now);
}

}  // namespace millrace
