// Publishing and questions, fair use, and FlatBuffers clients beside JSON ones.
#include <gtest/gtest.h>

#include "net/session/session.h"
#include "proto/millrace_generated.h"
#include "tests/support/session_world.h"
#include "tests/unit/proto/flat_samples.h"

namespace millrace {
namespace {

using World = SessionWorld;

std::string history(const std::string& more) {
  return R"({"id":9,"history":{"channel":"kept:1")" + more + "}}";
}

// --- history -------------------------------------------------------------------------------------

class SessionHistory : public testing::Test {
 protected:
  SessionHistory() : file_(world_.open_as("anna")) {
    for (int n = 1; n <= 7; ++n) {
      world_.ask(file_, World::publish(2, "kept:1", std::to_string(n)));
    }
    epoch_ = World::value_of(ask(""), "epoch");
  }
  std::string ask(const std::string& more) { return world_.ask(file_, history(more)); }
  [[nodiscard]] std::string since(int offset) const {
    return R"(,"since":{"epoch":")" + epoch_ + R"(","offset":)" + std::to_string(offset) + "}";
  }
  // What a page holds, in order.
  std::string data(const std::string& more) {
    const std::string page = ask(more);
    std::string all;
    for (std::size_t at = page.find(R"("data":)"); at != std::string::npos;
         at = page.find(R"("data":)", at + 1)) {
      all += page.substr(at + 7, page.find(',', at) - at - 7) + " ";
    }
    EXPECT_TRUE(holds(page, R"("offset":7}})")) << "always the top: " << page;
    return all;
  }

