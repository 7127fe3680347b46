// Who may be in a channel, how it gets in, and how it comes out again.
#include <gtest/gtest.h>

#include "net/session/session.h"
#include "tests/support/session_world.h"

namespace millrace {
namespace {

using World = SessionWorld;

std::string error(int id, int code) {
  return R"({"id":)" + std::to_string(id) + R"(,"error":{"code":)" + std::to_string(code) + ",";
}

std::string for_channel(const std::string& channel) { return R"(,"channel":")" + channel + "\""; }

// --- tokens --------------------------------------------------------------------------------------

TEST(SessionSubscriptions, AGoodTokenIsTheRightToSubscribe) {
  World world;
  const FileSlot file = world.open_as("anna");
  EXPECT_TRUE(world.ask(file, World::subscribe(2, "shut:1")).starts_with(error(2, 103)));
  const std::string token = world.token("anna", 60, for_channel("shut:1"));
  EXPECT_EQ(world.ask(file, World::subscribe(3, "shut:1", World::with_token(token))),
            R"({"id":3,"subscribe":{"expires":true,"ttl":60}})");
  EXPECT_TRUE(world.ask(file, World::subscribe(4, "shut:1")).starts_with(error(4, 105)));
  // A name that begins with '$' always wants one.
  EXPECT_TRUE(world.ask(file, World::subscribe(5, "$mine")).starts_with(error(5, 103)));
  const std::string mine = World::lasting("anna", for_channel("$mine") + R"(,"data":{"a":1})");
  EXPECT_EQ(world.ask(file, World::subscribe(6, "$mine", World::with_token(mine))),
            R"({"id":6,"subscribe":{"data":{"a":1}}})");
}

TEST(SessionSubscriptions, ABadTokenIsNot) {
  World world;
  const auto with = [&world](const std::string& token) {
    const FileSlot file = world.open_as("anna");
    return world.ask(file, World::subscribe(2, "news", World::with_token(token)));
  };
  EXPECT_TRUE(with(world.token("anna", -1, for_channel("news"))).starts_with(error(2, 109)));
  EXPECT_TRUE(with(World::lasting("anna", for_channel("news") + R"(,"expire_at":5)"))
                  .starts_with(error(2, 110)));
  EXPECT_TRUE(with("x.y.z").starts_with(error(2, 103)));
  EXPECT_TRUE(with(World::lasting("anna")).starts_with(error(2, 103))) << "one to connect with";
  EXPECT_EQ(with(World::lasting("anna", for_channel("other"))), "3500 invalid token");
  EXPECT_EQ(with(World::lasting("bert", for_channel("news"))), "3500 invalid token");
  EXPECT_EQ(with(World::lasting("anna", for_channel("news") + R"(,"client":"somebody")")),
            "3500 invalid token");
  EXPECT_EQ(world.metrics().subscriptions, 0U);
}

TEST(SessionSubscriptions, ATokenMayNameTheClient) {
  World world;
  const FileSlot file = world.open_websocket();
  const std::string reply = world.ask(file, World::connect(World::lasting("anna")));
  const std::string token = World::lasting(
      "anna", for_channel("news") + R"(,"client":")" + World::value_of(reply, "client") + "\"");
  EXPECT_EQ(world.ask(file, World::subscribe(2, "news", World::with_token(token))),
            R"({"id":2,"subscribe":{}})");
}

