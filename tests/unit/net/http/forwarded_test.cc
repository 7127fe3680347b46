#include "net/http/forwarded.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace millrace {
namespace {

using Outcome = ForwardedClient::Outcome;

const Networks kTrusted{*parse_network("10.0.0.0/8"), *parse_network("fd00::/8")};

struct Said {
  Outcome outcome;
  std::string peer;
};

Said ask(ForwardedField field, const std::vector<std::string>& fields) {
  const HttpLimits limits;
  RequestParser parser(limits);
  std::string head = "GET / HTTP/1.1\r\nHost: a\r\n";
  for (const std::string& line : fields) head += line + "\r\n";
  EXPECT_EQ(parser.feed(head + "\r\n"), RequestParser::State::kComplete);
  const auto client =
      forwarded_client(parser.request(), field, *parse_peer("10.9.9.9:99"), kTrusted);
  EXPECT_EQ(client.garbage.empty(), client.outcome != Outcome::kGarbage);
  return {client.outcome, client.peer.to_string()};
}

Said x_forwarded_for(const std::vector<std::string>& fields) {
  return ask(ForwardedField::kXForwardedFor, fields);
}

Said forwarded(const std::vector<std::string>& fields) {
  return ask(ForwardedField::kForwarded, fields);
}

void expect(const Said& said, Outcome outcome, const std::string& peer) {
  EXPECT_EQ(said.outcome, outcome);
  EXPECT_EQ(said.peer, peer);
}

TEST(XForwardedFor, IsTheRightmostThatIsNotTrusted) {
  expect(x_forwarded_for({"X-Forwarded-For: 192.0.2.1"}), Outcome::kFound, "192.0.2.1:0");
  expect(x_forwarded_for({"x-forwarded-for: 192.0.2.1:4711"}), Outcome::kFound, "192.0.2.1:4711");
  expect(x_forwarded_for({"X-Forwarded-For: 198.51.100.7, 192.0.2.1, 10.0.0.1,10.0.0.2"}),
         Outcome::kFound, "192.0.2.1:0");
  expect(x_forwarded_for({"X-Forwarded-For: 198.51.100.7", "X-Forwarded-For: 192.0.2.1",
                          "X-Forwarded-For: fd00::1"}),
         Outcome::kFound, "192.0.2.1:0");
  expect(x_forwarded_for({"X-Forwarded-For: 2001:db8::1"}), Outcome::kFound, "[2001:db8::1]:0");
  expect(x_forwarded_for({"X-Forwarded-For: [2001:db8::1]:5"}), Outcome::kFound, "[2001:db8::1]:5");
}

TEST(XForwardedFor, AClientsWordLeftOfItselfIsNotRead) {
  expect(x_forwarded_for({"X-Forwarded-For: 10.0.0.1, 127.0.0.1, <script>, 192.0.2.1"}),
         Outcome::kFound, "192.0.2.1:0");
  expect(x_forwarded_for({"X-Forwarded-For: garbage, 192.0.2.1, 10.0.0.1"}), Outcome::kFound,
         "192.0.2.1:0");
}

TEST(XForwardedFor, ClientsInsideTheTrustedNetworksAreTheLeftmost) {
  expect(x_forwarded_for({"X-Forwarded-For: 10.0.0.3, 10.0.0.2"}), Outcome::kFound, "10.0.0.3:0");
}

TEST(XForwardedFor, WithoutItTheProxySpeaksForItself) {
  expect(x_forwarded_for({}), Outcome::kUntold, "10.9.9.9:99");
  expect(x_forwarded_for({"X-Forwarded-For:"}), Outcome::kUntold, "10.9.9.9:99");
  expect(x_forwarded_for({"X-Forwarded-For: , ,"}), Outcome::kUntold, "10.9.9.9:99");
  expect(x_forwarded_for({"X-Forwarded-For: unknown"}), Outcome::kUntold, "10.9.9.9:99");
  expect(x_forwarded_for({"X-Forwarded-For: 1.2.3.4, unknown, 10.0.0.1"}), Outcome::kUntold,
         "10.0.0.1:0");
  expect(x_forwarded_for({"Forwarded: for=192.0.2.1"}), Outcome::kUntold, "10.9.9.9:99");
}

TEST(XForwardedFor, GarbageOfATrustedProxyIsTold) {
  for (const char* garbage : {"localhost", "192.0.2.256", "192.0.2.1:99999", "[::1", "-", "\"\"",
                              "192.0.2.1;", "fe80::1%1", "1.2.3.4 5.6.7.8"}) {
    const auto said = x_forwarded_for({std::string("X-Forwarded-For: 192.0.2.1, ") + garbage});
    EXPECT_EQ(said.outcome, Outcome::kGarbage) << garbage;
  }
  expect(x_forwarded_for({"X-Forwarded-For: bad, 10.0.0.1"}), Outcome::kGarbage, "10.0.0.1:0");
}

TEST(XForwardedFor, HopsAreBounded) {
  const auto with = [](std::size_t proxies) {
    std::string field = "X-Forwarded-For: 192.0.2.1";
    for (std::size_t i = 0; i < proxies; ++i) field += ", 10.0.0.1";
    return x_forwarded_for({field}).outcome;
  };
  EXPECT_EQ(with(kMaxForwardedHops - 2), Outcome::kFound);
  EXPECT_EQ(with(kMaxForwardedHops - 1), Outcome::kFound);
  EXPECT_EQ(with(kMaxForwardedHops), Outcome::kGarbage);
}

TEST(Forwarded, IsReadAsRfc7239SaysIt) {
  expect(forwarded({"Forwarded: for=192.0.2.1"}), Outcome::kFound, "192.0.2.1:0");
  expect(forwarded({"Forwarded: FOR=\"192.0.2.1:80\";proto=https;by=10.0.0.1"}), Outcome::kFound,
         "192.0.2.1:80");
  expect(forwarded({"forwarded: proto=http; For=\"[2001:db8:cafe::17]:4711\""}), Outcome::kFound,
         "[2001:db8:cafe::17]:4711");
  expect(forwarded({"Forwarded: for=1.1.1.1, for=192.0.2.1", "Forwarded: for=10.0.0.1"}),
         Outcome::kFound, "192.0.2.1:0");
}

TEST(Forwarded, WhatIsUntoldCountsAsTheProxy) {
  for (const char* untold : {"for=unknown", "for=_hidden", "for=\"_gazonk\"", "for=\"unknown:80\"",
                             "proto=https;by=10.0.0.1"}) {
    expect(forwarded({std::string("Forwarded: for=192.0.2.1, ") + untold}), Outcome::kUntold,
           "10.9.9.9:99");
  }
  expect(forwarded({"X-Forwarded-For: 192.0.2.1"}), Outcome::kUntold, "10.9.9.9:99");
}

TEST(Forwarded, GarbageIsTold) {
  for (const char* garbage :
       {"192.0.2.1", "for=", "for=\"\"", "for=\"192.0.2.1", "for=\"", "for=192.0.2.1;for=192.0.2.2",
        "for=2001:db8::g", "for=example.org", "for=\"a,b\"", "for", ";x", "for =192.0.2.1"}) {
    EXPECT_NE(forwarded({std::string("Forwarded: ") + garbage}).outcome, Outcome::kFound)
        << garbage;
  }
  EXPECT_EQ(forwarded({"Forwarded: for=192.0.2.1;for=192.0.2.2"}).outcome, Outcome::kGarbage);
  EXPECT_EQ(forwarded({"Forwarded: for=\"192.0.2.1"}).outcome, Outcome::kGarbage);
}

}  // namespace
}  // namespace millrace
