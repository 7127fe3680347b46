#include "net/session/pending_grants.h"

#include <utility>

#include "core/base/assert.h"

namespace millrace {

void PendingGrants::add(SubscriberId who, Bytes channel, std::uint64_t order) {
  CHECK(waiter_ != nullptr);
  pending_[who].push_back({std::string(channel), order});
}

void PendingGrants::settle(SubscriberId who, Bytes channel, std::optional<ErrorCode> failed) {
  const auto found = pending_.find(who);
  if (found == pending_.end()) return;
  std::vector<std::uint64_t> settled;
  std::erase_if(found->second, [&](const Pending& each) {
    if (each.channel != channel) return false;
    settled.push_back(each.order);
    return true;
  });
  if (found->second.empty()) pending_.erase(found);
  for (const std::uint64_t order : settled) waiter_->on_granted(order, failed);
}

void PendingGrants::settle_all(SubscriberId who) {
  const auto found = pending_.find(who);
  if (found == pending_.end()) return;
  const std::vector<Pending> gone = std::move(found->second);
  pending_.erase(found);
  for (const Pending& each : gone) waiter_->on_granted(each.order, {});
}

}  // namespace millrace
