#include "tests/sim/sim_ring.h"

#include <algorithm>
#include <cstring>

#include "core/base/assert.h"
#include "core/ring/io_error.h"

namespace millrace::sim {
namespace {

constexpr Duration kRefusedPause = milliseconds(2);
constexpr char kGarbage = '\xdb';

bool is_send(const Op& op) {
  return op.code == Op::Code::kSend || op.code == Op::Code::kSendGather;
}

bool same_address(const PeerAddress& a, const PeerAddress& b) {
  return a.length == b.length && std::memcmp(&a.storage, &b.storage, sizeof(a.storage)) == 0;
}

}  // namespace

std::string bytes_of(const Op& op) {
  if (op.code == Op::Code::kSend) return {static_cast<const char*>(op.address), op.length};
  const auto& message = *static_cast<const msghdr*>(op.address);
  std::string bytes;
  for (std::size_t i = 0; i < message.msg_iovlen; ++i) {
    bytes.append(static_cast<const char*>(message.msg_iov[i].iov_base), message.msg_iov[i].iov_len);
  }
  return bytes;
}

SimRing::SimRing(Machinery machinery, std::string name, RecvBuffers& buffers, std::uint32_t files,
                 std::uint32_t entries, std::function<void()> runnable)
    : m_(machinery),
      name_(std::move(name)),
      buffers_(buffers),
      entries_(entries),
      runnable_(std::move(runnable)),
      files_(files),
      closing_(files),
      provided_(buffers.count(), true) {
  for (std::uint32_t id = 0; id < buffers_.count(); ++id) {
    free_buffers_.push_back(static_cast<BufferId>(id));
  }
  buffers_.attach(*this);
}

SimRing::~SimRing() { buffers_.detach(); }

// --- what the shard asks -------------------------------------------------------------------------

void SimRing::submit(const Op& op) {
  if (queue_.size() >= entries_) {
    ++stats_.queue_full;
    static_cast<void>(m_.faults.strikes(Fault::kQueueFull));
    hand_over();
  }
  if (op.code != Op::Code::kCancel) {
    CHECK(!in_flight_.contains(op.tag));
    Flight flight;
    flight.op = op;
    if (is_send(op)) flight.bytes = bytes_of(op);
    if (op.code == Op::Code::kClose) {
      for (const auto& [tag, other] : in_flight_) {
        const bool names_none = other.op.code == Op::Code::kAccept;
        CHECK(names_none || other.op.file != op.file);
      }
    }
    in_flight_.emplace(op.tag, std::move(flight));
  }
  queue_.push_back(op);
  ++stats_.submissions;
}

void SimRing::wait(Duration timeout) {
  hand_over();
  ++stats_.enters;
  timeout_ = refused_ ? std::min(timeout, kRefusedPause) : timeout;
  if (std::exchange(woken_, false)) ++stats_.wakes;
}

void SimRing::hand_over() {
  std::size_t most = queue_.size();
  refused_ = most > 0 && m_.faults.strikes(Fault::kEnterRefused);
  if (refused_) most = m_.random.below(most);
  for (; most > 0; --most) {
    const Op op = queue_.front();
    queue_.pop_front();
    begin(op);
  }
}

void SimRing::wake() {
  ++wakes_flying_;
  Duration late = microseconds(1 + below(20));
  if (m_.faults.strikes(Fault::kLateWake)) {
    late = milliseconds(1 + below(50));
  }
  m_.scheduler.in(late, [this] {
    --wakes_flying_;
    woken_ = true;
    m_.trace.say(name_, "is woken");
    runnable_();
  });
}

void SimRing::provide_buffer(BufferId id) {
  CHECK_LT(id, buffers_.count());
  CHECK(!provided_[id]);
  provided_[id] = true;
  std::memset(buffers_.address(id), kGarbage, buffers_.size());
  free_buffers_.push_back(id);
}

std::size_t SimRing::reap(std::span<CompletionEvent> out) {
  std::size_t taken = 0;
  while (taken < out.size() && !ready_.empty()) {
    const CompletionEvent event = ready_.front();
    ready_.pop_front();
    if (!event.more) landed(event);
    out[taken++] = event;
  }
  stats_.completions += taken;
  return taken;
}

// The operation's memory is the shard's again from here on. Until now nobody may have touched it.
void SimRing::landed(const CompletionEvent& event) {
  const auto found = in_flight_.find(event.tag);
  if (found == in_flight_.end()) return;  // a cancel
  const Flight& flight = found->second;
  if (is_send(flight.op)) CHECK(bytes_of(flight.op) == flight.bytes);
  if (flight.filled) CHECK(same_address(*static_cast<PeerAddress*>(flight.op.address), flight.to));
  if (flight.frees != kNoSlot) closing_[flight.frees] = false;
  in_flight_.erase(found);
}

SimRing::Flight& SimRing::flight(OpTag tag) {
  const auto found = in_flight_.find(tag);
  CHECK(found != in_flight_.end());
  return found->second;
}

Wire& SimRing::wire_of(FileSlot file) {
  CHECK_LT(file.value, files_.size());
  CHECK(files_[file.value] != nullptr);
  return *files_[file.value];
}

// --- completions ---------------------------------------------------------------------------------

Duration SimRing::delay(OpTag tag) {
  Duration span = microseconds(1 + below(30));
  if (m_.faults.strikes(Fault::kReorder)) {
    span = microseconds(below(5'000));
  }
  const bool after = m_.faults.is_shut_down() && m_.faults.strikes(Fault::kAfterShutdown);
  if (after || m_.faults.strikes(Fault::kLateCompletion)) {
    span = milliseconds(below(1'000));
    m_.trace.say(name_, "{} of {} will complete {} ms late", op_name(tag.kind), tag.index,
                 span.to_ms());
  }
  return span;
}

void SimRing::post(OpTag tag, IoError error, bool more, std::uint32_t result, Duration late,
                   std::optional<BufferId> buffer) {
  if (tag.kind == OpKind::kPoll) return post_poll(tag, error, more, late);
  if (tag.kind == OpKind::kRecv) {
    late = behind(wire_of(flight(tag).op.file).last_receive, late);
  }
  m_.scheduler.in(late, [=, this] {
    m_.trace.say(name_, "{} of {}: {}{}{}", op_name(tag.kind), tag.index,
                 error == IoError::kNone ? "result " : "error ",
                 error == IoError::kNone ? result : static_cast<std::uint32_t>(error),
                 more ? ", more to come" : "");
    ready_.push_back({tag, error, more, result, buffer});
    runnable_();
  });
}

void SimRing::post_poll(OpTag tag, IoError error, bool more, Duration late) {
  if (m_.faults.strikes(Fault::kPollLate)) late = late + milliseconds(below(100));
  const FileSlot file = flight(tag).op.file;
  Wire& posted = wire_of(file);
  late = behind(posted.last_poll, late);
  ++posted.polls_flying;
  posted.poll_sees_all = false;
  m_.scheduler.in(late, [=, this, ending = posted.fin || posted.reset] {
    Wire& wire = wire_of(file);
    const bool is_latest = --wire.polls_flying == 0;
    const bool ends = is_latest && wire.poll_sees_all ? wire.fin || wire.reset : ending;
    m_.trace.say(name_, "poll of {}: {}{}{}", tag.index,
                 error == IoError::kNone ? "something came" : "canceled",
                 error == IoError::kNone && ends ? ", the end too" : "",
                 more ? ", more to come" : "");
    ready_.push_back({tag, error, more, 0, {}, error == IoError::kNone && ends});
    runnable_();
  });
}

Duration SimRing::behind(Instant& last, Duration late) {
  last = std::max(m_.scheduler.now() + late, last);
  return last - m_.scheduler.now();
}

// Sends an operation's last event on its way.
void SimRing::end(OpTag tag, IoError error, std::uint32_t result, std::optional<BufferId> buffer) {
  Flight& ending = flight(tag);
  CHECK(!ending.ended);
  ending.ended = true;
  std::erase(accepts_, tag);
  if (ending.op.code == Op::Code::kRecvMultishot) wire_of(ending.op.file).receive.reset();
  if (ending.op.code == Op::Code::kPollMultishot) wire_of(ending.op.file).poll.reset();
  if (is_send(ending.op)) wire_of(ending.op.file).send.reset();
  post(tag, error, false, result, delay(tag), buffer);
}

std::string SimRing::in_flight_text() const {
  std::string text;
  for (const auto& [tag, flight] : in_flight_) {
    text += std::string(text.empty() ? "" : ", ") + op_name(tag.kind) + " of " +
            std::to_string(tag.index);
  }
  return text;
}

}  // namespace millrace::sim
