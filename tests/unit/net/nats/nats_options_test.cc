#include "net/nats/nats_options.h"

#include <gtest/gtest.h>

#include <functional>
#include <string>

namespace millrace {
namespace {

NatsOptions good() {
  NatsOptions options;
  options.urls = {"nats://127.0.0.1:4222"};
  return options;
}

std::string refusal(const std::function<void(NatsOptions&)>& change) {
  NatsOptions options = good();
  change(options);
  const auto checked = check_nats_options(options);
  return checked.ok() ? "" : checked.error().text;
}

TEST(NatsOptions, TheDefaultsWithAUrlAreGood) {
  EXPECT_EQ(refusal([](NatsOptions&) {}), "");
}

TEST(NatsOptions, RefusesWhatCouldNotWorkWithAnyServer) {
  EXPECT_NE(refusal([](auto& o) { o.urls.clear(); }), "");
  EXPECT_NE(refusal([](auto& o) { o.urls.push_back("http://h"); }), "");
  EXPECT_NE(refusal([](auto& o) { o.subject_prefix = "a b"; }), "");
  EXPECT_NE(refusal([](auto& o) { o.subject_prefix = "millrace"; }), "");
  EXPECT_NE(refusal([](auto& o) { o.prefix_namespaces = {""}; }), "");
  EXPECT_NE(refusal([](auto& o) { o.prefix_namespaces = {"game:x"}; }), "");
  EXPECT_NE(refusal([](auto& o) { o.prefix_namespaces = {"_INBOX"}; }), "");
  EXPECT_NE(refusal([](auto& o) { o.connect_timeout_ms = 0; }), "");
  EXPECT_NE(refusal([](auto& o) { o.flush_timeout_ms = 0; }), "");
  EXPECT_NE(refusal([](auto& o) { o.reconnect_wait_ms = -1; }), "");
  EXPECT_NE(refusal([](auto& o) { o.ping_interval_ms = 0; }), "");
  EXPECT_EQ(refusal([](auto& o) { o.prefix_namespaces = {"default", "game"}; }), "");
}

TEST(NatsOptions, HasLimitsOfItsLimits) {
  EXPECT_NE(refusal([](auto& o) { o.inbox_messages = 0; }), "");
  EXPECT_EQ(refusal([](auto& o) { o.inbox_messages = 1; }), "");
  EXPECT_NE(refusal([](auto& o) { o.lane_requests = 0; }), "");
  EXPECT_EQ(refusal([](auto& o) { o.lane_requests = 1; }), "");
  EXPECT_EQ(refusal([](auto& o) { o.lane_requests = kMaxNatsLaneRequests - 1; }), "");
  EXPECT_EQ(refusal([](auto& o) { o.lane_requests = kMaxNatsLaneRequests; }), "");
  EXPECT_NE(refusal([](auto& o) { o.lane_requests = kMaxNatsLaneRequests + 1; }), "");
  EXPECT_EQ(refusal([](auto& o) { o.max_payload = 0x7fffffff; }), "");
  EXPECT_NE(refusal([](auto& o) { o.max_payload = std::size_t{0x7fffffff} + 1; }), "");
}

}  // namespace
}  // namespace millrace