TEST(SessionSubscriptions, ATokensInfoIsToldWithPublications) {
  World world;
  const FileSlot file = world.open_with(World::lasting("anna", R"(,"info":{"conn":1})"));
  const std::string token = World::lasting("anna", for_channel("news") + R"(,"info":{"chan":2})");
  world.ask(file, World::subscribe(2, "news", World::with_token(token)));
  const std::string heard = world.ask(file, World::publish(3, "news", "1"));
  EXPECT_TRUE(holds(heard, R"("info":{"user":"anna","client":")")) << heard;
  EXPECT_TRUE(holds(heard, R"("conn_info":{"conn":1},"chan_info":{"chan":2}})")) << heard;
  // The next subscription is one without.
  world.ask(file, R"({"id":4,"unsubscribe":{"channel":"news"}})");
  world.ask(file, World::subscribe(5, "news"));
  EXPECT_FALSE(holds(world.ask(file, World::publish(6, "news", "1")), "chan_info"));
}

TEST(SessionSubscriptions, ExpireAfterTheGrace) {
  World world;
  const FileSlot file = world.open_as("anna");
  const std::string token = world.token("anna", 2, for_channel("news"));
  world.ask(file, World::subscribe(2, "news", World::with_token(token)));
  ClientShardOptions quiet = World::options();
  std::string heard;
  for (int i = 0; i < 26; ++i) {
    world.advance(seconds(1));
    heard = world.heard(file);
    if (heard == "{}") world.send_text(file, "{}");
    EXPECT_FALSE(holds(heard, "unsubscribe")) << i;
  }
  world.advance(milliseconds(1'010));
  heard = world.heard(file);
  EXPECT_TRUE(holds(heard, R"({"push":{"channel":"news","unsubscribe":{"code":2501,"reason":)"))
      << heard;
  EXPECT_EQ(world.metrics().subscriptions, 0U);
  EXPECT_TRUE(holds(world.ask(file, World::subscribe(3, "news")), R"({"id":3,"subscribe":{}})"));
}

TEST(SessionSubscriptions, ASubRefreshExtendsOne) {
  World world;
  const FileSlot file = world.open_as("anna");
  const std::string token = world.token("anna", 2, for_channel("news") + R"(,"info":1)");
  world.ask(file, World::subscribe(2, "news", World::with_token(token)));
  const auto refresh = [&world](FileSlot from, const std::string& by, const char* channel) {
    return world.ask(from, R"({"id":3,"sub_refresh":{"channel":")" + std::string(channel) +
                               R"(","token":")" + by + R"("}})");
  };
  EXPECT_TRUE(refresh(file, world.token("anna", -1, for_channel("news")), "news")
                  .starts_with(error(3, 109)));
  EXPECT_TRUE(
      refresh(file, World::lasting("anna", for_channel("news") + R"(,"expire_at":5)"), "news")
          .starts_with(error(3, 110)));
  EXPECT_TRUE(refresh(file, token, "other").starts_with(error(3, 103)));
  EXPECT_TRUE(refresh(file, "", "news").starts_with(error(3, 107)));
  EXPECT_EQ(refresh(file, world.token("anna", 100, for_channel("news")), "news"),
            R"({"id":3,"sub_refresh":{"expires":true,"ttl":100}})");
  world.advance(seconds(12));  // before the first ping, behind the end of the first token
  EXPECT_EQ(world.heard(file), "");
  EXPECT_EQ(refresh(file, World::lasting("anna", for_channel("news")), "news"),
            R"({"id":3,"sub_refresh":{}})");
}

TEST(SessionSubscriptions, ASubRefreshOfAnotherEndsTheConnection) {
  World world;
  for (const std::string& wrong :
       {std::string("x.y.z"), World::lasting("bert", for_channel("news")),
        World::lasting("anna", for_channel("other")), World::lasting("anna"),
        World::lasting("anna", for_channel("news") + R"(,"client":"somebody")")}) {
    const FileSlot file = world.open_as("anna");
    world.ask(file, World::subscribe(2, "news"));
    EXPECT_EQ(
        world.ask(file, R"({"id":3,"sub_refresh":{"channel":"news","token":")" + wrong + R"("}})"),
        "3500 invalid token");
  }
  const FileSlot file = world.open_as("anna");
  EXPECT_EQ(world.ask(file, R"({"id":3,"sub_refresh":{"token":"x"}})"), "3501 bad request");
}

// --- permissions ---------------------------------------------------------------------------------

