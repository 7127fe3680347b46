#include "net/session/fanout.h"

#include <gtest/gtest.h>

#include <set>

#include "tests/support/shard_world.h"

namespace millrace {
namespace {

constexpr Bytes kSubscribe = R"({"id":2,"subscribe":{"channel":"news"}})";

// The heart of it: one encode, and every subscriber's send points at the same bytes.
TEST(Fanout, AllSubscribersSendsPointAtTheSameBytes) {
  ShardWorld world;
  std::vector<FileSlot> subscribers;
  for (int i = 0; i < 20; ++i) {
    subscribers.push_back(world.open_client());
    world.send_text(subscribers.back(), kSubscribe);
  }
  const FileSlot publisher = world.open_client();
  world.ring().clear_sends();
  const std::uint64_t encodes = world.metrics().encodes_total;

  world.send_text(publisher, R"({"id":2,"publish":{"channel":"news","data":{"n":1}}})");

  EXPECT_EQ(world.metrics().encodes_total, encodes + 1);
  std::set<const char*> addresses;
  std::size_t sends = 0;
  for (const MemRing::Sent& sent : world.ring().sends()) {
    if (sent.bytes.find(R"("push")") == std::string::npos) continue;
    ASSERT_EQ(sent.views.size(), 1U);
    addresses.insert(sent.views[0].data());
    ++sends;
  }
  EXPECT_EQ(sends, 20U);
  EXPECT_EQ(addresses.size(), 1U);
}

TEST(Fanout, EncodesDoNotGrowWithSubscribers) {
  for (const int subscribers : {1, 2, 50}) {
    ShardWorld world;
    for (int i = 0; i < subscribers; ++i) world.send_text(world.open_client(), kSubscribe);
    const FileSlot publisher = world.open_client();
    for (int i = 0; i < 10; ++i) {
      world.send_text(publisher, R"({"id":2,"publish":{"channel":"news","data":1}})");
    }
    EXPECT_EQ(world.metrics().encodes_total, 10U) << subscribers;
    EXPECT_EQ(world.metrics().deliveries_total, 10U * static_cast<unsigned>(subscribers));
  }
}

TEST(Fanout, NobodySubscribedCostsNoEncode) {
  ShardWorld world;
  world.send_text(world.open_client(), R"({"id":2,"publish":{"channel":"news","data":1}})");
  EXPECT_EQ(world.metrics().encodes_total, 0U);
}

TEST(Fanout, SeveralPublicationsOfATurnLeaveInOneSend) {
  ShardWorld world;
  const FileSlot subscriber = world.open_client();
  world.send_text(subscriber, kSubscribe);
  const FileSlot publisher = world.open_client();
  static_cast<void>(world.frames(subscriber));
  const std::uint64_t sends = world.metrics().sends_total;

  world.send_text(publisher, R"({"id":2,"publish":{"channel":"news","data":1}})"
                             "\n"
                             R"({"id":3,"publish":{"channel":"news","data":2}})"
                             "\n"
                             R"({"id":4,"publish":{"channel":"news","data":3}})");

  const auto texts = world.texts(subscriber);
  ASSERT_EQ(texts.size(), 3U);
  EXPECT_NE(texts[0].find(R"("data":1)"), std::string::npos);
  EXPECT_NE(texts[2].find(R"("data":3)"), std::string::npos);
  // One for the subscriber, one for the publisher's three replies.
  EXPECT_EQ(world.metrics().sends_total, sends + 2);
}

TEST(Fanout, ShardsEachEncodeOnce) {
  ShardWorld world(ShardWorld::insecure_options(), 3);
  std::vector<std::pair<FileSlot, std::size_t>> subscribers;
  for (std::size_t shard = 0; shard < 3; ++shard) {
    for (int i = 0; i < 5; ++i) {
      subscribers.emplace_back(world.open_client(shard), shard);
      world.send_text(subscribers.back().first, kSubscribe, shard);
      EXPECT_EQ(world.texts(subscribers.back().first, shard).back(), R"({"id":2,"subscribe":{}})");
    }
  }
  for (std::size_t shard = 0; shard < 3; ++shard) {
    const FileSlot publisher = world.open_client(shard);
    world.send_text(publisher, R"({"id":9,"publish":{"channel":"news","data":1}})", shard);
    EXPECT_EQ(world.texts(publisher, shard).back(), R"({"id":9,"publish":{}})");
  }
  for (std::size_t shard = 0; shard < 3; ++shard) {
    EXPECT_EQ(world.metrics(shard).encodes_total, 3U);
    EXPECT_EQ(world.metrics(shard).deliveries_total, 15U);
  }
  for (const auto& [file, shard] : subscribers) EXPECT_EQ(world.texts(file, shard).size(), 3U);
}

TEST(Fanout, QuestionsInFlightHaveALimit) {
  for (const std::uint32_t limit : {1U, 2U, 3U}) {
    ShardMetrics metrics;
    ManualClock clock;
    RecvBuffers buffers(1, 64);
    MemRing ring(buffers);
    Reactor reactor(ring, clock);
    ConnectionTable table(reactor, buffers, metrics, {});
    const ClientCodecs codecs;
    Fanout fanout(table, metrics, codecs.encoders(), limit);
    std::vector<RequestToken> tokens;
    for (std::uint32_t i = 0; i < limit; ++i) {
      const auto token = fanout.begin({1, 1}, i);
      ASSERT_TRUE(token.has_value());
      tokens.push_back(*token);
    }
    EXPECT_FALSE(fanout.begin({1, 1}, 99).has_value());
    // Its connection is long gone.
    fanout.published(tokens.back(), PublishOutcome::kAccepted, {});
    auto token = fanout.begin({1, 1}, 99);
    ASSERT_TRUE(token.has_value());
    fanout.history(*token, {});
    token = fanout.begin({1, 1}, 99, true);
    ASSERT_TRUE(token.has_value());
    fanout.presence(*token, {});
    EXPECT_TRUE(fanout.begin({1, 1}, 99).has_value());
  }
}

}  // namespace
}  // namespace millrace
