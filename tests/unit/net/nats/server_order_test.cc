#include "net/nats/server_order.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>

namespace millrace {
namespace {

using Urls = std::vector<std::string>;

Urls servers(std::size_t count) {
  Urls urls;
  for (std::size_t i = 0; i < count; ++i) urls.push_back(std::to_string(i));
  return urls;
}

TEST(ServerOrder, BeginsAtOneAfterTheOther) {
  const Urls urls{"a", "b", "c"};
  EXPECT_EQ(server_order(urls, 0), (Urls{"a", "b", "c"}));
  EXPECT_EQ(server_order(urls, 1), (Urls{"b", "c", "a"}));
  EXPECT_EQ(server_order(urls, 2), (Urls{"c", "a", "b"}));
  EXPECT_EQ(server_order(urls, 3), (Urls{"a", "c", "b"}));
  EXPECT_EQ(server_order({"a"}, 7), (Urls{"a"}));
  EXPECT_EQ(server_order({"a", "b"}, 7), (Urls{"b", "a"}));
}

// What counts up may begin anywhere.
TEST(ServerOrder, NoServerHasMoreThanOneConnectionMoreThanAnother) {
  for (const std::size_t count : {1U, 2U, 3U, 5U, 16U}) {
    for (const std::size_t connections : {1U, 2U, 7U, 16U, 64U}) {
      for (const std::size_t base : {0U, 1U, 12'345U}) {
        std::map<std::string, int> first;
        for (const std::string& url : servers(count)) first[url] = 0;
        for (std::size_t i = 0; i < connections; ++i) {
          const Urls order = server_order(servers(count), base + i);
          ++first[order.front()];
          Urls sorted = order;
          std::sort(sorted.begin(), sorted.end(),
                    [](const auto& a, const auto& b) { return std::stoi(a) < std::stoi(b); });
          ASSERT_EQ(sorted, servers(count)) << "each once";
        }
        const auto [least, most] =
            std::minmax_element(first.begin(), first.end(),
                                [](const auto& a, const auto& b) { return a.second < b.second; });
        EXPECT_LE(most->second - least->second, 1) << count << " servers, " << connections;
      }
    }
  }
}

// The connections of one that goes away.
TEST(ServerOrder, TheNextOnesSpreadToo) {
  for (const std::size_t count : {3U, 5U}) {
    std::map<std::string, int> second;
    const std::size_t connections = count * (count - 1) * 2;
    for (std::size_t i = 0; i < connections; ++i) {
      const Urls order = server_order(servers(count), i);
      if (order[0] == "0") ++second[order[1]];
    }
    EXPECT_EQ(second.size(), count - 1);
    for (const auto& [url, times] : second) EXPECT_EQ(times, 2) << url;
  }
}

TEST(ServersBut, AreTheOthersAndWhatTheClusterNamed) {
  const Urls order{"nats://a:1", "nats://b:4222", "nats://c:3"};
  EXPECT_EQ(servers_but(order, {}, "nats://b:4222"), (Urls{"nats://a:1", "nats://c:3"}));
  EXPECT_EQ(servers_but(order, {}, "nats://b"), (Urls{"nats://a:1", "nats://c:3"}));
  EXPECT_EQ(servers_but(order, {"nats://d:4", "c:3", "b:4222"}, "nats://b:4222"),
            (Urls{"nats://a:1", "nats://c:3", "nats://d:4"}));
  EXPECT_EQ(servers_but({"nats://a:1"}, {}, "nats://a:1"), Urls{}) << "there is no other";
  EXPECT_EQ(
      servers_but({"nats://[::1]:1", "nats://[::1]"}, {"[::1]:4222", "[::1]:2"}, "nats://a:1"),
      (Urls{"nats://[::1]:1", "nats://[::1]", "nats://[::1]:2"}));
}

TEST(ServersBut, TheUserGoesWithTheDiscovered) {
  EXPECT_EQ(servers_but({"nats://u:p@a:1", "nats://b:2"}, {"c:3"}, "nats://u:p@a:1"),
            (Urls{"nats://b:2", "nats://u:p@c:3"}));
  EXPECT_EQ(servers_but({"tls://token@a:1"}, {"nats://c:3"}, "nats://a:1"),
            (Urls{"tls://token@c:3"}));
}

}  // namespace
}  // namespace millrace
