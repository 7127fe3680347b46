#include "net/server/token_command.h"

#include <gtest/gtest.h>

#include "net/auth/token_verifier.h"
#include "net/server/help_text.h"

namespace millrace {
namespace {

constexpr std::int64_t kNow = 1'800'000'000;
const std::string kSecret = "a-secret-that-is-only-for-tests-0123456789";

TokenCommandResult run(const std::vector<std::string>& words, std::string secret = kSecret) {
  Environment environment;
  if (!secret.empty()) environment["MILLRACE_TOKEN_HMAC_SECRET"] = std::move(secret);
  return run_token_command(words, environment, {kNow, "the-id"});
}

TokenVerifier verifier() {
  TokenSettings settings;
  settings.hmac_secret = kSecret;
  auto keys = TokenKeys::load(settings);
  return {std::make_shared<const TokenKeys>(std::move(*keys)), {}};
}

TEST(TokenCommand, PrintsATokenToConnectWith) {
  const auto result = run({"--user", "ann", "--subs", "a,b", "--subs=c", "--info", "{\"x\":1}"});
  ASSERT_EQ(result.exit_code, 0) << result.error;
  EXPECT_TRUE(result.error.empty());
  ASSERT_TRUE(result.out.ends_with('\n'));
  const auto claims = verifier().connect(result.out.substr(0, result.out.size() - 1), kNow);
  ASSERT_TRUE(claims.ok());
  EXPECT_EQ(claims->user, "ann");
  EXPECT_EQ(claims->token_id, "the-id");
  EXPECT_EQ(claims->subs.size(), 3U);
  EXPECT_EQ(claims->info, "{\"x\":1}");
  EXPECT_EQ(claims->times.expires_at, kNow + 3'600);
}

TEST(TokenCommand, PrintsATokenToSubscribeWith) {
  const auto result = run({"--user=", "--channel", "news:today", "--ttl", "5m"});
  ASSERT_EQ(result.exit_code, 0) << result.error;
  const auto claims = verifier().subscribe(result.out.substr(0, result.out.size() - 1), kNow);
  ASSERT_TRUE(claims.ok());
  EXPECT_EQ(claims->sub.channel, "news:today");
  EXPECT_EQ(claims->times.expires_at, kNow + 300);
}

TEST(TokenCommand, WrongUsageIs64) {
  using Words = std::vector<std::string>;
  for (const Words& words :
       {Words{}, Words{"ann"}, Words{"--usr", "ann"}, Words{"--user"}, Words{"--user", "--ttl"},
        Words{"--user", "a", "--user", "b"}, Words{"--user", "a", "--ttl", "1"},
        Words{"--user", "a", "--ttl", "0s"}, Words{"--user", "a", "--ttl", "999ms"},
        Words{"--user", "a", "--channel", "a..b"}, Words{"--user", "a", "--info", "{"},
        Words{"--user", "a", "--subs", "a,,b"}, Words{"--user", std::string(256, 'u')}}) {
    const auto result = run(words);
    EXPECT_EQ(result.exit_code, 64) << testing::PrintToString(words);
    EXPECT_TRUE(result.out.empty());
    EXPECT_TRUE(result.error.starts_with("millrace: ")) << result.error;
  }
  EXPECT_NE(run({"--usr", "a"}).error.find("nearest known one is --user"), std::string::npos);
}

TEST(TokenCommand, WrongConfigurationIs78) {
  const auto none = run({"--user", "a"}, "");
  EXPECT_EQ(none.exit_code, 78);
  EXPECT_NE(none.error.find("hmac_secret is not set"), std::string::npos);
  const auto weak = run({"--user", "a"}, "hush");
  EXPECT_EQ(weak.exit_code, 78);
  EXPECT_EQ(weak.error.find("hush"), std::string::npos);
  EXPECT_EQ(run({"--user", "a", "--config", "/nowhere/millrace.toml"}).exit_code, 78);
}

TEST(TokenCommand, Helps) {
  EXPECT_EQ(run({"--help"}).out, token_help());
  EXPECT_EQ(run({"--user", "-h"}).exit_code, 0);
}

}  // namespace
}  // namespace millrace
