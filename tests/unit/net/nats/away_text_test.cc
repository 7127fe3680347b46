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
                                          "Maximum Connections Exceeded");
  EXPECT_TRUE(text.ends_with("it closed the connection (Maximum Connections Exceeded)")) << text;
  EXPECT_EQ(text.find("hunter2"), std::string::npos) << text;
}

TEST(NatsAwayText, AServerThatRefusesUsIsNotLookedForInVain) {
  const auto text = [](const std::string& note) {
    return nats_away_text({"nats://h:1"}, 1, NatsLinkCause::kNotReached, note);
  };
  EXPECT_EQ(text("Authorization Violation"),
            "NATS nats://h:1 is away since 1 s: it does not take us for a user of its own; check "
            "broker.credentials, broker.nkey_seed or the user in broker.nats, and that the user is "
            "not expired (Authorization Violation)");
  EXPECT_NE(text("User Authentication Expired").find("a user of its own"), std::string::npos);
  EXPECT_NE(text("SSL handshake error: 20").find("TLS failed; check broker.tls_ca"),
            std::string::npos);
  EXPECT_NE(text("anything else").find("is nats-server running there?"), std::string::npos);
}

}  // namespace
}  // namespace millrace
