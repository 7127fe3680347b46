#include "net/session/fair_use.h"

#include <utility>

#include "core/base/assert.h"
#include "core/base/hash.h"

namespace millrace {

namespace {

constexpr std::int64_t kSecondNs = seconds(1).ns;

// Whole ticks from the start of time to now, of which `rate` come in a second. Seconds and the rest
// apart, so that no product overflows.
std::uint64_t ticks_at(Instant now, std::uint32_t rate) {
  CHECK_GE(now.ns, 0);
  const auto whole = static_cast<std::uint64_t>(now.ns / kSecondNs);
  const auto rest = static_cast<std::uint64_t>(now.ns % kSecondNs);
  return whole * rate + rest * rate / static_cast<std::uint64_t>(kSecondNs);
}

// Spends one of a budget of `burst`, whose clock of `Bits` bits stands at `now`. False: there is
// none. `full_at` wraps with the clock; what is not at most `burst` ahead of it is in the past.
template <unsigned Bits>
bool spend(std::uint32_t& full_at, std::uint32_t burst, std::uint64_t now) {
  constexpr std::uint32_t kMask = static_cast<std::uint32_t>((std::uint64_t{1} << Bits) - 1);
  const auto tick = static_cast<std::uint32_t>(now) & kMask;
  std::uint32_t ahead = (full_at - tick) & kMask;
  if (ahead > burst) ahead = 0;  // it is full
  if (ahead == burst) return false;
  full_at = (tick + ahead + 1) & kMask;
  return true;
}

}  // namespace

FairUse::FairUse(const FairUseLimits& limits, Instant now)
    : commands_full_at_(static_cast<std::uint32_t>(ticks_at(now, limits.commands_per_second))) {
  CHECK_GT(limits.commands_burst, 0U);
  CHECK_LE(limits.commands_burst, kMostCommands);
  CHECK_LE(limits.commands_per_second, kMostCommands);
  CHECK_LE(limits.errors, kMostErrors);
  errors_full_at_ = static_cast<std::uint32_t>(ticks_at(now, 1)) & ((1U << kErrorBits) - 1);
}

FairUse::Verdict FairUse::on_command(const FairUseLimits& limits, Instant now) {
  if (limits.commands_per_second == 0) return Verdict::kAllowed;
  const std::uint64_t tick = ticks_at(now, limits.commands_per_second);
  if (spend<32>(commands_full_at_, limits.commands_burst, tick)) {
    if (refused_ > 0) refused_ = static_cast<std::uint8_t>(refused_ - 1);
    return Verdict::kAllowed;
  }
  if (refused_ >= kMostRefused) return Verdict::kFlood;
  refused_ = static_cast<std::uint8_t>(refused_ + 1);
  return Verdict::kTooMany;
}

bool FairUse::on_error(const FairUseLimits& limits, Instant now) {
  if (limits.errors == 0) return true;
  std::uint32_t full_at = errors_full_at_;
  const bool forgiven = spend<kErrorBits>(full_at, limits.errors, ticks_at(now, 1));
  errors_full_at_ = full_at & ((1U << kErrorBits) - 1);
  return forgiven;
}

UserSeat::~UserSeat() { CHECK(!taken()); }

bool UserSeat::take(KeyedQuota* quota, Bytes user) {
  CHECK(!taken());
  if (quota == nullptr || user.empty()) return true;
  const std::optional<KeyedQuota::Cell> cell = quota->try_take(hash_bytes(user));
  if (!cell) return false;
  cell_ = *cell;
  return true;
}

void UserSeat::give_back(KeyedQuota* quota) {
  if (!taken()) return;
  CHECK(quota != nullptr);
  quota->give_back(std::exchange(cell_, kNone));
}

}  // namespace millrace