  World world_;
  FileSlot file_;
  std::string epoch_;
};

TEST_F(SessionHistory, WithoutALimitOnlyThePosition) {
  EXPECT_EQ(ask(""),
            R"({"id":9,"history":{"publications":[],"epoch":")" + epoch_ + R"(","offset":7}})");
  EXPECT_EQ(data(R"(,"limit":0)"), "");
}

TEST_F(SessionHistory, PagesBothWays) {
  EXPECT_EQ(data(R"(,"limit":2)"), "3 4 ");
  EXPECT_EQ(data(R"(,"limit":-1)"), "3 4 5 6 7 ");
  EXPECT_EQ(data(R"(,"limit":2)" + since(4)), "5 6 ");
  EXPECT_EQ(data(R"(,"limit":9)" + since(6)), "7 ");
  EXPECT_EQ(data(R"(,"limit":9)" + since(7)), "");
  EXPECT_EQ(data(R"(,"limit":2,"reverse":true)"), "7 6 ");
  EXPECT_EQ(data(R"(,"limit":2,"reverse":true)" + since(5)), "4 3 ");
  EXPECT_TRUE(holds(ask(R"(,"limit":1)"), R"("info":{"user":"anna")"));
}

TEST_F(SessionHistory, Errors) {
  EXPECT_TRUE(
      holds(ask(R"(,"limit":1,"since":{"epoch":"abcdefgh","offset":1})"), R"("code":112,)"));
  EXPECT_TRUE(holds(ask(R"(,"limit":1,"since":{"epoch":"none","offset":1})"), R"("code":112,)"));
  EXPECT_TRUE(holds(ask(R"(,"limit":1,"reverse":true)" + since(0)), R"("code":107,)"));
  EXPECT_TRUE(
      holds(world_.ask(file_, R"({"id":9,"history":{"channel":"bin:1"}})"), R"("code":108,)"));
  EXPECT_EQ(world_.ask(file_, R"({"id":9,"history":{}})"), "3501 bad request");
}

TEST(SessionCommands, APageOfHistoryHasALimit) {
  ClientShardOptions options = World::options();
  options.sessions.history_page = 2;
  World world(options);
  const FileSlot file = world.open_as("anna");
  for (int n = 1; n <= 4; ++n) world.ask(file, World::publish(2, "kept:1", std::to_string(n)));
  for (const char* limit : {"1", "2", "3", "-1", "2147483647"}) {
    const std::string page = world.ask(file, history(R"(,"limit":)" + std::string(limit)));
    EXPECT_EQ(count_of(page, R"("data")"), std::string(limit) == "1" ? 1U : 2U) << limit;
  }
}

// --- presence ------------------------------------------------------------------------------------

TEST(SessionCommands, PresenceTellsWhoIsThereOnAllShards) {
  World world(World::options(), 2);
  const FileSlot anna = world.open_with(World::lasting("anna", R"(,"info":{"n":1})"), 0);
  const FileSlot bert = world.open_as("bert", 1);
  world.ask(anna, World::subscribe(2, "room:1", R"(,"join_leave":true)"), 0);
  world.ask(bert, World::subscribe(2, "room:1"), 1);
  const std::string presence = world.ask(anna, R"({"id":3,"presence":{"channel":"room:1"}})", 0);
  EXPECT_TRUE(holds(presence, R"("user":"anna","client":")")) << presence;
  EXPECT_TRUE(holds(presence, R"("conn_info":{"n":1})")) << presence;
  EXPECT_TRUE(holds(presence, R"("user":"bert","client":")")) << presence;
  EXPECT_EQ(world.ask(bert, R"({"id":4,"presence_stats":{"channel":"room:1"}})", 1),
            R"({"id":4,"presence_stats":{"num_clients":2,"num_users":2}})");
  std::string heard;
  for (int i = 0; i < 3; ++i) {
    world.advance(seconds(1));
    heard += world.heard(anna, 0);
    EXPECT_EQ(world.heard(bert, 1), "") << "it did not ask for them";
  }
  EXPECT_TRUE(holds(heard, R"({"push":{"channel":"room:1","join":{"info":{"user":"bert",)"))
      << heard;
  world.ring(1).client_close(bert);
  for (int i = 0; i < 8; ++i) {
    world.advance(seconds(1));
    heard += world.heard(anna, 0);
  }
  EXPECT_TRUE(holds(heard, R"("leave":{"info":{"user":"bert",)")) << heard;
  EXPECT_EQ(world.ask(anna, R"({"id":5,"presence_stats":{"channel":"room:1"}})", 0),
            R"({"id":5,"presence_stats":{"num_clients":1,"num_users":1}})");
}

TEST(SessionCommands, WhatNeedsAnApplicationIsNotThere) {
  World world;
  const FileSlot file = world.open_as("anna");
  EXPECT_EQ(world.ask(file, R"({"id":2,"rpc":{"method":"x","data":1}})"),
            R"({"id":2,"error":{"code":108,"message":"not available"}})");
  EXPECT_EQ(world.ask(file, R"({"send":{"data":1}})"), "3508 not available");
}

// --- fair use ------------------------------------------------------------------------------------

TEST(SessionCommands, TooManyAreRefusedAndThenTheConnectionEnds) {
  ClientShardOptions options = World::options();
  options.sessions.fair_use = {.commands_per_second = 1, .commands_burst = 3, .errors = 0};
  World world(options);
  const FileSlot file = world.open_as("anna");  // that was the first
  const std::string ask = R"({"id":2,"history":{"channel":"kept:1"}})";
  EXPECT_FALSE(holds(world.ask(file, ask), "error"));
  EXPECT_FALSE(holds(world.ask(file, ask), "error"));
  EXPECT_EQ(world.ask(file, ask),
            R"({"id":2,"error":{"code":111,"message":"too many requests","temporary":true}})");
  world.advance(milliseconds(1'010));
  EXPECT_FALSE(holds(world.ask(file, ask), "error")) << "one a second comes back";
  std::string heard;
  for (std::uint32_t i = 0; i < FairUse::kMostRefused + 1; ++i) heard = world.ask(file, ask);
  EXPECT_EQ(heard, "3013 too many requests");
}

TEST(SessionCommands, TooManyErrorsEndTheConnection) {
  ClientShardOptions options = World::options();
  options.sessions.fair_use.errors = 3;
  World world(options);
  const FileSlot file = world.open_as("anna");
  const std::string bad = World::subscribe(2, "shut:1");
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(holds(world.ask(file, bad), R"("code":103)"));
  const std::string last = world.ask(file, bad);
  EXPECT_TRUE(holds(last, R"("code":103)")) << "the error first";
  EXPECT_TRUE(holds(last, "3509 too many errors")) << last;
}

// What does not fit is lost, and so is who asked: the shard's time is not spent on the rest.
TEST(SessionCommands, NothingIsExecutedBehindAReplyThatDoesNotFit) {
  ClientShardOptions options = World::options();
  options.connections.queue_bytes = 1'000;
  World world(options);
  const FileSlot file = world.open_as("anna");
  std::string frame;
  for (int id = 2; id < 30; ++id) frame += World::subscribe(id, "shut:1") + "\n";
  world.send_text(file, frame + World::subscribe(30, "news"));
  EXPECT_TRUE(holds(world.heard(file), "3008 slow"));
  EXPECT_EQ(world.metrics().subscriptions, 0U);
}

TEST(SessionCommands, PongsAreFree) {
  ClientShardOptions options = World::options();
  options.sessions.fair_use = {.commands_per_second = 1, .commands_burst = 1, .errors = 1};
  World world(options);
  const FileSlot file = world.open_as("anna");
  int pings = 0;
  for (int i = 0; i < 120; ++i) {
    world.advance(seconds(1));
    if (world.heard(file) != "{}") continue;
    ++pings;
    EXPECT_EQ(world.ask(file, "{}"), "");
  }
  EXPECT_GE(pings, 4);
}

// --- FlatBuffers ---------------------------------------------------------------------------------

std::string flat_subscribe(std::uint32_t id, const std::string& channel) {
  return test::flat_command(id, flat::CommandBody::Subscribe, [&channel](test::FlatBuilder& b) {
    return flat::CreateSubscribe(b, b.CreateString(channel));
  });
}

struct FlatHeard {
  flat::MessageBody type = flat::MessageBody::NONE;
  std::uint32_t id = 0;
  std::uint32_t code = 0;  // of an error
  std::string data;        // of a publication
  std::string bytes = {};
};

class FlatWorld : public World {
 public:
  using World::World;
  FileSlot open_flat(const std::string& user) {
    const FileSlot file = ShardWorld::connect();
    std::string request = handshake();
    request.insert(request.size() - 2, "Sec-WebSocket-Protocol: millrace-flatbuffers\r\n");
    send(file, request);
    CHECK(holds(ring().take_sent(file), "millrace-flatbuffers"));
    const std::string token = lasting(user);
    say(file, test::flat_command(1, flat::CommandBody::Connect, [&token](test::FlatBuilder& b) {
          return flat::CreateConnect(b, b.CreateString(token));
        }));
    const auto answer = flat_heard(file);
    CHECK_EQ(answer.size(), 1U);
    CHECK(answer[0].type == flat::MessageBody::ConnectResult);
    return file;
  }
  void say(FileSlot file, const std::string& bytes) {
    send(file, client_frame(Opcode::kBinary, bytes));
  }
  std::vector<FlatHeard> flat_heard(FileSlot file) {
    std::vector<FlatHeard> all;
    for (const ServerFrame& frame : frames(file)) {
      EXPECT_EQ(frame.opcode, Opcode::kBinary);
      if (frame.opcode != Opcode::kBinary) continue;
      const auto* at = reinterpret_cast<const std::uint8_t*>(frame.payload.data());
      const auto* message = flatbuffers::GetSizePrefixedRoot<flat::ServerMessage>(at);
      FlatHeard one{message->body_type(), message->id(), 0, "", frame.payload};
      if (const auto* error = message->body_as_ErrorResult()) one.code = error->code();
      if (const auto* push = message->body_as_PublicationPush()) {
        const auto* data = push->publication()->data();
        one.data.assign(reinterpret_cast<const char*>(data->data()), data->size());
      }
      all.push_back(std::move(one));
    }
    return all;
  }
};

TEST(SessionFlat, ClientsOfBothFormatsShareAChannelOneEncodeEach) {
  FlatWorld world;
  std::vector<FileSlot> json;
  std::vector<FileSlot> flat;
  for (int i = 0; i < 3; ++i) {
    json.push_back(world.open_as("anna"));
    world.ask(json.back(), World::subscribe(2, "news"));
    flat.push_back(world.open_flat("bert"));
    world.say(flat.back(), flat_subscribe(2, "news"));
    const auto reply = world.flat_heard(flat.back());
    ASSERT_EQ(reply.size(), 1U);
    EXPECT_EQ(reply[0].type, flat::MessageBody::SubscribeResult);
    EXPECT_EQ(reply[0].id, 2U);
  }
  const std::uint64_t encodes = world.metrics().encodes_total;
  world.say(flat[0], test::flat_publish(3, "news", R"({"n": 1})"));
  EXPECT_EQ(world.metrics().encodes_total, encodes + 2);
  for (const FileSlot file : json) {
    EXPECT_TRUE(holds(world.heard(file), R"("pub":{"data":{"n": 1},"info":{"user":"bert",)"));
  }
  for (const FileSlot file : flat) {
    const auto heard = world.flat_heard(file);
    ASSERT_GE(heard.size(), 1U);
    EXPECT_EQ(heard[0].data, R"({"n": 1})");
  }
}

TEST(SessionFlat, WhatIsNoJsonDoesNotReachJsonClients) {
  FlatWorld world;
  const FileSlot file = world.open_flat("bert");
  for (const std::string& bad : {std::string("{"), std::string("\0\xff", 2), std::string("1 2")}) {
    world.say(file, test::flat_publish(3, "news", bad));
    const auto reply = world.flat_heard(file);
    ASSERT_EQ(reply.size(), 1U);
    EXPECT_EQ(reply[0].code, 107U);
  }
}

TEST(SessionFlat, ABinaryNamespaceCarriesAnyBytesAndNoJsonClient) {
  FlatWorld world;
  const FileSlot file = world.open_flat("bert");
  world.say(file, flat_subscribe(2, "bin:1"));
  EXPECT_EQ(world.flat_heard(file).at(0).type, flat::MessageBody::SubscribeResult);
  const std::string bytes("\0\x01\xff\n", 4);
  world.say(file, test::flat_publish(3, "bin:1", bytes));
  EXPECT_EQ(world.flat_heard(file).at(0).data, bytes);
  const FileSlot json = world.open_as("anna");
  for (const std::string& command : {World::subscribe(2, "bin:1"), World::publish(2, "bin:1", "1"),
                                     std::string(R"({"id":2,"history":{"channel":"bin:1"}})")}) {
    EXPECT_TRUE(holds(world.ask(json, command), R"("code":108)")) << command;
  }
}

TEST(SessionFlat, PingsAndPongsAreMessagesToo) {
  FlatWorld world;
  const FileSlot file = world.open_flat("bert");
  int pings = 0;
  for (int i = 0; i < 80; ++i) {
    world.advance(seconds(1));
    for (const FlatHeard& one : world.flat_heard(file)) {
      EXPECT_EQ(one.type, flat::MessageBody::Ping);
      ++pings;
      world.say(file, test::flat_pong());
    }
  }
  EXPECT_GE(pings, 3);
  EXPECT_TRUE(world.ring().is_open(file));
}

}  // namespace
}  // namespace millrace
