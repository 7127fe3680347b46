#include "tests/faults/fault_ring.h"

#include <array>

#include "core/base/shard_check.h"
#include "tests/faults/alloc_faults.h"

namespace millrace {
namespace {

// The cancel that ends a receive for us; the server knows nothing of it.
constexpr OpTag kOurCancel{OpKind::kCancel, 0, UINT32_MAX};

}  // namespace

bool RingFaultPlan::strikes(OpKind kind) {
  const bool now = ++seen[kind] >= fault.nth && fault.nth > 0 && kind == fault.kind && !done;
  done = done || now;
  if (now) struck_shard = this_shard().value;
  return now;
}

FaultRing::FaultRing(RecvBuffers& buffers, RingFaultPlan& plan)
    : plan_(plan), inner_(buffers, 256) {
  buffers.attach(*this);
}

void FaultRing::submit(const Op& op) {
  const AllocFaults::Suspended harness;
  if (op.code == Op::Code::kAccept || op.code == Op::Code::kRecvReady) {
    if (plan_.strikes(op.tag.kind)) {
      events_.push_back({.tag = op.tag, .error = plan_.fault.error, .buffer = {}});
      return;
    }
    counted_.insert(op.tag);
  }
  inner_.submit(op);
}

void FaultRing::pass_on(CompletionEvent event) {
  if (event.tag == kOurCancel) return;
  if (failing_ == event.tag && !event.more) {
    // It may have ended by itself meanwhile.
    if (event.error == IoError::kCanceled) event.error = plan_.fault.error;
    failing_.reset();
  } else if (counted_.erase(event.tag) == 0 && plan_.strikes(event.tag.kind)) {
    if (event.more) {
      failing_ = event.tag;
      inner_.submit(Op::cancel(kOurCancel, event.tag));
    } else if (!event.buffer) {
      event.error = plan_.fault.error;
      event.result = 0;
    } else {
      plan_.done = false;  // the last piece of a receive has data, and so no error: the next one
    }
  }
  events_.push_back(event);
}

std::size_t FaultRing::reap(std::span<CompletionEvent> out) {
  const AllocFaults::Suspended harness;
  std::array<CompletionEvent, 64> batch;
  for (std::size_t got = inner_.reap(batch); got > 0; got = inner_.reap(batch)) {
    for (std::size_t i = 0; i < got; ++i) pass_on(batch[i]);
  }
  std::size_t taken = 0;
  while (taken < out.size() && !events_.empty()) {
    out[taken++] = events_.front();
    events_.pop_front();
  }
  return taken;
}

void FaultRing::wait(Duration timeout) {
  const AllocFaults::Suspended harness;
  inner_.wait(timeout);
}

void FaultRing::provide_buffer(BufferId id) {
  const AllocFaults::Suspended harness;
  inner_.provide_buffer(id);
}

}  // namespace millrace
