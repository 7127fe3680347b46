// The accepting half of a listening socket on one shard: a bank of single-shot accepts.
//
// Each accept in the bank has its own address, so that every connection's peer is known (a
// multishot accept would share one). Errors (no slot, no descriptor, no memory) back off from 10 ms
// to 1 s, so that a full table costs nothing while it is full.
//
// Owner: the server of a shard. The socket is borrowed; it is closed by its owner after stop() has
// joined: idle().
#pragma once

#include <array>
#include <cstdint>
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

// All listeners of a shard: they share the operation kind, so one object routes for them.
class ListenerSet final : public CompletionHandler, public TimerHandler {
 public:
  static constexpr std::uint32_t kBank = 64;  // accepts in flight a listener
  static constexpr Duration kShortestBackoff = milliseconds(10);
  static constexpr Duration kLongestBackoff = seconds(1);

  ListenerSet(Reactor& reactor, AcceptHandler& handler, ShardMetrics& metrics);
  ~ListenerSet();  // REQUIRES: idle()
  ListenerSet(const ListenerSet&) = delete;
  ListenerSet& operator=(const ListenerSet&) = delete;

  // Adds a listening socket and arms its bank. Returns its number, which on_accept() names.
  std::uint32_t add(int fd);
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
  void back_off(Instant now);

  Reactor& reactor_;
  AcceptHandler& handler_;
  ShardMetrics& metrics_;
  std::vector<std::unique_ptr<Accept>> accepts_;  // stable addresses: the kernel writes into them
  std::uint32_t listeners_ = 0;
  std::uint32_t in_flight_ = 0;  // accepts and cancels
  Timer backoff_timer_;
  Duration backoff_ = kShortestBackoff;
  bool stopping_ = false;
};

}  // namespace millrace
