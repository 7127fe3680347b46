#include "net/tcp/peer.h"

#include <gtest/gtest.h>

#include "tests/support/mem_ring.h"

namespace millrace {
namespace {

TEST(Peer, PrintsIpv4AndIpv6) {
  EXPECT_EQ(Peer::from(ipv4_peer("192.0.2.1", 5'000)).to_string(), "192.0.2.1:5000");
  EXPECT_EQ(Peer::from(ipv4_peer("0.0.0.0", 65'535)).to_string(), "0.0.0.0:65535");
  EXPECT_EQ(Peer::from(ipv6_peer("2001:db8::1", 5'000)).to_string(), "[2001:db8::1]:5000");
  EXPECT_EQ(Peer::from(ipv6_peer("::1", 1)).to_string(), "[::1]:1");
}

TEST(Peer, PrintsTheAddressAlone) {
  EXPECT_EQ(Peer::from(ipv4_peer("192.0.2.1", 5'000)).address_text(), "192.0.2.1");
  EXPECT_EQ(Peer::from(ipv6_peer("2001:db8::1", 5'000)).address_text(), "2001:db8::1");
}

TEST(Peer, AMappedAddressIsTheIpv4AddressItIs) {
  const Peer mapped = Peer::from(ipv6_peer("::ffff:192.0.2.1", 5'000));
  EXPECT_TRUE(mapped.is_v4());
  EXPECT_EQ(mapped.address, Peer::from(ipv4_peer("192.0.2.1", 5'000)).address);
  EXPECT_EQ(mapped.to_string(), "192.0.2.1:5000");
  EXPECT_FALSE(Peer::from(ipv6_peer("::1", 1)).is_v4());
  EXPECT_FALSE(Peer::from(ipv6_peer("::192.0.2.1", 1)).is_v4());
}

TEST(Peer, WhatIsNoAddressIsNone) {
  const PeerAddress nothing;
  EXPECT_EQ(Peer::from(nothing).to_string(), "[::]:0");
}

}  // namespace
}  // namespace millrace
