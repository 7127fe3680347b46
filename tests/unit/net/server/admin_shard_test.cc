#include "net/server/admin_shard.h"

#include <gtest/gtest.h>

#include <string>

#include "net/server/readiness.h"
#include "tests/support/shard_world.h"

namespace millrace {
namespace {

// Client shards, and an admin shard beside them that is turned on its own.
class AdminShardTest : public testing::Test {
 protected:
  static constexpr std::size_t kShards = 2;
  static constexpr int kListener = 200;

  AdminShardTest() : world_(ShardWorld::insecure_options(), kShards) {
    options_.client_shards = kShards;
    options_.version = "1.2.3";
    options_.broker = "memory";
    options_.listen = {"127.0.0.1:8000", "[::1]:8000"};
    options_.max_connections = 77;
    options_.deciding_limit = "fs.file-max";
    options_.descriptors = 4'321;
    options_.direct_slots = 888;
    enter();
    auto buffers = std::make_unique<RecvBuffers>(16, 1'024);
    auto ring = std::make_unique<MemRing>(*buffers, 512);
    ring_ = ring.get();
    admin_ = std::make_unique<AdminShard>(
        ShardId{kShards}, options_, world_.shared(), kListener,
        Machine{std::move(buffers), std::move(ring), &world_.clock(), 0});
    admin_->start_accepting();
  }
  ~AdminShardTest() override {
    world_.shared().clients_running.store(0);
    turn_admin();
    EXPECT_TRUE(admin_->drained());
    EXPECT_EQ(ring_->in_flight(), 0U);
    enter();
    admin_.reset();
  }

  static void enter() { set_this_shard(ShardId{kShards}); }
  void turn_admin() {
    enter();
    for (int i = 0; i < 6; ++i) admin_->reactor().turn(Duration{});
  }
  FileSlot begin(const std::string& request) {
    enter();
    const FileSlot file = ring_->connect(kListener);
    turn_admin();
    ring_->client_send(file, request);
    turn_admin();
    return file;
  }
  FileSlot begin_get(const std::string& path) {
    return begin("GET " + path + " HTTP/1.1\r\nHost: a\r\n\r\n");
  }
  // The answer, after the client shards have turned.
  std::string get(const std::string& path) {
    const FileSlot file = begin_get(path);
    world_.turn();
    turn_admin();
    return ring_->take_sent(file);
  }
  void advance_admin(Duration span) {
    world_.clock().advance(span);
    turn_admin();
  }

  ShardWorld world_;
  AdminOptions options_;
  MemRing* ring_ = nullptr;
  std::unique_ptr<AdminShard> admin_;
};

TEST_F(AdminShardTest, IsHealthyWithoutAskingAnybody) {
  const FileSlot file = begin_get("/healthz");
  EXPECT_TRUE(ring_->sent(file).starts_with("HTTP/1.1 200 OK\r\n"));
  EXPECT_NE(ring_->sent(file).find("Cache-Control: no-store\r\n"), std::string::npos);
}

TEST_F(AdminShardTest, IsReadyWhenAllShardsAnswer) {
  EXPECT_TRUE(get("/readyz").starts_with("HTTP/1.1 200"));
}

TEST_F(AdminShardTest, NamesTheShardThatDoesNotAnswer) {
  const FileSlot file = begin_get("/readyz");
  world_.turn_one(0);
  turn_admin();
  EXPECT_EQ(ring_->sent(file), "") << "it waits for the other one";
  advance_admin(milliseconds(490));
  EXPECT_EQ(ring_->sent(file), "");
  advance_admin(milliseconds(20));
  const std::string answer = ring_->take_sent(file);
  EXPECT_TRUE(answer.starts_with("HTTP/1.1 503")) << answer;
  EXPECT_NE(answer.find("shard 1 does not answer"), std::string::npos);
  EXPECT_EQ(answer.find("shard 0"), std::string::npos);
  // Its late answer belongs to nobody, and the next question is a new one.
  world_.turn();
  EXPECT_TRUE(get("/readyz").starts_with("HTTP/1.1 200"));
}

TEST_F(AdminShardTest, SaysWhatTheStuckShardIsDoing) {
  Heartbeat& stuck = world_.shared().heartbeats[1];
  stuck.doing("a test");
  stuck.turn_begins(world_.clock().now());
  const FileSlot file = begin_get("/readyz");
  for (int i = 0; i < 60; ++i) {
    world_.turn_one(0);
    advance_admin(milliseconds(10));
  }
  const std::string answer = ring_->take_sent(file);
  EXPECT_NE(answer.find("shard 1 does not answer: it is busy for 5"), std::string::npos) << answer;
  EXPECT_NE(answer.find(" ms: a test\n"), std::string::npos) << answer;
  world_.turn();
  const std::string metrics = get("/metrics");
  EXPECT_NE(metrics.find("\nmillrace_shard_stalls_total{shard=\"0\"} 0\n"), std::string::npos);
  EXPECT_NE(metrics.find("\nmillrace_shard_stalls_total{shard=\"1\"} 1\n"), std::string::npos);
}

TEST_F(AdminShardTest, IsNotReadyWhileDraining) {
  world_.shared().draining.store(true);
  const std::string answer = get("/readyz");
  EXPECT_TRUE(answer.starts_with("HTTP/1.1 503"));
  EXPECT_NE(answer.find("draining"), std::string::npos);
}

TEST_F(AdminShardTest, TellsItsCausesToPrograms) {
  EXPECT_NE(get("/readyz?format=json").find("{\"ready\":true,\"causes\":[]}\n"), std::string::npos);
  world_.shared().draining.store(true);
  const std::string answer = get("/readyz?format=json");
  EXPECT_TRUE(answer.starts_with("HTTP/1.1 503"));
  EXPECT_NE(answer.find("Content-Type: application/json\r\n"), std::string::npos);
  EXPECT_NE(answer.find(R"({"ready":false,"causes":[{"cause":"draining",)"), std::string::npos);
}

TEST_F(AdminShardTest, IsNotHealthyWhileAShardStandsStillForLong) {
  Heartbeat& stuck = world_.shared().heartbeats[1];
  stuck.doing("a test");
  stuck.turn_begins(world_.clock().now());
  const auto pass = [this](Duration span) {
    for (Duration at{}; at < span; at = at + milliseconds(50)) {
      world_.turn_one(0);
      advance_admin(milliseconds(50));
    }
  };
  pass(kDeadAfter - milliseconds(50));
  EXPECT_TRUE(ring_->take_sent(begin_get("/healthz")).starts_with("HTTP/1.1 200"));
  pass(milliseconds(200));
  const std::string answer = ring_->take_sent(begin_get("/healthz"));
  EXPECT_TRUE(answer.starts_with("HTTP/1.1 503")) << answer;
  EXPECT_NE(answer.find("stuck: shard 1 is busy for 10"), std::string::npos) << answer;
  world_.turn();
  EXPECT_TRUE(ring_->take_sent(begin_get("/healthz")).starts_with("HTTP/1.1 200"));
}

TEST_F(AdminShardTest, SumsTheMetricsOfAllShards) {
  const FileSlot a = world_.open_client(0);
  world_.open_client(1);
  world_.open_client(1);
  world_.send_text(a, R"({"id":2,"subscribe":{"channel":"x"}})");
  const std::string text = get("/metrics");
  EXPECT_NE(text.find("Content-Type: text/plain; version=0.0.4"), std::string::npos);
  EXPECT_NE(text.find("\nmillrace_connections 3\n"), std::string::npos);
  EXPECT_NE(text.find("\nmillrace_clients 3\n"), std::string::npos);
  EXPECT_NE(text.find("\nmillrace_subscriptions 1\n"), std::string::npos);
  EXPECT_NE(text.find("\nmillrace_broker_ready 2\n"), std::string::npos);
}

TEST_F(AdminShardTest, TellsTheGaugesOfDescriptorsAndFiles) {
  world_.open_client(0);
  const std::string text = get("/metrics");
  for (const char* line : {"millrace_max_connections 77", "millrace_max_fds 4321",
                           "millrace_direct_slots_used 1", "millrace_direct_slots 888",
                           "millrace_max_connections_limit_info{limit=\"fs.file-max\"} 1"}) {
    EXPECT_NE(text.find("\n" + std::string(line) + "\n"), std::string::npos) << line;
  }
  EXPECT_EQ(text.find("millrace_open_fds"), std::string::npos);  // nobody reads them here
  options_.read_system = [](ProcessMetrics& process) {
    process.open_fds = 33;
    process.system_files_open = 1'234;
  };
  const std::string more = get("/metrics");
  EXPECT_NE(more.find("\nmillrace_open_fds 33\n"), std::string::npos);
  EXPECT_NE(more.find("\nmillrace_system_files_open 1234\n"), std::string::npos);
}

TEST_F(AdminShardTest, TellsItsStatsAsJson) {
  world_.open_client(1);
  const std::string answer = get("/stats");
  EXPECT_NE(answer.find("Content-Type: application/json\r\n"), std::string::npos);
  for (const char* part :
       {R"("version":"1.2.3")", R"("broker":"memory")", R"("insecure":false)",
        R"("max_connections":77)", R"("max_connections_decided_by":"fs.file-max")",
        R"("listen":["127.0.0.1:8000","[::1]:8000"])", R"("total":{"connections":1,)",
        R"("shards":[{"connections":0,)", R"({"connections":1,)"}) {
    EXPECT_NE(answer.find(part), std::string::npos) << part << "\n" << answer;
  }
}

TEST_F(AdminShardTest, AllWhoAskTogetherShareOneGather) {
  std::vector<FileSlot> files;
  for (int i = 0; i < 10; ++i) files.push_back(begin_get(i % 2 == 0 ? "/metrics" : "/readyz"));
  world_.turn();
  turn_admin();
  for (const FileSlot file : files) EXPECT_TRUE(ring_->sent(file).starts_with("HTTP/1.1 200"));
}

TEST_F(AdminShardTest, RefusesOtherMethodsAndPaths) {
  EXPECT_TRUE(
      ring_->sent(begin("POST /metrics HTTP/1.1\r\nHost: a\r\n\r\n")).starts_with("HTTP/1.1 405"));
  EXPECT_TRUE(ring_->sent(begin_get("/nothing")).starts_with("HTTP/1.1 404"));
  const std::string head = ring_->sent(begin("HEAD /healthz HTTP/1.1\r\nHost: a\r\n\r\n"));
  EXPECT_TRUE(head.starts_with("HTTP/1.1 200"));
  EXPECT_TRUE(head.ends_with("\r\n\r\n"));
}

// While a shard is stuck, clients that ask and go must not pile up.
TEST_F(AdminShardTest, WhoAsksAndGoesLeavesRoomForOthers) {
  for (std::uint32_t i = 0; i < AdminShard::kConnections * 2; ++i) {
    const FileSlot file = begin("GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n");
    ring_->set_send_budget(file, 0);
    // The second request waits for the gather; the answer of the first one is stuck.
    ring_->client_send(file,
                       "GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n"
                       "GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n");
    turn_admin();
    ASSERT_TRUE(ring_->send_stuck(file));
    ring_->fail_send(file, IoError::kDisconnect);
    turn_admin();
    ASSERT_FALSE(ring_->is_open(file));
  }
  EXPECT_TRUE(get("/metrics").starts_with("HTTP/1.1 200"));
}

}  // namespace
}  // namespace millrace
