#include "net/server/config.h"

#include <gtest/gtest.h>

namespace millrace {
namespace {

TEST(Config, FindsWhatIsConfigured) {
  Config config;
  config.namespaces["game"].interest = InterestMode::kPrefix;
  ASSERT_NE(find_namespace(config, "game"), nullptr);
  EXPECT_EQ(find_namespace(config, "game")->interest, InterestMode::kPrefix);
}

TEST(Config, RefusesOtherNamespaces) {
  Config config;
  config.namespaces["game"];
  EXPECT_EQ(find_namespace(config, "gam"), nullptr);
  EXPECT_EQ(find_namespace(config, ""), nullptr);
  EXPECT_EQ(find_namespace(config, "default"), nullptr) << "nobody configured it";
  config.namespaces["default"];
  EXPECT_NE(find_namespace(config, "default"), nullptr);
  EXPECT_EQ(find_namespace(config, "other"), nullptr);
}

TEST(Config, TakesDefaultForAllUnderInsecure) {
  Config config;
  config.insecure = true;
  ASSERT_NE(find_namespace(config, "any"), nullptr);
  EXPECT_EQ(*find_namespace(config, "any"), NamespaceConfig{});
  config.namespaces["default"].interest = InterestMode::kPrefix;
  config.namespaces["own"];
  EXPECT_EQ(find_namespace(config, "any")->interest, InterestMode::kPrefix);
  EXPECT_EQ(find_namespace(config, "own")->interest, InterestMode::kChannel);
}

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
