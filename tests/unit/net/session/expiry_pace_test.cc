// Tokens that expire together, and clocks that do what they should not (R-15).
#include "net/session/expiry_pace.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <queue>
#include <vector>

#include "tests/support/session_world.h"

namespace millrace {
namespace {

constexpr Instant kStart{5'000'000'000};
constexpr std::uint32_t kAtOnce = ExpiryPace::kAtOnce;
constexpr Duration kWindow = ExpiryPace::kWindow;

TEST(ExpiryPace, AFewAreClosedAtOnce) {
  ExpiryPace pace;
  for (std::uint32_t i = 0; i < kAtOnce; ++i) ASSERT_EQ(pace.ask(kStart), kStart);
  // One more waits for the next window, and so do as many as that holds.
  for (std::uint32_t i = 0; i < kAtOnce; ++i) ASSERT_EQ(pace.ask(kStart), kStart + kWindow);
  EXPECT_EQ(pace.ask(kStart), kStart + kWindow * 2);
  const Instant before = kStart + kWindow - nanoseconds(1);
  EXPECT_GT(pace.ask(before), before);
  const Instant next = kStart + kWindow;
  EXPECT_EQ(pace.ask(next), next);
}

// Each asks when it was told to, a little late, as timers are.
TEST(ExpiryPace, AHundredThousandOfOneSecondAreSpread) {
  constexpr std::uint32_t kAll = 100'000;
  ExpiryPace pace;
  std::priority_queue<std::int64_t, std::vector<std::int64_t>, std::greater<>> asking;
  for (std::uint32_t i = 0; i < kAll; ++i) asking.push(kStart.ns);
  std::vector<std::int64_t> closed;
  std::uint64_t asked = 0;
  while (!asking.empty()) {
    const Instant now{asking.top() + 3'000'000};
    asking.pop();
    const Instant turn = pace.ask(now);
    ASSERT_LT(++asked, 3U * kAll);
    if (turn <= now) {
      closed.push_back(now.ns);
    } else {
      asking.push(turn.ns);
    }
  }
  ASSERT_EQ(closed.size(), kAll);
  std::sort(closed.begin(), closed.end());
  for (std::size_t i = kAtOnce; i < closed.size(); ++i) {
    ASSERT_GE(closed[i] - closed[i - kAtOnce], kWindow.ns) << "too many in a window, at " << i;
  }
  const Duration all{closed.back() - kStart.ns};
  EXPECT_LE(all, kWindow * (kAll / kAtOnce) * 11 / 10);
}

// --- Sessions ------------------------------------------------------------------------------------

// So long that no ping comes between.
ClientShardOptions unpinged() {
  ClientShardOptions options = SessionWorld::options();
  options.sessions.ping_interval = seconds(10'000'000);
  return options;
}

class CrowdWorld : public ShardWorld {
 public:
  CrowdWorld() : ShardWorld(unpinged(), 1, 2'000, 2'000) {}

  void open(std::uint32_t count) {
    const std::string claims = R"({"sub":"anna","exp":)" + std::to_string(calendar() + 3'600) + "}";
    for (std::uint32_t i = 0; i < count; ++i) {
      send_text(open_websocket(), SessionWorld::connect(SessionWorld::sign(claims)));
    }
  }
};

TEST(SessionExpiry, ThoseOfOneSecondAreNotClosedTogether) {
  CrowdWorld world;
  constexpr std::uint32_t kAll = kAtOnce + 200;
  world.open(kAll);
  ASSERT_EQ(world.metrics().clients, kAll);
  const auto closed = [&world] { return world.metrics().disconnects_total[3005]; };
  world.advance(seconds(3'600 + 24));
  EXPECT_EQ(closed(), 0U) << "the grace";
  world.advance(seconds(2));
  EXPECT_EQ(closed(), kAtOnce);
  world.advance(kWindow / 2);
  EXPECT_EQ(closed(), kAtOnce);
  world.advance(kWindow);
  EXPECT_EQ(closed(), kAll);
}

TEST(SessionExpiry, ACalendarThatJumpsClosesNobody) {
  for (const std::int64_t jump : {3'600, -3'600}) {
    SessionWorld world(unpinged());
    // Without iat, which may not be ahead.
    const std::string end = std::to_string(world.calendar() + 60);
    const std::string token = SessionWorld::sign(R"({"sub":"anna","exp":)" + end + "}");
    const FileSlot file = world.open_with(token);
    const FileSlot lasting = world.open_with(SessionWorld::lasting("bert"));
    world.jump_calendar(jump);
    world.advance(seconds(84));
    EXPECT_EQ(world.heard(file), "") << jump;
    world.advance(seconds(2));
    EXPECT_EQ(world.heard(file), "3005 connection expired") << "60 s and 25 s of grace, as ever";
    EXPECT_EQ(world.heard(lasting), "");
    // Who comes now is judged by what the calendar says now.
    const std::string again = world.ask(world.open_websocket(), SessionWorld::connect(token));
    EXPECT_EQ(again.find("\"client\"") != std::string::npos, jump < 0) << again;
  }
}

// 2^32 ms are 49.7 days.
TEST(SessionExpiry, The49DaysOfAMillisecondClockPassUnnoticed) {
  SessionWorld world;
  world.advance(milliseconds((std::int64_t{1} << 32) - 30'000));
  const FileSlot file = world.open_with(world.token("anna", 60));
  std::string heard;
  std::uint32_t pings = 0;
  for (int second = 0; second < 84; ++second) {
    world.advance(seconds(1));
    const std::string text = world.heard(file);
    if (text != "{}") {
      heard += text;
      continue;
    }
    ++pings;
    world.send_text(file, "{}");
  }
  EXPECT_EQ(heard, "");
  EXPECT_GE(pings, 3U);
  world.advance(seconds(2));
  EXPECT_EQ(world.heard(file), "3005 connection expired");
}

}  // namespace
}  // namespace millrace
