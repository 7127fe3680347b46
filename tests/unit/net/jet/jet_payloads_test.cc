#include "net/jet/jet_payloads.h"

#include <gtest/gtest.h>

#include "net/jet/info_header.h"

namespace millrace {
namespace {

TEST(JetPayloads, TakesJsonAndWhereItMayAnyBytes) {
  NatsOptions options;
  options.max_payload = 16;
  options.takes_any_bytes = [](Bytes channel) { return channel.starts_with("raw:"); };
  ShardMetrics metrics;
  JetPayloads payloads(options, metrics);
  Bytes out;
  EXPECT_TRUE(payloads.take("a", "{\"a\":\n1}", out));
  EXPECT_EQ(out, "{\"a\":1}");
  EXPECT_TRUE(payloads.take("raw:a", Bytes("\0\n", 2), out));
  EXPECT_EQ(out, Bytes("\0\n", 2));
  EXPECT_EQ(metrics.broker_dropped_payload_total, 0U);
  EXPECT_FALSE(payloads.take("a", "no JSON", out));
  EXPECT_FALSE(payloads.take("raw:a", "", out));
  EXPECT_FALSE(payloads.take("raw:a", std::string(17, 'x'), out));
  EXPECT_EQ(metrics.broker_dropped_payload_total, 3U);
}

TEST(JetPayloads, ReadsWhoPublished) {
  const NatsOptions options;
  ShardMetrics metrics;
  JetPayloads payloads(options, metrics);
  EXPECT_EQ(unpack_client_info(payloads.info(info_to_header({.user = "u"}))).user, "u");
  EXPECT_EQ(payloads.info(""), "");
  EXPECT_EQ(payloads.info("!"), "");
}

}  // namespace
}  // namespace millrace
