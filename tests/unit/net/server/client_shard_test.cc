#include "net/server/client_shard.h"

#include <gtest/gtest.h>

#include <random>
#include <string>
#include <vector>

#include "tests/support/shard_world.h"

namespace millrace {
namespace {

std::uint64_t rejected(ShardWorld& world, RejectReason reason, std::size_t shards = 1) {
  std::uint64_t sum = 0;
  for (std::size_t i = 0; i < shards; ++i) {
    sum += world.metrics(i).rejected_total[static_cast<std::size_t>(reason)];
  }
  return sum;
}

// --- The cap ------------------------------------------------------------------------------------

TEST(ClientShard, TheCapIsExactOverAllShards) {
  ShardWorld world(ShardWorld::insecure_options(), 2, 5);
  std::vector<FileSlot> held[2];
  for (std::size_t i = 0; i < 5; ++i) held[i % 2].push_back(world.open_client(i % 2));
  EXPECT_EQ(world.shared().connections.taken(), 5U);
  for (const std::size_t shard : {0U, 1U}) {
    const FileSlot refused = world.connect(shard);
    EXPECT_TRUE(world.ring(shard).sent(refused).starts_with("HTTP/1.1 503"));
  }
  EXPECT_EQ(rejected(world, RejectReason::kConnectionLimit, 2), 2U);
  EXPECT_EQ(world.shared().connections.taken(), 5U);
  EXPECT_EQ(world.metrics(0).clients + world.metrics(1).clients, 5U);

  // One leaves on one shard: there is room for one, on the other.
  world.ring(0).client_close(held[0][0]);
  world.turn();
  const FileSlot next = world.open_client(1);
  EXPECT_TRUE(world.ring(1).is_open(next));
  EXPECT_TRUE(world.ring(0).sent(world.connect(0)).starts_with("HTTP/1.1 503"));
}

// The other shards have room, so the cap is not reached; here only the reserve is left.
TEST(ClientShard, WhereTheTableIsFullANewcomerIsToldSo) {
  ClientShardOptions options = ShardWorld::insecure_options();
  options.connections.capacity = ClientShard::kRefusalSlots + 70;
  ShardWorld world(options);
  for (int i = 0; i < 70; ++i) world.open_client();
  const FileSlot refused = world.connect();
  EXPECT_TRUE(world.ring().sent(refused).starts_with("HTTP/1.1 503"));
  EXPECT_EQ(rejected(world, RejectReason::kDescriptors), 1U);
  EXPECT_EQ(world.shared().connections.taken(), 70U);
}

// --- The drain ----------------------------------------------------------------------------------

TEST(ClientShard, DrainsAtTheLatestAfterItsTimeout) {
  ShardWorld world;
  const FileSlot answers = world.open_client();
  const FileSlot silent = world.open_client();
  const FileSlot stuck = world.open_client();
  world.ring().set_send_budget(stuck, 0);
  world.begin_drain();
  world.advance(milliseconds(4'260));  // all have been told
  EXPECT_EQ(world.close_code(answers), 3001);
  world.send(answers, client_close_frame(3001));
  EXPECT_FALSE(world.ring().is_open(answers));
  EXPECT_TRUE(world.ring().is_open(silent));
  EXPECT_EQ(world.ring().pending_accepts(ShardWorld::kListener), 0U) << "nobody new";
  world.advance(milliseconds(200));
  EXPECT_FALSE(world.shard().drained());
  world.advance(milliseconds(80));
  EXPECT_TRUE(world.shard().drained());
}

TEST(ClientShard, WhoWasOnItsWayWhenTheDrainBeganIsSentAwayToo) {
  ShardWorld world;
  world.shared().draining.store(true);
  set_this_shard(ShardId{0});
  const FileSlot late = world.ring().connect(ShardWorld::kListener);
  // The drain begins in the turn in which the accept comes, or before it.
  world.turn();
  world.advance(Drain::kLongestGrace);
  world.send(late, ShardWorld::handshake());
  EXPECT_TRUE(world.ring().take_sent(late).starts_with("HTTP/1.1 101")) << "it is served";
  world.advance(seconds(5));
  world.advance(milliseconds(40));
  EXPECT_FALSE(world.ring().is_open(late));
  EXPECT_TRUE(world.shard().drained());
}

// The other's client needs what this one owns of the broker.
TEST(ClientShard, RunsUntilAllHaveDrained) {
  ShardWorld world(ShardWorld::insecure_options(), 2);
  const FileSlot last = world.open_client(1);
  world.begin_drain();
  EXPECT_TRUE(world.shard(0).drained());
  EXPECT_FALSE(world.shard(0).reactor().stopping());
  EXPECT_EQ(world.close_code(last, 1), 3001);
  world.send(last, client_close_frame(3001), 1);
  EXPECT_TRUE(world.shard(0).reactor().stopping());
  EXPECT_TRUE(world.shard(1).reactor().stopping());
}

// --- Churn --------------------------------------------------------------------------------------

// Clients that do anything at any time, one turn of one shard at a time.
class ClientShardChurn : public testing::TestWithParam<unsigned> {
 protected:
  static constexpr std::size_t kShards = 3;
  static constexpr std::size_t kClients = 30;

  struct Client {
    std::size_t shard = 0;
    FileSlot file;
    bool alive = false;     // the server has not closed it
    bool said_end = false;  // FIN or RST
    bool upgraded = false;
    std::string rest;  // of a frame that is half sent
  };

  static ClientShardOptions scarce() {
    ClientShardOptions options = ShardWorld::insecure_options();
    options.recv_buffers = 4;
    options.recv_buffer_size = 256;
    options.decoders = 3;
    options.connections.queue_bytes = 3'000;
    options.connections.capacity = 24;
    options.hub.channels_per_subscriber = 5;
    options.hub.channels = 12;
    return options;
  }

  ClientShardChurn() : world_(scarce(), kShards, kClients - 6), clients_(kClients) {}

  std::size_t below(std::size_t bound) { return random_() % bound; }
  MemRing& ring(const Client& client) { return world_.ring(client.shard); }

  void sweep() {
    for (Client& client : clients_) {
      if (client.alive && !ring(client).is_open(client.file)) client.alive = false;
    }
  }
  void connect(Client& client) {
    const std::size_t shard = below(kShards);
    if (world_.ring(shard).pending_accepts(ShardWorld::kListener) == 0) return;
    set_this_shard(ShardId{static_cast<std::uint16_t>(shard)});
    client = Client{};
    client.shard = shard;
    client.file = world_.ring(shard).connect(ShardWorld::kListener);
    client.alive = true;
  }
  std::string channel() { return "room:" + std::to_string(below(14)); }
  std::string command() {
    const std::string id = R"({"id":)" + std::to_string(1 + below(99));
    switch (below(5)) {
      case 0:
        return id + R"(,"connect":{}})";
      case 1:
      case 2:
        return id + R"(,"subscribe":{"channel":")" + channel() + R"("}})";
      case 3:
        return id + R"(,"unsubscribe":{"channel":")" + channel() + R"("}})";
      default:
        return id + R"(,"publish":{"channel":")" + channel() + R"(","data":")" +
               std::string(below(400), 'd') + R"("}})";
    }
  }
  std::string api_publish() {
    const std::string body = R"({"channel":")" + channel() + R"(","data":1})";
    return "POST /api/publish HTTP/1.1\r\nHost: a\r\nX-API-Key: 0123456789abcdef\r\n"
           "Content-Length: " +
           std::to_string(body.size()) + "\r\n\r\n" + body;
  }
  std::string before_the_upgrade(Client& client) {
    switch (below(10)) {
      case 0:
        return "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
      case 1:
        return api_publish() + api_publish();
      case 2:
        return "GET /connec";
      case 3:
        return api_publish() + ShardWorld::handshake();
      default:
        client.upgraded = true;
        client.rest = client_frame(Opcode::kText, R"({"id":1,"connect":{}})");
        return ShardWorld::handshake();
    }
  }
  std::string after_the_upgrade(Client& client) {
    if (!client.rest.empty()) return std::exchange(client.rest, {});
    const std::string frame = client_frame(Opcode::kText, command() + "\n" + command());
    switch (below(20)) {
      case 0:
        return client_close_frame(1000);
      case 1:
        return client_frame(Opcode::kPing, "ping");
      case 2:
        return client_frame(Opcode::kText, "{}") + frame;
      case 3:
        return "garbage" + frame;
      case 4:
      case 5:
      case 6:
      case 7: {
        const std::size_t cut = 1 + below(frame.size() - 1);
        client.rest = frame.substr(cut);
        return frame.substr(0, cut);
      }
      default:
        return frame;
    }
  }
  void act(Client& client) {
    if (!client.alive) return connect(client);
    set_this_shard(ShardId{static_cast<std::uint16_t>(client.shard)});
    MemRing& wire = ring(client);
    switch (below(24)) {
      case 0:
        wire.set_send_budget(client.file, 0);
        return;
      case 1:
        wire.set_send_budget(client.file, below(300));
        return;
      case 2:
      case 3:
        wire.clear_send_budget(client.file);
        return;
      case 4:
        if (below(3) != 0 || client.said_end) return;
        below(2) == 0 ? wire.client_reset(client.file) : wire.client_close(client.file);
        client.said_end = true;
        return;
      case 5:
        wire.end_with_next(client.file);
        if (below(2) == 0 && wire.poll_armed(client.file)) wire.poll_again(client.file);
        return;
      case 6:
        if (wire.send_stuck(client.file)) wire.fail_send(client.file, IoError::kDisconnect);
        return;
      default:
        if (client.said_end) return;
        wire.client_send(client.file,
                         client.upgraded ? after_the_upgrade(client) : before_the_upgrade(client));
    }
  }
  void step() {
    sweep();
    act(clients_[below(kClients)]);
    world_.turn_one(below(kShards));
    if (below(40) == 0)
      world_.clock().advance(milliseconds(static_cast<std::int64_t>(below(3'000))));
    for (std::size_t i = 0; i < kShards; ++i) world_.ring(i).clear_sends();
  }

  std::mt19937 random_{GetParam()};
  ShardWorld world_;
  std::vector<Client> clients_;
};

// The world's destructor drains it, and checks that nothing of all this is left.
TEST_P(ClientShardChurn, LeavesNothingBehind) {
  for (std::size_t i = 0; i < kShards; ++i) world_.ring(i).report_cancel_last(below(2) == 0);
  for (int i = 0; i < 8'000; ++i) {
    step();
    ASSERT_LE(world_.shared().connections.taken(), kClients - 6);
    if (i % 100 != 0) continue;
    for (std::size_t shard = 0; shard < kShards; ++shard) world_.shard(shard).hub().validate();
  }
  std::uint64_t deliveries = 0;
  std::uint64_t parked = 0;
  for (std::size_t i = 0; i < kShards; ++i) {
    deliveries += world_.metrics(i).deliveries_total;
    parked += world_.metrics(i).recv_parked_total;
  }
  EXPECT_GT(deliveries, 100U) << "it did something";
  EXPECT_GT(parked, 0U);
  if (GetParam() % 2 == 0) return;  // drained with everything as it is

  // Those that are left go, and then it serves as if nothing had been.
  sweep();
  for (Client& client : clients_) {
    set_this_shard(ShardId{static_cast<std::uint16_t>(client.shard)});
    if (client.alive && !client.said_end) ring(client).client_reset(client.file);
  }
  for (int i = 0; i < 60; ++i) world_.advance(seconds(1));
  EXPECT_EQ(world_.shared().connections.taken(), 0U);
  const FileSlot subscriber = world_.open_client(0);
  const FileSlot publisher = world_.open_client(2);
  world_.send_text(subscriber, R"({"id":2,"subscribe":{"channel":"room:1"}})", 0);
  world_.send_text(publisher, R"({"id":2,"publish":{"channel":"room:1","data":1}})", 2);
  EXPECT_EQ(world_.texts(subscriber, 0).size(), 2U);
  EXPECT_EQ(world_.texts(publisher, 2), std::vector<std::string>{R"({"id":2,"publish":{}})"});
}

INSTANTIATE_TEST_SUITE_P(Seeds, ClientShardChurn, testing::Range(1U, 11U));

}  // namespace
}  // namespace millrace
