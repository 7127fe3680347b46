// Who has missed more than its send queue holds, in many channels: nobody is taken for a slow
// reader for what it asked itself.
#include <gtest/gtest.h>

#include "net/session/session.h"
#include "tests/support/session_world.h"

namespace millrace {
namespace {

using World = SessionWorld;

constexpr std::size_t kQueue = 64 * 1024;
constexpr std::size_t kEach = 5'000;  // bytes of a publication: a channel's are below a page
constexpr int kChannels = 12;         // altogether 4.5 times the queue

ClientShardOptions options_of_small_queues() {
  ClientShardOptions options = World::options();
  options.connections.queue_bytes = kQueue;
  options.sessions.queue_bytes = kQueue;
  options.sessions.publication_bytes = kQueue / 4;
  options.memory_broker.streams.page_bytes = options.sessions.answer_bytes();
  options.memory_broker.presence.list_bytes = options.sessions.answer_bytes();
  options.ws.frames.message_bytes = 256 * 1024;
  options.recv_buffers = 64;
  return options;
}

// All that it gets, frames and all, in as many turns as it takes.
std::string hear(World& world, FileSlot file) {
  std::string heard;
  for (int i = 0; i < 40; ++i) {
    heard += world.ring().take_sent(file);
    world.turn();
  }
  return heard + world.ring().take_sent(file);
}

std::string ask(World& world, FileSlot file, const std::string& command) {
  world.send_text(file, command);
  return hear(world, file);
}

class LongAnswers : public testing::TestWithParam<std::size_t> {
 protected:
  LongAnswers() {
    publisher_ = world_.open_as("bert", last());
    const std::string data = "\"" + std::string(kEach, 'x') + "\"";
    for (int i = 0; i < kChannels; ++i) {
      for (std::uint32_t n = 0; n < World::kKept; ++n) {
        world_.ask(publisher_, World::publish(2, name(i), data), last());
      }
    }
    const FileSlot asker = world_.open_as("epochs");
    for (int i = 0; i < kChannels; ++i) {
      epochs_.push_back(World::value_of(world_.ask(asker, World::subscribe(2, name(i))), "epoch"));
    }
  }
  static std::string name(int i) { return "kept:" + std::to_string(i); }
  [[nodiscard]] std::size_t last() const { return GetParam() - 1; }
  std::string back(int i) {
    return World::subscribe(
        10 + i, name(i),
        R"(,"recover":true,"offset":0,"epoch":")" + epochs_.at(static_cast<std::size_t>(i)) + "\"");
  }
  std::string all_back() {
    std::string all;
    for (int i = 0; i < kChannels; ++i) all += (i == 0 ? "" : "\n") + back(i);
    return all;
  }
  static void expect_all(const std::string& heard) {
    EXPECT_EQ(count_of(heard, R"("recovered":true)"), std::size_t{kChannels});
    EXPECT_EQ(count_of(heard, R"({"data":"xxx)"), std::size_t{kChannels * World::kKept});
    EXPECT_FALSE(holds(heard, "3008")) << "taken for a slow reader";
  }

  World world_{options_of_small_queues(), GetParam()};
  FileSlot publisher_;
  std::vector<std::string> epochs_;
};

TEST_P(LongAnswers, ComeOneByOneWithTheConnectCommandInTheSameFrame) {
  const FileSlot file = world_.open_websocket();
  const std::string heard = ask(world_, file,
                                World::connect(World::lasting("anna")) + "\n" + all_back() + "\n" +
                                    World::subscribe(99, "kept:last"));
  EXPECT_TRUE(holds(heard, R"({"id":1,"connect":{)")) << heard.substr(0, 200);
  expect_all(heard);
  EXPECT_TRUE(holds(heard, R"({"id":99,"subscribe":{)"));
  EXPECT_EQ(world_.metrics().slow_disconnects_total, 0U);
}

TEST_P(LongAnswers, FollowAReaderThatIsSlow) {
  const FileSlot file = world_.open_as("anna");
  world_.ring().set_send_budget(file, 1);
  std::string heard =
      ask(world_, file, all_back() + "\n" + R"({"id":98,"unsubscribe":{"channel":"x"}})");
  EXPECT_EQ(world_.metrics().slow_disconnects_total, 0U);
  EXPECT_LE(world_.metrics().queued_bytes, kQueue);
  EXPECT_FALSE(holds(heard, R"("id":98)")) << "in their order";
  // The last answer may come behind that of a later command.
  const auto all_heard = [&heard] {
    return holds(heard, R"("id":98)") && count_of(heard, R"("recovered":true)") == kChannels;
  };
  for (int i = 0; i < 2'000 && !all_heard(); ++i) {
    world_.ring().set_send_budget(file, 1'000);
    world_.turn();
    heard += world_.ring().take_sent(file);
    EXPECT_LE(world_.metrics().queued_bytes, kQueue);
  }
  world_.ring().set_send_budget(file, 1'000'000);
  expect_all(heard + hear(world_, file));
}

TEST_P(LongAnswers, OfHistoryAndPresenceAreNoOther) {
  const FileSlot file = world_.open_as("anna");
  std::string asked;
  for (int i = 0; i < 2 * kChannels; ++i) {
    asked += R"({"id":)" + std::to_string(10 + i) + R"(,"history":{"channel":")" +
             name(i % kChannels) + R"(","limit":100}})" + "\n";
  }
  asked += R"({"id":50,"presence":{"channel":"room:1"}})";
  const std::string heard = ask(world_, file, asked);
  EXPECT_EQ(count_of(heard, R"({"data":"xxx)"), std::size_t{2 * kChannels * World::kKept});
  EXPECT_TRUE(holds(heard, R"({"id":50,"presence":{)"));
  EXPECT_EQ(world_.metrics().slow_disconnects_total, 0U);
}

