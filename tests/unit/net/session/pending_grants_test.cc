#include "net/session/pending_grants.h"

#include <gtest/gtest.h>

namespace millrace {
namespace {

class Waiter final : public GrantWaiter {
 public:
  void on_granted(std::uint64_t order, std::optional<ErrorCode> failed) override {
    told.emplace_back(order, failed);
  }
  std::vector<std::pair<std::uint64_t, std::optional<ErrorCode>>> told;
};

TEST(PendingGrants, AreSettledByChannel) {
  Waiter waiter;
  PendingGrants grants;
  grants.set_waiter(waiter);
  grants.add(1, "a", 10);
  grants.add(1, "b", 11);
  grants.add(1, "a", 12);
  grants.add(2, "a", 13);
  grants.settle(1, "a", ErrorCode::kExpired);
  ASSERT_EQ(waiter.told.size(), 2U);
  EXPECT_EQ(waiter.told[0].first, 10U);
  EXPECT_EQ(waiter.told[1].first, 12U);
  EXPECT_EQ(waiter.told[1].second, ErrorCode::kExpired);
  grants.settle(1, "a");
  grants.settle(3, "a");
  EXPECT_EQ(waiter.told.size(), 2U);
  grants.settle_all(1);
  EXPECT_EQ(waiter.told.back().first, 11U);
  grants.settle_all(1);
  grants.settle(2, "a");
  EXPECT_EQ(waiter.told.size(), 4U);
  EXPECT_EQ(grants.sessions(), 0U);
}

}  // namespace
}  // namespace millrace
