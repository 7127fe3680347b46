#include "net/tcp/connection.h"

#include <utility>

#include "core/base/assert.h"
#include "core/base/mutant.h"
#include "net/tcp/connection_table.h"

namespace millrace {

Connection::Connection(ConnectionTable& table, FileSlot file, const Peer& peer, bool counted)
    : table_(table), file_(file), peer_(peer), counted_(counted) {}

bool Connection::send(const SharedBytes& bytes) {
  if (state_ != State::kOpen || sealed_) return true;
  if (overflowed_) return false;  // a smaller one behind it would hide the hole
  const std::size_t queued = queued_bytes();
  const bool fits = queued == 0 || queued + bytes.size() <= table_.limits_.queue_bytes;
  if (!fits && !mutated(Mutant::kQueueWithoutLimit)) {
    overflowed_ = true;
    table_.mark_dirty(*this);
    return false;
  }
  table_.queue(*this, bytes);
  return true;
}

void Connection::send_now(Instant now) { table_.submit_send(*this, now); }

void Connection::send_last(const SharedBytes& bytes) {
  if (state_ != State::kOpen || sealed_) return;
  sealed_ = true;
  table_.queue(*this, bytes);
}

void Connection::close_when_flushed(Duration linger, Instant now) {
  if (state_ != State::kOpen) return;
  CHECK(linger <= kMaxLinger);
  state_ = State::kFlushing;
  linger_ms_ = static_cast<std::uint16_t>(linger.to_ms());
  protocol_deadline_ = now + table_.limits_.flush_timeout;
  table_.unread_.erase(id_.index);
  if (paused_) resume_reading();
  if (queue_ == nullptr) {
    table_.flushed(*this, now);
  } else {
    table_.arm_timer(*this);
  }
}

void Connection::terminate(Instant now) { table_.begin_close(*this, now); }

void Connection::pause_reading() {
  if (paused_) return;
  paused_ = true;
  table_.cancel_recv(*this);
}

void Connection::resume_reading() {
  if (!paused_) return;
  paused_ = false;
  table_.mark_resumed(*this);
}

void Connection::set_deadline(Instant deadline) {
  if (state_ != State::kOpen) return;
  protocol_deadline_ = deadline;
  excused_ = false;
  table_.move_timer(*this);
}

void Connection::set_protocol(std::unique_ptr<Protocol> protocol) {
  protocol_ = std::move(protocol);
}

}  // namespace millrace