TEST_P(LongAnswers, ThatArePendingEndWithTheirClient) {
  const FileSlot file = world_.open_as("anna");
  world_.ring().set_send_budget(file, 1);
  ask(world_, file, all_back());
  world_.ring().client_reset(file);
  world_.turn();
  EXPECT_FALSE(world_.ring().is_open(file));
  // The slot's next tenant asks for itself.
  const FileSlot next = world_.open_as("carl");
  expect_all(ask(world_, next, all_back()));
}

TEST_P(LongAnswers, APongBehindAQuestionIsNotMissed) {
  const FileSlot file = world_.open_as("anna");
  world_.ring().set_send_budget(file, 1);
  world_.advance(seconds(25));
  ask(world_, file, all_back() + "\n{}");
  world_.advance(seconds(9));
  world_.ring().clear_send_budget(file);
  world_.ring().set_send_budget(file, 100'000'000);
  world_.turn();
  const std::string heard = hear(world_, file);
  EXPECT_FALSE(holds(heard, "3012")) << heard.substr(0, 200);
  expect_all(heard);
}

TEST_P(LongAnswers, OfTheConnectReplyHaveTheirShareAndTheNextOneWaits) {
  std::string channels;
  std::string before;
  for (int i = 0; i < kChannels / 2; ++i) {
    channels += (i == 0 ? "\"" : ",\"") + name(i) + "\"";
    before += (i == 0 ? "\"" : ",\"") + name(i) + R"(":{"recover":true,"offset":0,"epoch":")" +
              epochs_.at(static_cast<std::size_t>(i)) + "\"}";
  }
  const FileSlot file = world_.open_websocket();
  const std::string heard =
      ask(world_, file,
          World::connect(World::lasting("anna", R"(,"channels":[)" + channels + "]"),
                         R"(,"subs":{)" + before + "}") +
              "\n" + back(kChannels - 1));
  EXPECT_TRUE(holds(heard, R"({"id":1,"connect":{)")) << heard.substr(0, 200);
  EXPECT_TRUE(holds(heard, R"("id":21,"subscribe":{)"));
  EXPECT_FALSE(holds(heard, "3008"));
  // One page fits into half of the queue, the others are told that they missed something.
  EXPECT_EQ(count_of(heard, R"("recovered":true)"), 2U);
  EXPECT_EQ(count_of(heard, R"("was_recovering":true)"), std::size_t{kChannels / 2 + 1});
}

INSTANTIATE_TEST_SUITE_P(Shards, LongAnswers, testing::Values(1, 2));

// One publication may be larger than half of the queue: by default as large as all of it.
TEST(LongAnswer, OfOneLargePublicationFitsBehindAnother) {
  ClientShardOptions options = options_of_small_queues();
  options.connections.queue_bytes = kQueue + 2 * SessionSettings::kAroundAnswer;
  options.sessions.publication_bytes = kQueue;
  World world(options);
  const FileSlot publisher = world.open_as("bert");
  const std::string data = "\"" + std::string(kQueue - 2, 'x') + "\"";
  std::string asked;
  for (int i = 0; i < 3; ++i) {
    const std::string channel = "kept:" + std::to_string(i);
    world.ask(publisher, World::publish(2, channel, data));
    const std::string epoch =
        World::value_of(world.ask(publisher, World::subscribe(3, channel)), "epoch");
    asked += World::subscribe(10 + i, channel,
                              R"(,"recover":true,"offset":0,"epoch":")" + epoch + "\"") +
             "\n";
  }
  const FileSlot file = world.open_as("anna");
  world.ring().set_send_budget(file, 1);
  std::string heard = ask(world, file, asked);
  for (int i = 0; i < 1'000 && count_of(heard, R"("recovered":true)") < 3; ++i) {
    world.ring().set_send_budget(file, 1'000);
    world.turn();
    heard += world.ring().take_sent(file);
  }
  EXPECT_EQ(count_of(heard, R"("recovered":true)"), 3U);
  EXPECT_EQ(world.metrics().slow_disconnects_total, 0U);
}

// --- questions that never become one -------------------------------------------------------------

TEST(LongAnswer, OfAQuestionThatIsRefusedHoldsNothingUp) {
  World world(options_of_small_queues());
  const FileSlot file = world.open_as("anna");
  const std::string recover = R"(,"recover":true,"offset":0,"epoch":"abcdefgh")";
  const std::string heard =
      ask(world, file,
          World::subscribe(2, "shut:1", recover) + "\n" +                 // not permitted
              World::subscribe(3, "kept:1", recover) + "\n" +             // another epoch
              World::subscribe(4, "kept:1", recover) + "\n" +             // subscribed already
              R"({"id":5,"history":{"channel":"a","limit":5}})" + "\n" +  // nothing is kept
              R"({"id":6,"presence":{"channel":"kept:1"}})" + "\n" +      // no presence
              World::subscribe(7, "kept:2", recover));
  for (int id = 2; id <= 7; ++id) {
    EXPECT_TRUE(holds(heard, R"({"id":)" + std::to_string(id) + ",")) << heard;
  }
}

TEST(LongAnswer, OfASubscribeThatIsTakenBackHoldsNothingUp) {
  World world(options_of_small_queues(), 2);
  const FileSlot file = world.open_as("anna");
  const std::string recover = R"(,"recover":true,"offset":0,"epoch":"abcdefgh")";
  std::string asked;
  for (int i = 0; i < 16; ++i) {  // some of them wait for the other shard
    const std::string channel = "kept:" + std::to_string(i);
    asked += World::subscribe(10 + i, channel, recover) + "\n" + R"({"id":)" +
             std::to_string(50 + i) + R"(,"unsubscribe":{"channel":")" + channel + "\"}}\n";
  }
  const std::string heard = ask(world, file, asked + World::subscribe(99, "kept:last", recover));
  for (int i = 0; i < 16; ++i) {
    EXPECT_TRUE(holds(heard, R"({"id":)" + std::to_string(50 + i) + ",")) << heard;
  }
  EXPECT_TRUE(holds(heard, R"({"id":99,"subscribe":{)")) << heard;
}

}  // namespace
}  // namespace millrace
