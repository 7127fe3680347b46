#include "net/nats/nats_wire.h"

#include <gtest/gtest.h>

#include "net/nats/nats_link.h"
#include "tests/support/nats_harness.h"

namespace millrace {
namespace {

// What a wire does with a connection, NatsLink's tests show: its callbacks are the link's.
TEST(NatsWire, WithoutAConnectionThereIsNothingToClose) {
  NoRing ring;
  Waker waker(ring);
  NatsInbox inbox(10, 100, waker);
  NatsOptions options;
  options.urls = {"nats://127.0.0.1:1"};
  NatsLink link(options, waker);
  NatsWire wire(link, inbox, 7);
  EXPECT_EQ(wire.watch.number, 7U);
  ASSERT_TRUE(wire.subscriptions.add({0, 1}, "a", nullptr));
  wire.close();
  EXPECT_EQ(wire.subscriptions.size(), 1U) << "remembered";
}

}  // namespace
}  // namespace millrace