TEST(SessionSubscriptions, NamespacesSayWhoMayDoWhat) {
  World world;
  const FileSlot anna = world.open_as("anna");
  const FileSlot nobody = world.open_as("");
  const auto all = [&world](FileSlot file, const std::string& channel) {
    return world.ask(file, World::publish(5, channel, "1") + "\n" +
                               R"({"id":6,"presence":{"channel":")" + channel + R"("}})" + "\n" +
                               R"({"id":7,"history":{"channel":")" + channel + R"("}})" + "\n" +
                               R"({"id":8,"presence_stats":{"channel":")" + channel + R"("}})");
  };
  EXPECT_EQ(count_of(all(anna, "members:1"), R"("code":103)"), 4U) << "it is not in there";
  EXPECT_TRUE(world.ask(nobody, World::subscribe(2, "members:1")).starts_with(error(2, 103)));
  EXPECT_EQ(world.ask(anna, World::subscribe(2, "members:1")), R"({"id":2,"subscribe":{}})");
  EXPECT_FALSE(holds(all(anna, "members:1"), "error"));
  EXPECT_EQ(count_of(all(anna, "none:1"), R"("code":102)"), 4U);
  EXPECT_TRUE(world.ask(anna, World::subscribe(9, "none:1")).starts_with(error(9, 102)));
  // What a namespace does not keep is not there for anybody.
  EXPECT_EQ(count_of(all(anna, "news"), R"("code":108)"), 3U);
}

TEST(SessionSubscriptions, WhatCanNotBeAskedFor) {
  World world;
  const FileSlot file = world.open_as("anna");
  EXPECT_TRUE(
      world.ask(file, World::subscribe(2, "news", R"(,"type":1)")).starts_with(error(2, 103)));
  EXPECT_TRUE(world.ask(file, World::subscribe(2, "news", R"(,"tf":{"op":"eq"})"))
                  .starts_with(error(2, 107)));
  EXPECT_TRUE(world.ask(file, World::subscribe(2, "bin:1")).starts_with(error(2, 108)));
  EXPECT_EQ(world.ask(file, World::subscribe(2, "news", R"(,"delta":"other")")),
            "3501 bad request");
}

// --- by the server -------------------------------------------------------------------------------

