// Sockets that connect: made by the process, moved into the ring, connected there.
//
//   socket, bind -> take into the ring -> close the process's own -> connect -> given to the taker
//                                                                |-> close, and the cause is told
//
// Owner: a worker, on its thread; must outlive what is in flight (idle()). Limits: `slots` at once;
// an attempt that takes longer than `timeout` is cancelled.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/shard/reactor.h"

namespace millrace::load {

// Gets what became of an attempt: exactly one call for each start().
class ConnectTaker {
 public:
  virtual void on_socket(std::uint32_t ticket, FileSlot file, Instant began, Instant now) = 0;
  virtual void on_connect_failed(std::uint32_t ticket, const std::string& cause, Instant now) = 0;

 protected:
  ~ConnectTaker() = default;
};

class Connector final : private CompletionHandler, private TimerHandler {
 public:
  struct Request {
    std::uint32_t ticket = 0;           // the taker's name for it
    const PeerAddress* from = nullptr;  // nullptr: the kernel picks
    const PeerAddress* to = nullptr;
    bool no_delay = false;  // TCP_NODELAY
    Instant began{};        // when it was due, for the taker
  };

  Connector(Reactor& reactor, ConnectTaker& taker, std::uint32_t slots, Duration timeout);
  ~Connector();  // REQUIRES: idle()
  Connector(const Connector&) = delete;
  Connector& operator=(const Connector&) = delete;

  // REQUIRES: has_room().
  void start(const Request& request, Instant now);
  // Ends what is under way; its taker is told as usual.
  void stop(Instant now);
  [[nodiscard]] bool has_room() const { return !free_.empty(); }
  [[nodiscard]] bool idle() const { return free_.size() == attempts_.size(); }

 private:
  // Of the operations of an attempt; they stand in the tag's generation.
  enum class Step : std::uint8_t { kTake = 1, kConnect, kCancel, kClose };
  struct Attempt {
    TakenSocket socket;  // in flight while taken
    PeerAddress to;      // in flight while connecting
    FileSlot file{};
    std::uint32_t ticket = 0;
    Instant began{};
    Instant started{};
    std::string cause;  // why it failed
    bool busy = false;
    bool connecting = false;
    bool cancelling = false;
    bool ended = false;  // waits for the answer to its cancel only
  };

  void on_completion(const CompletionEvent& event, Instant now) override;
  void on_timer(Timer& timer, Instant now) override;
  void taken(std::uint32_t slot, const CompletionEvent& event, Instant now);
  void connected(std::uint32_t slot, const CompletionEvent& event, Instant now);
  void fail(std::uint32_t slot, const std::string& cause);
  void cancel_late(Instant now);
  void end(std::uint32_t slot);
  static OpTag tag(Step step, std::uint32_t slot);

  Reactor& reactor_;
  ConnectTaker& taker_;
  const Duration timeout_;
  std::vector<Attempt> attempts_;
  std::vector<std::uint32_t> free_;
  Timer timer_;
  bool stopping_ = false;
};

}  // namespace millrace::load
