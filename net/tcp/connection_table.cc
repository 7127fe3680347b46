#include "net/tcp/connection_table.h"

#include <algorithm>
#include <utility>

#include "core/base/assert.h"
#include "core/base/mutant.h"

namespace millrace {

namespace {
constexpr Duration kFarBack = seconds(1);
constexpr std::uint32_t kOrphan = UINT32_MAX;  // the tag index of a close without a slot
}  // namespace

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
  reactor_.route(OpKind::kPoll, *this);
  reactor_.route(OpKind::kCancelPoll, *this);
  reactor_.add_turn_end(*this, "sends");
}

ConnectionTable::~ConnectionTable() { CHECK(idle()); }

OpTag ConnectionTable::tag(const Connection& connection, OpKind kind) const {
  return {kind, connection.id_.generation, connection.id_.index};
}

bool ConnectionTable::adopt(FileSlot file, const Peer& peer, Units quota,
                            const MakeProtocol& make) {
  const auto [connection, id] = connections_.acquire(*this, file, peer, static_cast<bool>(quota));
  if (connection == nullptr) {
    ++orphan_closes_;
    // Many may be in flight, each under a tag of its own.
    last_orphan_ = (last_orphan_ + 1) & kGenerationMask;
    reactor_.ring().submit(Op::close({OpKind::kClose, last_orphan_, kOrphan}, file));
    return false;
  }
  connection->id_ = id;
  CHECK_LE(quota.count(), 1U);
  quota_.add(std::move(quota));
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
    case OpKind::kPoll:
      on_poll(*connection, event);
      return;
    case OpKind::kSend:
      on_send(*connection, event, now);
      return;
    case OpKind::kCancel:
    case OpKind::kCancelPoll:
    case OpKind::kCancelSend:
      on_cancelled(*connection, event.tag.kind);
      return;
    case OpKind::kClose:
      on_closed(*connection, now);
      return;
    case OpKind::kAccept:
    case OpKind::kCancelAccept:
    case OpKind::kTakeSocket:
    case OpKind::kConnect:
      break;
  }
  CHECK(false);
}

// A cancel carries no news of its own: what it cancelled tells by its last completion.
void ConnectionTable::on_cancelled(Connection& connection, OpKind kind) {
  if (kind == OpKind::kCancel) {
    CHECK(connection.recv_cancel_in_flight_);
    connection.recv_cancel_in_flight_ = false;
    if (mutated(Mutant::kCancelTakenForEnd)) connection.recv_armed_ = false;
  } else if (kind == OpKind::kCancelPoll) {
    CHECK(connection.poll_cancel_in_flight_);
    connection.poll_cancel_in_flight_ = false;
  } else {
    CHECK(connection.send_cancel_in_flight_);
    connection.send_cancel_in_flight_ = false;
  }
  if (connection.closing()) {
    join(connection);
  } else {
    want_recv(connection);
  }
}

// The descriptor is gone, and nothing else is in flight: the slot is free again.
void ConnectionTable::on_closed(Connection& connection, Instant now) {
  CHECK(connection.close_in_flight_);
  --metrics_.connections;
  if (connection.busy_) --metrics_.busy_connections;
  if (connection.counted_ && !mutated(Mutant::kQuotaLeak)) quota_.give_back(1);
  const ConnId id = connection.id_;
  connections_.release(id);
  if (observer_ != nullptr) observer_->on_slot_free(id, now);
}

// --- time ----------------------------------------------------------------------------------------

// Moves the timer only forward in urgency. A timer that fires too early finds nothing due and is
// armed again: cheaper than moving it at every send.
void ConnectionTable::arm_timer(Connection& connection) {
  const Instant earliest = std::min(connection.protocol_deadline_, send_deadline(connection));
  if (earliest == Instant::never()) return;
  if (connection.armed() && connection.deadline() <= earliest) return;
  reactor_.timers().arm(connection, earliest, *this);
}

// The same, and backwards too if that is far: who has answered its ping is not looked at again
// before the next one. A timer that fires in vain costs two moves through the wheel, and a million
// do.
void ConnectionTable::move_timer(Connection& connection) {
  const Instant earliest = std::min(connection.protocol_deadline_, send_deadline(connection));
  const bool far = earliest != Instant::never() && connection.armed() &&
                   earliest - connection.deadline() > kFarBack;
  if (far) {
    reactor_.timers().arm(connection, earliest, *this);
  } else {
    arm_timer(connection);
  }
}

Instant ConnectionTable::send_deadline(const Connection& connection) {
  return connection.queue_ ? connection.queue_->deadline() : Instant::never();
}

// True if a poll has told of input that has not come yet.
bool ConnectionTable::is_reading(const Connection& connection) {
  return !connection.busy_ && connection.recv_armed_;
}

void ConnectionTable::on_timer(Timer& timer, Instant now) {
  auto& connection = static_cast<Connection&>(timer);
  CHECK(!connection.closing());
  if (send_deadline(connection) <= now) {
    // Who was told goodbye already has been counted for what it was told.
    if (!connection.sealed_) ++metrics_.slow_disconnects_total;
    begin_close(connection, now);
    return;
  }
  if (connection.protocol_deadline_ <= now && is_reading(connection) && !connection.excused_) {
    // Its input, the pong perhaps, is there, and comes with the next turn: but once for a deadline.
    connection.excused_ = true;
    reactor_.timers().arm(connection, now, *this);
    return;
  }
  if (connection.protocol_deadline_ <= now) {
    connection.excused_ = false;
    connection.protocol_deadline_ = Instant::never();
    if (connection.state_ == Connection::State::kFlushing) {
      begin_close(connection, now);
      return;
    }
    connection.protocol_->on_deadline(now);
  }
  if (connection.closing()) return;
  if (connection.busy_ && had_no_input(connection, now)) turn_quiet(connection);
  arm_timer(connection);
}

// --- closing -------------------------------------------------------------------------------------

void ConnectionTable::flushed(Connection& connection, Instant now) {
  if (connection.ended_ || connection.linger_ms_ == 0) {
    begin_close(connection, now);
    return;
  }
  connection.lingering_ = true;
  connection.protocol_deadline_ = now + milliseconds(connection.linger_ms_);
  arm_timer(connection);
}

void ConnectionTable::begin_close(Connection& connection, Instant now) {
  if (connection.closing()) return;
  connection.state_ = Connection::State::kClosing;
  reactor_.timers().cancel(connection);
  unread_.erase(connection.id_.index);
  if (connection.protocol_ != nullptr) connection.protocol_->on_closing(now);
  cancel_recv(connection);
  cancel_poll(connection);
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
  if (connection.poll_armed_ || connection.send_in_flight_) return;
  if (connection.recv_cancel_in_flight_ || connection.poll_cancel_in_flight_) return;
  if (connection.send_cancel_in_flight_) return;
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
