#include "core/hub/client_info.h"

#include <gtest/gtest.h>

namespace millrace {
namespace {

TEST(ClientInfo, ComesBackAsItWas) {
  const std::string large(70'000, 'x');
  const ClientInfo all[] = {
      {"user", "client", R"({"a":1})", R"(["b"])"},
      {"user"},
      {.client = "client"},
      {.conn_info = "1"},
      {.chan_info = "2"},
      {.user = Bytes("\0\n", 2)},
      {.user = large, .chan_info = large},
  };
  for (const ClientInfo& info : all) {
    const OwnedBytes packed = pack_client_info(info);
    EXPECT_FALSE(packed.empty());
    EXPECT_EQ(unpack_client_info(packed), info);
  }
}

TEST(ClientInfo, NothingTakesNothing) {
  EXPECT_TRUE(pack_client_info({}).empty());
  EXPECT_EQ(unpack_client_info({}), ClientInfo{});
}

TEST(ClientInfo, IsEmptyWithoutUserAndClient) {
  EXPECT_TRUE(ClientInfo{}.empty());
  EXPECT_TRUE((ClientInfo{.conn_info = "1", .chan_info = "2"}.empty()));
  EXPECT_FALSE(ClientInfo{.user = "u"}.empty());
  EXPECT_FALSE(ClientInfo{.client = "c"}.empty());
}

TEST(ClientInfoDeathTest, WhatWasNotPackedIsABug) {
  const OwnedBytes packed = pack_client_info({"user", "client", {}, {}});
  EXPECT_DEATH(unpack_client_info(Bytes(packed).substr(1)), "CHECK");
  EXPECT_DEATH(unpack_client_info(Bytes(packed).substr(0, packed.size() - 1)), "CHECK");
  EXPECT_DEATH(unpack_client_info(packed + "x"), "CHECK");
  EXPECT_DEATH(unpack_client_info("abc"), "CHECK");
}

}  // namespace
}  // namespace millrace
