// One client socket: its state, what the kernel holds of it, and its way out.
//
//   kOpen ---> kFlushing ---> kClosing ---> (slot released)
//     |   close_when_flushed()   ^  terminate(): cancel what is in flight, join, close, join
//     +--------------------------+
//
// What is in flight is a bit each (recv, poll, send, their cancels, close); nothing that the kernel
// may touch is released before its bit is clear, and the slot only after the last. Closing is a
// state plus a join that is entered from every completion.
//
// A connection begins quiet: a poll waits for its input, and each event of it is followed by one
// receive of what is there. One that has input all the time turns busy, and holds a multishot
// receive until a timer of its own finds that it had none for a while (docs/decisions/0007).
//
// A Connection knows bytes. What they mean is its Protocol's business: HTTP until the upgrade,
// WebSocket after. It owns its Protocol; the ConnectionTable owns it; all stay on their shard.
// An idle connection holds no receive buffer and no send queue.
#pragma once

#include <cstdint>
#include <memory>

#include "core/base/ids.h"
#include "core/mem/slab.h"
#include "core/ring/op.h"
#include "core/time/timer_wheel.h"
#include "net/tcp/peer.h"
#include "net/tcp/send_queue.h"

namespace millrace {

class Connection;
class ConnectionTable;
class HubClient;

// What a connection's bytes mean. Called by the table, on the shard; may call the connection back.
class Protocol {
 public:
  virtual ~Protocol() = default;
  // Bytes in order. Not called while reading is paused or after the connection left kOpen. Returns
  // how many it took. If not all, it has paused reading, and gets the others after it resumes.
  [[nodiscard]] virtual std::size_t on_bytes(Bytes bytes, Instant now) = 0;
  // The peer sends nothing more (TCP FIN).
  virtual void on_end_of_stream(Instant now) = 0;
  // The instant given to Connection::set_deadline() has come.
  virtual void on_deadline(Instant now) = 0;
  // A send has ended: the kernel has taken some of what was queued.
  virtual void on_sent(Instant now) = 0;
  // The send queue passed its byte limit. What is not in flight of it has been dropped, so that
  // there is room for a last word.
  virtual void on_too_slow(Instant now) = 0;
  // Once, when the connection begins to close, for whatever reason. No call follows but the
  // destructor.
  virtual void on_closing(Instant now) = 0;
  // Who takes the hub's answers for this connection (core/hub/hub_client.h), if anybody.
  [[nodiscard]] virtual HubClient* hub_client() { return nullptr; }
  // The server drains: say goodbye in this protocol's way and close.
  virtual void on_drain(Instant now) = 0;
};

// It is its own timer: one for all its deadlines.
class Connection : public Timer {
 public:
  static constexpr Duration kMaxLinger = milliseconds(UINT16_MAX);

  Connection(ConnectionTable& table, FileSlot file, const Peer& peer, bool counted);
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  // Queues bytes; they leave in one gathered send at the end of the turn. False if they don't fit
  // behind what is queued already: nothing is queued from then on, and at the end of the turn the
  // protocol is told that its peer is too slow. An empty queue takes a message of any size.
  // Ignored (true) after send_last() and once the connection is closing.
  bool send(const SharedBytes& bytes);
  // Sends what is queued at once instead of at the end of the turn, unless a send is in flight.
  void send_now(Instant now);
  // Queues the last word: it fits in any case, and whatever is sent after it is ignored.
  void send_last(const SharedBytes& bytes);
  // Closes once all that is queued is sent, which has a deadline of its own. Input is dropped from
  // now on, for at most `linger` after the last byte: a close with unread input would reset the
  // connection, and the peer might lose what we sent last. A linger of zero closes at once.
  // REQUIRES: linger <= kMaxLinger.
  void close_when_flushed(Duration linger, Instant now);
  // Closes now; what is queued is dropped.
  void terminate(Instant now);

  // While paused, arriving bytes stay in the kernel, but for the few that were received already:
  // those are copied out of their buffers and handed over at the end of the turn that resumes. A
  // quiet connection's poll goes on.
  void pause_reading();
  void resume_reading();

  // When Protocol::on_deadline() is wanted; Instant::never() for not at all.
  void set_deadline(Instant deadline);
  // What was set, or never() since it came. (deadline() is the timer's, which may be earlier.)
  [[nodiscard]] Instant protocol_deadline() const { return protocol_deadline_; }
  void set_protocol(std::unique_ptr<Protocol> protocol);

  [[nodiscard]] Protocol* protocol() { return protocol_.get(); }
  [[nodiscard]] ConnId id() const { return id_; }
  [[nodiscard]] const Peer& peer() const { return peer_; }
  [[nodiscard]] bool open() const { return state_ == State::kOpen; }
  // A send did not fit, and the protocol is about to be told.
  [[nodiscard]] bool overflowed() const { return overflowed_; }
  [[nodiscard]] bool closing() const { return state_ == State::kClosing; }
  [[nodiscard]] std::size_t queued_bytes() const { return queue_ ? queue_->bytes() : 0; }
  // True while the kernel has bytes of this connection that the peer's side has not taken yet.
  [[nodiscard]] bool sending() const { return send_in_flight_; }

 private:
  friend class ConnectionTable;
  enum class State : std::uint8_t { kOpen, kFlushing, kClosing };

  ConnectionTable& table_;
  std::unique_ptr<Protocol> protocol_;
  std::unique_ptr<SendQueue> queue_;
  // The timer is armed no later than this and the queue's deadline.
  Instant protocol_deadline_ = Instant::never();
  ConnId id_;
  FileSlot file_;
  Peer peer_;
  std::uint16_t last_input_ = 0;  // coarse time: connection_table_receiving.cc
  std::uint16_t linger_ms_ = 0;
  State state_ = State::kOpen;

  // In flight: true exactly while the kernel has it.
  bool recv_armed_ : 1 = false;  // of either kind: multishot if busy, else of what is ready
  bool poll_armed_ : 1 = false;
  bool send_in_flight_ : 1 = false;
  bool recv_cancel_in_flight_ : 1 = false;
  bool poll_cancel_in_flight_ : 1 = false;
  bool send_cancel_in_flight_ : 1 = false;
  bool close_in_flight_ : 1 = false;

  bool busy_ : 1 = false;
  bool look_ : 1 = false;     // quiet: there may be something to read, or the end
  bool ending_ : 1 = false;   // a poll told of the end, which is still to be read
  std::uint8_t run_ : 4 = 0;  // quiet: inputs without a gap, the latest included
  const bool counted_ : 1;    // it has a unit of what the table holds
  bool paused_ : 1 = false;
  bool excused_ : 1 = false;  // its deadline has come, and waits for input that is on its way
  bool parked_ : 1 = false;   // its receive ended for want of a buffer
  bool dirty_ : 1 = false;    // on the table's list for the end of the turn
  bool resumed_ : 1 = false;  // on the table's list of those to be fed again
  bool ended_ : 1 = false;    // the peer's FIN was read
  bool lingering_ : 1 = false;
  bool overflowed_ : 1 = false;  // a message did not fit; to be evicted at the end of the turn
  bool sealed_ : 1 = false;      // the last word is queued
};

// docs/memory.md adds up what a connection costs.
static_assert(sizeof(Connection) == 104, "a million of them: every 8 bytes are 8 MB");
static_assert(Slab<Connection>::slot_bytes() == 112,
              "128 of them fill a size class of the allocator");

}  // namespace millrace
