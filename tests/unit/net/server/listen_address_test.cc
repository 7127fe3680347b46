#include "net/server/listen_address.h"

#include <gtest/gtest.h>

namespace millrace {
namespace {

ListenAddress at(std::string_view text) {
  const auto address = parse_listen_address(text);
  EXPECT_TRUE(address) << text;
  return address.value_or(ListenAddress{});
}

TEST(ListenAddress, ReadsBothFamilies) {
  EXPECT_EQ(at("0.0.0.0:8000"), (ListenAddress{"0.0.0.0", 8000, false}));
  EXPECT_EQ(at("[::]:8000"), (ListenAddress{"::", 8000, true}));
  EXPECT_EQ(at("127.0.0.1:0").port, 0);
  EXPECT_EQ(at("127.0.0.1:65535").port, 65'535);
}

TEST(ListenAddress, WritesOneSpelling) {
  EXPECT_EQ(to_string(at("[0:0:0:0:0:0:0:1]:80")), "[::1]:80");
  EXPECT_EQ(to_string(at("[2001:DB8::1]:80")), "[2001:db8::1]:80");
  EXPECT_EQ(to_string(at("192.0.2.1:80")), "192.0.2.1:80");
}

TEST(ListenAddress, RefusesWhatIsNone) {
  for (const char* text : {"",
                           ":",
                           ":8000",
                           "8000",
                           "127.0.0.1",
                           "127.0.0.1:",
                           "127.0.0.1:65536",
                           "127.0.0.1:-1",
                           "127.0.0.1:+1",
                           "127.0.0.1:80 ",
                           " 127.0.0.1:80",
                           "127.0.0.1:8o",
                           "127.0.0:80",
                           "1.2.3.4.5:80",
                           "256.0.0.1:80",
                           "localhost:80",
                           "::1:80",
                           "[::1]",
                           "[::1",
                           "[::1:80",
                           "::1]:80",
                           "[]:80",
                           "[127.0.0.1]:80",
                           "[fe80::1%lo]:80",
                           "[::1]x:80",
                           "*:80",
                           "[:80"}) {
    EXPECT_FALSE(parse_listen_address(text)) << text;
  }
  EXPECT_FALSE(parse_listen_address(std::string_view("127.0.0.1\0:80", 13)));
}

TEST(ListenAddress, KnowsWhatOnlyThisMachineReaches) {
  for (const char* text : {"127.0.0.1:1", "127.255.0.9:1", "[::1]:1", "[::ffff:127.0.0.1]:1"}) {
    EXPECT_TRUE(is_loopback(at(text))) << text;
  }
  for (const char* text : {"0.0.0.0:1", "[::]:1", "128.0.0.1:1", "12.7.0.1:1", "[::2]:1",
                           "[::ffff:10.0.0.1]:1", "[127::1]:1"}) {
    EXPECT_FALSE(is_loopback(at(text))) << text;
  }
}

TEST(ListenAddress, OverlapsWithItselfAndWithAllOfItsFamily) {
  EXPECT_TRUE(overlap(at("127.0.0.1:80"), at("127.0.0.1:80")));
  EXPECT_TRUE(overlap(at("0.0.0.0:80"), at("127.0.0.1:80")));
  EXPECT_TRUE(overlap(at("[::1]:80"), at("[::]:80")));
  EXPECT_FALSE(overlap(at("127.0.0.1:80"), at("127.0.0.1:81")));
  EXPECT_FALSE(overlap(at("127.0.0.1:80"), at("127.0.0.2:80")));
  EXPECT_FALSE(overlap(at("0.0.0.0:80"), at("[::]:80")));
  EXPECT_FALSE(overlap(at("0.0.0.0:0"), at("0.0.0.0:0"))) << "the kernel picks two ports";
}

}  // namespace
}  // namespace millrace
