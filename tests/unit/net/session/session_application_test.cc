// What a session asks the application, and what its answers do.
#include <gtest/gtest.h>

#include "net/session/session.h"
#include "tests/support/played_door.h"

namespace millrace {
namespace {

std::string rpc(int id, const std::string& data = "1") {
  return R"({"id":)" + std::to_string(id) + R"(,"rpc":{"method":"m","data":)" + data + "}}";
}

bool is_error(const std::string& reply, int id, int code) {
  return holds(reply,
               "{\"id\":" + std::to_string(id) + ",\"error\":{\"code\":" + std::to_string(code));
}

// --- connecting ----------------------------------------------------------------------------------

TEST(SessionApplication, SaysWhoConnectsAndWhere) {
  ApplicationWorld app;
  const FileSlot file = app.world.open_websocket(0, "?path=%2Fgame%2Fabc");
  EXPECT_EQ(app.world.ask(file, R"({"id":1,"connect":{"data":{"a":1}}})"), "");
  ASSERT_EQ(app.door.asked.size(), 1U);
  EXPECT_EQ(app.door.asked[0].method, ProxyMethod::kConnect);
  EXPECT_EQ(app.door.asked[0].path, "/game/abc");
  EXPECT_EQ(app.door.asked[0].data, R"({"a":1})");
  EXPECT_EQ(app.door.asked[0].user, "");
  const std::string client = app.door.asked[0].client;
  EXPECT_EQ(app.world.metrics().clients, 0U) << "nobody yet";
  EXPECT_EQ(app.world.metrics().half_open, 0U) << "it has said what it wants";
  ApplicationAnswer answer = ApplicationWorld::user("anna");
  answer.data = R"({"hi":1})";
  answer.subs.emplace_back().channel = "room:1";
  answer.subs[0].data = "8";
  app.answer(answer);
  const std::string reply = app.world.heard(file);
  EXPECT_TRUE(holds(reply, R"("client":")" + client + "\"")) << reply;
  EXPECT_TRUE(holds(reply, R"("data":{"hi":1},"subs":{"room:1":{)")) << reply;
  EXPECT_EQ(app.world.metrics().clients, 1U);
  EXPECT_EQ(app.world.metrics().subscriptions, 1U);
}

TEST(SessionApplication, WhatFollowsAConnectWaitsForTheAnswerInOrder) {
  ApplicationWorld app;
  const FileSlot file = app.world.open_websocket();
  EXPECT_EQ(app.world.ask(file, app.kConnect + "\n" + SessionWorld::subscribe(2, "a")), "");
  EXPECT_EQ(app.world.ask(file, SessionWorld::publish(3, "a", "1")), "");
  app.answer(ApplicationWorld::user("anna"));
  const std::string heard = app.world.heard(file);
  EXPECT_LT(heard.find(R"({"id":1,"connect")"), heard.find(R"({"id":2,"subscribe")"));
  EXPECT_LT(heard.find(R"({"id":2,"subscribe")"), heard.find(R"({"id":3,"publish")"));
}

TEST(SessionApplication, ATokenThatCanBeCheckedNeedsNoApplication) {
  ApplicationWorld app;
  const FileSlot file = app.world.open_as("ben");
  EXPECT_TRUE(app.door.asked.empty());
  EXPECT_TRUE(is_error(app.world.ask(file, rpc(2)), 2, 100) == false);
  ClientShardOptions options = ApplicationWorld::options();
  options.token_keys = std::make_shared<const TokenKeys>();
  ApplicationWorld keyless(options);
  const FileSlot other = keyless.world.open_websocket();
  keyless.world.send_text(other, SessionWorld::connect("its.own.token"));
  ASSERT_EQ(keyless.door.asked.size(), 1U);
  EXPECT_EQ(keyless.door.asked[0].token, "its.own.token");
}

TEST(SessionApplication, RefusesAndThrowsOut) {
  ApplicationWorld app;
  FileSlot file = app.world.open_websocket();
  app.world.send_text(file, app.kConnect);
  app.answer(ApplicationWorld::error(403));
  EXPECT_EQ(app.world.heard(file), R"({"id":1,"error":{"code":403,"message":"no"}})");
  file = app.world.open_websocket();
  app.world.send_text(file, app.kConnect);
  app.answer(ApplicationWorld::disconnect(4501));
  EXPECT_EQ(app.world.heard(file), "4501 out");
  file = app.world.open_websocket();
  app.world.send_text(file, app.kConnect);
  app.answer({});
  EXPECT_TRUE(holds(app.world.heard(file), "3004 "));
  app.door.closed = true;
  file = app.world.open_websocket();
  const std::string heard = app.world.ask(file, app.kConnect);
  EXPECT_TRUE(is_error(heard, 1, 100)) << heard;
  EXPECT_TRUE(holds(heard, "3004 ")) << heard;
  EXPECT_EQ(app.world.metrics().clients, 0U);
}

TEST(SessionApplication, ChannelsThatItCantHaveAreAnError) {
  ApplicationWorld app;
  const FileSlot file = app.world.open_websocket();
  app.world.send_text(file, app.kConnect);
  ApplicationAnswer answer = ApplicationWorld::user("anna");
  answer.subs.emplace_back().channel = "unknown:1";
  app.answer(answer);
  EXPECT_TRUE(is_error(app.world.heard(file), 1, 102));
}

TEST(SessionApplication, WhoLeavesBeforeTheAnswerIsForgotten) {
  ApplicationWorld app;
  const FileSlot file = app.world.open_websocket();
  app.world.send_text(file, app.kConnect);
  ASSERT_EQ(app.door.asked.size(), 1U);
  app.world.ring().client_close(file);
  app.world.turn();
  EXPECT_TRUE(app.door.asked.empty());
  EXPECT_EQ(app.door.forgotten, 1U);
  EXPECT_TRUE(app.door.told.empty()) << "nobody had come";
}

TEST(SessionApplication, ASilentApplicationEndsAConnectInTheEnd) {
  ApplicationWorld app;
  const FileSlot file = app.world.open_websocket();
  app.world.send_text(file, app.kConnect);
  app.world.advance(seconds(11));
  EXPECT_TRUE(holds(app.world.heard(file), "3004 "));
}

// --- commands ------------------------------------------------------------------------------------

TEST(SessionApplication, RpcsAreAnsweredAsAnswersCome) {
  ApplicationWorld app;
  const FileSlot file = app.open();
  EXPECT_EQ(app.world.ask(file, rpc(2) + "\n" + rpc(3)), "");
  ASSERT_EQ(app.door.asked.size(), 2U);
  EXPECT_EQ(app.door.asked[0].user, "anna");
  std::swap(app.door.asked[0], app.door.asked[1]);
  ApplicationAnswer answer = ApplicationWorld::allowed();
  answer.data = R"({"x":1})";
  app.answer(answer);
  EXPECT_EQ(app.world.heard(file), R"({"id":3,"rpc":{"data":{"x":1}}})");
  app.answer(ApplicationWorld::error(1'000));
  EXPECT_TRUE(is_error(app.world.heard(file), 2, 1'000));
  app.world.send_text(file, rpc(4));
  app.answer({});
  EXPECT_TRUE(holds(app.world.heard(file), R"("code":100,"message":"internal server error",)"
                                           R"("temporary":true)"));
}

TEST(SessionApplication, OthersGoOnWhileAnRpcIsOut) {
  ApplicationWorld app;
  const FileSlot file = app.open();
  EXPECT_EQ(app.world.ask(file, rpc(2) + "\n" + SessionWorld::subscribe(3, "a")),
            R"({"id":3,"subscribe":{}})");
  app.answer(ApplicationWorld::allowed());
  EXPECT_EQ(app.world.heard(file), R"({"id":2,"rpc":{}})");
}

TEST(SessionApplication, NoMoreThanItsShareIsOutAndTheRestWaits) {
  ApplicationWorld app;
  const FileSlot file = app.open();
  for (int id = 2; id < 2 + static_cast<int>(ApplicationNotes::kMaxQuestions) + 3; ++id) {
    app.world.send_text(file, rpc(id));
  }
  EXPECT_EQ(app.door.asked.size(), ApplicationNotes::kMaxQuestions);
  EXPECT_EQ(app.world.heard(file), "");
}

TEST(SessionApplication, WhatWaitedForItsShareIsAskedInOrder) {
  ApplicationWorld app;
  const FileSlot file = app.open();
  for (int id = 2; id < 30; ++id) app.world.send_text(file, rpc(id, std::to_string(id)));
  for (int id = 2; id < 30; ++id) {
    ASSERT_FALSE(app.door.asked.empty());
    EXPECT_EQ(app.door.asked.front().data, std::to_string(id));
    app.answer(ApplicationWorld::allowed());
    EXPECT_EQ(app.world.heard(file), "{\"id\":" + std::to_string(id) + ",\"rpc\":{}}");
  }
}

TEST(SessionApplication, DecidesWhoSubscribes) {
  ApplicationWorld app;
  const FileSlot file = app.open();
  EXPECT_EQ(app.world.ask(file, SessionWorld::subscribe(2, "app:1", R"(,"data":{"w":1})")), "");
  ASSERT_EQ(app.door.asked.size(), 1U);
  EXPECT_EQ(app.door.asked[0].channel, "app:1");
  EXPECT_EQ(app.door.asked[0].data, R"({"w":1})");
  ApplicationAnswer answer = ApplicationWorld::allowed();
  answer.sub.data = R"({"seat":1})";
  app.answer(answer);
  EXPECT_EQ(app.world.heard(file), R"({"id":2,"subscribe":{"data":{"seat":1}}})");
  EXPECT_TRUE(is_error(app.world.ask(file, SessionWorld::subscribe(3, "app:1")), 3, 105));
  app.world.send_text(file, SessionWorld::subscribe(4, "app:2"));
  app.answer(ApplicationWorld::error(404));
  EXPECT_TRUE(is_error(app.world.heard(file), 4, 404));
  app.world.send_text(file, SessionWorld::subscribe(5, "app:2"));
  app.answer({});
  EXPECT_TRUE(is_error(app.world.heard(file), 5, 100));
  app.world.send_text(file, SessionWorld::subscribe(6, "app:2"));
  app.answer(ApplicationWorld::disconnect(4000));
  EXPECT_EQ(app.world.heard(file), "4000 out");
}

TEST(SessionApplication, ItsWordCountsBeforeTheNamespaces) {
  ApplicationWorld app;
  const FileSlot file = app.open();
  app.door.turn_off(ProxyMethod::kSubscribe);
  app.door.turn_off(ProxyMethod::kPublish);
  EXPECT_TRUE(is_error(app.world.ask(file, SessionWorld::subscribe(2, "app:1")), 2, 103));
  EXPECT_TRUE(is_error(app.world.ask(file, SessionWorld::publish(3, "app:1", "1")), 3, 103));
  EXPECT_TRUE(app.door.asked.empty());
}

TEST(SessionApplication, InAChannelThingsHappenInOrder) {
  ApplicationWorld app;
  const FileSlot file = app.open();
  const std::string leave = R"({"id":3,"unsubscribe":{"channel":"app:1"}})";
  EXPECT_EQ(app.world.ask(file, SessionWorld::subscribe(2, "app:1") + "\n" + leave + "\n" +
                                    SessionWorld::subscribe(4, "app:1")),
            "");
  EXPECT_EQ(app.door.asked.size(), 1U) << "the second waits for the first";
  app.answer(ApplicationWorld::allowed());
  EXPECT_EQ(app.world.heard(file), "{\"id\":2,\"subscribe\":{}}\n{\"id\":3,\"unsubscribe\":{}}");
  app.answer(ApplicationWorld::allowed());
  EXPECT_EQ(app.world.heard(file), "{\"id\":4,\"subscribe\":{}}");
}

TEST(SessionApplication, PublicationsOfAChannelKeepTheirOrder) {
  ApplicationWorld app;
  const FileSlot file = app.open();
  app.world.send_text(file, SessionWorld::subscribe(2, "app:1"));
  app.answer(ApplicationWorld::allowed());
  static_cast<void>(app.world.heard(file));
  app.world.send_text(
      file, SessionWorld::publish(3, "app:1", "1") + "\n" + SessionWorld::publish(4, "app:1", "2"));
  ASSERT_EQ(app.door.asked.size(), 1U);
  EXPECT_EQ(app.door.asked[0].data, "1");
  ApplicationAnswer masked = ApplicationWorld::allowed();
  masked.data = R"("***")";
  app.answer(masked);
  ASSERT_EQ(app.door.asked.size(), 1U);
  app.answer(ApplicationWorld::allowed());
  const std::string heard = app.world.heard(file);
  EXPECT_LT(heard.find(R"("data":"***")"), heard.find(R"("data":2)")) << heard;
  EXPECT_TRUE(holds(heard, R"({"id":3,"publish":{}})"));
  EXPECT_TRUE(holds(heard, R"({"id":4,"publish":{}})"));
}

TEST(SessionApplication, SkipsHistoryWhereItSaysSo) {
  ApplicationWorld app;
  const FileSlot file = app.open();
  const std::string history = R"({"id":9,"history":{"channel":"appkept:1","limit":9}})";
  app.world.send_text(file, SessionWorld::publish(2, "appkept:1", "1"));
  ApplicationAnswer passing = ApplicationWorld::allowed();
  passing.skip_history = true;
  app.answer(passing);
  app.world.send_text(file, SessionWorld::publish(3, "appkept:1", "2"));
  app.answer(ApplicationWorld::allowed());
  const std::string heard = app.world.heard(file);
  EXPECT_TRUE(holds(heard, R"({"id":2,"publish":{}})")) << heard;
  static_cast<void>(history);
  EXPECT_EQ(app.world.metrics().history_publications, 1U);
}

TEST(SessionApplication, RecoveriesWaitForEachOtherAfterTheAnswers) {
  ApplicationWorld app;
  const FileSlot file = app.open();
  const std::string recover = R"(,"recover":true,"offset":0,"epoch":"")";
  std::string commands;
  for (int id = 2; id < 7; ++id) {
    commands += SessionWorld::subscribe(id, "appkept:" + std::to_string(id), recover) + "\n";
  }
  app.world.send_text(file, commands);
  EXPECT_EQ(app.door.asked.size(), 5U) << "all are asked at once";
  // All answers in one turn, so that each finds the recovery of the one before it on its way.
  const auto asked = std::exchange(app.door.asked, {});
  set_this_shard(ShardId{0});
  for (const PlayedDoor::Asked& one : asked) {
    ApplicationAnswer answer = ApplicationWorld::allowed();
    app.world.shard().desk().on_application_answer(one.who, one.ticket, answer,
                                                   app.world.clock().now());
  }
  app.world.turn();
  const std::string heard = app.world.heard(file);
  EXPECT_EQ(count_of(heard, R"("subscribe":{)"), 5U) << heard;
  EXPECT_EQ(app.world.metrics().subscriptions, 5U);
}

TEST(SessionApplication, IsToldWhatIsSentAndWhoLeaves) {
  ApplicationWorld app;
  ApplicationAnswer as = ApplicationWorld::user("anna");
  as.meta = R"({"m":1})";
  const FileSlot file = app.open(as);
  EXPECT_EQ(app.world.ask(file, R"({"send":{"data":{"p":1}}})"), "");
  ASSERT_EQ(app.door.told.size(), 1U);
  EXPECT_EQ(app.door.told[0].method, ProxyMethod::kSend);
  EXPECT_EQ(app.door.told[0].data, R"({"p":1})");
  EXPECT_EQ(app.door.told[0].meta, R"({"m":1})");
  app.world.ring().client_close(file);
  app.world.turn();
  ASSERT_EQ(app.door.told.size(), 2U);
  EXPECT_EQ(app.door.told[1].method, ProxyMethod::kDisconnect);
  EXPECT_EQ(app.door.told[1].code, 3000U);
  EXPECT_EQ(app.door.told[1].meta, R"({"m":1})");
  const FileSlot odd = app.open();
  EXPECT_TRUE(holds(app.world.ask(odd, "nonsense"), "3501 "));
  app.world.ring().client_close(odd);
  app.world.turn();
  ASSERT_EQ(app.door.told.size(), 3U);
  EXPECT_EQ(app.door.told[2].code, 3501U);
  EXPECT_EQ(app.door.told[2].reason, "bad request");
  EXPECT_EQ(app.world.shard().desk().context().application_notes.size(), 0U);
}

TEST(SessionApplication, EveryQuestionOfWhoLeavesIsForgotten) {
  ApplicationWorld app;
  const FileSlot file = app.open(ApplicationWorld::user("anna", app.world.calendar() + 5));
  app.world.send_text(file, SessionWorld::subscribe(2, "app:1") + "\n" +
                                SessionWorld::publish(3, "app:2", "1") + "\n" + rpc(4));
  app.world.advance(seconds(6));
  ASSERT_EQ(app.door.asked.size(), 4U) << "with the refresh";
  app.world.ring().client_reset(file);
  app.world.turn();
  EXPECT_TRUE(app.door.asked.empty());
  EXPECT_EQ(app.world.shard().desk().context().application_notes.size(), 0U);
}

TEST(SessionApplication, AnAnswerToWhoIsBeingClosedIsDropped) {
  ApplicationWorld app;
  const FileSlot file = app.open();
  app.world.send_text(file, SessionWorld::subscribe(2, "app:1") + "\n" + rpc(3));
  EXPECT_TRUE(holds(app.world.ask(file, "nonsense"), "3501 "));
  app.answer(ApplicationWorld::allowed());
  app.answer(ApplicationWorld::allowed());
  EXPECT_EQ(app.world.heard(file), "");
  EXPECT_EQ(app.world.metrics().subscriptions, 0U);
}

TEST(SessionApplication, WithoutOneRpcIsNotAvailable) {
  ApplicationWorld app;
  const FileSlot file = app.open();
  app.door.turn_off(ProxyMethod::kRpc);
  app.door.turn_off(ProxyMethod::kSend);
  EXPECT_TRUE(is_error(app.world.ask(file, rpc(2)), 2, 108));
  EXPECT_TRUE(holds(app.world.ask(file, R"({"send":{"data":{}}})"), "3508 "));
}

}  // namespace
}  // namespace millrace
