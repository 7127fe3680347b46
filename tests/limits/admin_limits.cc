// The admin port.
#include "net/server/admin_shard.h"
#include "tests/limits/config_world.h"
#include "tests/limits/limit.h"

namespace millrace {
namespace {

// An admin shard beside one client shard, which is turned only by turn_clients().
class AdminWorld {
 public:
  AdminWorld() : world_(options_of({}), 1, 1'000, kWorldFiles) {
    options_.client_shards = 1;
    enter();
    auto buffers = std::make_unique<RecvBuffers>(16, 1'024);
    auto ring = std::make_unique<MemRing>(*buffers, kWorldFiles);
    ring_ = ring.get();
    admin_ = std::make_unique<AdminShard>(
        ShardId{1}, options_, world_.shared(), kListener,
        Machine{std::move(buffers), std::move(ring), &world_.clock(), 0});
    admin_->start_accepting();
    turn();
  }
  ~AdminWorld() {
    world_.shared().clients_running.store(0);
    turn();
    CHECK(admin_->drained());
    enter();
    admin_.reset();
  }

  FileSlot connect() {
    enter();
    const FileSlot file = ring_->connect(kListener);
    turn();
    return file;
  }
  void get(FileSlot file, const std::string& path) {
    enter();
    ring_->client_send(file, "GET " + path + " HTTP/1.1\r\nHost: a\r\n\r\n");
    turn();
  }
  void advance(Duration span) {
    world_.clock().advance(span);
    turn();
  }
  MemRing& ring() { return *ring_; }

 private:
  static constexpr int kListener = 200;

  static void enter() { set_this_shard(ShardId{1}); }
  void turn() {
    enter();
    for (int i = 0; i < 6; ++i) admin_->reactor().turn(Duration{});
  }

  ShardWorld world_;
  AdminOptions options_;
  MemRing* ring_ = nullptr;
  std::unique_ptr<AdminShard> admin_;
};

std::string connections(std::uint64_t n) {
  AdminWorld world;
  std::uint64_t open = 0;
  for (std::uint64_t i = 0; i < n; ++i) open += world.ring().is_open(world.connect()) ? 1 : 0;
  return unless(open == n, "closed");
}

// The client shard does not answer; who asks is told so in the end.
std::string gathered_after(std::uint64_t n) {
  AdminWorld world;
  const FileSlot file = world.connect();
  world.get(file, "/readyz");
  world.advance(milliseconds(static_cast<std::int64_t>(n)));
  const unsigned status = http_status(world.ring().take_sent(file));
  return unless(status == 0, "HTTP " + std::to_string(status));
}

// All wait for one gather; who has gone meanwhile makes room for who comes.
std::string waiters(std::uint64_t n) {
  AdminWorld world;
  for (std::uint64_t i = 0; i < n; ++i) {
    const FileSlot file = world.connect();
    if (!world.ring().is_open(file)) return "closed";
    world.get(file, "/stats");
  }
  return "";
}

}  // namespace

Limits admin_limits() {
  return {
      {.name = "connections of the admin port",
       .covers = {"admin_shard.h:kConnections"},
       .value = AdminShard::kConnections,
       .unit = "connections",
       .refusal = "closed",
       .attempt = connections},
      {.name = "requests that wait for one gathering of counters",
       .covers = {"admin_shard.cc:kMaxWaiters"},
       .value = AdminShard::kConnections,
       .unit = "requests",
       .refusal = "closed",
       .attempt = waiters},
      {.name = "time for shards to tell their counters",
       .covers = {"admin_shard.h:kGatherTimeout"},
       .value = 500,
       .unit = "ms",
       .refusal = "HTTP 503",
       .attempt = gathered_after,
       .edge = Edge::kDeadline},
  };
}

}  // namespace millrace
