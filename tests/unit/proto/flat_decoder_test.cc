#include "proto/flat_decoder.h"

#include <gtest/gtest.h>

#include <cstring>
#include <limits>
#include <memory>

#include "core/base/utf8.h"
#include "proto/flat_writer.h"
#include "tests/unit/proto/flat_samples.h"

namespace millrace {
namespace {

using test::FlatBuilder;
using Outcome = CommandDecoder::Outcome;

class Collector final : public CommandSink {
 public:
  bool on_command(const Command& command, Bytes rest) override {
    commands.push_back(command);
    rests.push_back(rest);
    if (const auto* connect = std::get_if<ConnectCommand>(&command.body)) {
      subs.assign(connect->subs.begin(), connect->subs.end());
    }
    return commands.size() != stop_after;
  }
  std::vector<Command> commands;
  std::vector<Bytes> rests;
  std::vector<KnownSubscription> subs;
  std::size_t stop_after = std::numeric_limits<std::size_t>::max();
};

class FlatDecoderTest : public testing::Test {
 protected:
  // In a block of its own, so that address sanitizer sees a read behind either end. Views of the
  // commands are read after decode() has returned, which the contract allows.
  Outcome decode(const std::string& frame, std::size_t shift = 0) {
    sink_.commands.clear();
    sink_.rests.clear();
    block_ = std::make_unique<char[]>(shift + frame.size());
    std::memcpy(block_.get() + shift, frame.data(), frame.size());
    return decoder_.decode({block_.get() + shift, frame.size()}, sink_);
  }

  template <typename Body>
  Body one(const std::string& frame, std::uint32_t id) {
    EXPECT_EQ(decode(frame), Outcome::kDone) << decoder_.bad_reason();
    EXPECT_EQ(sink_.commands.size(), 1U);
    if (sink_.commands.size() != 1) return {};
    EXPECT_EQ(sink_.commands[0].id, id);
    const Body* const body = std::get_if<Body>(&sink_.commands[0].body);
    EXPECT_NE(body, nullptr);
    return body == nullptr ? Body{} : *body;
  }

  void expect_bad(const std::string& frame, const std::string& why) {
    EXPECT_EQ(decode(frame), Outcome::kBad);
    EXPECT_TRUE(sink_.commands.empty());
    EXPECT_NE(std::string(decoder_.bad_reason()).find(why), std::string::npos)
        << decoder_.bad_reason();
  }

