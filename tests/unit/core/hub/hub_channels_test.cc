// What very many channels cost a shard: a subscriber each, the hub, and the broker in memory.
#include <gtest/gtest.h>

#include <cstdint>
#include <string>

#include "core/hub/hub.h"
#include "core/hub/memory_broker.h"
#include "tests/support/allocated_bytes.h"
#include "tests/support/plain_sink.h"
#include "tests/unit/core/shard/event_ring.h"

namespace millrace {
namespace {

constexpr std::uint32_t kChannels = 1'000'000;
constexpr std::uint32_t kEach = 62'500;  // a subscriber's
constexpr std::uint32_t kSubscribers = kChannels / kEach;

class CountingSink final : public PlainSink {
 public:
  void deliver(const Publication&, Bytes, std::span<const Subscriber> to) override {
    delivered += to.size();
  }

  std::size_t delivered = 0;
};

class HubChannelsTest : public testing::Test {
 protected:
  HubChannelsTest() { hub_.set_broker(broker_); }

  static std::string name(std::uint32_t i) { return "room:" + std::to_string(i); }
  void subscribe_all() {
    for (std::uint32_t i = 0; i < kChannels; ++i) {
      ASSERT_EQ(hub_.subscribe(i / kEach, name(i), {}, Instant{}), Hub::Subscribe::kLive);
    }
  }
  void drop_all() {
    for (std::uint32_t i = 0; i < kSubscribers; ++i) hub_.drop(i, Instant{});
  }

  MailboxNetwork network_{1, MailboxNetwork::kLaneCapacity};
  EventRing ring_;
  Waker waker_{ring_};
  Mailbox mailbox_{network_, ShardId{0}, waker_};
  ShardMetrics metrics_;
  TimerWheel timers_{Instant{}};
  Random random_{1};
  CountingSink sink_;
  Hub hub_{sink_, metrics_, {.channels = kChannels, .channels_per_subscriber = kEach}};
  MemoryBroker broker_{mailbox_, 1, hub_, metrics_, timers_, random_};
};

// 1,000,000 distinct channels, at most 200 bytes each.
TEST_F(HubChannelsTest, AMillionOfThemAtOnce) {
  const std::int64_t before = allocated_bytes();
  subscribe_all();
  const std::int64_t first = allocated_bytes() - before;
  RecordProperty("bytes_per_channel", static_cast<int>(first / kChannels));
  EXPECT_LE(first / kChannels, 200);
  EXPECT_EQ(hub_.subscribe(0, "one:more", {}, Instant{}), Hub::Subscribe::kSubscriberLimit);
  EXPECT_EQ(hub_.subscribe(kSubscribers, "one:more", {}, Instant{}), Hub::Subscribe::kChannelLimit);
  const std::string some = name(777'777);
  hub_.publish({.channel = some, .data = "x"}, {}, 1, Instant{});
  EXPECT_EQ(sink_.delivered, 1U);
  drop_all();
  EXPECT_EQ(metrics_.channels, 0U);
  EXPECT_EQ(broker_.owned(), 0U);
  // The tables and slabs that are left serve those who come next.
  const std::int64_t left = allocated_bytes() - before;
  subscribe_all();
  EXPECT_LE(allocated_bytes() - before, first + first / 100);
  drop_all();
  EXPECT_LE(allocated_bytes() - before, left + left / 100);
}

}  // namespace
}  // namespace millrace
