#include "net/auth/revocations.h"

#include <gtest/gtest.h>

namespace millrace {
namespace {

using What = Revocation::What;

TokenFacts facts(Bytes user, std::int64_t issued_at, Bytes token_id = "") {
  return {user, issued_at, token_id_hash(token_id)};
}

TEST(Revocations, OfAUserHoldForTokensIssuedBefore) {
  Revocations table;
  ASSERT_TRUE(table.apply({What::kUser, "ann", 100, 200}, 100).ok());
  EXPECT_TRUE(table.is_revoked(facts("ann", 99), 150));
  EXPECT_FALSE(table.is_revoked(facts("ann", 100), 150));
  EXPECT_TRUE(table.is_revoked(facts("ann", 0), 150));  // iat not said
  EXPECT_FALSE(table.is_revoked(facts("ben", 99), 150));
  EXPECT_TRUE(table.is_revoked(facts("ann", 99), 199));
  EXPECT_FALSE(table.is_revoked(facts("ann", 99), 200));
}

TEST(Revocations, OfATokenHoldForItsId) {
  Revocations table;
  ASSERT_TRUE(table.apply({What::kToken, "t1", 0, 200}, 100).ok());
  EXPECT_TRUE(table.is_revoked(facts("ann", 500, "t1"), 199));
  EXPECT_FALSE(table.is_revoked(facts("ann", 500, "t1"), 200));
  EXPECT_FALSE(table.is_revoked(facts("ann", 500, "t2"), 199));
  EXPECT_FALSE(table.is_revoked(facts("ann", 500), 199));
}

TEST(Revocations, OfEverythingOnlyGrow) {
  Revocations table;
  ASSERT_TRUE(table.apply({What::kEverything, "", 100, 0}, 50).ok());
  ASSERT_TRUE(table.apply({What::kEverything, "", 90, 0}, 50).ok());
  EXPECT_TRUE(table.is_revoked(facts("", 99), 1'000'000));
  EXPECT_FALSE(table.is_revoked(facts("", 100), 50));
}

TEST(Revocations, ASecondOneNeverTakesBack) {
  Revocations table;
  ASSERT_TRUE(table.apply({What::kUser, "ann", 100, 300}, 10).ok());
  ASSERT_TRUE(table.apply({What::kUser, "ann", 50, 200}, 10).ok());
  EXPECT_TRUE(table.is_revoked(facts("ann", 99), 299));
  EXPECT_EQ(table.users(), 1U);
}

TEST(Revocations, RefusesWhatIsOverOrHasNoName) {
  Revocations table;
  for (const What what : {What::kUser, What::kToken}) {
    EXPECT_EQ(table.apply({what, "x", 1, 10}, 10).error(), RevokeError::kOver);
    EXPECT_EQ(table.apply({what, "", 1, 20}, 10).error(), RevokeError::kBadName);
    EXPECT_EQ(table.apply({what, std::string(256, 'x'), 1, 20}, 10).error(), RevokeError::kBadName);
  }
  EXPECT_EQ(table, Revocations());
}

TEST(Revocations, AFullTableRefusesAndTimeMakesRoom) {
  for (const What what : {What::kUser, What::kToken}) {
    Revocations table;
    for (std::size_t i = 0; i < kMaxRevokedUsers; ++i) {
      ASSERT_TRUE(table.apply({what, "n" + std::to_string(i), 1, i == 0 ? 20 : 30}, 10).ok());
    }
    EXPECT_EQ(table.apply({what, "more", 1, 30}, 19).error(), RevokeError::kFull);
    // One that is known needs no room.
    EXPECT_TRUE(table.apply({what, "n1", 1, 40}, 19).ok());
    EXPECT_TRUE(table.apply({what, "more", 1, 30}, 20).ok());
    EXPECT_EQ(table.users() + table.tokens(), kMaxRevokedUsers);
    EXPECT_TRUE(table.apply({what, "last", 1, 50}, 30).ok());
    EXPECT_EQ(table.users() + table.tokens(), 2U);
  }
}

TEST(Revocations, CopiesThatAreToldTheSameAgree) {
  Revocations one;
  Revocations two;
  for (Revocations* table : {&one, &two}) {
    for (int i = 0; i < 500; ++i) {
      const auto what = static_cast<What>(i % 3);
      (void)table->apply({what, "n" + std::to_string(i % 40), i, i + i % 60}, i).ok();
    }
  }
  EXPECT_EQ(one, two);
  EXPECT_NE(one, Revocations());
}

TEST(Revocations, ErrorsHaveTexts) {
  for (const RevokeError error : {RevokeError::kFull, RevokeError::kBadName, RevokeError::kOver}) {
    EXPECT_FALSE(revoke_error_text(error).empty());
  }
}

}  // namespace
}  // namespace millrace
