#include "bench/load/client_flat.h"

#include <gtest/gtest.h>

#include <string>
#include <variant>

#include "proto/flat_decoder.h"
#include "proto/flat_encoder.h"

namespace millrace::load {
namespace {

using Kind = ServerLine::Kind;

class Checker final : public CommandSink {
 public:
  bool on_command(const Command& command, Bytes) override {
    ++count;
    if (const auto* connect = std::get_if<ConnectCommand>(&command.body)) {
      EXPECT_EQ(command.id, kConnectId);
      EXPECT_EQ(connect->token, "abc");
    } else if (const auto* subscribe = std::get_if<SubscribeCommand>(&command.body)) {
      EXPECT_EQ(command.id, 2U);
      EXPECT_EQ(subscribe->channel, "news");
    } else if (const auto* publish = std::get_if<PublishCommand>(&command.body)) {
      EXPECT_EQ(command.id, 1'000U);
      EXPECT_EQ(publish->channel, "news");
      EXPECT_EQ(publish->data, R"({"a":1})");
    } else {
      EXPECT_TRUE(std::holds_alternative<PongCommand>(command.body));
    }
    return true;
  }
  int count = 0;
};

// What we write, as the server's own decoder reads it.
TEST(ClientFlat, CommandsAreThoseOfTheProtocol) {
  std::string frame;
  append_flat_connect(frame, "abc");
  append_flat_subscribe(frame, 2, "news");
  append_flat_publish(frame, 1'000, "news", R"({"a":1})");
  append_flat_pong(frame);
  FlatCommandDecoder decoder;
  Checker checker;
  EXPECT_EQ(decoder.decode(frame, checker), CommandDecoder::Outcome::kDone);
  EXPECT_EQ(checker.count, 4);
}

TEST(ClientFlat, MessagesAreToldApart) {
  const FlatEncoder encoder;
  std::string out;
  encoder.connect(out, 1, {.client = "uuid", .version = ""});
  encoder.error(out, 2, ErrorCode::kPermissionDenied);
  encoder.publication_push(out, "news", {.data = R"({"seq":1})", .offset = 4});
  encoder.publication_push(out, "void", {});
  encoder.unsubscribe_push(out, "old", UnsubscribeCode::kServer);
  encoder.message_push(out, "m");
  encoder.ping(out);
  FlatMessages messages;
  const std::string shifted = "x" + out;
  Bytes frame = Bytes(shifted).substr(1);
  const auto next = [&] { return messages.take(frame).value_or(ServerLine()); };

  const ServerLine connect = next();
  EXPECT_EQ(connect.kind, Kind::kReply);
  EXPECT_EQ(connect.id, 1U);
  EXPECT_EQ(connect.error, 0U);
  const ServerLine error = next();
  EXPECT_EQ(error.kind, Kind::kReply);
  EXPECT_EQ(error.id, 2U);
  EXPECT_EQ(error.error, 103U);
  const ServerLine publication = next();
  EXPECT_EQ(publication.kind, Kind::kPublication);
  EXPECT_EQ(publication.channel, "news");
  EXPECT_EQ(publication.rest, R"({"seq":1})");
  EXPECT_EQ(next().rest, "");
  const ServerLine unsubscribe = next();
  EXPECT_EQ(unsubscribe.kind, Kind::kUnsubscribe);
  EXPECT_EQ(unsubscribe.channel, "old");
  EXPECT_EQ(next().kind, Kind::kOther);
  EXPECT_EQ(next().kind, Kind::kPing);
  EXPECT_TRUE(frame.empty());
}

TEST(ClientFlat, WhatIsNoMessageIsNotTaken) {
  std::string out;
  FlatEncoder().publish(out, 1);
  FlatMessages messages;
  for (std::size_t size = 0; size < out.size(); ++size) {
    Bytes cut = Bytes(out).substr(0, size);
    EXPECT_FALSE(messages.take(cut)) << size;
  }
  Bytes text = R"({"id":1,"connect":{}})";
  EXPECT_FALSE(messages.take(text));
}

}  // namespace
}  // namespace millrace::load
