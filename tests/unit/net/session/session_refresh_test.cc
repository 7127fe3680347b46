// The ends of what the application let in.
#include <gtest/gtest.h>

#include "net/session/session.h"
#include "tests/support/played_door.h"

namespace millrace {
namespace {

ApplicationAnswer until(std::int64_t expires_at) {
  ApplicationAnswer answer = ApplicationWorld::allowed();
  answer.expires_at = expires_at;
  return answer;
}

ApplicationAnswer expired() {
  ApplicationAnswer answer = ApplicationWorld::allowed();
  answer.expired = true;
  return answer;
}

// Answers pings, and says what else was heard.
std::string live(ApplicationWorld& app, FileSlot file, Duration span) {
  std::string heard;
  for (Duration past{}; past < span; past = past + seconds(1)) {
    app.world.advance(seconds(1));
    const std::string now = app.world.heard(file);
    if (now == "{}") {
      app.world.send_text(file, "{}");
    } else {
      heard += now;
    }
  }
  return heard;
}

TEST(SessionRefresh, TheApplicationIsAskedAtTheEndAndTheClientIsToldOfNone) {
  ApplicationWorld app;
  const FileSlot file = app.world.open_websocket();
  app.world.send_text(file, app.kConnect);
  app.answer(ApplicationWorld::user("anna", app.world.calendar() + 60));
  EXPECT_FALSE(holds(app.world.heard(file), "expires"));
  EXPECT_EQ(live(app, file, seconds(58)), "");
  EXPECT_TRUE(app.door.asked.empty());
  EXPECT_EQ(live(app, file, seconds(4)), "");
  ASSERT_EQ(app.door.asked.size(), 1U);
  EXPECT_EQ(app.door.asked[0].method, ProxyMethod::kRefresh);
  EXPECT_EQ(app.door.asked[0].user, "anna");
  app.answer(until(app.world.calendar() + 60));
  EXPECT_EQ(live(app, file, seconds(58)), "");
  EXPECT_TRUE(app.door.asked.empty());
  EXPECT_EQ(live(app, file, seconds(4)), "");
  app.answer(expired());
  EXPECT_EQ(app.world.heard(file), "3005 connection expired");
}

TEST(SessionRefresh, WhoeverCantBeAskedIsAskedAgainUntilTheGraceIsOver) {
  ApplicationWorld app;
  const FileSlot file = app.open(ApplicationWorld::user("anna", app.world.calendar() + 30));
  std::size_t asked = 0;
  std::string heard;
  for (int i = 0; i < 60 && heard.empty(); ++i) {
    heard += live(app, file, seconds(1));
    if (app.door.asked.empty()) continue;
    ++asked;
    app.answer(asked % 2 == 0 ? ApplicationAnswer() : ApplicationWorld::error(500));
    heard += app.world.heard(file);
  }
  EXPECT_EQ(heard, "3005 connection expired");
  EXPECT_GE(asked, 4U);
  EXPECT_LE(asked, 14U);
}

TEST(SessionRefresh, ADoorThatIsShutIsTriedAgain) {
  ApplicationWorld app;
  const FileSlot file = app.open(ApplicationWorld::user("anna", app.world.calendar() + 10));
  app.door.closed = true;
  EXPECT_EQ(live(app, file, seconds(15)), "");
  app.door.closed = false;
  EXPECT_EQ(live(app, file, seconds(6)), "");
  ASSERT_EQ(app.door.asked.size(), 1U);
  app.answer(until(0));
  EXPECT_EQ(live(app, file, seconds(60)), "") << "for ever";
}

TEST(SessionRefresh, ItMayBeThrownOutThen) {
  ApplicationWorld app;
  const FileSlot file = app.open(ApplicationWorld::user("anna", app.world.calendar() + 10));
  EXPECT_EQ(live(app, file, seconds(12)), "");
  app.answer(ApplicationWorld::disconnect(4500));
  EXPECT_EQ(app.world.heard(file), "4500 out");
}

TEST(SessionRefresh, WithoutRefreshTheClientSeesToItself) {
  ApplicationWorld app;
  app.door.turn_off(ProxyMethod::kRefresh);
  const FileSlot file = app.world.open_websocket();
  app.world.send_text(file, app.kConnect);
  app.answer(ApplicationWorld::user("anna", app.world.calendar() + 60));
  EXPECT_TRUE(holds(app.world.heard(file), R"("expires":true,"ttl":60)"));
  EXPECT_EQ(live(app, file, seconds(90)), "3005 connection expired");
}

TEST(SessionRefresh, ATokenTakesTheApplicationsPlace) {
  ApplicationWorld app;
  const FileSlot file = app.open(ApplicationWorld::user("anna", app.world.calendar() + 30));
  const std::string refresh =
      R"({"id":2,"refresh":{"token":")" + app.world.token("anna", 100) + R"("}})";
  EXPECT_TRUE(holds(app.world.ask(file, refresh), R"("expires":true,"ttl":100)"));
  EXPECT_EQ(live(app, file, seconds(60)), "");
  EXPECT_TRUE(app.door.asked.empty());
}

TEST(SessionRefresh, WhatIsOverAlreadyIsNotLetIn) {
  ApplicationWorld app;
  const FileSlot file = app.world.open_websocket();
  app.world.send_text(file, app.kConnect);
  app.answer(ApplicationWorld::user("anna", app.world.calendar() - 1));
  EXPECT_TRUE(holds(app.world.heard(file), R"("code":110)"));
}

// --- subscriptions -------------------------------------------------------------------------------

FileSlot subscribed(ApplicationWorld& app, std::int64_t lifetime) {
  const FileSlot file = app.open();
  app.world.send_text(file, SessionWorld::subscribe(2, "app:1"));
  app.answer(until(app.world.calendar() + lifetime));
  CHECK_EQ(app.world.heard(file), R"({"id":2,"subscribe":{}})");
  return file;
}

TEST(SessionRefresh, ASubscriptionGoesOnOrEnds) {
  ApplicationWorld app;
  const FileSlot file = subscribed(app, 30);
  EXPECT_EQ(live(app, file, seconds(32)), "");
  ASSERT_EQ(app.door.asked.size(), 1U);
  EXPECT_EQ(app.door.asked[0].method, ProxyMethod::kSubRefresh);
  EXPECT_EQ(app.door.asked[0].channel, "app:1");
  app.answer(until(app.world.calendar() + 30));
  EXPECT_EQ(live(app, file, seconds(28)), "");
  EXPECT_TRUE(app.door.asked.empty());
  EXPECT_EQ(live(app, file, seconds(4)), "");
  app.answer(expired());
  EXPECT_TRUE(holds(app.world.heard(file), R"("unsubscribe":{"code":2501)"));
  EXPECT_EQ(app.world.metrics().subscriptions, 0U);
}

TEST(SessionRefresh, ASubscriptionOfASilentApplicationEndsWithTheGrace) {
  ApplicationWorld app;
  const FileSlot file = subscribed(app, 10);
  EXPECT_EQ(live(app, file, seconds(30)), "");
  EXPECT_TRUE(holds(live(app, file, seconds(10)), R"("unsubscribe":{"code":2501)"));
  app.answer(until(0));  // too late
  EXPECT_EQ(app.world.heard(file), "");
  EXPECT_EQ(app.world.metrics().subscriptions, 0U);
}

TEST(SessionRefresh, ASubscriptionIsAskedAboutAgain) {
  ApplicationWorld app;
  const FileSlot file = subscribed(app, 10);
  EXPECT_EQ(live(app, file, seconds(12)), "");
  app.answer({});
  EXPECT_EQ(live(app, file, seconds(6)), "");
  ASSERT_EQ(app.door.asked.size(), 1U);
  app.answer(ApplicationWorld::disconnect(4501));
  EXPECT_EQ(app.world.heard(file), "4501 out");
}

TEST(SessionRefresh, WhoLeftTheChannelMeanwhileIsLeftAlone) {
  ApplicationWorld app;
  const FileSlot file = subscribed(app, 10);
  EXPECT_EQ(live(app, file, seconds(12)), "");
  EXPECT_EQ(app.world.ask(file, R"({"id":3,"unsubscribe":{"channel":"app:1"}})"),
            R"({"id":3,"unsubscribe":{}})");
  app.answer(expired());
  EXPECT_EQ(app.world.heard(file), "");
}

}  // namespace
}  // namespace millrace
