#include "net/tcp/connection_table.h"

#include <algorithm>
#include <utility>

#include "core/base/assert.h"
#include "core/base/mutant.h"

namespace millrace {

namespace {
constexpr std::uint32_t kOrphan = UINT32_MAX;  // the tag index of a close without a slot
}

ConnectionTable::ConnectionTable(Reactor& reactor, RecvBuffers& buffers, ShardMetrics& metrics,
                                 const ConnectionLimits& limits)
    : reactor_(reactor),
      buffers_(buffers),
      metrics_(metrics),
      limits_(limits),
      connections_(limits.capacity) {
  reactor_.route(OpKind::kRecv, *this);
  reactor_.route(OpKind::kSend, *this);
  reactor_.route(OpKind::kClose, *this);
  reactor_.route(OpKind::kCancel, *this);
  reactor_.route(OpKind::kCancelSend, *this);
  reactor_.add_turn_end(*this, "sends");
}

ConnectionTable::~ConnectionTable() { CHECK(idle()); }

OpTag ConnectionTable::tag(const Connection& connection, OpKind kind) const {
  return {kind, connection.id_.generation, connection.id_.index};
}

bool ConnectionTable::adopt(FileSlot file, const Peer& peer, Units quota,
                            const MakeProtocol& make) {
  const auto [connection, id] = connections_.acquire(*this, file, peer, std::move(quota));
  if (connection == nullptr) {
    ++orphan_closes_;
    // Many may be in flight, each under a tag of its own.
    last_orphan_ = (last_orphan_ + 1) & kGenerationMask;
    reactor_.ring().submit(Op::close({OpKind::kClose, last_orphan_, kOrphan}, file));
    return false;
  }
  connection->id_ = id;
  ++metrics_.connections;
  connection->set_protocol(make(*connection));
  want_recv(*connection);
  return true;
}

// --- completions ---------------------------------------------------------------------------------

void ConnectionTable::on_completion(const CompletionEvent& event, Instant now) {
  if (event.tag.kind == OpKind::kClose && event.tag.index == kOrphan) {
    CHECK_GT(orphan_closes_, 0U);
    --orphan_closes_;
    return;
  }
  const ConnId id{event.tag.index, event.tag.generation};
  Connection* connection = connections_.find(id);
  CHECK(connection != nullptr);  // a slot outlives everything that is in flight for it
  switch (event.tag.kind) {
    case OpKind::kRecv:
      on_recv(*connection, event, now);
      return;
    case OpKind::kSend:
      on_send(*connection, event, now);
      return;
    case OpKind::kCancel:
      CHECK(connection->recv_cancel_in_flight_);
      connection->recv_cancel_in_flight_ = false;
      if (mutated(Mutant::kCancelTakenForEnd)) connection->recv_armed_ = false;
      on_cancelled(*connection);
      return;
    case OpKind::kCancelSend:
      CHECK(connection->send_cancel_in_flight_);
      connection->send_cancel_in_flight_ = false;
      on_cancelled(*connection);
      return;
    case OpKind::kClose:
      CHECK(connection->close_in_flight_);
      --metrics_.connections;
      if (mutated(Mutant::kQuotaLeak)) {
        static_cast<void>(std::make_unique<Units>(std::move(connection->quota_)).release());
      }
      connections_.release(id);
      return;
    case OpKind::kAccept:
    case OpKind::kCancelAccept:
    case OpKind::kPoll:
    case OpKind::kCancelPoll:
    case OpKind::kTakeSocket:
    case OpKind::kConnect:
      break;
  }
  CHECK(false);
}

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
        const Bytes bytes = lease.view();
        if (mutated(Mutant::kBufferReadAfterReturn)) lease = RecvBuffers::Lease();
        take_input(connection, bytes, now);
      }
      break;
    case IoError::kNoBuffers:
      ++metrics_.recv_parked_total;
      if (mutated(Mutant::kNoRearmAfterNoBuffers)) return;
      connection.parked_ = true;
      parked_.push_back(connection.id_);
      return;
    case IoError::kCanceled:  // reading is, or was, paused
      break;
    case IoError::kDisconnect:
    case IoError::kTableFull:
    case IoError::kNoFiles:
    case IoError::kAgain:
    case IoError::kNoMemory:
    case IoError::kNotFound:
    case IoError::kOther:
      ++metrics_.io_errors_total;
      begin_close(connection, now);
      return;
  }
  want_recv(connection);
}

void ConnectionTable::take_input(Connection& connection, Bytes bytes, Instant now) {
  if (connection.state_ != Connection::State::kOpen) return;
  if (connection.paused_ || unread_.contains(connection.id_.index)) {
    unread_[connection.id_.index].append(bytes);
    return;
  }
  if (connection.protocol_->on_bytes(bytes, now)) return;
  CHECK(connection.paused_);
  unread_[connection.id_.index].append(bytes);
}

