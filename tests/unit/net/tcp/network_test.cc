#include "net/tcp/network.h"

#include <gtest/gtest.h>

#include <string>

namespace millrace {
namespace {

Peer peer(std::string_view text) {
  const auto parsed = parse_peer(text);
  EXPECT_TRUE(parsed) << text;
  return parsed.value_or(Peer{});
}

TEST(Network, ContainsWhatItsBitsSay) {
  struct Row {
    const char* network;
    const char* in;
    const char* out;
  };
  for (const Row& row : {
           Row{"10.0.0.0/8", "10.255.255.255", "11.0.0.0"},
           Row{"192.0.2.128/25", "192.0.2.128", "192.0.2.127"},
           Row{"192.0.2.1", "192.0.2.1", "192.0.2.2"},
           Row{"192.0.2.1/32", "192.0.2.1", "192.0.2.0"},
           Row{"0.0.0.0/0", "255.255.255.255", "::1"},
           Row{"2001:db8::/32", "2001:db8:ffff::1", "2001:db9::1"},
           Row{"2001:db8:8000::/33", "2001:db8:8000::", "2001:db8:7fff::"},
           Row{"::1", "::1", "::2"},
           Row{"::1", "::1", "127.0.0.1"},
           Row{"::ffff:192.0.2.0/120", "192.0.2.77", "192.0.3.77"},
       }) {
    const auto network = parse_network(row.network);
    ASSERT_TRUE(network) << row.network;
    EXPECT_TRUE(network->contains(peer(row.in))) << row.network << " " << row.in;
    EXPECT_FALSE(network->contains(peer(row.out))) << row.network << " " << row.out;
  }
  const auto all = parse_network("::/0");
  ASSERT_TRUE(all);
  EXPECT_TRUE(all->contains(peer("127.0.0.1")));
  EXPECT_TRUE(all->contains(peer("ffff::1")));
  EXPECT_TRUE(contains({*parse_network("::1"), *parse_network("10.0.0.0/8")}, peer("10.1.1.1")));
  EXPECT_FALSE(contains({}, peer("10.1.1.1")));
}

TEST(Network, RefusesWhatIsNoNetwork) {
  for (const char* text : {"",
                           "/",
                           "/8",
                           "10.0.0.0/",
                           "10.0.0.0/33",
                           "10.0.0.0/-1",
                           "10.0.0.0/+8",
                           "10.0.0.0/8 ",
                           " 10.0.0.0/8",
                           "10.0.0.1/8",
                           "10.0.0.0/0",
                           "10.0.0/8",
                           "10/8",
                           "0x0a.0.0.0/8",
                           "010.0.0.0",
                           "::/129",
                           "2001:db8::1/64",
                           "[::1]",
                           "[::]/0",
                           "fe80::1%eth0",
                           "localhost",
                           "10.0.0.0/8/8",
                           "*",
                           "::ffff:1.2.3.4/32",
                           "10.0.0.0/99999999999999999999"}) {
    EXPECT_FALSE(parse_network(text)) << text;
  }
  EXPECT_FALSE(parse_network(std::string_view("10.0.0.1\0/8", 11)));
  EXPECT_FALSE(parse_network(std::string(5'000, '1')));
}

TEST(ParsePeer, TakesAddressesWithAndWithoutAPort) {
  EXPECT_EQ(peer("192.0.2.1").to_string(), "192.0.2.1:0");
  EXPECT_EQ(peer("192.0.2.1:5000").to_string(), "192.0.2.1:5000");
  EXPECT_EQ(peer("2001:db8::1").to_string(), "[2001:db8::1]:0");
  EXPECT_EQ(peer("[2001:db8::1]").to_string(), "[2001:db8::1]:0");
  EXPECT_EQ(peer("[2001:db8::1]:65535").to_string(), "[2001:db8::1]:65535");
  EXPECT_EQ(peer("::ffff:192.0.2.1").to_string(), "192.0.2.1:0") << "the same address";
}

TEST(ParsePeer, RefusesEverythingElse) {
  for (const char* text : {"",
                           ":",
                           ":80",
                           "192.0.2.1:",
                           "192.0.2.1:65536",
                           "192.0.2.1:x",
                           "192.0.2.1:-1",
                           "192.0.2",
                           "192.0.2.256",
                           "192.0.2.01",
                           "1.2.3.4.5",
                           "[192.0.2.1]:80",
                           "[::1",
                           "[::1]x",
                           "[::1]:",
                           "::1]",
                           "fe80::1%lo",
                           "unknown",
                           "_hidden",
                           "example.org",
                           "192.0.2.1 ",
                           " 192.0.2.1",
                           "'192.0.2.1'",
                           "192.0.2.1, 192.0.2.2",
                           "[]",
                           "[]:80",
                           "1:2:3:4:5:6:7:8:9"}) {
    EXPECT_FALSE(parse_peer(text)) << text;
  }
  EXPECT_FALSE(parse_peer(std::string_view("192.0.2.1\0", 10)));
  EXPECT_FALSE(parse_peer(std::string(100'000, ':')));
}

TEST(AddressKey, OneForEachV4AddressAndEachV6Slash64) {
  EXPECT_EQ(address_key(peer("192.0.2.1:1")), address_key(peer("192.0.2.1:2")));
  EXPECT_NE(address_key(peer("192.0.2.1")), address_key(peer("192.0.2.2")));
  EXPECT_EQ(address_key(peer("2001:db8:0:1::1")), address_key(peer("2001:db8:0:1:ffff::")));
  EXPECT_NE(address_key(peer("2001:db8:0:1::1")), address_key(peer("2001:db8:0:2::1")));
  EXPECT_EQ(address_key(peer("::ffff:192.0.2.1")), address_key(peer("192.0.2.1")));
  EXPECT_NE(address_key(peer("::1")), address_key(peer("0.0.0.1")));
  EXPECT_NE(address_key(peer("::c000:0201")), address_key(peer("192.0.2.1")));
}

}  // namespace
}  // namespace millrace
