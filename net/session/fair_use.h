// How much one connection, and one user, may take. Pure; time is an argument (docs/FAIR_USE.md).
//
// FairUse is the state of a connection, in 8 bytes. Its clocks count in what they give: the clock
// of commands ticks once for each command that comes to be allowed, the clock of errors once for
// each that is forgiven. So that costs are whole numbers and no rounding adds up, and a full budget
// is `burst` ticks. A state holds the tick at which the budget will be full again (the generic cell
// rate algorithm); a tick in the past is a full one.
//
// The ticks wrap, so a state that was not touched for 2^32 commands (99 days at 500 a second), or
// 2^24 errors (194 days), may look a little used for as long as a budget takes to fill.
#pragma once

#include <cstdint>
#include <optional>

#include "core/base/bytes.h"
#include "core/limit/keyed_quota.h"
#include "core/time/instant.h"

namespace millrace {

// The same for all connections; constant. 0 a second, or 0 errors: not limited.
struct FairUseLimits {
  std::uint32_t commands_per_second = 0;
  std::uint32_t commands_burst = 1;  // REQUIRES: > 0
  std::uint32_t errors = 0;          // at once; one is forgiven each second
};

class FairUse {
 public:
  // So many more commands refused than allowed, and the connection is closed.
  static constexpr std::uint32_t kMostRefused = 100;
  // The ends of what FairUseLimits may say.
  static constexpr std::uint32_t kMostCommands = 1'000'000;
  static constexpr std::uint32_t kMostErrors = 1'000'000;

  // Everything to spend. REQUIRES: the limits do not change in its life.
  FairUse(const FairUseLimits& limits, Instant now);

  enum class Verdict : std::uint8_t {
    kAllowed,
    kTooMany,  // error 111 for this command
    kFlood,    // disconnect 3013
  };
  // Asked once for each command but a pong.
  [[nodiscard]] Verdict on_command(const FairUseLimits& limits, Instant now);

  // Asked once for each command that fails, but for error 111. False: disconnect 3509.
  [[nodiscard]] bool on_error(const FairUseLimits& limits, Instant now);

 private:
  static constexpr unsigned kErrorBits = 24;

  std::uint32_t commands_full_at_ = 0;            // in ticks of the commands
  std::uint32_t errors_full_at_ : kErrorBits{0};  // in seconds
  std::uint32_t refused_ : 32 - kErrorBits{0};    // more than allowed ones
};

static_assert(sizeof(FairUse) == 8, "every session holds one (docs/memory.md)");

// A place among the connections of a user, of all shards: 4 bytes of a session. Given back by hand,
// because a pointer to the quota would cost eight more.
class UserSeat {
 public:
  UserSeat() = default;
  UserSeat(const UserSeat&) = delete;
  UserSeat& operator=(const UserSeat&) = delete;
  ~UserSeat();  // REQUIRES: given back

  // False: the user has them all (disconnect 3504). Who is nobody in particular needs none, and
  // without a quota (nullptr) nobody does. REQUIRES: not taken.
  [[nodiscard]] bool take(KeyedQuota* quota, Bytes user);
  // Idempotent. REQUIRES: the quota that it was taken from.
  void give_back(KeyedQuota* quota);

  [[nodiscard]] bool taken() const { return cell_ != kNone; }

 private:
  static constexpr KeyedQuota::Cell kNone = UINT32_MAX;

  KeyedQuota::Cell cell_ = kNone;
};

}  // namespace millrace
