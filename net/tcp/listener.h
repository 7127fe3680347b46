// The accepting half of a listening socket on one shard: a bank of single-shot accepts.
//
// Each accept in the bank has its own address, so that every connection's peer is known (a
// multishot accept would share one). Errors (no slot, no descriptor, no memory) back off from 10 ms
// to half a second, so that a full table costs nothing while it is full. An AcceptGate says how
// many connections may be taken: never more accepts are in flight, and who finds none waits in the
// kernel's queue.
//
// Owner: the server of a shard. The socket is borrowed; it is closed by its owner after stop() has
// joined: idle().
#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <memory>
#include <vector>

#include "core/metrics/shard_metrics.h"
#include "core/shard/reactor.h"
#include "net/tcp/peer.h"

namespace millrace {

class AcceptHandler {
 public:
  // Takes over the socket.
  virtual void on_accept(FileSlot file, const Peer& peer, std::uint32_t listener, Instant now) = 0;

 protected:
  ~AcceptHandler() = default;
};

// What holds accepts back. Each accept that is in flight may end with a connection, so there are
// never more of them than there is room for connections.
class AcceptGate {
 public:
  [[nodiscard]] virtual std::uint32_t room(Instant now) = 0;
  // When there will be more room by time alone; Instant::never() if ListenerSet::resume() tells.
  [[nodiscard]] virtual Instant next_room(Instant now) = 0;

 protected:
  ~AcceptGate() = default;
};

// All listeners of a shard: they share the operation kind, so one object routes for them.
class ListenerSet final : public CompletionHandler, public TimerHandler {
 public:
  static constexpr std::uint32_t kBank = 64;  // accepts in flight a listener
  static constexpr Duration kShortestBackoff = milliseconds(10);
  static constexpr Duration kLongestBackoff = milliseconds(500);

  // Without a gate there is always room. It must outlive the listeners.
  ListenerSet(Reactor& reactor, AcceptHandler& handler, ShardMetrics& metrics,
              AcceptGate* gate = nullptr);
  ~ListenerSet();  // REQUIRES: idle()
  ListenerSet(const ListenerSet&) = delete;
  ListenerSet& operator=(const ListenerSet&) = delete;

  // Adds a listening socket and arms its bank. Returns its number, which on_accept() names.
  // REQUIRES: the gate has room for the banks of all listeners; 0 < bank.
  std::uint32_t add(int fd, std::uint32_t bank = kBank);
  // There may be more room.
  void resume(Instant now) {
    if (!waiting_.empty()) arm_waiting(now);
  }
  // Cancels all accepts. No on_accept() follows, but for those already on their way.
  void stop();
  // True once nothing is in flight.
  [[nodiscard]] bool idle() const { return in_flight_ == 0; }

  void on_completion(const CompletionEvent& event, Instant now) override;
  void on_timer(Timer& timer, Instant now) override;

 private:
  struct Accept {
    PeerAddress peer;
    int fd = -1;
    std::uint32_t listener = 0;
    bool in_flight = false;
    bool cancel_in_flight = false;
    bool held_back = false;  // waits for the back-off to end
  };

  void arm(std::uint32_t index);
  void arm_waiting(Instant now);
  void back_off(Instant now);

  Reactor& reactor_;
  AcceptHandler& handler_;
  ShardMetrics& metrics_;
  AcceptGate* const gate_;
  std::vector<std::unique_ptr<Accept>> accepts_;  // stable addresses: the kernel writes into them
  std::deque<std::uint32_t>
      waiting_;  // for room; the longest waiting first, so listeners take turns
  std::uint32_t listeners_ = 0;
  std::uint32_t armed_ = 0;      // accepts
  std::uint32_t in_flight_ = 0;  // accepts and cancels
  Timer room_timer_;
  Timer backoff_timer_;
  Duration backoff_ = kShortestBackoff;
  bool stopping_ = false;
};

}  // namespace millrace
