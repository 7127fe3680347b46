#include "net/nats/away_text.h"

#include <gtest/gtest.h>

namespace millrace {
namespace {

TEST(NatsAwayText, NamesServersTimeAndCause) {
  EXPECT_EQ(nats_away_text({"nats://127.0.0.1:4222"}, 0, NatsLinkCause::kNotReached, ""),
            "NATS nats://127.0.0.1:4222 is away since 0 s: no connection yet; is nats-server "
            "running there?");
  EXPECT_EQ(nats_away_text({"nats://a:1", "nats://b:2"}, 12, NatsLinkCause::kLost, ""),
            "NATS nats://a:1, nats://b:2 is away since 12 s: the connection was lost; is "
            "nats-server running there?");
  EXPECT_EQ(nats_away_text({"nats://a:1"}, 7, NatsLinkCause::kNoAnswer, ""),
            "NATS nats://a:1 is away since 7 s: connected, but it does not answer");
}

TEST(NatsAwayText, TellsWhatTheLibrarySaidAndNoPassword) {
  const std::string text = nats_away_text({"nats://anna:hunter2@a:1"}, 7, NatsLinkCause::kClosed,
                                          "Authorization Violation");
  EXPECT_TRUE(text.ends_with("it closed the connection (Authorization Violation)")) << text;
  EXPECT_EQ(text.find("hunter2"), std::string::npos) << text;
}

}  // namespace
}  // namespace millrace
