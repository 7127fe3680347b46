// The sending half of the table: queues, one gathered send a turn, and what its completion brings.
#include <utility>

#include "core/base/assert.h"
#include "core/base/mutant.h"
#include "net/tcp/connection_table.h"

namespace millrace {

void ConnectionTable::queue(Connection& connection, const SharedBytes& bytes) {
  if (connection.queue_ == nullptr) connection.queue_ = send_queues_.take();
  connection.queue_->push(bytes);
  metrics_.queued_bytes += bytes.size();
  mark_dirty(connection);
}

void ConnectionTable::mark_dirty(Connection& connection) {
  if (connection.dirty_) return;
  connection.dirty_ = true;
  dirty_.push_back(connection.id_);
}

void ConnectionTable::flush_dirty(Instant now) {
  std::vector<ConnId> batch;
  batch.swap(dirty_);
  for (const ConnId id : batch) {
    Connection* connection = connections_.find(id);
    if (connection == nullptr) continue;
    connection->dirty_ = false;
    if (connection->closing()) continue;
    if (connection->overflowed_) evict(*connection, now);
    submit_send(*connection, now);
  }
  // Keep the list's memory for the next turn.
  batch.clear();
  if (dirty_.empty()) dirty_.swap(batch);
}

void ConnectionTable::evict(Connection& connection, Instant now) {
  connection.overflowed_ = false;
  // Who has begun to say goodbye meanwhile goes on with it: what is queued fits.
  if (!connection.open() || connection.sealed_) return;
  ++metrics_.slow_disconnects_total;
  if (connection.queue_ != nullptr) {
    const std::size_t before = connection.queue_->bytes();
    connection.queue_->drop_unsent(connection.send_in_flight_);
    metrics_.queued_bytes -= before - connection.queue_->bytes();
    metrics_.unsent_bytes_total += before - connection.queue_->bytes();
    if (connection.queue_->empty()) send_queues_.give_back(std::move(connection.queue_));
  }
  connection.protocol_->on_too_slow(now);
}

void ConnectionTable::submit_send(Connection& connection, Instant now) {
  if (connection.closing() || connection.send_in_flight_) return;
  if (connection.queue_ == nullptr || connection.queue_->empty()) return;
  connection.send_in_flight_ = true;
  connection.queue_->set_deadline(now + limits_.send_timeout);
  ++metrics_.sends_total;
  const SendQueue::Gathered gathered = connection.queue_->gather();
  const OpTag name = tag(connection, OpKind::kSend);
  if (gathered.message != nullptr) {
    reactor_.ring().submit(Op::send_gather(name, connection.file_, *gathered.message));
  } else {
    reactor_.ring().submit(Op::send(name, connection.file_, gathered.single));
  }
  arm_timer(connection);
}

void ConnectionTable::drop_queue(Connection& connection) {
  if (connection.queue_ == nullptr) return;
  metrics_.queued_bytes -= connection.queue_->bytes();
  metrics_.unsent_bytes_total += connection.queue_->bytes();
  connection.queue_->clear();
  send_queues_.give_back(std::move(connection.queue_));
}

void ConnectionTable::on_send(Connection& connection, const CompletionEvent& event, Instant now) {
  CHECK(connection.send_in_flight_);
  connection.send_in_flight_ = false;
  if (connection.closing()) {
    join(connection);
    return;
  }
  if (event.error != IoError::kNone) {
    ++metrics_.io_errors_total;
    begin_close(connection, now);
    return;
  }
  SendQueue& queue = *connection.queue_;
  queue.set_deadline(Instant::never());
  const std::size_t gathered = queue.gathered_bytes();
  const std::size_t sent = mutated(Mutant::kShortSendIgnored) ? gathered : event.result;
  if (sent < gathered) ++metrics_.short_sends_total;
  queue.advance(sent);
  metrics_.bytes_sent_total += sent;
  metrics_.queued_bytes -= sent;
  if (!queue.empty()) {
    mark_dirty(connection);
  } else {
    send_queues_.give_back(std::move(connection.queue_));
  }
  if (connection.open()) {
    connection.protocol_->on_sent(now);
  } else if (connection.queue_ == nullptr) {
    flushed(connection, now);
  }
}

}  // namespace millrace
