#include "net/api/api_outcome.h"

#include <gtest/gtest.h>

#include <array>

namespace millrace {
namespace {

TEST(ApiOutcome, IsAResultAnErrorOrBare) {
  EXPECT_EQ(api_answer(ApiOutcome::done()), R"({"result":{}})");
  EXPECT_EQ(api_answer(ApiOutcome::failed(ErrorCode::kUnknownChannel)),
            R"({"error":{"code":102,"message":"unknown channel"}})");
  EXPECT_EQ(api_answer(ApiOutcome::failed(ErrorCode::kBadRequest, "a \"b\"")),
            R"({"error":{"code":107,"message":"bad request: a \"b\""}})");
  ApiOutcome bare = ApiOutcome::done("[]");
  bare.bare = true;
  EXPECT_EQ(api_answer(bare), "[]");
  const ApiOutcome fault = ApiOutcome::of({true, ErrorCode::kBadRequest, "x"});
  EXPECT_TRUE(fault.malformed);
  EXPECT_EQ(fault.error, ErrorCode::kBadRequest);
}

TEST(ApiOutcome, ResultsAreCentrifugos) {
  const Epoch epoch = *Epoch::parse("abcdefgh");
  EXPECT_EQ(publish_result({}), "{}");
  EXPECT_EQ(publish_result({7, epoch}), R"({"offset":7,"epoch":"abcdefgh"})");
  const std::array<ClientInfo, 2> members{
      ClientInfo{.user = "u\"", .client = "c1", .conn_info = R"({"a":1})", .chan_info = {}},
      ClientInfo{.user = "", .client = "c2", .conn_info = {}, .chan_info = "2"}};
  EXPECT_EQ(presence_result(members),
            R"({"presence":{"c1":{"user":"u\"","client":"c1","conn_info":{"a":1}},)"
            R"("c2":{"user":"","client":"c2","chan_info":2}}})");
  EXPECT_EQ(presence_stats_result({3, 2}), R"({"num_clients":3,"num_users":2})");
  const std::array<KeptPublication, 2> kept{
      KeptPublication{.offset = 1, .data = R"({"x":1})", .info = {}},
      KeptPublication{.offset = 2, .data = "2", .info = members[1]}};
  const HistoryPage page{.top = {2, epoch}, .publications = kept};
  EXPECT_EQ(
      history_result(page, false),
      R"({"publications":[{"data":{"x":1},"offset":1},{"data":2,"info":)"
      R"({"user":"","client":"c2","chan_info":2},"offset":2}],"epoch":"abcdefgh","offset":2})");
  EXPECT_TRUE(
      history_result(page, true).starts_with(R"({"publications":[{"b64data":"eyJ4IjoxfQ==")"));
  const std::array<ApiChannelCount, 2> channels{{{"a", 1}, {"b:c", 2}}};
  EXPECT_EQ(channels_result(channels),
            R"({"channels":{"a":{"num_clients":1},"b:c":{"num_clients":2}}})");
  EXPECT_EQ(channels_result({}), R"({"channels":{}})");
  const std::array<ApiNodeInfo, 1> nodes{{{"id", "n", "v", 1, 2, 3, 4, 5}}};
  EXPECT_EQ(info_result(nodes),
            R"({"nodes":[{"uid":"id","name":"n","version":"v","num_clients":1,"num_users":2,)"
            R"("num_channels":3,"num_subs":4,"uptime":5}]})");
}

}  // namespace
}  // namespace millrace
