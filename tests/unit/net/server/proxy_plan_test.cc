#include "net/server/proxy_plan.h"

#include <gtest/gtest.h>

namespace millrace {
namespace {

TEST(ProxyPlan, EachMethodGetsItsOwn) {
  ProxyConfig config;
  EXPECT_FALSE(config.asks_anything());
  config.connect.timeout = milliseconds(1);
  config.subscribe.timeout = milliseconds(2);
  config.publish.timeout = milliseconds(3);
  config.rpc.timeout = milliseconds(4);
  config.refresh.timeout = milliseconds(5);
  config.sub_refresh.timeout = milliseconds(6);
  config.send.on = true;
  config.requests = 9;
  config.headers = {"Cookie"};
  const ProxySettings settings = make_proxy_settings(config);
  EXPECT_TRUE(config.asks_anything());
  EXPECT_EQ(settings.of(ProxyMethod::kConnect).timeout, milliseconds(1));
  EXPECT_EQ(settings.of(ProxyMethod::kSubscribe).timeout, milliseconds(2));
  EXPECT_EQ(settings.of(ProxyMethod::kPublish).timeout, milliseconds(3));
  EXPECT_EQ(settings.of(ProxyMethod::kRpc).timeout, milliseconds(4));
  EXPECT_EQ(settings.of(ProxyMethod::kRefresh).timeout, milliseconds(5));
  EXPECT_EQ(settings.of(ProxyMethod::kSubRefresh).timeout, milliseconds(6));
  EXPECT_TRUE(settings.of(ProxyMethod::kSend).on);
  EXPECT_FALSE(settings.of(ProxyMethod::kDisconnect).on);
  EXPECT_EQ(settings.requests, 9U);
  EXPECT_EQ(settings.headers, std::vector<std::string>{"Cookie"});
}

}  // namespace
}  // namespace millrace