void ConnectionTable::end_of_stream(Connection& connection, Instant now) {
  if (connection.state_ == Connection::State::kOpen) {
    connection.protocol_->on_end_of_stream(now);
  } else if (connection.lingering_) {
    begin_close(connection, now);
  }
}

// A cancel carries no news of its own: what it cancelled tells by its last completion.
void ConnectionTable::on_cancelled(Connection& connection) {
  if (connection.closing()) {
    join(connection);
  } else {
    want_recv(connection);
  }
}

// --- receiving -----------------------------------------------------------------------------------

void ConnectionTable::want_recv(Connection& connection) {
  if (connection.recv_armed_ || connection.recv_cancel_in_flight_ || connection.parked_) return;
  if (connection.closing() || connection.paused_ || connection.ended_) return;
  connection.recv_armed_ = true;
  reactor_.ring().submit(Op::recv_multishot(tag(connection, OpKind::kRecv), connection.file_));
}

void ConnectionTable::cancel_recv(Connection& connection) {
  if (!connection.recv_armed_ || connection.recv_cancel_in_flight_) return;
  connection.recv_cancel_in_flight_ = true;
  reactor_.ring().submit(
      Op::cancel(tag(connection, OpKind::kCancel), tag(connection, OpKind::kRecv)));
}

void ConnectionTable::mark_resumed(Connection& connection) {
  if (connection.resumed_) return;
  connection.resumed_ = true;
  resumed_.push_back(connection.id_);
}

void ConnectionTable::feed_unread(Connection& connection, Instant now) {
  const auto it = unread_.find(connection.id_.index);
  if (it != unread_.end()) {
    const std::string bytes = std::move(it->second);
    unread_.erase(it);
    take_input(connection, bytes, now);
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

// --- time ----------------------------------------------------------------------------------------

// Moves the timer only forward in urgency. A timer that fires too early finds nothing due and is
// armed again: cheaper than moving it at every send.
void ConnectionTable::arm_timer(Connection& connection) {
  const Instant earliest = std::min(connection.protocol_deadline_, connection.send_deadline_);
  if (earliest == Instant::never()) return;
  if (connection.armed() && connection.deadline() <= earliest) return;
  reactor_.timers().arm(connection, earliest, *this);
}

void ConnectionTable::on_timer(Timer& timer, Instant now) {
  auto& connection = static_cast<Connection&>(timer);
  CHECK(!connection.closing());
  if (connection.send_deadline_ <= now) {
    // Who was told goodbye already has been counted for what it was told.
    if (!connection.sealed_) ++metrics_.slow_disconnects_total;
    begin_close(connection, now);
    return;
  }
  if (connection.protocol_deadline_ <= now) {
    connection.protocol_deadline_ = Instant::never();
    if (connection.state_ == Connection::State::kFlushing) {
      begin_close(connection, now);
      return;
    }
    connection.protocol_->on_deadline(now);
  }
  if (!connection.closing()) arm_timer(connection);
}

// --- closing -------------------------------------------------------------------------------------

void ConnectionTable::flushed(Connection& connection, Instant now) {
  if (connection.ended_ || connection.linger_ == Duration{}) {
    begin_close(connection, now);
    return;
  }
  connection.lingering_ = true;
  connection.protocol_deadline_ = now + connection.linger_;
  arm_timer(connection);
}

void ConnectionTable::begin_close(Connection& connection, Instant now) {
  if (connection.closing()) return;
  connection.state_ = Connection::State::kClosing;
  reactor_.timers().cancel(connection);
  unread_.erase(connection.id_.index);
  if (connection.protocol_ != nullptr) connection.protocol_->on_closing(now);
  cancel_recv(connection);
  if (connection.send_in_flight_) {
    connection.send_cancel_in_flight_ = true;
    reactor_.ring().submit(
        Op::cancel(tag(connection, OpKind::kCancelSend), tag(connection, OpKind::kSend)));
  }
  if (mutated(Mutant::kBufferReleasedInFlight)) drop_queue(connection);
  join(connection);
}

void ConnectionTable::join(Connection& connection) {
  if (connection.recv_armed_ && !mutated(Mutant::kCloseBeforeJoin)) return;
  if (connection.send_in_flight_) return;
  if (connection.recv_cancel_in_flight_ || connection.send_cancel_in_flight_) return;
  if (connection.close_in_flight_) return;
  drop_queue(connection);
  connection.close_in_flight_ = true;
  reactor_.ring().submit(Op::close(tag(connection, OpKind::kClose), connection.file_));
}

void ConnectionTable::flush(Instant now) {
  flush_resumed(now);
  rearm_parked();
  flush_dirty(now);
}

// Who waits for what nobody else will bring about must not wait for the next event.
bool ConnectionTable::unfinished() const {
  return !resumed_.empty() || !dirty_.empty() || (!parked_.empty() && free_buffers() > 0);
}

}  // namespace millrace
