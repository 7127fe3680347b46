// The kernel under one simulated shard: a Ring whose operations complete when, how and in which
// order the seed decides, within what a kernel may do (core/ring/ring.h).
//
// Like a kernel it is strict about memory, and unlike one it says so: a CHECK fails on a tag in
// flight twice, on two receives, polls or sends of a socket, on a close while something is in
// flight, on bytes or addresses that changed before their operation was over, and on a buffer given
// back twice. A buffer that comes back is overwritten at once: who still reads it reads nonsense.
//
// Order: the receive events of one socket come in order, and so do its poll's; a slot is free again
// when its close has been seen; all else is shuffled.
#pragma once

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "core/mem/recv_buffers.h"
#include "core/ring/ring.h"
#include "tests/sim/faults.h"
#include "tests/sim/scheduler.h"
#include "tests/sim/trace.h"
#include "tests/sim/wire.h"

namespace millrace::sim {

// What the rings of one world share.
struct Machinery {
  Scheduler& scheduler;
  Random& random;
  Faults& faults;
  Trace& trace;
};

class SimRing final : public Ring {
 public:
  // Everything must outlive the ring. `runnable` is called when wait() would return.
  SimRing(Machinery machinery, std::string name, RecvBuffers& buffers, std::uint32_t files,
          std::uint32_t entries, std::function<void()> runnable);
  ~SimRing() override;
  SimRing(const SimRing&) = delete;
  SimRing& operator=(const SimRing&) = delete;

  void submit(const Op& op) override;
  std::size_t reap(std::span<CompletionEvent> out) override;
  // Hands over and remembers how long to sleep; the world does the waiting.
  void wait(Duration timeout) override;
  void wake() override;
  [[nodiscard]] const RingStats& stats() const override { return stats_; }
  void provide_buffer(BufferId id) override;

  // --- The client's side.
  // Waits in the listener's backlog until the shard accepts it.
  void connect(const std::shared_ptr<Wire>& wire);
  void arrived(Wire& wire);   // bytes, FIN or RST
  void consumed(Wire& wire);  // the client has read: there is room again

  // --- What there is to see.
  [[nodiscard]] Duration timeout() const { return timeout_; }
  [[nodiscard]] bool runnable() const { return !ready_.empty() || woken_; }
  [[nodiscard]] bool wake_on_its_way() const { return wakes_flying_ > 0 || woken_; }
  [[nodiscard]] std::size_t open_slots() const { return open_; }
  [[nodiscard]] std::size_t in_flight() const { return in_flight_.size(); }
  [[nodiscard]] std::size_t free_buffers() const { return free_buffers_.size(); }
  // For a trace: what is in flight, by kind.
  [[nodiscard]] std::string in_flight_text() const;

 private:
  struct Flight {
    Op op{};
    bool begun = false;  // the kernel has it
    bool ended = false;  // its last event is on its way
    std::string bytes;   // of a send, as they were when it was submitted
    PeerAddress to{};    // of an ended accept: what its address must still say
    bool filled = false;
    std::uint32_t frees = kNoSlot;  // the slot that is free once the event has been seen
  };
  static constexpr std::uint32_t kNoSlot = UINT32_MAX;

  // How late an event has to be so as not to overtake the one at `last`; it is the last one then.
  Duration behind(Instant& last, Duration late);
  void hand_over();
  void begin(const Op& op);
  void begin_close(const Op& op);
  void begin_cancel(const Op& op);
  void begin_receive(const Op& op);
  void begin_receive_ready(const Op& op);
  void begin_poll(const Op& op);
  void tell_poll(Wire& wire);
  std::pair<BufferId, std::uint32_t> fill_buffer(Wire& wire);
  void begin_send(const Op& op);
  void accept_pending();
  void give(OpTag accept, const std::shared_ptr<Wire>& wire);
  void deliver(Wire& wire);
  bool deliver_piece(Wire& wire);
  void advance_send(Wire& wire);
  bool race(const Flight& flight);
  Flight& flight(OpTag tag);
  Wire& wire_of(FileSlot file);
  void post(OpTag tag, IoError error, bool more, std::uint32_t result, Duration delay,
            std::optional<BufferId> buffer = {});
  void post_poll(OpTag tag, IoError error, bool more, Duration delay);
  void end(OpTag tag, IoError error, std::uint32_t result, std::optional<BufferId> buffer = {});
  void landed(const CompletionEvent& event);
  Duration delay(OpTag tag);
  std::int64_t below(std::int64_t bound) {
    return static_cast<std::int64_t>(m_.random.below(static_cast<std::uint64_t>(bound)));
  }

  Machinery m_;
  const std::string name_;
  RecvBuffers& buffers_;
  const std::uint32_t entries_;
  const std::function<void()> runnable_;
  std::vector<std::shared_ptr<Wire>> files_;  // by slot; null: free
  std::vector<bool> closing_;                 // a slot whose close has not been seen
  std::vector<bool> provided_;                // by buffer: the kernel has it
  std::deque<BufferId> free_buffers_;
  std::deque<Op> queue_;               // submitted, not handed over
  std::map<OpTag, Flight> in_flight_;  // all but cancels
  std::deque<OpTag> accepts_;          // begun and pending
  std::deque<std::shared_ptr<Wire>> backlog_;
  std::deque<CompletionEvent> ready_;
  std::size_t open_ = 0;
  std::uint32_t wakes_flying_ = 0;
  bool woken_ = false;
  bool refused_ = false;
  Instant shortage_until_{};  // of files or memory: every accept fails
  Duration timeout_{};
  RingStats stats_;
};

// The bytes that a send names, as they are now.
std::string bytes_of(const Op& op);

}  // namespace millrace::sim
