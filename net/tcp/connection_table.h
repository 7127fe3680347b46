// The connections of one shard: slots, completions, timers, and the gathered sends of a turn.
//
// The table routes each completion to its connection, keeps the lists of those that have something
// to do at the end of the turn (send, receive again, be fed again, be evicted), and joins the
// closing.
//
// Owner: the server of a shard; used on its thread. Limits: `capacity` slots; the queue's byte
// limit and the send deadline of ConnectionLimits.
#pragma once

#include <deque>
#include <functional>
#include <string>
#include <unordered_map>
#include <vector>

#include "core/limit/quota.h"
#include "core/mem/recv_buffers.h"
#include "core/mem/slab.h"
#include "core/metrics/shard_metrics.h"
#include "core/shard/reactor.h"
#include "net/tcp/connection.h"

namespace millrace {

struct ConnectionLimits {
  std::uint32_t capacity = 1'024;         // slots
  std::size_t queue_bytes = 1024 * 1024;  // of one connection's send queue
  Duration send_timeout = seconds(10);    // without progress of a send
  // From the wish to close to the last byte: a peer that takes one byte now and then makes
  // progress, but not for ever.
  Duration flush_timeout = seconds(30);
};

// This many inputs, each less than kQuietAfter behind the one before, make a connection busy. A
// client that connects and subscribes to a few channels has fewer, and then pings.
inline constexpr std::uint8_t kBusyInputs = 8;
// Without an input for so long, a busy connection turns quiet when its timer next fires: at its
// ping, since a timer for this alone would cost each busy connection more than it saves.
inline constexpr Duration kQuietAfter = seconds(1);

// Told when a connection's slot and socket are free again.
class SlotObserver {
 public:
  virtual void on_slot_free(ConnId id, Instant now) = 0;

 protected:
  ~SlotObserver() = default;
};

class ConnectionTable final : public CompletionHandler, public TimerHandler, public TurnEnd {
 public:
  // All must outlive the table. Registers itself with the reactor.
  ConnectionTable(Reactor& reactor, RecvBuffers& buffers, ShardMetrics& metrics,
                  const ConnectionLimits& limits);
  ~ConnectionTable();  // REQUIRES: size() == 0
  ConnectionTable(const ConnectionTable&) = delete;
  ConnectionTable& operator=(const ConnectionTable&) = delete;

  // Takes over an accepted socket, and its unit of the quota if it has one. Its protocol is set by
  // `make`, then it waits for input. False if no slot is free: the socket is closed at once.
  using MakeProtocol = std::function<std::unique_ptr<Protocol>(Connection&)>;
  bool adopt(FileSlot file, const Peer& peer, Units quota, const MakeProtocol& make);

  [[nodiscard]] Connection* find(ConnId id) { return connections_.find(id); }
  // The tenant of a slot; the hub names subscribers by it.
  [[nodiscard]] Connection* find_index(std::uint32_t index) {
    return connections_.find_index(index);
  }
  // Slots are [0, slots()).
  [[nodiscard]] std::uint32_t slots() const { return connections_.slots(); }
  template <typename Fn>
  void for_each(Fn&& fn) {
    connections_.for_each([&](ConnId, Connection& connection) { fn(connection); });
  }

  [[nodiscard]] std::uint32_t size() const { return connections_.size(); }
  // How many more sockets fit.
  [[nodiscard]] std::uint32_t free_slots() const {
    const std::uint32_t used = size() + orphan_closes_;
    return used < limits_.capacity ? limits_.capacity - used : 0;
  }
  [[nodiscard]] std::uint32_t capacity() const { return limits_.capacity; }
  // Before the first adopt(). It must outlive the table.
  void set_observer(SlotObserver& observer) { observer_ = &observer; }
  // True while nothing of this table is in the kernel.
  [[nodiscard]] bool idle() const { return size() == 0 && orphan_closes_ == 0; }
  [[nodiscard]] ShardMetrics& metrics() { return metrics_; }
  [[nodiscard]] Reactor& reactor() { return reactor_; }

  // CompletionHandler, TimerHandler, TurnEnd.
  void on_completion(const CompletionEvent& event, Instant now) override;
  void on_timer(Timer& timer, Instant now) override;
  void flush(Instant now) override;
  [[nodiscard]] bool unfinished() const override;

 private:
  friend class Connection;

  // What was received and not taken yet.
  struct Unread {
    std::string bytes;
    std::size_t taken = 0;  // of them
  };

  OpTag tag(const Connection& connection, OpKind kind) const;
  void on_recv(Connection& connection, const CompletionEvent& event, Instant now);
  void on_poll(Connection& connection, const CompletionEvent& event);
  void on_send(Connection& connection, const CompletionEvent& event, Instant now);
  void on_cancelled(Connection& connection, OpKind kind);
  void on_closed(Connection& connection, Instant now);
  void take_input(Connection& connection, Bytes bytes, Instant now);
  // Returns how many bytes the protocol took.
  static std::size_t hand_input(Connection& connection, Bytes bytes, Instant now);
  void feed_unread(Connection& connection, Instant now);
  void end_of_stream(Connection& connection, Instant now);

  void want_recv(Connection& connection);
  void want_poll(Connection& connection);
  void cancel_recv(Connection& connection);
  void cancel_poll(Connection& connection);
  void count_input(Connection& connection, Instant now);
  void turn_busy(Connection& connection);
  void turn_quiet(Connection& connection);
  [[nodiscard]] static bool had_no_input(const Connection& connection, Instant now);
  void submit_send(Connection& connection, Instant now);
  void queue(Connection& connection, const SharedBytes& bytes);
  void drop_queue(Connection& connection);
  void evict(Connection& connection, Instant now);
  void mark_dirty(Connection& connection);
  void mark_resumed(Connection& connection);
  void arm_timer(Connection& connection);
  void move_timer(Connection& connection);
  [[nodiscard]] static bool is_reading(const Connection& connection);
  [[nodiscard]] static Instant send_deadline(const Connection& connection);
  void flushed(Connection& connection, Instant now);
  void begin_close(Connection& connection, Instant now);
  void join(Connection& connection);

  void flush_resumed(Instant now);
  void flush_dirty(Instant now);
  void rearm_parked();
  [[nodiscard]] std::uint32_t free_buffers() const { return buffers_.count() - buffers_.leased(); }

  Reactor& reactor_;
  RecvBuffers& buffers_;
  ShardMetrics& metrics_;
  const ConnectionLimits limits_;
  SlotObserver* observer_ = nullptr;
  Slab<Connection> connections_;
  Units quota_;  // of all connections that are counted, one each
  SendQueuePool send_queues_;
  std::unordered_map<std::uint32_t, Unread> unread_;  // of the paused, by slot
  std::vector<ConnId> dirty_;
  std::vector<ConnId> resumed_;
  std::deque<ConnId> parked_;        // the longest waiting first
  std::uint32_t orphan_closes_ = 0;  // in flight: sockets that got no slot
  std::uint32_t last_orphan_ = 0;    // the number of the latest
};

}  // namespace millrace
