#include "net/nodes/cluster_presence.h"

#include <gtest/gtest.h>

#include <string>

#include "core/base/hash.h"
#include "tests/support/node_world.h"

namespace millrace {
namespace {

constexpr PresenceOptions kListed{.members = true};

// Three nodes that know each other. Of each test's channels some are owned by a node's first shard
// and some by its second, because the hash's key is the process's.
struct ClusterPresenceTest : testing::Test, NodeWorld {
  ClusterPresenceTest() : a(start("a")), b(start("bb")), c(start("ccc")) { settle(); }

  void come(NodeShard& shard, Bytes channel, Bytes client, Bytes user) {
    shard.broker->add_member(channel, {.user = user, .client = client}, kListed, now);
  }

  Node& a;
  Node& b;
  Node& c;
  // Names hash differently in each process, so they are chosen by the shard that owns them.
  static std::string room_of(std::size_t shard, int which) {
    for (int i = 0;; ++i) {
      std::string name = "room:" + std::to_string(which) + "-" + std::to_string(i);
      if (hash_bytes(name) % kShards == shard) return name;
    }
  }

  const std::vector<std::string> rooms = {room_of(0, 1), room_of(1, 2), room_of(0, 3),
                                          room_of(1, 4)};
};

TEST_F(ClusterPresenceTest, AnswersAreOfAllNodes) {
  for (const std::string& room : rooms) {
    come(a[0], room, "a0", "ann");
    come(a[1], room, "a1", "");
    come(b[0], room, "b0", "ann");
    come(c[1], room, "c1", "cat");
    turn();
    const std::map<std::string, std::string> all = {
        {"a0", "ann"}, {"a1", ""}, {"b0", "ann"}, {"c1", "cat"}};
    for (Node* node : {&a, &b, &c}) {
      for (const auto& shard : node->shards) {
        const auto list = ask(*shard, room);
        EXPECT_TRUE(list.available);
        EXPECT_EQ(list.members, all);
        const auto counts = ask(*shard, room, true);
        EXPECT_TRUE(counts.available);
        EXPECT_EQ(counts.counts, (PresenceCounts{4, 3}));
        EXPECT_TRUE(counts.members.empty());
      }
    }
    b[0].broker->remove_member(room, "b0", now);
    turn();
    EXPECT_EQ(ask_anew(a[0], room).members.count("b0"), 0U);
    EXPECT_EQ(ask_anew(a[1], room, true).counts, (PresenceCounts{3, 3}));
  }
}

TEST_F(ClusterPresenceTest, AnEmptyChannelIsEmpty) {
  const auto list = ask(a[0], "room:none");
  EXPECT_TRUE(list.available);
  EXPECT_TRUE(list.members.empty());
  EXPECT_EQ(ask(a[0], "room:none", true).counts, PresenceCounts{});
}

TEST_F(ClusterPresenceTest, WhoComesHereIsSeenAtOnceAndWhoComesThereSoon) {
  const Bytes room = rooms[0];
  EXPECT_TRUE(ask(a[0], room).members.empty());
  come(a[1], room, "here", "h");
  come(b[0], room, "there", "t");
  turn();
  EXPECT_EQ(ask(a[0], room).members, (std::map<std::string, std::string>{{"here", "h"}}));
  EXPECT_EQ(ask_anew(a[0], room).members.size(), 2U);
}

TEST_F(ClusterPresenceTest, InfosCrossAsTheyAre) {
  b[0].broker->add_member(rooms[0], {.user = "u", .client = "c", .conn_info = R"({"n":"\u00fc"})"},
                          kListed, now);
  turn();
  EXPECT_EQ(ask(a[0], rooms[0]).members.size(), 1U);
}

TEST_F(ClusterPresenceTest, ACrowdThatAsksIsOneQuestion) {
  const std::string room = rooms[0];
  come(b[0], room, "b0", "ann");
  turn();
  nats.published.clear();
  std::vector<RequestToken> tokens;
  for (int i = 0; i < 500; ++i) tokens.push_back(a[i % 2].ask(room, false, now));
  turn();
  for (int i = 0; i < 500; ++i) EXPECT_EQ(a[i % 2].answers[tokens[i]].members.size(), 1U);
  EXPECT_EQ(nats.count(".presence"), 2U) << "one to each other node";
  ask(a[0], room);
  pass(milliseconds(400));
  ask(a[1], room);
  EXPECT_EQ(nats.count(".presence"), 2U) << "it is kept";
  ask_anew(a[1], room);
  EXPECT_EQ(nats.count(".presence"), 4U);
}

TEST_F(ClusterPresenceTest, ANodeThatDoesNotAnswerMakesItAnErrorUntilItIsGone) {
  for (const std::string& room : rooms) come(b[0], room, "b0", "ann");
  turn();
  b.frozen = true;
  const Instant asked = now;
  for (const bool counts_only : {false, true}) {
    EXPECT_FALSE(ask(a[0], rooms[counts_only ? 0 : 1], counts_only).available);
  }
  EXPECT_LE(now - asked, PresenceGather::kPatience * 3);
  pass(seconds(4));
  for (const bool counts_only : {false, true}) {
    const auto answer = ask_anew(a[0], rooms[0], counts_only);
    EXPECT_TRUE(answer.available);
    EXPECT_EQ(answer.counts.clients, 0U) << "gone with its node";
  }
  // It goes on, is heard, and so are its members.
  b.frozen = false;
  pass(seconds(2));
  EXPECT_EQ(ask_anew(a[0], rooms[0]).members.size(), 1U);
}

TEST_F(ClusterPresenceTest, ANodeThatIsKilledIsAnErrorAndThenNotMissed) {
  for (const std::string& room : rooms) come(b[0], room, "b0", "ann");
  come(c[0], rooms[0], "c0", "cat");
  turn();
  kill(b);
  EXPECT_FALSE(ask(a[0], rooms[0]).available) << "nobody knows yet if it is dead";
  pass(seconds(4));
  const auto answer = ask_anew(a[0], rooms[0]);
  EXPECT_TRUE(answer.available);
  EXPECT_EQ(answer.members, (std::map<std::string, std::string>{{"c0", "cat"}}));
}

TEST_F(ClusterPresenceTest, ANodeThatSaidGoodbyeIsNotMissedAtAll) {
  come(c[0], rooms[0], "c0", "cat");
  for (const auto& shard : b.shards) shard->node->leave(now);
  turn();
  kill(b);
  const auto answer = ask(a[0], rooms[0]);
  EXPECT_TRUE(answer.available);
  EXPECT_EQ(answer.members.size(), 1U);
}

TEST_F(ClusterPresenceTest, NoAnswerWhileNatsIsAway) {
  for (const std::string& room : rooms) come(a[0], room, "a0", "ann");
  turn();
  EXPECT_TRUE(ask(a[0], rooms[0]).available);
  cut(a);
  for (const std::string& room : rooms) {
    const RequestToken token = a[0].ask(room, false, now);
    turn();
    ASSERT_TRUE(a[0].answers.contains(token)) << "told at once";
    EXPECT_FALSE(a[0].answers[token].available);
  }
  pass(seconds(10));
  mend(a);
  // It waits until all have said that they are there.
  const RequestToken token = a[0].ask(rooms[0], false, now);
  turn();
  EXPECT_FALSE(a[0].answers.contains(token));
  pass(milliseconds(600));
  EXPECT_TRUE(a[0].answers[token].available);
}

TEST_F(ClusterPresenceTest, AConnectionThatIsLostEndsWhatIsAsked) {
  nats.drops = [](const NatsPost& post) { return post.subject.starts_with("_INBOX"); };
  const RequestToken token = a[0].ask(rooms[0], false, now);
  const RequestToken other = a[1].ask(rooms[0], false, now);
  turn();
  EXPECT_FALSE(a[0].answers.contains(token));
  cut(a);
  EXPECT_FALSE(a[0].answers.at(token).available);
  EXPECT_FALSE(a[1].answers.at(other).available);
}

TEST_F(ClusterPresenceTest, ManyUsersAreCountedApart) {
  const std::string room = rooms[0];
  const auto fill = [&](Node& node, std::size_t clients) {
    for (std::size_t i = 0; i < clients; ++i) {
      come(node[i % 2], room, node.identity.name + std::to_string(i), std::to_string(i));
    }
    turn();
  };
  fill(a, kUsersCompared);
  fill(b, kUsersCompared);
  fill(c, 10);
  EXPECT_EQ(ask(a[0], room, true).counts, (PresenceCounts{2 * kUsersCompared + 10, kUsersCompared}))
      << "they are the same users";
  come(b[0], room, "one more", "somebody else");
  turn();
  const auto counts = ask_anew(a[0], room, true).counts;
  EXPECT_EQ(counts.clients, 2 * kUsersCompared + 11);
  EXPECT_EQ(counts.users, 2 * kUsersCompared + 1) << "b's are counted apart";
  EXPECT_EQ(ask_anew(b[0], room, true).counts, counts) << "seen from there as well";
}

TEST_F(ClusterPresenceTest, QuestionsThatAreNoneAreDroppedAndCounted) {
  const std::string subject = "millrace.node." + std::string(a.identity.id.text()) + ".presence";
  const std::string good = presence_question_json(rooms[0], true);
  nats.published.clear();
  for (const NatsPost& post :
       {NatsPost{.subject = subject, .data = good}, NatsPost{subject, good, "lobby"},
        NatsPost{subject, "{", "_INBOX.x"}, NatsPost{subject, R"({"channel":"a.b"})", "_INBOX.x"},
        NatsPost{subject, std::string(kMaxPresenceBody + 1, ' '), "_INBOX.x"}}) {
    nats.publish(post);
    turn();
  }
  EXPECT_EQ(a[0].metrics.node_messages_dropped_total, 5U);
  EXPECT_EQ(nats.count("_INBOX"), 0U);
  EXPECT_EQ(nats.count("lobby"), 0U);
  nats.publish({subject, good, "_INBOX.x"});
  turn();
  EXPECT_EQ(nats.count("_INBOX.x"), 1U);
}

TEST_F(ClusterPresenceTest, AnswersThatAreNoneMakeItAnError) {
  for (const auto& shard : b.shards) nats.remove(*shard->link);
  for (const Bytes bad : {"", "{", R"({"clients":1,"users":2})", R"({"unavailable":true})"}) {
    pass(PresenceGather::kKept + milliseconds(20));
    nats.drops = [&](const NatsPost& post) {
      if (post.reply.empty() || post.subject.find(b.identity.id.text()) == std::string::npos) {
        return false;
      }
      nats.publish({post.reply, std::string(bad)});
      return true;
    };
    EXPECT_FALSE(ask(a[0], rooms[0]).available) << bad;
  }
}

TEST_F(ClusterPresenceTest, AFullLaneRefusesWhoAsks) {
  Node& d = start("dddd", 4);
  settle();
  for (const std::string& room : rooms) {
    Message message = NodeCounts{};
    while (d[0].mailbox.try_send(ShardId{1}, message)) message = NodeCounts{};
    while (d[1].mailbox.try_send(ShardId{0}, message)) message = NodeCounts{};
    const RequestToken first = d[0].ask(room, true, now);
    const RequestToken second = d[1].ask(room, true, now);
    const bool first_refused = d[0].answers.contains(first) && !d[0].answers[first].available;
    const bool second_refused = d[1].answers.contains(second) && !d[1].answers[second].available;
    EXPECT_NE(first_refused, second_refused) << "one of them owns it";
    pass(milliseconds(20));
    EXPECT_TRUE(d[0].answers.contains(first) && d[1].answers.contains(second));
  }
}

TEST_F(ClusterPresenceTest, AListIsBoundedOverAllNodes) {
  const std::string room = rooms[0];
  const std::size_t each = kMaxListed / 2 + 100;
  for (Node* node : {&a, &b}) {
    for (std::size_t i = 0; i < each; ++i) {
      come((*node)[0], room, node->identity.name + std::to_string(i), "u");
    }
  }
  turn();
  const auto list = ask(a[0], room);
  EXPECT_TRUE(list.available);
  std::size_t bytes = 0;
  for (const auto& [client, user] : list.members) {
    bytes += PresenceTable::kMemberEnvelope + client.size() + user.size();
  }
  EXPECT_LE(bytes, limits.list_bytes);
  EXPECT_GT(bytes, limits.list_bytes - 1'000);
  EXPECT_EQ(ask(a[1], room, true).counts,
            (PresenceCounts{static_cast<std::uint32_t>(2 * each), 1}));
}

}  // namespace
}  // namespace millrace