  FlatCommandDecoder decoder_;
  Collector sink_;
  std::unique_ptr<char[]> block_;
};

TEST_F(FlatDecoderTest, ReadsConnect) {
  const auto connect = one<ConnectCommand>(test::flat_connect(1), 1);
  EXPECT_EQ(connect.token, "a.b.c");
  EXPECT_EQ(connect.name, "name");
  EXPECT_EQ(connect.version, "1.0");
  EXPECT_EQ(connect.data, Bytes("\0\xff\n", 3));
  ASSERT_EQ(sink_.subs.size(), 2U);
  EXPECT_EQ(sink_.subs[0].channel, "c0");
  EXPECT_TRUE(sink_.subs[0].recover);
  EXPECT_EQ(sink_.subs[1].channel, "c1");
  EXPECT_FALSE(sink_.subs[1].recover);
  EXPECT_EQ(sink_.subs[1].position.epoch, "epoch");
  EXPECT_EQ(sink_.subs[1].position.offset, 1U);
}

TEST_F(FlatDecoderTest, ReadsSubscribe) {
  const auto subscribe = one<SubscribeCommand>(test::flat_subscribe(2, "news"), 2);
  EXPECT_EQ(subscribe.channel, "news");
  EXPECT_EQ(subscribe.token, "token");
  EXPECT_TRUE(subscribe.recover);
  EXPECT_EQ(subscribe.position.epoch, "epoch");
  EXPECT_EQ(subscribe.position.offset, 1ULL << 60);
  EXPECT_EQ(subscribe.data, "data");
  EXPECT_TRUE(subscribe.positioned);
  EXPECT_TRUE(subscribe.recoverable);
  EXPECT_TRUE(subscribe.join_leave);
  EXPECT_EQ(subscribe.delta, "fossil");
  EXPECT_FALSE(subscribe.has_filter);
  EXPECT_EQ(subscribe.flag, SubscribeCommand::kRejectUnrecovered);
  EXPECT_EQ(subscribe.type, -7);
}

TEST_F(FlatDecoderTest, ReadsTheOthers) {
  EXPECT_EQ(one<UnsubscribeCommand>(test::flat_unsubscribe(3, "a"), 3).channel, "a");
  const auto publish = one<PublishCommand>(test::flat_publish(4, "b", std::string("\0x", 2)), 4);
  EXPECT_EQ(publish.channel, "b");
  EXPECT_EQ(publish.data, Bytes("\0x", 2));
  EXPECT_EQ(one<PresenceCommand>(test::flat_presence(5), 5).channel, "room");
  EXPECT_EQ(one<PresenceStatsCommand>(test::flat_presence_stats(6), 6).channel, "room");
  const auto rpc = one<RpcCommand>(test::flat_rpc(9), 9);
  EXPECT_EQ(rpc.method, "method");
  EXPECT_EQ(rpc.data, "\x01\x02");
  EXPECT_EQ(one<RefreshCommand>(test::flat_refresh(10), 10).token, "token");
  const auto refresh = one<SubRefreshCommand>(test::flat_sub_refresh(11), 11);
  EXPECT_EQ(refresh.channel, "room");
  EXPECT_EQ(refresh.token, "token");
  EXPECT_EQ(one<SendCommand>(test::flat_send(), 0).data, "data");
  one<PongCommand>(test::flat_pong(), 0);
}

TEST_F(FlatDecoderTest, ReadsHistoryWithAndWithoutAPosition) {
  const auto with = one<HistoryCommand>(test::flat_history(7, true), 7);
  EXPECT_EQ(with.channel, "room");
  EXPECT_EQ(with.limit, -1);
  EXPECT_TRUE(with.reverse);
  ASSERT_TRUE(with.since.has_value());
  EXPECT_EQ(with.since->offset, 41U);
  EXPECT_EQ(with.since->epoch, "epoch");
  EXPECT_FALSE(one<HistoryCommand>(test::flat_history(8, false), 8).since.has_value());
}

TEST_F(FlatDecoderTest, AbsentIsEmpty) {
  const std::string frame = test::flat_command(
      1, flat::CommandBody::Subscribe, [](FlatBuilder& b) { return flat::CreateSubscribe(b); });
  const auto subscribe = one<SubscribeCommand>(frame, 1);
  EXPECT_TRUE(subscribe.channel.empty());
  EXPECT_FALSE(subscribe.recover);
  EXPECT_EQ(subscribe.type, 0);
}

TEST_F(FlatDecoderTest, ANulInATextStays) {
  const std::string channel("a\0b", 3);
  EXPECT_EQ(one<UnsubscribeCommand>(test::flat_unsubscribe(1, channel), 1).channel, channel);
}

TEST_F(FlatDecoderTest, ManyInAFrameEachWithItsRest) {
  std::string frame;
  std::vector<std::size_t> ends;
  for (const std::string& sample : test::flat_samples()) ends.push_back((frame += sample).size());
  for (std::size_t shift = 0; shift < 8; ++shift) {
    ASSERT_EQ(decode(frame, shift), Outcome::kDone) << decoder_.bad_reason();
    ASSERT_EQ(sink_.commands.size(), ends.size());
    for (std::size_t i = 0; i < ends.size(); ++i) {
      EXPECT_EQ(sink_.rests[i], Bytes(frame).substr(ends[i])) << i;
    }
    EXPECT_EQ(std::get<SubscribeCommand>(sink_.commands[1].body).channel, "news");
    EXPECT_EQ(std::get<PublishCommand>(sink_.commands[3].body).data, "{}");
    EXPECT_EQ(std::get<SubRefreshCommand>(sink_.commands[10].body).channel, "room");
  }
}

TEST_F(FlatDecoderTest, StopsWhenToldAndGoesOnWithTheRest) {
  sink_.stop_after = 1;
  const std::string frame = test::flat_presence(1) + test::flat_refresh(2) + test::flat_pong();
  EXPECT_EQ(decode(frame), Outcome::kStopped);
  ASSERT_EQ(sink_.commands.size(), 1U);
  EXPECT_TRUE(decoder_.bad_reason().empty());
  const std::string rest(sink_.rests[0]);
  sink_.stop_after = 3;
  EXPECT_EQ(decode(rest), Outcome::kDone);
  ASSERT_EQ(sink_.commands.size(), 2U);
  EXPECT_EQ(sink_.commands[0].id, 2U);
}

TEST_F(FlatDecoderTest, WhatStandsBeforeABadMessageIsHandedOver) {
  EXPECT_EQ(decode(test::flat_presence(1) + "garbage"), Outcome::kBad);
  EXPECT_EQ(sink_.commands.size(), 1U);
  EXPECT_EQ(decode(test::flat_pong()), Outcome::kDone);
  EXPECT_TRUE(decoder_.bad_reason().empty());
}

TEST_F(FlatDecoderTest, RefusesWhatIsNoFrame) {
  expect_bad("", "empty");
  expect_bad("{}", "shorter");
  expect_bad(std::string(12, '\0'), "shorter");
  expect_bad(std::string("\x07\0\0\0", 4) + std::string(8, 'x'), "shorter");
  expect_bad(std::string("\x09\0\0\0", 4) + std::string(8, 'x'), "beyond");
  expect_bad(std::string(12, '\xff'), "beyond");
  std::string other = test::flat_pong();
  other[8] = 'X';
  expect_bad(other, "FlatBuffer");
}

TEST_F(FlatDecoderTest, RefusesARequestWithoutAnId) {
  expect_bad(test::flat_presence(0), "no id");
  expect_bad(test::flat_connect(0), "no id");
}

TEST_F(FlatDecoderTest, PongAndSendHaveNoId) {
  const std::string frame = test::flat_command(7, flat::CommandBody::Send,
                                               [](FlatBuilder& b) { return flat::CreateSend(b); });
  one<SendCommand>(frame, 0);
}

TEST_F(FlatDecoderTest, RefusesWhatANewerClientAsks) {
  const auto pong = [](FlatBuilder& b) { return flat::CreatePong(b); };
  expect_bad(test::flat_command(5, static_cast<flat::CommandBody>(13), pong), "does not know");
  expect_bad(test::flat_command(0, static_cast<flat::CommandBody>(255), pong), "does not know");
  expect_bad(test::flat_command(5, flat::CommandBody::NONE, pong), "no body");
}

TEST_F(FlatDecoderTest, RefusesATypeWithoutABody) {
  FlatBuilder b;
  flat::CommandBuilder command(b);
  command.add_id(1);
  command.add_body_type(flat::CommandBody::Connect);
  flat::FinishSizePrefixedCommandBuffer(b, command.Finish());
  expect_bad({reinterpret_cast<const char*>(b.GetBufferPointer()), b.GetSize()}, "no body");
}

TEST_F(FlatDecoderTest, UnknownFieldsAreIgnored) {
  std::string frame;
  FlatMessage message(frame, flat::CommandIdentifier());
  FlatPlace body;
  message.table(message.root(), FlatTable()
                                    .number(flat::Command::VT_ID, 3U)
                                    .number(flat::Command::VT_BODY_TYPE,
                                            static_cast<std::uint8_t>(flat::CommandBody::Presence))
                                    .child(flat::Command::VT_BODY, body)
                                    .text(40, "newer"));
  message.table(
      body,
      FlatTable().text(flat::Presence::VT_CHANNEL, "room").number(20, 5ULL).bytes(22, "newer too"));
  message.finish();
  EXPECT_EQ(one<PresenceCommand>(frame, 3).channel, "room");
}

TEST_F(FlatDecoderTest, RefusesTextsThatAreNotUtf8) {
  expect_bad(test::flat_unsubscribe(1, "a\xff"), "UTF-8");
  expect_bad(test::flat_subscribe(1, "\xed\xa0\x80"), "UTF-8");
  expect_bad(test::flat_publish(1, "\xc0\x80", "x"), "UTF-8");
}

TEST_F(FlatDecoderTest, TextsThatShareTheirBytesAreBounded) {
  const auto shared = [](std::size_t subs, std::size_t length) {
    return test::flat_command(1, flat::CommandBody::Connect, [=](FlatBuilder& b) {
      const auto name = b.CreateString(std::string(length, 'x'));
      std::vector<flatbuffers::Offset<flat::KnownSubscription>> known;
      for (std::size_t i = 0; i < subs; ++i) {
        known.push_back(flat::CreateKnownSubscription(b, name));
      }
      return flat::CreateConnect(b, 0, 0, 0, 0, b.CreateVector(known));
    });
  };
  // A short text may be shared: tables are longer.
  EXPECT_EQ(decode(shared(1'000, 8)), Outcome::kDone) << decoder_.bad_reason();
  EXPECT_EQ(sink_.subs.size(), 1'000U);
  EXPECT_EQ(decode(shared(1, 60'000)), Outcome::kDone) << decoder_.bad_reason();
  expect_bad(shared(1'000, 60'000), "share");
}

TEST_F(FlatDecoderTest, BoundsCommandsOfAFrame) {
  std::string frame;
  for (std::size_t i = 0; i < FlatCommandDecoder::kMaxCommands; ++i) frame += test::flat_pong();
  for (const std::size_t shift : {0, 1}) {
    EXPECT_EQ(decode(frame, shift), Outcome::kDone);
    EXPECT_EQ(sink_.commands.size(), FlatCommandDecoder::kMaxCommands);
    EXPECT_EQ(decode(frame + test::flat_pong(), shift), Outcome::kBad);
    EXPECT_EQ(sink_.commands.size(), FlatCommandDecoder::kMaxCommands);
  }
}

TEST_F(FlatDecoderTest, BoundsKnownSubscriptions) {
  const std::size_t most = FlatCommandDecoder::kMaxKnownSubscriptions;
  EXPECT_EQ(decode(test::flat_connect(1, most)), Outcome::kDone) << decoder_.bad_reason();
  EXPECT_EQ(sink_.subs.size(), most);
  expect_bad(test::flat_connect(1, most + 1), "at most 1024");
  expect_bad(test::flat_connect(1, most + 2), "too many tables");
  // What is left of a large connect is not seen by the next.
  EXPECT_EQ(decode(test::flat_connect(1, 1)), Outcome::kDone);
  EXPECT_EQ(sink_.subs.size(), 1U);
}

// A Command that the decoder accepts, however it came to be, is whole: reads every byte of it.
std::size_t read_all(const Collector& sink) {
  std::size_t sum = 0;
  const auto add = [&sum](Bytes bytes) {
    for (const char byte : bytes) sum += static_cast<unsigned char>(byte);
  };
  const auto text = [&add](Bytes bytes) {
    EXPECT_TRUE(utf8_valid(bytes));
    add(bytes);
  };
  for (const Command& command : sink.commands) {
    if (const auto* subscribe = std::get_if<SubscribeCommand>(&command.body)) {
      text(subscribe->channel);
      text(subscribe->token);
      text(subscribe->position.epoch);
      text(subscribe->delta);
      add(subscribe->data);
    } else if (const auto* publish = std::get_if<PublishCommand>(&command.body)) {
      text(publish->channel);
      add(publish->data);
    } else if (const auto* connect = std::get_if<ConnectCommand>(&command.body)) {
      text(connect->token);
      add(connect->data);
      for (const KnownSubscription& known : connect->subs) text(known.channel);
    } else if (const auto* history = std::get_if<HistoryCommand>(&command.body)) {
      text(history->channel);
      if (history->since) text(history->since->epoch);
    }
  }
  return sum;
}

TEST_F(FlatDecoderTest, EveryTruncationIsRefused) {
  for (const std::string& sample : test::flat_samples()) {
    for (std::size_t size = 0; size < sample.size(); ++size) {
      EXPECT_EQ(decode(sample.substr(0, size)), Outcome::kBad);
      EXPECT_TRUE(sink_.commands.empty());
      // With a prefix that is right.
      if (size < 12) continue;
      std::string cut = sample.substr(0, size);
      const auto prefix = static_cast<std::uint32_t>(size - 4);
      std::memcpy(cut.data(), &prefix, sizeof(prefix));
      decode(cut);
      read_all(sink_);
    }
  }
}

TEST_F(FlatDecoderTest, EveryChangedByteIsRefusedOrReadsAsSomething) {
  std::size_t refused = 0;
  std::size_t accepted = 0;
  for (const std::string& sample : test::flat_samples()) {
    for (std::size_t at = 0; at < sample.size(); ++at) {
      for (int value = 0; value < 256; ++value) {
        std::string changed = sample;
        changed[at] = static_cast<char>(value);
        const Outcome outcome = decode(changed, at % 8);
        ++(outcome == Outcome::kDone ? accepted : refused);
        EXPECT_EQ(outcome == Outcome::kBad, !decoder_.bad_reason().empty());
        read_all(sink_);
      }
    }
  }
  EXPECT_GT(refused, 10'000U);
  EXPECT_GT(accepted, 10'000U);
}

}  // namespace
}  // namespace millrace
