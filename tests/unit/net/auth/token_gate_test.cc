#include "net/auth/token_gate.h"

#include <gtest/gtest.h>

#include "tests/unit/net/auth/token_test_keys.h"

namespace millrace {
namespace {

using test::hs256;
using test::kNow;
using test::kSecret;

std::shared_ptr<const TokenKeys> keys_of(const std::string& secret) {
  TokenSettings settings;
  settings.hmac_secret = secret;
  auto keys = TokenKeys::load(settings);
  CHECK(keys.ok());
  return std::make_shared<const TokenKeys>(std::move(*keys));
}

class TokenGateTest : public testing::Test {
 protected:
  TokenGateTest() { calendar_.set(kNow); }
  std::string connect(const std::string& claims) {
    const auto verified = gate_.connect(hs256(claims));
    return verified.ok() ? verified->user : std::string(token_error_text(verified.error()));
  }

  ManualCalendar calendar_;
  TokenGate gate_{keys_of(kSecret), {}, calendar_};
};

TEST_F(TokenGateTest, LetsInByTheCalendar) {
  EXPECT_TRUE(gate_.usable());
  EXPECT_EQ(gate_.now(), kNow);
  const std::string claims = R"({"sub":"anna","exp":)" + std::to_string(kNow + 10) + "}";
  EXPECT_EQ(connect(claims), "anna");
  calendar_.set(kNow + 9);
  EXPECT_EQ(connect(claims), "anna");
  calendar_.set(kNow + 10);
  EXPECT_EQ(gate_.connect(hs256(claims)).error(), TokenError::kExpired);
}

TEST_F(TokenGateTest, WithoutKeysNobody) {
  TokenGate closed(std::make_shared<const TokenKeys>(), {}, calendar_);
  EXPECT_FALSE(closed.usable());
  EXPECT_FALSE(closed.connect(hs256("{}")).ok());
  EXPECT_FALSE(closed.subscribe(hs256(R"({"channel":"a"})")).ok());
}

TEST_F(TokenGateTest, OtherKeysHoldFromNowOnAndRevocationsStay) {
  const std::string bad_id = hs256(R"({"sub":"anna","jti":"t1"})");
  ASSERT_TRUE(gate_.revoke({Revocation::What::kToken, "t1", 0, kNow + 1'000}, gate_.now()).ok());
  gate_.use(keys_of("another-secret-of-at-least-32-bytes"), {});
  EXPECT_TRUE(gate_.usable());
  EXPECT_EQ(gate_.connect(hs256(R"({"sub":"anna"})")).error(), TokenError::kBadSignature);
  gate_.use(keys_of(kSecret), {"us", ""});
  EXPECT_EQ(gate_.connect(hs256(R"({"sub":"anna"})")).error(), TokenError::kWrongAudience);
  gate_.use(keys_of(kSecret), {});
  EXPECT_EQ(gate_.connect(bad_id).error(), TokenError::kRevoked);
  gate_.use(std::make_shared<const TokenKeys>(), {});
  EXPECT_FALSE(gate_.usable());
}

TEST_F(TokenGateTest, WhatIsRevokedIsNoLongerGood) {
  const std::string old = R"({"sub":"anna","iat":)" + std::to_string(kNow - 10) + "}";
  const std::string recent = R"({"sub":"anna","iat":)" + std::to_string(kNow) + "}";
  const std::string to_subscribe =
      hs256(R"({"sub":"anna","channel":"a","jti":"t2","iat":)" + std::to_string(kNow - 10) + "}");
  EXPECT_TRUE(gate_.subscribe(to_subscribe).ok());
  ASSERT_TRUE(gate_.revoke({Revocation::What::kUser, "anna", kNow, kNow + 100}, gate_.now()).ok());
  EXPECT_EQ(gate_.connect(hs256(old)).error(), TokenError::kRevoked);
  EXPECT_EQ(gate_.subscribe(to_subscribe).error(), TokenError::kRevoked);
  EXPECT_TRUE(gate_.connect(hs256(recent)).ok());
  EXPECT_EQ(gate_.connect(hs256(R"({"sub":"anna"})")).error(), TokenError::kRevoked)
      << "one that does not say when was issued before";
  EXPECT_TRUE(gate_.connect(hs256(R"({"sub":"bert"})")).ok());
  calendar_.set(kNow + 101);
  EXPECT_TRUE(gate_.connect(hs256(old)).ok()) << "the revocation's time is over";
  ASSERT_TRUE(gate_.revoke({Revocation::What::kEverything, "", kNow + 5, 0}, gate_.now()).ok());
  EXPECT_EQ(gate_.connect(hs256(recent)).error(), TokenError::kRevoked);
}

TEST_F(TokenGateTest, ABadRevocationIsRefused) {
  EXPECT_FALSE(gate_.revoke({Revocation::What::kUser, "", kNow, kNow + 100}, gate_.now()).ok());
  EXPECT_FALSE(gate_.revoke({Revocation::What::kToken, "t1", 0, kNow - 1}, gate_.now()).ok());
}

}  // namespace
}  // namespace millrace
