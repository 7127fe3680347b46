#include "bench/load/address_plan.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>

#include <map>
#include <set>
#include <string>

namespace millrace::load {
namespace {

using Addresses = std::vector<ListenAddress>;

Addresses targets(std::initializer_list<const char*> texts) {
  Addresses all;
  for (const char* text : texts) {
    const auto some = AddressPlan::parse_target(text);
    EXPECT_TRUE(some.ok()) << text;
    all.insert(all.end(), some->begin(), some->end());
  }
  return all;
}

std::string text_of(const PeerAddress& address) {
  char text[INET_ADDRSTRLEN];
  const auto& raw = reinterpret_cast<const sockaddr_in&>(address.storage);
  return inet_ntop(AF_INET, &raw.sin_addr, text, sizeof(text));
}

TEST(AddressPlan, ReadsTargets) {
  EXPECT_EQ(targets({"127.0.0.1:8000"}).size(), 1U);
  const Addresses range = targets({"127.0.0.254-127.0.1.2:8000"});
  ASSERT_EQ(range.size(), 5U);
  EXPECT_EQ(to_string(range.front()), "127.0.0.254:8000");
  EXPECT_EQ(to_string(range.back()), "127.0.1.2:8000");
  EXPECT_TRUE(targets({"[::1]:8000"}).front().ipv6);
  for (const char* wrong :
       {"", "127.0.0.1", "localhost:8000", "127.0.0.1:0", "127.0.0.1:99999",
        "127.0.0.9-127.0.0.1:80", "a-b:80", "10.0.0.0-10.255.0.0:80", "127.0.0.1-[::1]:80"}) {
    EXPECT_FALSE(AddressPlan::parse_target(wrong).ok()) << wrong;
  }
}

TEST(AddressPlan, ReadsSources) {
  EXPECT_EQ(AddressPlan::parse_source("127.0.1.1-127.0.1.8")->size(), 8U);
  EXPECT_EQ(AddressPlan::parse_source("10.1.2.3")->front().host, "10.1.2.3");
  EXPECT_TRUE(AddressPlan::parse_source("::1")->front().ipv6);
  for (const char* wrong : {"", "127.0.0.1:80", "eth0", "1.2.3", "1.2.3.4-x"}) {
    EXPECT_FALSE(AddressPlan::parse_source(wrong).ok()) << wrong;
  }
}

TEST(AddressPlan, ARangeHasALimit) {
  EXPECT_EQ(AddressPlan::parse_source("10.0.0.0-10.0.255.255")->size(), 65'536U);
  EXPECT_FALSE(AddressPlan::parse_source("10.0.0.0-10.1.0.0").ok());
}

TEST(AddressPlan, ReadsThePortRange) {
  EXPECT_EQ(parse_port_range("1024\t65535\n").size(), 64'512U);
  EXPECT_EQ(parse_port_range("").first, 32'768U);
  EXPECT_EQ(parse_port_range("nonsense").last, 60'999U);
  EXPECT_EQ(parse_port_range("10 9").size(), 0U);
}

TEST(AddressPlan, FewConnectionsNeedNoSources) {
  const auto plan = AddressPlan::make(1'000, targets({"127.0.0.1:8000"}), {}, PortRange{});
  ASSERT_TRUE(plan.ok());
  EXPECT_EQ(plan->sources(), 0U);
  EXPECT_EQ(plan->source_of(5), nullptr);
  EXPECT_EQ(plan->target_of(5), 0U);
}

// Every pair of addresses has less than half of the ports, and all are used alike.
TEST(AddressPlan, AMillionOnLoopbackAreSpreadOverSourcesOfItsOwn) {
  const auto plan = AddressPlan::make(1'000'000, targets({"127.0.0.1:8000"}), {}, PortRange{});
  ASSERT_TRUE(plan.ok());
  std::map<std::pair<std::string, std::size_t>, std::uint64_t> pairs;
  for (std::uint64_t i = 0; i < 1'000'000; ++i) {
    ++pairs[{text_of(*plan->source_of(i)), plan->target_of(i)}];
  }
  EXPECT_EQ(pairs.size(), plan->pairs());
  for (const auto& [pair, count] : pairs) {
    EXPECT_LT(count, PortRange{}.size() / 2) << pair.first;
    EXPECT_GE(count, 1'000'000 / plan->pairs());
    EXPECT_TRUE(pair.first.starts_with("127.0."));
    EXPECT_FALSE(pair.first.ends_with(".0") || pair.first.ends_with(".255"));
  }
  EXPECT_FALSE(plan->crowded());
}

TEST(AddressPlan, EachSourceMeetsEachTarget) {
  const auto sources = AddressPlan::parse_source("127.0.1.1-127.0.1.3");
  const auto plan =
      AddressPlan::make(600, targets({"127.0.0.1:8000", "127.0.0.2:8000"}), *sources, PortRange{});
  std::set<std::pair<std::string, std::size_t>> pairs;
  for (std::uint64_t i = 0; i < 600; ++i) {
    pairs.insert({text_of(*plan->source_of(i)), plan->target_of(i)});
  }
  EXPECT_EQ(pairs.size(), 6U);
}

TEST(AddressPlan, TooFewAddressesAreRefusedWithHowManyAreNeeded) {
  // 25,000 fit into one pair, and one more does not.
  const Addresses target = targets({"192.0.2.1:8000"});
  EXPECT_TRUE(AddressPlan::make(24'999, target, {}, PortRange{}).ok());
  const auto most = AddressPlan::make(25'000, target, {}, PortRange{});
  ASSERT_TRUE(most.ok());
  EXPECT_TRUE(most->crowded());
  const auto refused = AddressPlan::make(25'001, target, {}, PortRange{});
  ASSERT_FALSE(refused.ok());
  EXPECT_NE(refused.error().text.find("need 2 pairs"), std::string::npos) << refused.error().text;
  EXPECT_NE(refused.error().text.find("--sources with 2"), std::string::npos);
  const auto million = AddressPlan::make(1'000'000, target, {}, PortRange{});
  EXPECT_NE(million.error().text.find("--sources with 40"), std::string::npos)
      << million.error().text;
}

TEST(AddressPlan, ANarrowRangeNeedsMoreAddresses) {
  const PortRange narrow{40'000, 40'999};
  const auto plan = AddressPlan::make(4'500, targets({"127.0.0.1:8000"}), {}, narrow);
  ASSERT_TRUE(plan.ok());
  EXPECT_EQ(plan->sources(), 18U);
  EXPECT_FALSE(AddressPlan::make(10, targets({"127.0.0.1:8000"}), {}, PortRange{5, 4}).ok());
}

TEST(AddressPlan, FamiliesDoNotMix) {
  const auto source = AddressPlan::parse_source("::1");
  EXPECT_FALSE(AddressPlan::make(1, targets({"127.0.0.1:80"}), *source, PortRange{}).ok());
  EXPECT_FALSE(AddressPlan::make(1, targets({"127.0.0.1:80", "[::1]:80"}), {}, PortRange{}).ok());
  EXPECT_TRUE(AddressPlan::make(1, targets({"[::1]:80"}), *source, PortRange{}).ok());
}

}  // namespace
}  // namespace millrace::load
