// The kernel seam: everything a shard asks of the operating system while it runs goes through here.
//
// Two implementations: UringRing (core/ring/uring.h) and an in-memory one that tests drive
// (tests/support/mem_ring.h). Calls are batch-grained, so that a virtual call costs nothing that
// shows.
//
// Owner: a shard, and only its thread calls, except wake(). Guarantees:
//  1. submit() always takes the operation: if the submission queue is full, it is handed over
//     first, and what the kernel does not take waits in the ring's backlog, in order.
//  2. Each submitted operation gets events, the last with `more` false, kClose and kCancel
//  included.
//  3. Events of one connection's receive come in order; nothing else about order is promised.
#pragma once

#include <cstddef>
#include <span>

#include "core/ring/op.h"
#include "core/time/instant.h"

namespace millrace {

// Plain counters of one ring; read by its shard.
struct RingStats {
  std::uint64_t enters = 0;       // io_uring_enter calls
  std::uint64_t submissions = 0;  // operations handed to the kernel
  std::uint64_t completions = 0;  // events reaped
  std::uint64_t queue_full = 0;   // submit() found the submission queue full
  std::uint64_t overflows = 0;    // turns in which the completion queue had overflown
  std::uint64_t wakes = 0;        // wake-ups taken
};

class Ring : public BufferReturn {
 public:
  virtual ~Ring() = default;

  // Queues an operation. It reaches the kernel at the latest with the next wait().
  virtual void submit(const Op& op) = 0;
  // Takes finished events, at most `out.size()`; 0 when there are none. Runs nothing of ours.
  virtual std::size_t reap(std::span<CompletionEvent> out) = 0;
  // Hands over what is queued and waits until an event is there, wake() is called, or `timeout` has
  // passed. A timeout of zero does not wait.
  virtual void wait(Duration timeout) = 0;
  // Ends a wait() or makes the next one return at once. From any thread; coalesced by the caller.
  virtual void wake() = 0;

  [[nodiscard]] virtual const RingStats& stats() const = 0;
};

}  // namespace millrace
