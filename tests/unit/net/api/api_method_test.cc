#include "net/api/api_method.h"

#include <gtest/gtest.h>

namespace millrace {
namespace {

TEST(ApiMethod, HasOneNameThereAndBack) {
  for (int i = 0; i <= static_cast<int>(ApiMethod::kRevoke); ++i) {
    const auto method = static_cast<ApiMethod>(i);
    EXPECT_EQ(api_method(api_method_name(method)), method);
  }
  EXPECT_EQ(api_method_name(ApiMethod::kPresenceStats), "presence_stats");
  for (const Bytes name : {"", "Publish", "publish ", "rpc", "presence_", "map_publish"}) {
    EXPECT_FALSE(api_method(name)) << name;
  }
}

}  // namespace
}  // namespace millrace
