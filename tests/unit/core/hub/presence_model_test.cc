// A presence table against plain maps: every answer, and all that is told.
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <random>
#include <set>
#include <string>

#include "core/hub/presence_table.h"
#include "core/metrics/shard_metrics.h"

namespace millrace {
namespace {

struct ModelMember {
  std::string user;
  std::string info;
  int origin = 0;
  bool announces = false;
};
using ModelChannel = std::map<std::string, ModelMember>;

// Who follows a channel by what is told only.
struct Follower {
  std::map<std::string, std::set<std::string>> users;  // and their clients
  Instant last_told{};
};

class PresenceModel : public testing::TestWithParam<unsigned> {
 protected:
  static constexpr int kChannels = 5;
  static constexpr int kClients = 60;
  static constexpr int kOrigins = 4;

  int pick(int n) { return static_cast<int>(random_() % static_cast<unsigned>(n)); }
  static std::string user_of(int client) {
    return client % 7 == 0 ? "" : "user" + std::to_string(client % 20);
  }

  void add() {
    const std::string channel = "ch" + std::to_string(pick(kChannels));
    const int number = pick(kClients);
    const std::string client = "c" + std::to_string(number);
    // One client in six never announces. Info changes now and then.
    const ModelMember member{user_of(number), std::string(static_cast<std::size_t>(pick(3)), 'i'),
                             number % kOrigins, number % 6 != 0};
    ASSERT_TRUE(table_.add(channel, static_cast<std::uint16_t>(member.origin),
                           {member.user, client, member.info, member.info},
                           {.members = true, .announce = member.announces}, now_));
    model_[channel][client] = member;
  }
  void remove() {
    const std::string channel = "ch" + std::to_string(pick(kChannels));
    const std::string client = "c" + std::to_string(pick(kClients));
    table_.remove(channel, client, now_);
    model_[channel].erase(client);
  }
  void drop_origin() {
    const int origin = pick(kOrigins);
    table_.drop_origin(static_cast<std::uint16_t>(origin), now_);
    for (auto& [name, channel] : model_) {
      std::erase_if(channel, [&](const auto& each) { return each.second.origin == origin; });
    }
  }
  bool present(const std::string& channel, const std::string& user) {
    const auto& members = model_[channel];
    return std::any_of(members.begin(), members.end(), [&](const auto& each) {
      return each.second.announces && each.second.user == user;
    });
  }
  void follow(const std::string& channel, std::span<const PresenceChange> changes) {
    Follower& follower = followers_[channel];
    ASSERT_GE(now_ - follower.last_told, PresenceTable::kAnnounceInterval);
    follower.last_told = now_;
    ASSERT_FALSE(changes.empty());
    for (const PresenceChange& change : changes) {
      const std::string user(change.member.user);
      const std::string client(change.member.client);
      std::set<std::string>& clients = follower.users[user];
      const auto member = model_[channel].find(client);
      const bool there = member != model_[channel].end();
      ASSERT_EQ(there, change.joined) << client;
      if (there) {
        ASSERT_TRUE(member->second.announces);
        ASSERT_EQ(change.member.conn_info, member->second.info);
        ASSERT_TRUE(clients.insert(client).second) << client << " is told twice";
      } else {
        ASSERT_EQ(clients.erase(client), 1U) << client << " was never told";
        // Nobody sees a user gone who is there.
        if (clients.empty()) {
          ASSERT_FALSE(present(channel, user)) << user;
        }
      }
    }
  }
  void announce() {
    table_.announce(now_, [this](Bytes channel, std::span<const PresenceChange> changes) {
      follow(std::string(channel), changes);
    });
  }
  void compare_answers(bool list) {
    std::size_t all = 0;
    for (const auto& [name, members] : model_) {
      std::set<std::string> users;
      for (const auto& [client, member] : members) users.insert(member.user);
      ASSERT_EQ(table_.counts(name), (PresenceCounts{static_cast<std::uint32_t>(members.size()),
                                                     static_cast<std::uint32_t>(users.size())}));
      all += members.size();
      if (!list) continue;
      std::set<std::string> listed;
      for (const ClientInfo& info : table_.members(name, kClients)) {
        const auto it = members.find(std::string(info.client));
        ASSERT_NE(it, members.end());
        ASSERT_EQ(info.user, it->second.user);
        ASSERT_EQ(info.chan_info, it->second.info);
        ASSERT_TRUE(listed.insert(it->first).second);
      }
      ASSERT_EQ(listed.size(), members.size());
    }
    ASSERT_EQ(metrics_.presence_members, all);
  }
  // Who has listened to everything knows exactly who is there.
  void compare_followers() {
    for (const auto& [name, members] : model_) {
      std::set<std::string> told;
      std::set<std::string> there;
      for (const auto& [user, clients] : followers_[name].users)
        told.insert(clients.begin(), clients.end());
      for (const auto& [client, member] : members) {
        if (member.announces) there.insert(client);
      }
      ASSERT_EQ(told, there) << name;
    }
  }

  std::mt19937 random_{GetParam()};
  ShardMetrics metrics_;
  PresenceTable table_{{}, metrics_};
  Instant now_{1'000'000'000'000};
  std::map<std::string, ModelChannel> model_;
  std::map<std::string, Follower> followers_;
};

TEST_P(PresenceModel, AnswersAndTellsWhatIsSo) {
  for (int step = 0; step < 100'000 && !HasFatalFailure(); ++step) {
    const int what = pick(1000);
    if (what < 480) {
      add();
    } else if (what < 995) {
      remove();
    } else if (what < 997) {
      drop_origin();
    } else {
      // A calm, now and then one in which all is told. Members are listed only then: a listing
      // makes leaves be told that are not told otherwise.
      for (int i = pick(10) == 0 ? 800 : 50; i > 0; --i) {
        now_ = now_ + milliseconds(10);
        announce();
      }
      if (table_.next_due() == Instant::never()) {
        compare_followers();
        compare_answers(true);
      }
    }
    now_ = now_ + milliseconds(pick(20));
    if (pick(3) != 0) announce();
    if (step % 20 == 0) compare_answers(false);
  }
  EXPECT_EQ(metrics_.presence_changes_dropped_total, 0U);
  EXPECT_GT(metrics_.presence_batches_total, 1000U);
  for (int origin = 0; origin < kOrigins; ++origin) {
    table_.drop_origin(static_cast<std::uint16_t>(origin), now_);
  }
  model_.clear();
  for (int i = 0; i < 1000; ++i, now_ = now_ + milliseconds(10)) announce();
  for (const auto& [name, follower] : followers_) {
    for (const auto& [user, clients] : follower.users) EXPECT_TRUE(clients.empty()) << user;
  }
  EXPECT_EQ(table_.size(), 0U);
  EXPECT_EQ(table_.channels(), 0U);
  EXPECT_EQ(metrics_.presence_members, 0U);
}

INSTANTIATE_TEST_SUITE_P(Seeds, PresenceModel, testing::Values(1U, 2U, 3U, 4U, 5U));

}  // namespace
}  // namespace millrace
