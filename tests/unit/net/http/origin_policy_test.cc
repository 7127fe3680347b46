#include "net/http/origin_policy.h"

#include <gtest/gtest.h>

#include <string>

#include "tests/unit/net/http/handshake.h"

namespace millrace {
namespace {

const OriginPolicy kPolicy = {
    {"https://example.org", "http://localhost:8080", "https://[::1]:8443"}};

unsigned status_of(const std::string& origin, const OriginPolicy& policy = kPolicy) {
  return answer(Handshake().add("Origin: " + origin).raw(), policy).status;
}

TEST(OriginPolicy, NoOriginIsNoBrowser) {
  EXPECT_EQ(answer(Handshake().raw(), kPolicy).status, 101U);
  EXPECT_EQ(answer(Handshake().raw(), {}).status, 101U);
}

TEST(OriginPolicy, ListedOnesAreAllowed) {
  for (const char* origin :
       {"https://example.org", "http://localhost:8080", "https://[::1]:8443", "HTTPS://Example.ORG",
        "https://EXAMPLE.org", " https://example.org ", "Http://LocalHost:8080"}) {
    EXPECT_EQ(status_of(origin), 101U) << origin;
  }
  EXPECT_EQ(status_of("https://example.org", {{"HTTPS://Example.org"}}), 101U);
}

TEST(OriginPolicy, OnlyTheExactOneIs) {
  for (const std::string origin : {"",
                                   "null",
                                   "NULL",
                                   "*",
                                   "https",
                                   "https://",
                                   "https:",
                                   "//example.org",
                                   "example.org",
                                   "http://example.org",
                                   "wss://example.org",
                                   "https:/example.org",
                                   "https:example.org",
                                   "https://example.org:443",
                                   "https://example.org:8443",
                                   "https://example.org:",
                                   "https://example.org/",
                                   "https://example.org/x",
                                   "https://example.org?",
                                   "https://example.org#",
                                   "https://example.org.",
                                   "https://www.example.org",
                                   "https://xexample.org",
                                   "https://example.org.evil.test",
                                   "https://example.orgx",
                                   "https://example.or",
                                   "https://evil.test/https://example.org",
                                   "https://evil.test?https://example.org",
                                   "https://evil.test#https://example.org",
                                   "https://example.org@evil.test",
                                   "https://me@example.org",
                                   "https://me:pw@example.org",
                                   "https://example.org:443@evil.test",
                                   "https://example.org https://evil.test",
                                   "https://evil.test https://example.org",
                                   "https://example.org, https://example.org",
                                   "https://example.org,https://evil.test",
                                   "https://example.org\\.evil.test",
                                   "https://example%2eorg",
                                   "https://example.org%00",
                                   "https://ex\xc3\xa4mple.org",
                                   "https://\xd0\xb5xample.org",
                                   "https://example\xe3\x80\x82org",
                                   "https://example\xef\xbc\x8eorg",
                                   "https://xn--exmple-cua.org",
                                   "\"https://example.org\"",
                                   "http://localhost",
                                   "http://localhost:80",
                                   "http://localhost:80800",
                                   "http://localhost:08080",
                                   "http://127.0.0.1:8080",
                                   "https://[::1]",
                                   "https://[0::1]:8443",
                                   "https://::1:8443",
                                   "file://",
                                   "chrome-extension://example.org",
                                   "data:text/html,x"}) {
    EXPECT_EQ(status_of(origin), 403U) << origin;
    EXPECT_EQ(status_of(origin, {}), 403U) << origin;
  }
}

TEST(OriginPolicy, NullOnlyIfListed) {
  EXPECT_EQ(status_of("null", {{"null"}}), 101U);
  EXPECT_EQ(status_of("NULL", {{"null"}}), 403U);
  EXPECT_EQ(status_of("", {{"null"}}), 403U);
}

TEST(OriginPolicy, AStarAllowsAllAndNoPartOfOneDoes) {
  for (const char* origin : {"https://evil.test", "null", "", "x y"}) {
    EXPECT_EQ(status_of(origin, {{"*"}}), 101U) << origin;
    EXPECT_EQ(status_of(origin, {{"https://a", "*"}}), 101U) << origin;
  }
  EXPECT_EQ(status_of("https://a.example.org", {{"https://*.example.org"}}), 403U);
  EXPECT_EQ(status_of("https://a", {{"https://*"}}), 403U);
}

TEST(OriginPolicy, TwoAreRefusedEvenIfAllAreAllowed) {
  const std::string two =
      Handshake().add("Origin: https://example.org").add("origin: https://example.org").raw();
  EXPECT_EQ(answer(two, kPolicy).status, 403U);
  EXPECT_EQ(answer(two, {{"*"}}).status, 403U);
}

TEST(OriginPolicy, TheRefusalNamesTheOriginAndTheFix) {
  const UpgradeDecision plain = answer(Handshake().add("Origin: https://evil.test").raw(), kPolicy);
  EXPECT_NE(plain.reason.find("https://evil.test"), std::string::npos);
  EXPECT_NE(plain.reason.find("allowed_origins"), std::string::npos);
  EXPECT_TRUE(plain.response.starts_with("HTTP/1.1 403 Forbidden\r\n"));
  EXPECT_NE(plain.response.find("\r\nConnection: close\r\n"), std::string::npos);

  const std::string long_origin = "https://" + std::string(192, 'a');
  const auto reason_of = [](const std::string& origin) {
    return answer_pieces({Handshake().add("Origin: " + origin).raw()}, kPolicy).reason;
  };
  EXPECT_NE(reason_of(long_origin).find(long_origin + " "), std::string::npos);
  EXPECT_EQ(reason_of(long_origin + "b").find("ab"), std::string::npos);
  EXPECT_EQ(reason_of("https://\xff").find('\xff'), std::string::npos);
}

}  // namespace
}  // namespace millrace
