// The in-memory ring with a fault: the Nth operation or completion of one kind ends with an error.
//
// What is failed keeps to what the kernel may do:
//  - an accept that fails has taken nobody from the queue; it fails when it is submitted;
//  - a receive that fails has delivered what came before, and leaves what comes after in the
//  socket; one of what is ready fails when it is submitted;
//  - a poll that fails has told of what came before;
//  - a send that fails may have reached the peer;
//  - a close or a cancel that reports an error has been done all the same.
//
// Allocations of the ring below are the harness's and never fail (alloc_faults.h).
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <set>

#include "core/ring/ring.h"
#include "tests/support/mem_ring.h"

namespace millrace {

struct RingFault {
  OpKind kind = OpKind::kSend;
  std::uint64_t nth = 0;  // 1-based, over all rings of a world; 0: none
  IoError error = IoError::kOther;
};

// What the rings of a world share: the count goes over all of them.
struct RingFaultPlan {
  RingFault fault;
  std::map<OpKind, std::uint64_t> seen;  // accepts and receives of what is ready: submitted;
                                         // completions of the others
  bool done = false;
  std::uint16_t struck_shard = 0;  // if done

  // Counts one of `kind`; true if it is the one to fail.
  bool strikes(OpKind kind);
};

class FaultRing final : public Ring {
 public:
  // Both must outlive the ring.
  FaultRing(RecvBuffers& buffers, RingFaultPlan& plan);

  void submit(const Op& op) override;
  std::size_t reap(std::span<CompletionEvent> out) override;
  void wait(Duration timeout) override;
  void wake() override { inner_.wake(); }
  [[nodiscard]] const RingStats& stats() const override { return inner_.stats(); }
  void provide_buffer(BufferId id) override;

  // The peers' side.
  [[nodiscard]] MemRing& inner() { return inner_; }
  // True if nothing waits to be reaped or is in flight.
  [[nodiscard]] bool quiet() const { return events_.empty() && inner_.in_flight() == 0; }

 private:
  void pass_on(CompletionEvent event);

  RingFaultPlan& plan_;
  MemRing inner_;
  std::deque<CompletionEvent> events_;
  std::optional<OpTag> failing_;  // a receive or poll that is being cancelled to fail
  std::set<OpTag> counted_;       // in flight, counted when they were submitted
};

}  // namespace millrace
