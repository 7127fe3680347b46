#include "net/nodes/presence_wire.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace millrace {
namespace {

const std::vector<ClientInfo> kMembers = {
    {.user = "ann", .client = "c1"},
    {.user = "\"quoted\"\n\x01", .client = "c2", .conn_info = R"({"a":[1,2]})"},
    {.user = "", .client = "c3", .conn_info = "null", .chan_info = R"("x")"},
};

TEST(PresenceWire, AQuestionIsReadAsItWasMade) {
  PresenceReader reader;
  const auto list = reader.question(presence_question_json("room:a\"b", false));
  ASSERT_TRUE(list);
  EXPECT_EQ(list->channel, "room:a\"b");
  EXPECT_FALSE(list->counts_only);
  const auto counts = reader.question(presence_question_json("room:1", true));
  ASSERT_TRUE(counts);
  EXPECT_TRUE(counts->counts_only);
}

TEST(PresenceWire, WhatIsNoQuestionIsNone) {
  PresenceReader reader;
  for (const Bytes bad :
       {"", "{}", "[]", "7", R"({"channel":7})", R"({"channel":""})", R"({"channel":"a.b"})",
        R"({"channel":"millrace:x"})", R"({"channel":"a","counts":1})",
        R"({"channel":"a","channel":"b"})", R"({"channel":"a"}})", "{\"channel\":\n\"a\"}"}) {
    EXPECT_FALSE(reader.question(bad)) << bad;
  }
}

TEST(PresenceWire, AListIsReadAsItWasMade) {
  PresenceReader reader;
  const std::string json = presence_list_json({5, 2}, kMembers);
  const auto answer = reader.answer(json);
  ASSERT_TRUE(answer);
  EXPECT_TRUE(answer->available);
  EXPECT_EQ(answer->counts, (PresenceCounts{5, 2}));
  EXPECT_EQ(answer->members, kMembers);
  EXPECT_TRUE(answer->users.empty());
}

TEST(PresenceWire, CountsComeWithDigests) {
  PresenceReader reader;
  const std::vector<std::uint64_t> users = {user_digest("ann"), user_digest(""), 0, ~0ULL};
  const auto answer = reader.answer(presence_counts_json({9, 4}, users));
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->counts, (PresenceCounts{9, 4}));
  EXPECT_EQ(answer->users, users);
  EXPECT_TRUE(answer->members.empty());
  EXPECT_NE(user_digest("ann"), user_digest("bob"));
}

TEST(PresenceWire, ANodeMaySayThatItCantTell) {
  PresenceReader reader;
  const auto answer = reader.answer(presence_unavailable_json());
  ASSERT_TRUE(answer);
  EXPECT_FALSE(answer->available);
}

TEST(PresenceWire, WhatIsNoAnswerIsNone) {
  PresenceReader reader;
  const std::string head = R"({"clients":2,"users":1)";
  ASSERT_TRUE(reader.answer(head + "}"));
  const std::string long_id(65, 'c');
  for (const std::string& bad :
       {std::string(), std::string("{}"), std::string(R"({"users":1})"),
        std::string(R"({"clients":1,"users":2})"), std::string(R"({"clients":4294967296})"),
        std::string(R"({"clients":-1})"), head + R"(,"digests":"12"})",
        head + R"(,"digests":"000000000000000g"})", head + R"(,"digests":[]})",
        head + R"(,"members":[]})", head + R"(,"members":{"":{}}})",
        head + R"(,"members":{"a\u0062":{}}})", head + R"(,"members":{"a":7}})",
        head + R"(,"members":{"a":{"user":7}}})", head + R"(,"members":{")" + long_id + R"(":{}}})",
        head + ",\"members\":{\"a\":{\"conn_info\":{\"x\":\n1}}}}", head + "} trailing"}) {
    EXPECT_FALSE(reader.answer(bad)) << bad;
  }
}

TEST(PresenceWire, DigestsAndMembersHaveALimit) {
  PresenceReader reader;
  const std::vector<std::uint64_t> most(kUsersCompared, 7);
  const std::vector<std::uint64_t> more(kUsersCompared + 1, 7);
  EXPECT_TRUE(reader.answer(presence_counts_json({9'999, 2'000}, most)));
  EXPECT_FALSE(reader.answer(presence_counts_json({9'999, 2'001}, more)));

  std::vector<std::string> ids;
  for (std::size_t i = 0; i <= kMaxListed; ++i) ids.push_back(std::to_string(i));
  std::vector<ClientInfo> members;
  for (const std::string& id : ids) members.push_back({.client = id});
  EXPECT_FALSE(reader.answer(presence_list_json({20'000, 1}, members)));
  members.pop_back();
  const std::string json = presence_list_json({20'000, 1}, members);
  const auto answer = reader.answer(json);
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->members.size(), kMaxListed);
}

TEST(PresenceWire, WhatDoesNotFitIsLeftOut) {
  PresenceReader reader;
  const std::string large = '"' + std::string(kMaxPresenceBody / 2, 'x') + '"';
  const std::vector<ClientInfo> members = {{.client = "1", .conn_info = large},
                                           {.client = "2", .conn_info = large}};
  const std::string list = presence_list_json({2, 1}, members);
  EXPECT_LE(list.size(), kMaxPresenceBody);
  const auto answer = reader.answer(list);
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->members.size(), 1U);
  EXPECT_EQ(answer->counts.clients, 2U);

  std::size_t left_out = 0;
  const std::vector<PresenceChange> changes = {{true, members[0]}, {false, members[1]}};
  const std::string json = presence_news_json(changes, left_out);
  EXPECT_EQ(left_out, 1U);
  EXPECT_LE(json.size(), kMaxPresenceBody);
  EXPECT_TRUE(reader.news(json));
}

TEST(PresenceWire, NewsTellJoinsFirst) {
  PresenceReader reader;
  std::size_t left_out = 0;
  const std::string json = presence_news_json(
      std::vector<PresenceChange>{{false, kMembers[0]}, {true, kMembers[1]}, {true, kMembers[2]}},
      left_out);
  const auto news = reader.news(json);
  ASSERT_TRUE(news);
  ASSERT_EQ(news->size(), 3U);
  EXPECT_TRUE((*news)[0].joined);
  EXPECT_EQ((*news)[0].member, kMembers[1]);
  EXPECT_EQ((*news)[1].member, kMembers[2]);
  EXPECT_FALSE((*news)[2].joined);
  EXPECT_EQ((*news)[2].member, kMembers[0]);
  for (const Bytes bad : {"", "[]", R"({"joins":7})", R"({"leaves":{"a":[]}})"}) {
    EXPECT_FALSE(reader.news(bad)) << bad;
  }
}

}  // namespace
}  // namespace millrace
