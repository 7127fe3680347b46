#include "net/auth/token_maker.h"

#include <gtest/gtest.h>

#include "net/auth/token_verifier.h"
#include "tests/unit/net/auth/token_test_keys.h"

namespace millrace {
namespace {

using test::kNow;
using test::kSecret;

TokenVerifier verifier(const TokenOrder& order) {
  TokenSettings settings;
  settings.hmac_secret = kSecret;
  auto keys = TokenKeys::load(settings);
  return {std::make_shared<const TokenKeys>(std::move(*keys)), {order.audience, order.issuer}};
}

TEST(TokenMaker, MakesWhatTheVerifierReads) {
  TokenOrder order;
  order.user = "ann \"\\\n\xc3\xa4";
  order.channels = {"news", "game:1"};
  order.info = R"({"name":"Ann"})";
  order.token_id = "t1";
  order.audience = "me";
  order.issuer = "us";
  order.issued_at = kNow;
  order.lifetime = 60;
  const auto token = make_token(order, kSecret);
  ASSERT_TRUE(token.ok()) << token.error().text;
  const auto claims = verifier(order).connect(*token, kNow + 59);
  ASSERT_TRUE(claims.ok());
  EXPECT_EQ(claims->user, order.user);
  EXPECT_EQ(claims->token_id, "t1");
  EXPECT_EQ(claims->info, order.info);
  EXPECT_EQ(claims->subs.size(), 2U);
  EXPECT_EQ(claims->times.expires_at, kNow + 60);
  EXPECT_EQ(verifier(order).connect(*token, kNow + 60).error(), TokenError::kExpired);
}

TEST(TokenMaker, MakesTokensToSubscribeWith) {
  TokenOrder order;
  order.channel = "news";
  order.issued_at = kNow;
  const auto token = make_token(order, kSecret);
  ASSERT_TRUE(token.ok());
  EXPECT_EQ(verifier(order).subscribe(*token, kNow)->sub.channel, "news");
}

TEST(TokenMaker, RefusesWhatTheServerWouldRefuse) {
  const auto error = [](auto change) {
    TokenOrder order;
    order.issued_at = kNow;
    change(order);
    const auto token = make_token(order, kSecret);
    return token.ok() ? "" : token.error().text;
  };
  EXPECT_EQ(error([](auto&) {}), "");
  EXPECT_NE(error([](auto& o) { o.user = std::string(256, 'u'); }), "");
  EXPECT_NE(error([](auto& o) { o.channel = "a..b"; }), "");
  EXPECT_NE(error([](auto& o) { o.channel = ""; }), "");
  EXPECT_NE(error([](auto& o) { o.channels = {""}; }), "");
  EXPECT_NE(error([](auto& o) { o.channel = "a", o.channels = {"b"}; }), "");
  EXPECT_NE(error([](auto& o) { o.lifetime = 0; }), "");
  EXPECT_NE(error([](auto& o) { o.lifetime = INT64_MAX; }), "");
  EXPECT_NE(error([](auto& o) { o.info = "{"; }), "");
  EXPECT_NE(error([](auto& o) { o.info = "1},\"exp\":9"; }), "");
  EXPECT_NE(error([](auto& o) { o.info = '"' + std::string(20'000, 'x') + '"'; }), "");
}

}  // namespace
}  // namespace millrace
