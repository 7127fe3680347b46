#include "net/api/gathering.h"

#include <gtest/gtest.h>

#include "net/api/channel_listing.h"

namespace millrace {
namespace {

ApiShare share(bool last = true) {
  ApiShare made;
  made.last = last;
  return made;
}

ApiNodeInfo named(const std::string& uid) {
  ApiNodeInfo node;
  node.uid = uid;
  return node;
}

TEST(Gathering, IsCompleteWhenAllHaveAnswered) {
  Gathering gathering;
  gathering.expect_shares(2);
  gathering.expect_nodes(1);
  gathering.add(share(false));
  gathering.add(share());
  gathering.add(NodeAnswer{});
  EXPECT_FALSE(gathering.complete());
  gathering.add(share());
  EXPECT_TRUE(gathering.complete());
  EXPECT_EQ(api_answer(gathering.outcome(ApiMethod::kDisconnect, {})), R"({"result":{}})");
}

TEST(Gathering, ChannelsOfShardsAndNodesAddUp) {
  Gathering gathering;
  gathering.expect_shares(1);
  gathering.expect_nodes(1);
  ApiShare first = share(false);
  first.listed = {{"b", 1}, {"a", 2}};
  gathering.add(std::move(first));
  ApiShare second = share();
  second.listed = {{"a", 3}};
  gathering.add(std::move(second));
  gathering.add(NodeAnswer{.error = {}, .channels = {{"a", 10}, {"c", 1}}, .nodes = {}});
  EXPECT_EQ(gathering.outcome(ApiMethod::kChannels, {}).text,
            R"({"channels":{"a":{"num_clients":15},"b":{"num_clients":1},"c":{"num_clients":1}}})");
}

TEST(Gathering, UsersAndChannelsOfANodeCountOnce) {
  Gathering gathering;
  gathering.expect_shares(2);
  gathering.expect_nodes(1);
  for (int i = 0; i < 2; ++i) {
    ApiShare each = share();
    each.clients = 3;
    each.subscriptions = 4;
    each.users = {1, 2};
    each.channels = {1, 2, 3};
    gathering.add(std::move(each));
  }
  gathering.add(NodeAnswer{.error = {}, .channels = {}, .nodes = {named("other")}});
  const std::string text = gathering.outcome(ApiMethod::kInfo, named("self")).text;
  EXPECT_TRUE(text.starts_with(R"({"nodes":[{"uid":"self","name":"","version":"",)"
                               R"("num_clients":6,"num_users":2,"num_channels":3,"num_subs":8,)"))
      << text;
  EXPECT_NE(text.find(R"({"uid":"other")"), std::string::npos);
}

TEST(Gathering, TheFirstErrorIsTold) {
  Gathering gathering;
  gathering.expect_shares(1);
  gathering.expect_nodes(1);
  gathering.add(NodeAnswer{.error = ErrorCode::kInternal, .channels = {}, .nodes = {}});
  ApiShare failed = share();
  failed.error = static_cast<std::uint32_t>(ErrorCode::kExpired);
  gathering.add(std::move(failed));
  EXPECT_EQ(gathering.outcome(ApiMethod::kSubscribe, {}).error, ErrorCode::kInternal);
}

TEST(Gathering, MoreChannelsThanAnAnswerListsAreNoAnswer) {
  Gathering gathering;
  gathering.expect_shares(1);
  ApiShare all = share();
  const std::size_t each = 100 + ChannelListing::kListedEnvelope;
  for (std::size_t i = 0; i <= ChannelListing::kMaxListedBytes / each; ++i) {
    std::string name = std::to_string(i);
    name.resize(100, 'x');
    all.listed.emplace_back(name, 1);
  }
  gathering.add(std::move(all));
  const ApiOutcome outcome = gathering.outcome(ApiMethod::kChannels, {});
  EXPECT_EQ(outcome.error, ErrorCode::kLimitExceeded);
  EXPECT_NE(outcome.text.find("pattern"), std::string::npos);
}

}  // namespace
}  // namespace millrace
