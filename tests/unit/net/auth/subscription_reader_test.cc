#include "net/auth/subscription_reader.h"

#include <gtest/gtest.h>

namespace millrace {
namespace {

struct Read {
  std::vector<ClaimedSubscription> subs;
  SubscriptionReader::Failure failed;
};

Read subs_of(Bytes json) {
  JsonValidator validator;
  EXPECT_TRUE(validator.valid(json)) << json;
  JsonObject object;
  EXPECT_TRUE(object.read(json, kMaxClaims));
  SubscriptionReader reader;
  Read read;
  read.failed = reader.take_subs(object, read.subs);
  if (!read.failed && read.subs.empty()) {
    read.failed = SubscriptionReader::take_channels(object, read.subs);
  }
  return read;
}

TEST(SubscriptionReader, TakesSubsWithWhatTheyCarry) {
  const Read read = subs_of(
      R"({"subs":{"a":{"info":1,"data":{"x":2},"override":{"force_recovery":{"value":true}}}}})");
  ASSERT_EQ(read.failed, std::nullopt);
  ASSERT_EQ(read.subs.size(), 1U);
  EXPECT_EQ(read.subs[0].channel, "a");
  EXPECT_EQ(read.subs[0].info, "1");
  EXPECT_EQ(read.subs[0].data, R"({"x":2})");
  EXPECT_EQ(read.subs[0].recoverable, true);
}

TEST(SubscriptionReader, TakesAListOfNamesOnce) {
  EXPECT_EQ(subs_of(R"({"channels":["a","b","a"]})").subs.size(), 2U);
  EXPECT_EQ(subs_of("{}").subs.size(), 0U);
}

TEST(SubscriptionReader, SaysWhatIsWrong) {
  EXPECT_EQ(subs_of(R"({"subs":[]})").failed, TokenError::kBadClaims);
  EXPECT_EQ(subs_of(R"({"subs":{"":{}}})").failed, TokenError::kBadChannel);
  EXPECT_EQ(subs_of(R"({"subs":{"a":{"b64info":"!"}}})").failed, TokenError::kBadInfo);
  EXPECT_EQ(subs_of(R"({"channels":[7]})").failed, TokenError::kBadChannel);
  std::string many = R"({"subs":{"c0":{})";
  for (std::size_t i = 1; i <= kMaxTokenSubscriptions; ++i) {
    many += ",\"c" + std::to_string(i) + "\":{}";
  }
  EXPECT_EQ(subs_of(many + "}}").failed, TokenError::kTooManySubscriptions);
}

}  // namespace
}  // namespace millrace
