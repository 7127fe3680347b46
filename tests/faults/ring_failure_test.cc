// The Nth operation or completion of each kind ends with each error of the ring's: nothing breaks,
// all is given back, and who lost something was told or counted.
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <iostream>
#include <string>

#include "core/base/log.h"
#include "tests/faults/scenarios.h"
#include "tests/faults/sweep.h"

namespace millrace {
namespace {

constexpr std::uint64_t kMostTries = 40;  // of one kind and error in one scenario

struct Kind {
  OpKind kind;
  const char* name;
};
constexpr std::array kKinds = {
    Kind{OpKind::kAccept, "accept"},
    Kind{OpKind::kRecv, "recv"},
    Kind{OpKind::kSend, "send"},
    Kind{OpKind::kClose, "close"},
    Kind{OpKind::kCancel, "cancel of recv"},
    Kind{OpKind::kCancelAccept, "cancel of accept"},
    Kind{OpKind::kCancelSend, "cancel of send"},
    Kind{OpKind::kPoll, "poll"},
    Kind{OpKind::kCancelPoll, "cancel of poll"},
};

struct NamedError {
  IoError error;
  const char* name;
};
constexpr std::array kErrors = {
    NamedError{IoError::kNoBuffers, "kNoBuffers"},   NamedError{IoError::kCanceled, "kCanceled"},
    NamedError{IoError::kDisconnect, "kDisconnect"}, NamedError{IoError::kTableFull, "kTableFull"},
    NamedError{IoError::kNoFiles, "kNoFiles"},       NamedError{IoError::kNoMemory, "kNoMemory"},
    NamedError{IoError::kNotFound, "kNotFound"},     NamedError{IoError::kOther, "kOther"},
};

WorldOutcome play(const Scenario& scenario, const RingFault& fault) {
  FaultWorld world({.allocations = {}, .ring = fault});
  scenario.play(world);
  return world.finish();
}

// Peers lose nothing by it: what failed is done again, or was over.
bool is_harmless(const RingFault& fault) {
  switch (fault.kind) {
    case OpKind::kRecv:
      return fault.error == IoError::kNoBuffers || fault.error == IoError::kCanceled;
    case OpKind::kSend:
      return false;
    case OpKind::kAccept:
    case OpKind::kClose:
    case OpKind::kCancel:
    case OpKind::kCancelAccept:
    case OpKind::kCancelSend:
    case OpKind::kPoll:
    case OpKind::kCancelPoll:
    case OpKind::kTakeSocket:
    case OpKind::kConnect:
      return true;
  }
  return false;
}

bool is_counted_accept(const RingFault& fault) {
  return fault.kind == OpKind::kAccept && fault.error != IoError::kCanceled &&
         fault.error != IoError::kDisconnect;
}

class RingFailure : public testing::TestWithParam<Scenario> {
 protected:
  void SetUp() override { ASSERT_TRUE(set_log_level("error")); }

  void try_one(const RingFault& fault, const WorldOutcome& expected) {
    const WorldOutcome outcome = play(GetParam(), fault);
    EXPECT_TRUE(outcome.op_failed || fault.kind == OpKind::kRecv);
    if (!outcome.op_failed) return;
    // The admin port's own are not served.
    const bool counted = is_counted_accept(fault) && !outcome.op_was_admins;
    EXPECT_EQ(outcome.accept_errors, counted ? 1U : 0U);
    // The admin's pages count operations, and its own connections are in none of them.
    if (outcome.op_was_admins || GetParam().name == std::string("admin_pages")) return;
    // A connection that fails before its peer resets it counts one error, not two.
    const std::uint64_t least = std::max<std::uint64_t>(expected.io_errors, 1);
    EXPECT_TRUE(outcome.received == expected.received ||
                (!is_harmless(fault) && outcome.io_errors >= least));
  }
};

TEST_P(RingFailure, EachKindWithEachError) {
  const WorldOutcome expected = play(GetParam(), {.nth = 0});
  std::uint64_t tried = 0;
  for (const Kind& kind : kKinds) {
    const auto count = expected.ops.find(kind.kind);
    if (count == expected.ops.end()) continue;
    for (const NamedError& error : kErrors) {
      for (const std::uint64_t n : sweep(count->second, kMostTries)) {
        const std::string what = std::string(GetParam().name) + ", " + kind.name + " " +
                                 std::to_string(n) + " ends with " + error.name;
        SCOPED_TRACE(what);
        now_trying(what);
        try_one({kind.kind, n, error.error}, expected);
        if (HasFailure()) return;
        ++tried;
      }
    }
  }
  std::cout << GetParam().name << ": " << tried << " failures of operations\n";
}

INSTANTIATE_TEST_SUITE_P(Scenarios, RingFailure,
                         testing::ValuesIn(scenarios().begin(), scenarios().end()),
                         [](const auto& one) { return std::string(one.param.name); });

}  // namespace
}  // namespace millrace
