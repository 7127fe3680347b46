#include "net/api/revoke_request.h"

#include <gtest/gtest.h>

#include <string>

#include "net/auth/claims_reader.h"
#include "net/auth/token_json.h"

namespace millrace {
namespace {

constexpr std::int64_t kNow = 1'800'000'000;

Result<Revocation> read(const std::string& body) {
  JsonValidator validator;
  return read_revoke_request(validator, body, kNow);
}

TEST(RevokeRequest, AUserUntilNow) {
  const auto user = read(R"({"user":"ann"})");
  ASSERT_TRUE(user.ok());
  EXPECT_EQ(user->what, Revocation::What::kUser);
  EXPECT_EQ(user->name, "ann");
  EXPECT_EQ(user->before, kNow + 1);
  EXPECT_EQ(user->until, kLatestTokenTime);
}

TEST(RevokeRequest, AUserBeforeATime) {
  const auto user =
      read(R"( {"user":"J\u00f6rg", "issued_before": 1799999999.2,"expire_at":1800000060} )");
  ASSERT_TRUE(user.ok());
  EXPECT_EQ(user->name, "J\u00f6rg");
  EXPECT_EQ(user->before, kNow);
  EXPECT_EQ(user->until, kNow + 60);
}

TEST(RevokeRequest, AToken) {
  const auto token = read(R"({"token_id":"t1","expire_at":1800000060})");
  ASSERT_TRUE(token.ok());
  EXPECT_EQ(token->what, Revocation::What::kToken);
  EXPECT_EQ(token->name, "t1");
  EXPECT_EQ(token->until, kNow + 60);
}

TEST(RevokeRequest, EverythingBeforeATime) {
  const auto all = read(R"({"issued_before":1800000000})");
  ASSERT_TRUE(all.ok());
  EXPECT_EQ(all->what, Revocation::What::kEverything);
  EXPECT_EQ(all->before, kNow);
}

// A slip of the pen must not shut everybody out for a day.
TEST(RevokeRequest, NotBeforeATimeThatIsToCome) {
  for (const std::int64_t ahead : {kIssuedLeeway - 1, kIssuedLeeway, kIssuedLeeway + 1}) {
    const auto all = read(R"({"issued_before":)" + std::to_string(kNow + ahead) + "}");
    EXPECT_EQ(all.ok(), ahead <= kIssuedLeeway) << ahead;
  }
}

TEST(RevokeRequest, WhatIsNoOrderIsRefused) {
  for (const char* body : {"",
                           "{",
                           "[]",
                           "1",
                           "null",
                           "{}",
                           R"({"user":1})",
                           R"({"user":null})",
                           R"({"token_id":[]})",
                           R"({"issued_before":"yesterday"})",
                           R"({"issued_before":-1})",
                           R"({"issued_before":1800000000000})",
                           R"({"user":"a","token_id":"b"})",
                           R"({"token_id":"b","issued_before":1})",
                           R"({"issued_before":1,"expire_at":2000000000})",
                           R"({"expire_at":2000000000})",
                           R"({"user":"a","users":"b"})",
                           R"({"user":"a","user":"b"})",
                           R"({"user":"a","issued_before":1,"expire_at":2000000000,"x":1})",
                           R"({"user":"a"}{})",
                           R"({"user":"\ud800"})"}) {
    const auto order = read(body);
    EXPECT_FALSE(order.ok()) << body;
    EXPECT_TRUE(order.ok() || !order.error().text.empty()) << body;
  }
}

}  // namespace
}  // namespace millrace