TEST(SessionSubscriptions, ATokensChannelsAreToldWithTheConnectReply) {
  World world;
  const FileSlot file = world.open_websocket();
  const std::string reply = world.ask(
      file, World::connect(World::lasting(
                "anna", R"(,"subs":{"news":{"data":{"a":1},"info":{"b":2}},"kept:1":{}})")));
  EXPECT_TRUE(holds(reply, R"("news":{"data":{"a":1}})")) << reply;
  EXPECT_TRUE(holds(reply, R"("kept:1":{"recoverable":true,"epoch":")")) << reply;
  EXPECT_EQ(world.metrics().subscriptions, 2U);
  const std::string heard = world.ask(file, World::publish(2, "news", "7"));
  EXPECT_TRUE(holds(heard, R"("chan_info":{"b":2})")) << heard;
  EXPECT_TRUE(world.ask(file, World::subscribe(3, "news")).starts_with(error(3, 105)));
  EXPECT_EQ(world.ask(file, R"({"id":4,"unsubscribe":{"channel":"news"}})"),
            R"({"id":4,"unsubscribe":{}})");
}

TEST(SessionSubscriptions, ATokenNeedNoRightOfItsNamespaceAndMaySetItsOptions) {
  World world;
  const FileSlot file = world.open_websocket();
  const std::string reply =
      world.ask(file, World::connect(World::lasting(
                          "anna", R"(,"subs":{"shut:1":{"override":{"presence":{"value":true}}},)"
                                  R"("members:1":{"override":{"force_recovery":{"value":true}}},)"
                                  R"("news":{"override":{"force_positioning":{"value":true}}}})")));
  EXPECT_TRUE(holds(reply, R"("shut:1":{})")) << reply;
  EXPECT_TRUE(holds(reply, R"("members:1":{"recoverable":true)")) << reply;
  EXPECT_TRUE(holds(reply, R"("news":{})")) << "without a stream there is no position: " << reply;
}

TEST(SessionSubscriptions, ATokenToSubscribeMaySetOptionsToo) {
  World world;
  const FileSlot file = world.open_as("anna");
  const auto subscribe = [&](int id, const std::string& channel, const std::string& option) {
    const std::string claims = R"(,"channel":")" + channel + R"(","override":{)" + option + "}";
    return world.ask(file, World::subscribe(id, channel.c_str(),
                                            World::with_token(World::lasting("anna", claims))));
  };
  EXPECT_TRUE(holds(subscribe(2, "members:1", R"("force_recovery":{"value":true})"),
                    R"({"id":2,"subscribe":{"recoverable":true)"));
  EXPECT_TRUE(holds(subscribe(3, "members:2", R"("force_positioning":{"value":true})"),
                    R"("positioned":true)"));
  EXPECT_EQ(subscribe(4, "members:3", R"("force_recovery":{"value":false})"),
            R"({"id":4,"subscribe":{}})");
}

TEST(SessionSubscriptions, ATokenMayHideItsBearer) {
  World world;
  const FileSlot watcher = world.open_as("bert");
  static_cast<void>(world.ask(watcher, World::subscribe(2, "room:1", R"(,"join_leave":true)")));
  world.advance(seconds(5));
  EXPECT_TRUE(holds(world.heard(watcher), R"("join":)")) << "its own";
  const FileSlot file = world.open_as("anna");
  const std::string claims = R"(,"channel":"room:1","override":{"presence":{"value":false}})";
  EXPECT_EQ(world.ask(file, World::subscribe(2, "room:1",
                                             World::with_token(World::lasting("anna", claims)))),
            R"({"id":2,"subscribe":{}})");
  world.advance(seconds(5));
  EXPECT_EQ(world.heard(watcher), "");
  const std::string stats = world.ask(watcher, R"({"id":3,"presence_stats":{"channel":"room:1"}})");
  EXPECT_TRUE(holds(stats, R"("num_clients":1,"num_users":1)")) << stats;
}

// Who asks within the subscribe is asked as who it is about to be.
TEST(SessionSubscriptions, WhatSubscribersMayHoldsForTheSubscribeItself) {
  World world;
  const FileSlot file = world.open_as("anna");
  const std::string reply =
      world.ask(file, World::subscribe(2, "members:1", R"(,"recoverable":true,"join_leave":true)"));
  EXPECT_TRUE(holds(reply, R"("recoverable":true)")) << reply;
  const FileSlot other = world.open_as("bert");
  static_cast<void>(world.ask(other, World::subscribe(2, "members:1")));
  world.advance(seconds(5));
  EXPECT_TRUE(holds(world.heard(file), R"("join":)"));
}

TEST(SessionSubscriptions, TooManyChannelsOfATokenEndTheConnection) {
  ClientShardOptions options = World::options();
  options.sessions.channels_per_connection = 2;
  options.hub.channels_per_subscriber = 2;
  World world(options);
  const auto connect = [&world](const char* channels) {
    const FileSlot file = world.open_websocket();
    return world.ask(file, World::connect(World::lasting(
                               "anna", R"(,"channels":[)" + std::string(channels) + "]")));
  };
  EXPECT_TRUE(connect(R"("a")").starts_with(R"({"id":1,"connect":)"));
  EXPECT_TRUE(connect(R"("a","b")").starts_with(R"({"id":1,"connect":)"));
  EXPECT_EQ(connect(R"("a","b","c")"), "3505 channel limit");
}

// Below 3500: the client comes back.
TEST(SessionSubscriptions, AShardThatIsFullOfChannelsIsTriedAgain) {
  ClientShardOptions options = World::options();
  options.hub.channels = 2;
  World world(options);
  const FileSlot file = world.open_websocket();
  EXPECT_EQ(world.ask(file, World::connect(World::lasting("anna", R"(,"channels":["a","b","c"])"))),
            "3013 too many requests");
  const FileSlot next = world.open_as("anna");
  EXPECT_EQ(world.ask(next, World::subscribe(2, "a")), R"({"id":2,"subscribe":{}})");
}

// Streams of the other shard answer a turn later, and one may wait for its answer. Which shard a
// channel is on differs from run to run, so there are enough of them.
TEST(SessionSubscriptions, AHubThatIsBusyIsTriedAgain) {
  ClientShardOptions options = World::options();
  options.hub.joins = 1;
  World world(options, 2);
  std::string channels;
  for (int i = 0; i < 64; ++i) {
    channels += (i == 0 ? "\"kept:" : ",\"kept:") + std::to_string(i) + '"';
  }
  const FileSlot file = world.open_websocket(0);
  const std::string connect =
      World::connect(World::lasting("anna", R"(,"channels":[)" + channels + "]"));
  EXPECT_EQ(world.ask(file, connect), "3013 too many requests");
  const FileSlot next = world.open_websocket(0);
  const std::string reply =
      world.ask(next, World::connect(World::lasting("anna", R"(,"channels":["kept:0"])")));
  EXPECT_TRUE(reply.starts_with(R"({"id":1,"connect":)")) << reply;
}

// Two shards: the channel's owner may be the other one, whose answer takes a turn.
TEST(SessionSubscriptions, WhatIsPublishedWhileItConnectsComesBehindTheReply) {
  for (int i = 0; i < 8; ++i) {
    World world(World::options(), 2);
    const std::string channel = "kept:" + std::to_string(i);
    const FileSlot publisher = world.open_as("bert", 1);
    world.ask(publisher, World::subscribe(2, channel), 1);
    const FileSlot file = world.open_websocket(0);
    set_this_shard(ShardId{0});
    world.ring(0).client_send(
        file,
        client_frame(Opcode::kText, World::connect(World::lasting(
                                        "anna", R"(,"channels":[")" + channel + R"(","news"])"))));
    world.ring(0).client_send(file, client_frame(Opcode::kText, World::subscribe(9, "late")));
    for (int n = 0; n < 12; ++n) {
      set_this_shard(ShardId{1});
      world.ring(1).client_send(
          publisher,
          client_frame(Opcode::kText, World::publish(10 + n, channel, std::to_string(n))));
      world.turn_one(1);
      world.turn_one(0);
    }
    world.turn();
    const std::string heard = world.heard(file);
    ASSERT_TRUE(heard.starts_with(R"({"id":1,"connect":{)")) << heard;
    const std::string reply = heard.substr(0, heard.find('\n'));
    const int offset = std::stoi("0" + World::value_of(reply, "offset"));
    // All behind the offset that the reply says, each once, in order.
    std::size_t at = heard.find('\n');
    for (int next = offset + 1; next <= 12; ++next) {
      at = heard.find(R"("offset":)" + std::to_string(next) + "}", at);
      ASSERT_NE(at, std::string::npos) << next << " is missing or not in order: " << heard;
    }
    EXPECT_EQ(count_of(heard, R"("push")"), 12U - static_cast<unsigned>(offset)) << heard;
    EXPECT_TRUE(holds(heard, R"({"id":9,"subscribe":{}})")) << heard;
  }
}

TEST(SessionSubscriptions, AServersSubscriptionRecoversWithTheConnectCommand) {
  World world;
  const std::string token = World::lasting("anna", R"(,"channels":["kept:1"])");
  const FileSlot publisher = world.open_as("bert");
  const FileSlot first = world.open_websocket();
  const std::string reply = world.ask(first, World::connect(token));
  const std::string epoch = World::value_of(reply, "epoch");
  world.ring().client_close(first);
  for (int n = 1; n <= 3; ++n) world.ask(publisher, World::publish(2, "kept:1", std::to_string(n)));
  const auto back = [&](const std::string& known_epoch, int offset) {
    const FileSlot file = world.open_websocket();
    return world.ask(
        file, World::connect(token, R"(,"subs":{"kept:1":{"recover":true,"epoch":")" + known_epoch +
                                        R"(","offset":)" + std::to_string(offset) + "}}"));
  };
  const std::string missed = back(epoch, 1);
  EXPECT_TRUE(holds(missed, R"("publications":[{"data":2,)")) << missed;
  EXPECT_TRUE(holds(missed, R"({"data":3,)")) << missed;
  EXPECT_TRUE(holds(missed, R"("recovered":true,"offset":1)")) << missed;
  const std::string lost = back("abcdefgh", 1);
  EXPECT_TRUE(holds(lost, R"("was_recovering":true)")) << lost;
  EXPECT_TRUE(holds(lost, R"("offset":3)")) << lost;
  EXPECT_FALSE(holds(lost, "publications")) << lost;
  EXPECT_FALSE(holds(lost, R"("recovered")")) << lost;
}

}  // namespace
}  // namespace millrace
