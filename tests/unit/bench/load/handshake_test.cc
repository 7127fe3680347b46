#include "bench/load/handshake.h"

#include <gtest/gtest.h>

#include <string>

namespace millrace::load {
namespace {

constexpr Bytes kUpgraded =
    "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"
    "sec-websocket-accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n";

TEST(Handshake, ARequestHasWhatTheRuleAsksFor) {
  const std::string text = upgrade_request("h:1", "/p", "", "");
  EXPECT_TRUE(text.starts_with("GET /p HTTP/1.1\r\nHost: h:1\r\n"));
  EXPECT_TRUE(text.ends_with("\r\n\r\n"));
  EXPECT_EQ(text.find("Origin"), std::string::npos);
  EXPECT_EQ(text.find("Protocol"), std::string::npos);
  const std::string more = upgrade_request("h:1", "/p", "centrifuge-json", "http://o");
  EXPECT_NE(more.find("Sec-WebSocket-Protocol: centrifuge-json\r\n"), std::string::npos);
  EXPECT_NE(more.find("Origin: http://o\r\n"), std::string::npos);
}

TEST(Handshake, APostCarriesItsLengthAndItsKey) {
  const std::string text = post_request("h:1", "/api/publish", "secret", "{\"a\":1}");
  EXPECT_NE(text.find("X-API-Key: secret\r\n"), std::string::npos);
  EXPECT_NE(text.find("Content-Length: 7\r\n\r\n{\"a\":1}"), std::string::npos);
}

TEST(Handshake, AnUpgradeIsOnlyWithTheRightAccept) {
  HttpHead head;
  ASSERT_EQ(read_head(kUpgraded, head), HeadOutcome::kWhole);
  EXPECT_EQ(head.status, 101U);
  EXPECT_TRUE(head.accepted);
  EXPECT_EQ(head.size, kUpgraded.size());
  std::string wrong(kUpgraded);
  wrong[wrong.find("s3pP")] = 'S';
  ASSERT_EQ(read_head(wrong, head), HeadOutcome::kWhole);
  EXPECT_FALSE(head.accepted);
}

TEST(Handshake, EveryBeginningIsNotWhole) {
  for (std::size_t size = 0; size < kUpgraded.size(); ++size) {
    HttpHead head;
    EXPECT_EQ(read_head(kUpgraded.substr(0, size), head), HeadOutcome::kNotWhole) << size;
  }
}

TEST(Handshake, ARefusalTellsWhenToComeAgain) {
  HttpHead head;
  ASSERT_EQ(read_head("HTTP/1.1 503 Busy\r\nRetry-After: 17\r\nContent-Length: 3\r\n"
                      "Connection: close\r\n\r\nfull",
                      head),
            HeadOutcome::kWhole);
  EXPECT_EQ(head.status, 503U);
  EXPECT_EQ(head.retry_after, 17U);
  EXPECT_EQ(head.content_length, 3U);
  EXPECT_FALSE(head.keep_alive);
  ASSERT_EQ(read_head("HTTP/1.1 503 Busy\r\nRetry-After: soon\r\n\r\n", head), HeadOutcome::kWhole);
  EXPECT_FALSE(head.retry_after);
}

TEST(Handshake, WhatIsNotHttpIsWrongAtOnceAndAHeadHasALimit) {
  HttpHead head;
  EXPECT_EQ(read_head("SSH-2.0", head), HeadOutcome::kWrong);
  EXPECT_EQ(read_head("HTTP/1.1 abc\r\n\r\n", head), HeadOutcome::kWrong);
  const std::string start = "HTTP/1.1 101 x\r\nA: ";
  std::string endless = start + std::string(kMaxHead - start.size(), 'a');
  EXPECT_EQ(read_head(endless, head), HeadOutcome::kNotWhole);
  endless += 'a';
  EXPECT_EQ(read_head(endless, head), HeadOutcome::kWrong);
}

}  // namespace
}  // namespace millrace::load
