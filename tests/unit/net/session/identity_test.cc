#include "net/session/identity.h"

#include <gtest/gtest.h>

#include <string>
#include <utility>

#include "tests/support/allocated_bytes.h"

namespace millrace {
namespace {

TEST(Identity, NobodyInParticularCostsNothing) {
  const std::int64_t before = allocated_bytes();
  const Identity nobody;
  EXPECT_EQ(allocated_bytes(), before);
  EXPECT_EQ(nobody.user(), "");
  EXPECT_EQ(nobody.expiry(), Expiry{Expiry::kNever});
  EXPECT_EQ(nobody.token_hash(), 0U);
}

TEST(Identity, KeepsWhatItIsGiven) {
  const std::string user = "6f1c7a52-98e6-4f5e-9d1a-2b3c4d5e6f70";
  const auto made = Identity::make(user, Expiry{1'800'000'000}, 0x0123456789abcdefU);
  ASSERT_TRUE(made);
  EXPECT_EQ(made->user(), user);
  EXPECT_EQ(made->expiry().seconds, 1'800'000'000U);
  EXPECT_EQ(made->token_hash(), 0x0123456789abcdefU);
}

TEST(Identity, AUserIdHasALimitAndMayHoldAnyByte) {
  for (const std::size_t size : {0U, 1U, 36U, 254U, 255U}) {
    std::string user(size, '\0');
    if (size > 0) user.back() = 'x';
    const auto made = Identity::make(user, Expiry{}, size);
    ASSERT_TRUE(made) << size;
    EXPECT_EQ(made->user(), user);
    EXPECT_EQ(made->token_hash(), size);
  }
  EXPECT_FALSE(Identity::make(std::string(256, 'u'), Expiry{}, 1));
}

TEST(Identity, MovesAndLeavesNobody) {
  Identity first = *Identity::make("anna", Expiry{7}, 1);
  Identity second = std::move(first);
  EXPECT_EQ(first.user(), "");  // NOLINT: what is left is what is tested
  EXPECT_EQ(second.user(), "anna");
  first = *Identity::make("bert", Expiry{8}, 2);
  second = std::move(first);
  EXPECT_EQ(second.user(), "bert");
  EXPECT_EQ(second.expiry().seconds, 8U);
  EXPECT_EQ(first.user(), "");  // NOLINT: as above
  Identity& itself = second;
  second = std::move(itself);
  EXPECT_EQ(second.user(), "bert");
  second = Identity();
  EXPECT_EQ(second.token_hash(), 0U);
}

}  // namespace
}  // namespace millrace
