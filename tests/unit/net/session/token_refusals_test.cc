// What is counted and logged of tokens that were refused, through whole sessions.
#include "net/session/token_refusals.h"

#include <gtest/gtest.h>

#include <set>

#include "tests/support/session_world.h"

namespace millrace {
namespace {

using World = SessionWorld;

std::string logged(const auto& deeds) {
  testing::internal::CaptureStderr();
  deeds();
  return testing::internal::GetCapturedStderr();
}

std::uint64_t refused(World& world, TokenRefusal cause) {
  return world.metrics().tokens_refused_total[static_cast<std::size_t>(cause)];
}

std::uint64_t all_refused(World& world) {
  std::uint64_t sum = 0;
  for (const std::uint64_t count : world.metrics().tokens_refused_total) sum += count;
  return sum;
}

TEST(TokenRefusals, EveryErrorHasACauseAndEveryCauseAName) {
  std::set<TokenRefusal> causes;
  std::set<std::string> names;
  for (int i = 0; i <= static_cast<int>(TokenError::kRevoked); ++i) {
    causes.insert(token_refusal(static_cast<TokenError>(i)));
  }
  for (const TokenRefusal cause : causes) names.insert(token_refusal_name(cause));
  EXPECT_EQ(causes.size(), kTokenRefusals);
  EXPECT_EQ(names.size(), kTokenRefusals);
}

TEST(TokenRefusals, TheLogSaysWhyAndFromWhereAndNothingOfTheToken) {
  World world;
  const std::string claims = R"({"sub":"anna-of-the-claims","jti":"its-own-name"})";
  const std::string other = std::string(40, 'x');
  const std::string token = sign_hs256(R"({"alg":"HS256"})", claims, other);
  const std::string log = logged([&] {
    const FileSlot file = world.open_websocket();
    EXPECT_EQ(world.ask(file, World::connect(token)), "3500 invalid token");
  });
  const std::string line =
      "warning refused a token from 127.0.0.1:40000 (signature): the token's "
      "signature is wrong; sign with the key that is configured here\n";
  EXPECT_TRUE(log.ends_with(line)) << log;
  EXPECT_EQ(count_of(log, "\n"), 1U) << log;
  for (std::size_t i = 0; i + 8 <= token.size(); ++i) {
    EXPECT_FALSE(holds(log, token.substr(i, 8))) << log;
  }
  EXPECT_FALSE(holds(log, "anna")) << log;
  EXPECT_FALSE(holds(log, "its-own")) << log;
  EXPECT_EQ(refused(world, TokenRefusal::kSignature), 1U);
  EXPECT_EQ(all_refused(world), 1U);
}

TEST(TokenRefusals, AWrongTokenOfAnyKindIsOneLineWithoutABreak) {
  World world;
  const std::string log =
      logged([&] { world.ask(world.open_websocket(), World::connect("x\\ny.z\\u001b[2J.q")); });
  EXPECT_EQ(count_of(log, "\n"), 1U) << log;
  EXPECT_FALSE(holds(log, "[2J")) << log;
  EXPECT_EQ(refused(world, TokenRefusal::kForm), 1U);
}

TEST(TokenRefusals, ACauseHasALineInTenSecondsAndCountsTheRest) {
  World world;
  const auto ask = [&world](const std::string& token) {
    world.ask(world.open_websocket(), World::connect(token));
  };
  const std::string log = logged([&] {
    for (int i = 0; i < 5; ++i) ask("x.y");
    ask(World::lasting("anna", R"(,"exp":5)"));  // another cause, which is not hidden
    world.advance(TokenRefusals::kLogInterval - milliseconds(1));
    ask("x.y");
    world.advance(milliseconds(1));
    ask("x.y");
  });
  EXPECT_EQ(count_of(log, "(form)"), 2U) << log;
  EXPECT_TRUE(holds(log, "(5 more were not logged)\n")) << log;
  EXPECT_TRUE(holds(log,
                    "info refused a token from 127.0.0.1:40000 (expired): the token has "
                    "expired\n"))
      << log;
  EXPECT_EQ(refused(world, TokenRefusal::kForm), 7U);
  EXPECT_EQ(refused(world, TokenRefusal::kExpired), 1U);
}

// Each way by which a token comes, with one that is bad and one that is somebody else's.
TEST(TokenRefusals, EveryCommandWithATokenCounts) {
  World world;
  const auto command = [](const std::string& name, const std::string& token,
                          const std::string& more = "") {
    return R"({"id":3,")" + name + R"(":{"token":")" + token + "\"" + more + "}}";
  };
  const std::string channel = R"(,"channel":"shut:1")";
  const std::string mine = World::lasting("anna", channel);
  std::uint64_t before = 0;
  const auto expect_one_more = [&](const std::string& text, TokenRefusal cause) {
    const FileSlot file = world.open_as("anna");
    ASSERT_TRUE(holds(world.ask(file, command("subscribe", mine, channel)), R"("id":3)"));
    EXPECT_EQ(all_refused(world), before) << "a good token";
    world.ask(file, text);
    EXPECT_EQ(all_refused(world), ++before) << text;
    EXPECT_GT(refused(world, cause), 0U) << text;
  };
  const std::string log = logged([&] {
    using enum TokenRefusal;
    const std::string over = R"(,"expire_at":5)";
    const std::string next = R"(,"channel":"shut:2")";
    expect_one_more(command("refresh", "x.y"), kForm);
    expect_one_more(command("refresh", World::lasting("bert")), kPurpose);
    expect_one_more(command("refresh", World::lasting("anna", over)), kExpired);
    expect_one_more(command("subscribe", "x.y", next), kForm);
    expect_one_more(command("subscribe", World::lasting("bert", next), next), kPurpose);
    expect_one_more(command("subscribe", World::lasting("anna", next + over), next), kExpired);
    expect_one_more(command("sub_refresh", "x.y", channel), kForm);
    expect_one_more(command("sub_refresh", World::lasting("bert", channel), channel), kPurpose);
    expect_one_more(command("sub_refresh", World::lasting("anna", channel + over), channel),
                    kExpired);
  });
  EXPECT_FALSE(holds(log, "bert")) << log;
}

}  // namespace
}  // namespace millrace
