#include "net/server/config.h"

#include <gtest/gtest.h>

namespace millrace {
namespace {

TEST(Config, NamesTheFirstAddressThatOthersReach) {
  Config config;
  ASSERT_NE(first_public_address(config), nullptr);
  EXPECT_EQ(to_string(*first_public_address(config)), "0.0.0.0:8000");
  config.server.listen = {{"127.0.0.1", 1, false}, {"::1", 1, true}};
  EXPECT_EQ(first_public_address(config), nullptr);
  config.server.listen.push_back({"10.0.0.1", 1, false});
  EXPECT_EQ(to_string(*first_public_address(config)), "10.0.0.1:1");
}

}  // namespace
}  // namespace millrace
