// Subscriptions whose token is revoked, while the connection's own is good or there is none.
#include <gtest/gtest.h>

#include "net/session/session.h"
#include "tests/support/session_world.h"

namespace millrace {
namespace {

using World = SessionWorld;
using What = Revocation::What;

constexpr const char* kGone = R"({"push":{"channel":"news","unsubscribe":{"code":2000,"reason":)";
constexpr const char* kAgain = R"({"push":{"channel":"news","unsubscribe":{"code":2500,"reason":)";
constexpr const char* kRefused = R"({"id":9,"error":{"code":103,)";

class SessionRevoked : public testing::Test {
 protected:
  static ClientShardOptions options() {
    ClientShardOptions options = World::options();
    options.sessions.allow_anonymous = true;
    return options;
  }
  static bool revoke(World& world, What what, const std::string& name, std::int64_t before = 0) {
    set_this_shard(ShardId{0});
    return world.shard()
        .desk()
        .revoke({what, name, before, world.calendar() + 1'000}, world.calendar(),
                world.clock().now())
        .ok();
  }
  bool revoke(What what, const std::string& name, std::int64_t before = 0) {
    const bool done = revoke(world_, what, name, before);
    world_.turn();
    return done;
  }
  // Of a token that was issued `age` seconds ago, and has no end.
  std::string token(const std::string& user, const std::string& channel, std::int64_t age,
                    const std::string& more = "") {
    return World::lasting(user, R"(,"channel":")" + channel + R"(","iat":)" +
                                    std::to_string(world_.calendar() - age) + more);
  }
  void subscribe(FileSlot file, const std::string& channel, const std::string& by) {
    const std::string heard =
        world_.ask(file, World::subscribe(2, channel, by.empty() ? "" : World::with_token(by)));
    EXPECT_TRUE(heard.starts_with(R"({"id":2,"subscribe":{)")) << heard;
  }
  std::string refresh(FileSlot file, const std::string& channel, const std::string& by) {
    return world_.ask(
        file, R"({"id":3,"sub_refresh":{"channel":")" + channel + R"(","token":")" + by + R"("}})");
  }
  bool is_in(FileSlot file, const std::string& channel) {
    world_.ask(publisher_, World::publish(4, channel, "1"));
    return holds(world_.heard(file), R"("pub":{)");
  }

  World world_{options()};
  FileSlot publisher_ = world_.open_with(world_.token("writer", 1'000));
};

TEST_F(SessionRevoked, OneTokenEndsItsSubscriptionsAlone) {
  const FileSlot anna = world_.open_as("anna");
  const FileSlot neighbour = world_.open_as("anna");
  const std::string one = token("anna", "news", 0, R"(,"jti":"sub-jti-1")");
  subscribe(anna, "news", one);
  subscribe(anna, "other", token("anna", "other", 0, R"(,"jti":"sub-jti-2")"));
  subscribe(anna, "nameless", token("anna", "nameless", 0));
  subscribe(anna, "open", "");
  subscribe(neighbour, "news", token("anna", "news", 0, R"(,"jti":"sub-jti-2")"));
  ASSERT_TRUE(revoke(What::kToken, "sub-jti-1"));
  const std::string heard = world_.heard(anna);
  EXPECT_TRUE(heard.starts_with(kAgain)) << heard;
  EXPECT_EQ(count_of(heard, "unsubscribe\":{"), 1U) << heard;
  EXPECT_FALSE(is_in(anna, "news"));
  EXPECT_TRUE(is_in(anna, "other"));
  EXPECT_TRUE(is_in(anna, "nameless"));
  EXPECT_TRUE(is_in(anna, "open"));
  EXPECT_TRUE(holds(world_.ask(publisher_, World::subscribe(5, "news")), "subscribe"));
  EXPECT_TRUE(is_in(neighbour, "news"));
  EXPECT_TRUE(
      world_.ask(anna, World::subscribe(9, "news", World::with_token(one))).starts_with(kRefused))
      << "it comes back, and is looked at in full";
}

TEST_F(SessionRevoked, EverythingIsAnonymousSubscribersTokensToo) {
  const FileSlot file = world_.open_client();
  subscribe(file, "news", token("", "news", 3));
  subscribe(file, "silent", World::lasting("", R"(,"channel":"silent")"));
  subscribe(file, "young", token("", "young", 2));
  subscribe(file, "open", "");
  ASSERT_TRUE(revoke(What::kEverything, "", world_.calendar() - 2));
  const std::string heard = world_.heard(file);
  EXPECT_TRUE(heard.starts_with(kGone)) << heard;
  EXPECT_EQ(count_of(heard, R"("code":2000)"), 2U) << heard;
  EXPECT_FALSE(is_in(file, "news"));
  EXPECT_FALSE(is_in(file, "silent")) << "it does not say when it was issued";
  EXPECT_TRUE(is_in(file, "young"));
  EXPECT_TRUE(is_in(file, "open"));
}

TEST_F(SessionRevoked, AUsersOldTokenEndsUnderANewConnection) {
  const auto fresh = [this](const std::string& user) {
    return world_.open_with(world_.token(user, 1'000));
  };
  const FileSlot anna = fresh("anna");
  const FileSlot bert = fresh("bert");
  const FileSlot nobody = world_.open_client();
  for (const auto& [file, user] : {std::pair{anna, "anna"}, {bert, "bert"}, {nobody, ""}}) {
    subscribe(file, "news", token(user, "news", 10));
    subscribe(file, "young", token(user, "young", 5));
  }
  ASSERT_TRUE(revoke(What::kUser, "anna", world_.calendar() - 5));
  EXPECT_TRUE(world_.heard(anna).starts_with(kGone));
  EXPECT_FALSE(is_in(anna, "news"));
  EXPECT_TRUE(is_in(anna, "young"));
  EXPECT_TRUE(is_in(bert, "news"));
  EXPECT_TRUE(is_in(nobody, "news"));
}

TEST_F(SessionRevoked, ANoteWithAnInfoAndAnEndGoesToo) {
  const FileSlot anna = world_.open_as("anna");
  subscribe(anna, "news",
            token("anna", "news", 0,
                  R"(,"info":1,"jti":"t","exp":)" + std::to_string(world_.calendar() + 2)));
  ASSERT_TRUE(revoke(What::kToken, "t"));
  EXPECT_TRUE(world_.heard(anna).starts_with(kAgain));
  subscribe(anna, "news", "");
  world_.advance(seconds(12));
  EXPECT_TRUE(is_in(anna, "news"));
}

TEST_F(SessionRevoked, ASubRefreshIsWhatCounts) {
  const FileSlot anna = world_.open_with(world_.token("anna", 1'000));
  for (const char* channel : {"news", "other"}) {
    subscribe(anna, channel, token("anna", channel, 10, R"(,"jti":"old")"));
  }
  EXPECT_TRUE(holds(refresh(anna, "news", token("anna", "news", 0, R"(,"jti":"new")")), "{}"));
  ASSERT_TRUE(revoke(What::kToken, "old"));
  EXPECT_TRUE(world_.heard(anna).starts_with(R"({"push":{"channel":"other","unsubscribe":)"));
  ASSERT_TRUE(revoke(What::kUser, "anna", world_.calendar()));
  EXPECT_EQ(world_.heard(anna), "");
  EXPECT_TRUE(is_in(anna, "news"));
  ASSERT_TRUE(revoke(What::kToken, "new"));
  EXPECT_TRUE(world_.heard(anna).starts_with(kAgain)) << "the refreshed one can be revoked";
  EXPECT_FALSE(is_in(anna, "news"));
}

// The claim itself stands by the connection's token.
TEST_F(SessionRevoked, AClaimedSubscriptionGoesWithTheConnectionUnlessRefreshed) {
  const auto claimed = [this] {
    return world_.open_with(World::lasting(
        "anna", R"(,"jti":"c","channels":["news"],"iat":)" + std::to_string(world_.calendar())));
  };
  const FileSlot plain = claimed();
  const FileSlot refreshed = claimed();
  EXPECT_TRUE(holds(refresh(refreshed, "news", token("anna", "news", 0, R"(,"jti":"s")")), "{}"));
  ASSERT_TRUE(revoke(What::kToken, "s"));
  EXPECT_EQ(world_.heard(refreshed), "3011 force reconnect");
  EXPECT_EQ(world_.heard(plain), "");
  EXPECT_TRUE(is_in(plain, "news"));
  ASSERT_TRUE(revoke(What::kToken, "c"));
  EXPECT_EQ(world_.heard(plain), "3011 force reconnect");
}

TEST_F(SessionRevoked, AConnectionThatEndsSaysNothingOfItsSubscriptions) {
  const FileSlot anna = world_.open_as("anna");
  subscribe(anna, "news", token("anna", "news", 10));
  ASSERT_TRUE(revoke(What::kUser, "anna", world_.calendar()));
  EXPECT_EQ(world_.heard(anna), "3500 invalid token");
}

// The shard that some channels belong to does not turn meanwhile.
TEST_F(SessionRevoked, APendingOneIsRefused) {
  World world(options(), 2);
  const FileSlot anna = world.open_with(world.token("anna", 1'000));
  constexpr std::size_t kChannels = 16;
  for (std::size_t i = 0; i < kChannels; ++i) {
    const std::string channel = "c" + std::to_string(i);
    const std::string by =
        World::lasting("anna", R"(,"jti":"t","channel":")" + channel + R"(","iat":1)");
    set_this_shard(ShardId{0});
    world.ring().client_send(
        anna, client_frame(Opcode::kText, World::subscribe(9, channel, World::with_token(by))));
  }
  for (int i = 0; i < 30; ++i) world.turn_one(0);
  const std::size_t live = count_of(world.heard(anna), R"({"id":9,"subscribe":{})");
  ASSERT_LT(live, kChannels) << "some wait";
  ASSERT_TRUE(revoke(world, What::kUser, "anna", 2));
  for (int i = 0; i < 30; ++i) world.turn_one(0);
  const std::string heard = world.heard(anna);
  EXPECT_EQ(count_of(heard, kRefused), kChannels - live) << heard;
  EXPECT_EQ(count_of(heard, R"("unsubscribe":{"code":2000)"), live) << heard;
  world.turn();
  EXPECT_EQ(world.heard(anna), "") << "the answers come to nobody";
  EXPECT_EQ(world.metrics().subscriptions, 0U);
}

}  // namespace
}  // namespace millrace
