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
  EXPECT_EQ(nobody.info(), "");
  EXPECT_EQ(nobody.expiry(), Expiry{Expiry::kNever});
  EXPECT_EQ(nobody.issued_at(), 0U);
  EXPECT_EQ(nobody.token_hash(), 0U);
  EXPECT_FALSE(nobody.proven());
}

TEST(Identity, KeepsWhatItIsGiven) {
  const std::string user = "6f1c7a52-98e6-4f5e-9d1a-2b3c4d5e6f70";
  const auto made = Identity::make({.user = user,
                                    .info = R"({"a":1})",
                                    .expiry = {1'800'000'000},
                                    .issued_at = 1'700'000'000,
                                    .token_hash = 0x89abcdefU});
  ASSERT_TRUE(made);
  EXPECT_TRUE(made->proven());
  EXPECT_EQ(made->user(), user);
  EXPECT_EQ(made->info(), R"({"a":1})");
  EXPECT_EQ(made->expiry().seconds, 1'800'000'000U);
  EXPECT_EQ(made->issued_at(), 1'700'000'000U);
  EXPECT_EQ(made->token_hash(), 0x89abcdefU);
}

// A token may name nobody and yet be one.
TEST(Identity, OfNothingIsStillProven) {
  const auto made = Identity::make({});
  ASSERT_TRUE(made);
  EXPECT_TRUE(made->proven());
  EXPECT_EQ(made->user(), "");
  EXPECT_TRUE(made->expiry().never());
}

TEST(Identity, AnInfoHasALimitAndIsPaidByWhoHasOne) {
  for (const std::size_t size : {std::size_t{1}, std::size_t{65'534}, Identity::kMaxInfo}) {
    const std::string info(size, 'i');
    const auto made = Identity::make({.user = "anna", .info = info, .token_hash = 9});
    ASSERT_TRUE(made) << size;
    EXPECT_EQ(made->user(), "anna");
    EXPECT_EQ(made->info(), info);
    EXPECT_EQ(made->token_hash(), 9U);
  }
  EXPECT_FALSE(Identity::make({.info = std::string(Identity::kMaxInfo + 1, 'i')}));
  const std::string user(36, 'u');
  const std::int64_t before = allocated_bytes();
  const auto without = Identity::make({.user = user, .expiry = {7}});
  EXPECT_LE(allocated_bytes() - before, 64) << "one allocation of 48, with the allocator's own";
}

TEST(Expiry, IsASecondOfTheShardsClock) {
  const Instant now{5'500'000'000};
  EXPECT_TRUE(Expiry::of_calendar(0, 1'000, now).never());
  const Expiry ten = Expiry::of_calendar(1'010, 1'000, now);
  EXPECT_EQ(ten.seconds, 16U) << "not before it: 15.5 s";
  EXPECT_EQ(ten.instant().ns, 16'000'000'000);
  EXPECT_EQ(Expiry::of_calendar(1'000, 1'000, now).seconds, 6U);
  EXPECT_EQ(Expiry::of_calendar(996, 1'000, now).seconds, 2U);
  EXPECT_EQ(Expiry::of_calendar(1, 1'800'000'000, now).seconds, 0U) << "long over, and not never";
  EXPECT_TRUE(Expiry::of_calendar(INT64_MAX, 1'000, now).never());
  EXPECT_EQ(Expiry::at(Instant{-1'000'000'000}).seconds, 0U);
}

TEST(Identity, AUserIdHasALimitAndMayHoldAnyByte) {
  for (const std::size_t size : {0U, 1U, 36U, 254U, 255U}) {
    std::string user(size, '\0');
    if (size > 0) user.back() = 'x';
    const auto made =
        Identity::make({.user = user, .token_hash = static_cast<std::uint32_t>(size)});
    ASSERT_TRUE(made) << size;
    EXPECT_EQ(made->user(), user);
    EXPECT_EQ(made->token_hash(), size);
  }
  EXPECT_FALSE(Identity::make({.user = std::string(256, 'u')}));
}

TEST(Identity, MovesAndLeavesNobody) {
  Identity first = *Identity::make({.user = "anna", .expiry = {7}});
  Identity second = std::move(first);
  EXPECT_EQ(first.user(), "");  // NOLINT: what is left is what is tested
  EXPECT_EQ(second.user(), "anna");
  first = *Identity::make({.user = "bert", .expiry = {8}});
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
