// How a shard lets its clients go (docs/RESTART.md):
//
//   begin -> grace: nobody new is let into the accept queue, who is in it or half-way is accepted
//         -> telling: the listeners are closed; clients are told one after the other (DrainPace),
//            in random order, what waits for each of them first
//         -> the end: who has not left by now is cut off, and what it was still to get is counted
//
// It is over as soon as nobody is left. A hurry tells all at once, and ends kHurry later.
//
// Owner: a client shard; used on its thread. Invariant: nobody who was accepted is forgotten; an
// accept that was on its way when the listeners stopped is told after the others.
#pragma once

#include <atomic>
#include <cstdint>
#include <vector>

#include "core/base/random.h"
#include "core/shard/reactor.h"
#include "net/server/drain_pace.h"
#include "net/tcp/connection_table.h"
#include "net/tcp/listener.h"

namespace millrace {

// The listening sockets, which are the server's. Called on the shards' threads.
class ListenGate {
 public:
  // Nobody new gets into the shard's queues; whose handshake has begun still does.
  virtual void hold(ShardId shard) = 0;
  // REQUIRES: no accept is in flight on the shard.
  virtual void close(ShardId shard) = 0;

 protected:
  ~ListenGate() = default;
};

// What the drains of all shards share.
struct DrainState {
  std::atomic<bool> asked{false};
  std::atomic<bool> hurry{false};
  ListenGate* gate = nullptr;  // set before the shards start; without one there is nothing to close
  // Of the shards that are done.
  std::atomic<std::uint64_t> told{0};
  std::atomic<std::uint64_t> cut_off{0};
  std::atomic<std::uint64_t> unsent_bytes{0};
};

class Drain final : private TimerHandler {
 public:
  // For handshakes that have begun: the round trip of a client on the other side of the world. A
  // drain that takes less than 20 times as long gives them a twentieth of it.
  static constexpr Duration kLongestGrace = milliseconds(500);
  // From a hurry to the end.
  static constexpr Duration kHurry = seconds(1);

  // All must outlive it.
  Drain(ShardId shard, DrainState& state, Duration timeout, Reactor& reactor,
        ConnectionTable& table, ListenerSet& listeners, Random& random);
  ~Drain();
  Drain(const Drain&) = delete;
  Drain& operator=(const Drain&) = delete;

  // Once a turn: sees what another thread has asked for, and how far things are.
  void look(Instant now);
  // True if the next look() begins something.
  [[nodiscard]] bool wanted() const;
  // The table has taken over one more.
  void adopted(ConnId connection, Instant now);

  // Nothing of the shard's clients and listeners is left.
  [[nodiscard]] bool done() const { return done_; }

 private:
  static constexpr std::int64_t kParts = 20;  // of the time: for the grace, and for the last to go
  static constexpr Duration kStep = milliseconds(20);

  void on_timer(Timer& timer, Instant now) override;
  void begin(Instant now);
  void begin_telling(Instant now);
  void hurry(Instant now);
  void tell_due(Instant now);
  void cut_off(Instant now);
  void finish();

  const ShardId shard_;
  DrainState& state_;
  const Duration timeout_;
  Reactor& reactor_;
  ConnectionTable& table_;
  ListenerSet& listeners_;
  Random& random_;
  Timer timer_;
  Instant end_{};
  DrainPace pace_;
  std::vector<ConnId> order_;  // in which they are told; from next_ on
  std::size_t next_ = 0;
  std::uint64_t told_ = 0;
  std::uint64_t cut_off_ = 0;
  std::uint64_t unsent_before_ = 0;
  bool begun_ = false;
  bool telling_ = false;
  bool hurried_ = false;
  bool closed_ = false;  // the listening sockets
  bool done_ = false;
};

}  // namespace millrace
