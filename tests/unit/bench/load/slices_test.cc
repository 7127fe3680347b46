#include "bench/load/slices.h"

#include <gtest/gtest.h>

namespace millrace::load {
namespace {

Options options(std::uint64_t connections, const char* target = "127.0.0.1:8000") {
  Options options;
  options.connections = connections;
  options.targets = {*parse_listen_address(target)};
  options.connecting = std::min<std::uint64_t>(512, connections);
  options.phases = *parse_phases("open,hold=1s");
  return options;
}

void expect_whole(const std::vector<Slice>& slices, std::uint64_t connections) {
  std::uint64_t next = 0;
  for (const Slice& slice : slices) {
    EXPECT_EQ(slice.first, next);
    next += slice.count;
    EXPECT_GE(slice.connecting, 1U);
    EXPECT_EQ(slice.buffers & (slice.buffers - 1), 0U);
  }
  EXPECT_EQ(next, connections);
}

TEST(Slices, AMillionUnderTwentyThousandDescriptors) {
  const auto slices = plan_slices(options(1'000'000), {20'000, true, 2});
  ASSERT_TRUE(slices.ok());
  EXPECT_EQ(slices->size(), 52U);
  expect_whole(*slices, 1'000'000);
  for (const Slice& slice : *slices) EXPECT_LE(slice.sockets(), 20'000U);
}

TEST(Slices, HalfOfTheCoresBesideALocalServerAndAllOtherwise) {
  EXPECT_EQ(plan_slices(options(1'000), {20'000, true, 8})->size(), 4U);
  EXPECT_EQ(plan_slices(options(1'000), {20'000, true, 1})->size(), 1U);
  EXPECT_EQ(plan_slices(options(1'000, "192.0.2.1:80"), {20'000, true, 8})->size(), 8U);
  Options three = options(1'000);
  three.threads = 3;
  const auto slices = plan_slices(three, {20'000, true, 8});
  EXPECT_EQ(slices->size(), 3U);
  expect_whole(*slices, 1'000);
  EXPECT_EQ(plan_slices(options(2, "192.0.2.1:80"), {20'000, true, 8})->size(), 2U);
}

TEST(Slices, WithoutDirectSocketsAllShareTheLimit) {
  const MachineLimits machine{20'000, false, 2};
  EXPECT_TRUE(plan_slices(options(19'000), machine).ok());
  const auto refused = plan_slices(options(20'000), machine);
  ASSERT_FALSE(refused.ok());
  EXPECT_NE(refused.error().text.find("RLIMIT_NOFILE is 20000"), std::string::npos);
  EXPECT_FALSE(plan_slices(options(1'000), {500, true, 2}).ok());
}

TEST(Slices, TheRateIsSharedByNumberOfClients) {
  Options paced = options(10, "192.0.2.1:80");
  paced.connect_rate = 100;
  paced.threads = 3;
  const auto slices = plan_slices(paced, {20'000, true, 3});
  double sum = 0;
  for (const Slice& slice : *slices) sum += slice.connect_rate;
  EXPECT_DOUBLE_EQ(sum, 100);
  EXPECT_DOUBLE_EQ(slices->front().connect_rate, 40);
}

TEST(Slices, APublisherOfItsOwnIsTheLast) {
  Options fanout = options(100);
  fanout.workload = Workload::kFanout;
  fanout.phases = *parse_phases("open,load=1s");
  const auto slices = plan_slices(fanout, {20'000, true, 2});
  ASSERT_EQ(slices->size(), 2U);
  EXPECT_TRUE(slices->back().publisher);
  EXPECT_EQ(slices->back().count, 0U);
  fanout.workload = Workload::kPublish;
  EXPECT_FALSE(needs_publisher(fanout));
  fanout.phases = *parse_phases("open,load=1s,broadcast");
  EXPECT_TRUE(needs_publisher(fanout));
  EXPECT_FALSE(needs_publisher(options(1)));
}

}  // namespace
}  // namespace millrace::load
