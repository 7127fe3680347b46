// The receiving half of the table: a quiet connection's poll and the receives that follow it, a
// busy one's multishot receive, the way from each to the other, and what pausing does to both.
//
// Between them no input may be lost. Three things see to it: a poll that is armed tells at once of
// what is there already; what a poll tells while it can't be followed up stays in look_; and a
// multishot receive that is armed takes what is there already.
#include <utility>

#include "core/base/assert.h"
#include "core/base/mutant.h"
#include "net/tcp/connection_table.h"

namespace millrace {

namespace {

// Of last_input_. It comes round after 524 s: a gap of just that length counts as none, which turns
// a connection busy one input too early, or quiet one ping too late.
constexpr Duration kCoarse = milliseconds(8);
constexpr std::uint16_t kQuietSteps = kQuietAfter.ns / kCoarse.ns;
static_assert(kQuietSteps * kCoarse.ns == kQuietAfter.ns);

std::uint16_t coarse(Instant at) { return static_cast<std::uint16_t>(at.ns / kCoarse.ns); }

}  // namespace

// --- completions ---------------------------------------------------------------------------------

void ConnectionTable::on_recv(Connection& connection, const CompletionEvent& event, Instant now) {
  CHECK(connection.recv_armed_);
  RecvBuffers::Lease lease;
  if (event.buffer) lease = buffers_.lease(*event.buffer, event.result);
  if (!event.more) connection.recv_armed_ = false;
  if (connection.closing()) {
    join(connection);
    return;
  }
  switch (event.error) {
    case IoError::kNone:
      if (event.result == 0) {
        connection.ended_ = true;
        // What resumes has yet to be fed what it left unread; feed_unread() tells it then.
        if (!connection.paused_ && !connection.resumed_) end_of_stream(connection, now);
      } else {
        metrics_.bytes_received_total += event.result;
        // A receive that did not fill its buffer left nothing behind but, perhaps, the end.
        if (event.result == buffers_.size() || connection.ending_) connection.look_ = true;
        count_input(connection, now);
        const Bytes bytes = lease.view();
        if (mutated(Mutant::kBufferReadAfterReturn)) lease = RecvBuffers::Lease();
        take_input(connection, bytes, now);
      }
      break;
    case IoError::kAgain:  // the poll told of what an earlier receive took
      break;
    case IoError::kNoBuffers:
      ++metrics_.recv_parked_total;
      if (mutated(Mutant::kNoRearmAfterNoBuffers)) return;
      connection.look_ = true;
      connection.parked_ = true;
      parked_.push_back(connection.id_);
      break;
    case IoError::kCanceled:  // reading is, or was, paused, or it turned quiet
      connection.look_ = true;
      break;
    case IoError::kDisconnect:
    case IoError::kTableFull:
    case IoError::kNoFiles:
    case IoError::kNoMemory:
    case IoError::kNotFound:
    case IoError::kOther:
      ++metrics_.io_errors_total;
      begin_close(connection, now);
      return;
  }
  want_recv(connection);
}

void ConnectionTable::on_poll(Connection& connection, const CompletionEvent& event) {
  CHECK(connection.poll_armed_);
  if (!event.more) connection.poll_armed_ = false;
  if (connection.closing()) {
    join(connection);
    return;
  }
  if (!event.more && mutated(Mutant::kPollNotRearmed)) return;
  switch (event.error) {
    case IoError::kNone:
      connection.ending_ = connection.ending_ || event.ending;
      if (mutated(Mutant::kPollDuringReceiveLost) && connection.recv_armed_) break;
      connection.look_ = true;
      break;
    case IoError::kCanceled:
      break;
    case IoError::kNoBuffers:
    case IoError::kDisconnect:
    case IoError::kTableFull:
    case IoError::kNoFiles:
    case IoError::kAgain:
    case IoError::kNoMemory:
    case IoError::kNotFound:
    case IoError::kOther:
      // Armed again it would fail again, turn by turn. A receive does without it, and tells if
      // something is wrong with the socket.
      turn_busy(connection);
      break;
  }
  want_recv(connection);
}

void ConnectionTable::take_input(Connection& connection, Bytes bytes, Instant now) {
  if (connection.state_ != Connection::State::kOpen) return;
  if (connection.paused_ || unread_.contains(connection.id_.index)) {
    unread_[connection.id_.index].bytes.append(bytes);
    return;
  }
  const std::size_t taken = hand_input(connection, bytes, now);
  if (taken < bytes.size()) unread_[connection.id_.index].bytes.assign(bytes.substr(taken));
}

std::size_t ConnectionTable::hand_input(Connection& connection, Bytes bytes, Instant now) {
  const std::size_t taken = connection.protocol_->on_bytes(bytes, now);
  CHECK_LE(taken, bytes.size());
  CHECK(taken == bytes.size() || connection.paused_);
  return taken;
}

void ConnectionTable::end_of_stream(Connection& connection, Instant now) {
  if (connection.state_ == Connection::State::kOpen) {
    connection.protocol_->on_end_of_stream(now);
  } else if (connection.lingering_) {
    begin_close(connection, now);
  }
}

// --- what is armed -------------------------------------------------------------------------------

// Arms what its state asks for and is not in flight yet. A cancel under way is waited for: it could
// not tell the new one from the old.
void ConnectionTable::want_recv(Connection& connection) {
  if (connection.closing() || connection.paused_ || connection.ended_) return;
  if (!connection.busy_) want_poll(connection);
  if (connection.recv_armed_ || connection.recv_cancel_in_flight_ || connection.parked_) return;
  if (connection.busy_) {
    connection.recv_armed_ = true;
    reactor_.ring().submit(Op::recv_multishot(tag(connection, OpKind::kRecv), connection.file_));
  } else if (connection.look_) {
    connection.look_ = false;
    connection.recv_armed_ = true;
    reactor_.ring().submit(Op::recv_ready(tag(connection, OpKind::kRecv), connection.file_));
  }
}

void ConnectionTable::want_poll(Connection& connection) {
  if (connection.poll_armed_ || connection.poll_cancel_in_flight_) return;
  connection.poll_armed_ = true;
  reactor_.ring().submit(Op::poll_multishot(tag(connection, OpKind::kPoll), connection.file_));
}

// A quiet connection's receive ends by itself, or is being cancelled.
void ConnectionTable::cancel_recv(Connection& connection) {
  if (!connection.busy_ || !connection.recv_armed_ || connection.recv_cancel_in_flight_) return;
  connection.recv_cancel_in_flight_ = true;
  reactor_.ring().submit(
      Op::cancel(tag(connection, OpKind::kCancel), tag(connection, OpKind::kRecv)));
}

void ConnectionTable::cancel_poll(Connection& connection) {
  if (!connection.poll_armed_ || connection.poll_cancel_in_flight_) return;
  connection.poll_cancel_in_flight_ = true;
  reactor_.ring().submit(
      Op::cancel(tag(connection, OpKind::kCancelPoll), tag(connection, OpKind::kPoll)));
}

// --- busy and quiet ------------------------------------------------------------------------------

bool ConnectionTable::had_no_input(const Connection& connection, Instant now) {
  return static_cast<std::uint16_t>(coarse(now) - connection.last_input_) >= kQuietSteps;
}

void ConnectionTable::count_input(Connection& connection, Instant now) {
  const bool gap = had_no_input(connection, now);
  connection.last_input_ = coarse(now);
  if (connection.busy_) return;
  connection.run_ = gap ? 1 : connection.run_ + 1;
  if (connection.run_ == kBusyInputs) turn_busy(connection);
}

void ConnectionTable::turn_busy(Connection& connection) {
  if (connection.busy_) return;
  connection.busy_ = true;
  ++metrics_.busy_connections;
  ++metrics_.turned_busy_total;
  cancel_poll(connection);
}

void ConnectionTable::turn_quiet(Connection& connection) {
  cancel_recv(connection);
  connection.busy_ = false;
  connection.run_ = 0;
  --metrics_.busy_connections;
  ++metrics_.turned_quiet_total;
  want_recv(connection);
}

// --- pausing and parking -------------------------------------------------------------------------

void ConnectionTable::mark_resumed(Connection& connection) {
  if (connection.resumed_) return;
  connection.resumed_ = true;
  resumed_.push_back(connection.id_);
}

void ConnectionTable::feed_unread(Connection& connection, Instant now) {
  // Out of the map meanwhile: what it is handed may close it. Moved, not copied: who is let take a
  // message at a time may have left thousands.
  if (auto node = unread_.extract(connection.id_.index)) {
    Unread& unread = node.mapped();
    if (connection.state_ == Connection::State::kOpen) {
      unread.taken += hand_input(connection, Bytes(unread.bytes).substr(unread.taken), now);
      if (unread.taken < unread.bytes.size()) unread_.insert(std::move(node));
    }
  }
  if (connection.ended_ && !connection.paused_) end_of_stream(connection, now);
}

void ConnectionTable::flush_resumed(Instant now) {
  // What resumes while this runs has its turn in the next one.
  std::vector<ConnId> batch;
  batch.swap(resumed_);
  for (const ConnId id : batch) {
    Connection* connection = connections_.find(id);
    if (connection == nullptr) continue;
    connection->resumed_ = false;
    if (connection->paused_ || connection->closing()) continue;
    feed_unread(*connection, now);
    want_recv(*connection);
  }
}

// No more than there are buffers, and once a turn: never spinning on an empty group.
void ConnectionTable::rearm_parked() {
  std::uint32_t free = free_buffers();
  while (free > 0 && !parked_.empty()) {
    Connection* connection = connections_.find(parked_.front());
    parked_.pop_front();
    if (connection == nullptr) continue;
    connection->parked_ = false;
    want_recv(*connection);
    --free;
  }
}

}  // namespace millrace
