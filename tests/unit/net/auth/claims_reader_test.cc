#include "net/auth/claims_reader.h"

#include <gtest/gtest.h>

namespace millrace {
namespace {

constexpr std::int64_t kNow = 1'800'000'000;

ConnectClaims connect(Bytes json) {
  auto claims = ClaimsReader({}).connect(json, kNow);
  EXPECT_TRUE(claims.ok()) << json << ": " << (claims ? "" : token_error_text(claims.error()));
  return claims ? *claims : ConnectClaims();
}

TEST(ClaimsReader, NothingSaidIsNobodyForEver) {
  const ConnectClaims claims = connect("{}");
  EXPECT_EQ(claims.user, "");
  EXPECT_EQ(claims.times.issued_at, 0);
  EXPECT_EQ(claims.times.expires_at, 0);
  EXPECT_TRUE(claims.subs.empty());
}

TEST(ClaimsReader, ExpireAtIsInTheExpsPlace) {
  EXPECT_EQ(connect(R"({"exp":1800000009})").times.expires_at, kNow + 9);
  EXPECT_EQ(connect(R"({"exp":1800000009,"expire_at":1800000099})").times.expires_at, kNow + 99);
  EXPECT_EQ(connect(R"({"exp":1800000009,"expire_at":0})").times.expires_at, 0);
  // The exp holds for the token all the same.
  EXPECT_EQ(ClaimsReader({}).connect(R"({"exp":1,"expire_at":0})", kNow).error(),
            TokenError::kExpired);
}

TEST(ClaimsReader, TakesJsonAsOneLine) {
  const ConnectClaims claims = connect("{\"info\":{\n\"a\": [1]\r\n},\"meta\":null}");
  EXPECT_EQ(claims.info, "{\"a\": [1]}");
  EXPECT_EQ(claims.meta, "");
  EXPECT_EQ(connect(R"({"info":1,"b64info":"eyJhIjoxfQ=="})").info, R"({"a":1})");
}

TEST(ClaimsReader, SubsWinOverChannels) {
  const ConnectClaims claims = connect(
      R"({"channels":["a","b"],"subs":{"c":{"info":1,"data":{"x":2},"override":{"presence":)"
      R"({"value":true},"join_leave":{"value":false},"force_recovery":{"value":true},)"
      R"("force_push_join_leave":{"value":true}}}}})");
  ASSERT_EQ(claims.subs.size(), 1U);
  EXPECT_EQ(claims.subs[0].channel, "c");
  EXPECT_EQ(claims.subs[0].info, "1");
  EXPECT_EQ(claims.subs[0].data, R"({"x":2})");
  EXPECT_EQ(claims.subs[0].presence, true);
  EXPECT_EQ(claims.subs[0].join_leave, false);
  EXPECT_EQ(claims.subs[0].positioned, std::nullopt);
  EXPECT_EQ(claims.subs[0].recoverable, true);
  EXPECT_EQ(connect(R"({"channels":["a","b","a"]})").subs.size(), 2U);
}

TEST(ClaimsReader, ATokenToSubscribeWith) {
  ClaimsReader reader({});
  const auto claims =
      reader.subscribe(R"({"sub":"ann","channel":"n","jti":"t","info":"i","override":{}})", kNow);
  ASSERT_TRUE(claims.ok());
  EXPECT_EQ(claims->user, "ann");
  EXPECT_EQ(claims->token_id, "t");
  EXPECT_EQ(claims->sub.info, "\"i\"");
  for (const Bytes channel : {"1", "null", "\"\"", "\"a..b\"", "[\"a\"]"}) {
    EXPECT_EQ(reader.subscribe("{\"channel\":" + std::string(channel) + "}", kNow).error(),
              TokenError::kBadChannel);
  }
}

TEST(ClaimsReader, AudienceAndIssuerMustBeTheConfigured) {
  ClaimsReader reader({"me", "us"});
  EXPECT_TRUE(reader.connect(R"({"aud":["x","me"],"iss":"us"})", kNow).ok());
  EXPECT_EQ(reader.connect(R"({"iss":"us"})", kNow).error(), TokenError::kWrongAudience);
  EXPECT_EQ(reader.connect(R"({"aud":"me"})", kNow).error(), TokenError::kWrongIssuer);
}

}  // namespace
}  // namespace millrace
