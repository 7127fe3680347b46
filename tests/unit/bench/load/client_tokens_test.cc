#include "bench/load/client_tokens.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>

#include "net/auth/token_verifier.h"

namespace millrace::load {
namespace {

const std::string kSecret = "a-secret-that-is-only-for-tests-0123456789";
constexpr std::int64_t kNow = 1'800'000'000;

TEST(ClientTokens, TheServerTakesThemAndTellsThemApart) {
  TokenSettings settings;
  settings.hmac_secret = kSecret;
  auto keys = TokenKeys::load(settings);
  ASSERT_TRUE(keys.ok());
  TokenVerifier verifier(std::make_shared<const TokenKeys>(std::move(*keys)), {});
  const ClientTokens tokens(kSecret, kNow);
  ASSERT_TRUE(tokens.any());
  for (const std::uint32_t client : {0U, 1U, 999'999U, UINT32_MAX}) {
    const auto claims = verifier.connect(tokens.token(client), kNow);
    ASSERT_TRUE(claims.ok()) << client;
    EXPECT_EQ(claims->user.size(), 36U);
    EXPECT_EQ(claims->token_id, std::to_string(client));
    EXPECT_EQ(claims->times.expires_at, kNow + ClientTokens::kLifetime);
  }
  EXPECT_NE(tokens.token(1), tokens.token(2));
  EXPECT_EQ(tokens.token(1), tokens.token(1));
}

TEST(ClientTokens, NoneWithoutASecret) { EXPECT_FALSE(ClientTokens().any()); }

}  // namespace
}  // namespace millrace::load
