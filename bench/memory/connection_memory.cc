// What a million idle connections cost in user memory: the slope between two numbers of them, not
// an average, component by component (docs/memory.md).
//
// Real shards over a ring without a kernel. Each client goes through the handshake and the connect
// command, with a token that has a user id of 36 bytes, an id and an end, and subscribes to a
// channel that all share, with its position in the channel's stream. Time stands still: their
// timers are armed. Exits with 1 if a connection costs more than --limit, or if the components
// don't add up to what was measured.
#include <malloc.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <memory>
#include <string>
#include <vector>

#include "bench/memory/bare_ring.h"
#include "core/base/shard_check.h"
#include "core/mem/mallctl.h"
#include "net/auth/token_maker.h"
#include "net/server/client_shard.h"
#include "tests/support/client_frames.h"

extern "C" std::size_t nallocx(std::size_t size, int flags) __attribute__((weak));

namespace millrace {
namespace {

struct Settings {
  std::uint32_t from = 100'000;
  std::uint32_t to = 1'000'000;
  std::size_t shards = 1;
  bool rooms = false;
  double limit = 320;
};

// --- jemalloc ------------------------------------------------------------------------------------

struct Usage {
  double allocated = 0;  // what was asked for, rounded up to size classes
  double active = 0;     // in pages that hold any of it
  double metadata = 0;   // jemalloc's own
};

double stat(const char* name) {
  std::size_t value = 0;
  std::size_t size = sizeof(value);
  CHECK_EQ(mallctl(name, &value, &size, nullptr, 0), 0);
  return static_cast<double>(value);
}

Usage usage() {
  CHECK_EQ(mallctl("thread.tcache.flush", nullptr, nullptr, nullptr, 0), 0);
  std::uint64_t epoch = 1;
  CHECK_EQ(mallctl("epoch", nullptr, nullptr, &epoch, sizeof(epoch)), 0);
  return {stat("stats.allocated"), stat("stats.active"), stat("stats.metadata")};
}

double allocation(std::size_t bytes) { return static_cast<double>(nallocx(bytes, 0)); }

// Of one element of an array that grows by chunks.
double in_chunk(std::size_t bytes) {
  constexpr std::size_t kChunk = ChunkedArray<char>::kChunk;
  return allocation(bytes * kChunk) / static_cast<double>(kChunk);
}

// --- the world -----------------------------------------------------------------------------------

class World {
 public:
  explicit World(const Settings& settings)
      : rooms_(settings.rooms), shared_(settings.shards + 1, settings.to) {
    options_.client_shards = settings.shards;
    TokenSettings tokens;
    tokens.hmac_secret = kSecret;
    auto keys = TokenKeys::load(tokens);
    CHECK(keys.ok());
    options_.token_keys = std::make_shared<const TokenKeys>(std::move(*keys));
    NamespaceSettings& open = options_.sessions.namespaces.by_name["default"];
    open.subscribe = {.clients = true};
    options_.sessions.namespaces.by_name["room"] = open;
    open.stream = {100, seconds(300), seconds(600)};
    open.positioned = true;
    options_.connections.capacity = settings.to + options_.admission.refusal_slots;
    options_.hub.channels = settings.to;
    for (std::size_t i = 0; i < settings.shards; ++i) make_shard(i);
    turn();
  }
  ~World() {
    for (std::size_t i = 0; i < shards_.size(); ++i) {
      enter(i);
      shards_[i]->connections().for_each([](Connection& one) { one.terminate(Instant{}); });
    }
    shared_.draining.store(true);
    for (std::size_t i = 0; i < shards_.size(); ++i) {
      while (!shards_[i]->drained()) {
        turn();
        clock_.advance(milliseconds(10));
      }
    }
    for (std::size_t i = 0; i < shards_.size(); ++i) {
      enter(i);
      shards_[i].reset();
    }
  }
  World(const World&) = delete;
  World& operator=(const World&) = delete;

  void grow_to(std::uint32_t clients) {
    for (std::size_t shard = 0; clients_ < clients; shard = (shard + 1) % shards_.size()) {
      const std::uint32_t batch = std::min<std::uint32_t>(clients - clients_, BareRing::kAtOnce);
      add_clients(shard, batch);
    }
    for (auto& shard : shards_) CHECK_EQ(shard->metrics().queued_bytes, 0U);
  }
  [[nodiscard]] std::uint64_t count(std::uint64_t ShardMetrics::*value) const {
    std::uint64_t sum = 0;
    for (const auto& shard : shards_) sum += shard->metrics().*value;
    return sum;
  }

 private:
  static void enter(std::size_t shard) {
    set_this_shard(ShardId{static_cast<std::uint16_t>(shard)});
  }

  void make_shard(std::size_t i) {
    enter(i);
    const ShardId id{static_cast<std::uint16_t>(i)};
    auto buffers = std::make_unique<RecvBuffers>(options_.recv_buffers, options_.recv_buffer_size);
    auto ring = std::make_unique<BareRing>(*buffers);
    rings_.push_back(ring.get());
    constexpr int kListener = 0;
    auto shard = ClientShard::assemble(id, options_, shared_, {kListener},
                                       {.buffers = std::move(buffers),
                                        .ring = std::move(ring),
                                        .clock = &clock_,
                                        .random_seed = i,
                                        .broker = {},
                                        .calendar = &calendar_});
    CHECK(shard.ok());
    shards_.push_back(std::move(*shard));
    shards_.back()->start_accepting();
  }

  // All shards, until what one sends to another has been answered.
  void turn() {
    for (int round = 0; round < 6; ++round) {
      for (std::size_t i = 0; i < shards_.size(); ++i) {
        enter(i);
        shards_[i]->reactor().turn(Duration{});
      }
    }
  }

  // In step, as in a storm of newcomers: what each needs only for its handshake is mixed with what
  // stays.
  void add_clients(std::size_t shard, std::uint32_t count) {
    BareRing& ring = *rings_[shard];
    std::vector<FileSlot> files;
    while (files.size() < count) {
      if (!ring.accepting()) turn();
      files.push_back(ring.connect());
    }
    turn();
    all_send(ring, files, kHandshake);
    all_send(ring, files, connect_);
    all_send(ring, files,
             client_frame(Opcode::kText, R"({"id":2,"subscribe":{"channel":"news"}})"));
    for (const FileSlot file : files) {
      if (!rooms_) break;
      const std::string room = "room:" + std::to_string(rooms_entered_++ / kInARoom);
      ring.peer_sends(file, client_frame(Opcode::kText,
                                         R"({"id":3,"subscribe":{"channel":")" + room + R"("}})"));
    }
    turn();
    clients_ += count;
  }

  void all_send(BareRing& ring, const std::vector<FileSlot>& files, const std::string& bytes) {
    for (const FileSlot file : files) ring.peer_sends(file, bytes);
    turn();
  }

  // Who is who makes no difference to what it costs, so all share a token.
  static std::string connect_command(std::int64_t now) {
    TokenOrder order;
    order.user = "6f1c7a52-98e6-4f5e-9d1a-2b3c4d5e6f70";
    order.token_id = "1";
    order.issued_at = now;
    const auto token = make_token(order, kSecret);
    CHECK(token.ok());
    return client_frame(Opcode::kText, R"({"id":1,"connect":{"token":")" + *token + R"("}})");
  }

  static constexpr Bytes kSecret = "a-secret-that-is-only-for-tests-0123456789";
  static constexpr std::uint32_t kInARoom = 10;
  inline static const std::string kHandshake =
      "GET /connection/websocket HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\n"
      "Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
      "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";

  const bool rooms_;
  ClientShardOptions options_;
  ManualClock clock_;
  ManualCalendar calendar_;
  const std::string connect_ = connect_command(calendar_.seconds());
  SharedState shared_;
  std::vector<BareRing*> rings_;
  std::vector<std::unique_ptr<ClientShard>> shards_;
  std::uint32_t clients_ = 0;
  std::uint32_t rooms_entered_ = 0;
};

// --- the table -----------------------------------------------------------------------------------

struct Component {
  const char* name;
  double bytes;
};

constexpr std::size_t kProofBytes = 12;  // Identity's, in front of the user id

std::vector<Component> components() {
  return {
      {"connection, in its slot", in_chunk(Slab<Connection>::slot_bytes())},
      {"transport and session", allocation(sizeof(WsTransportOf<Session>))},
      {"identity, 36-byte user id", allocation(kProofBytes + 36)},
      {"list of its subscriptions", in_chunk(sizeof(SubscriptionList))},
      {"place among the subscribers", sizeof(Subscriber)},
  };
}

void row(const char* name, double bytes) { std::printf("%-34s %9.1f\n", name, bytes); }

int measure(const Settings& settings) {
  const Usage before = usage();
  World world(settings);
  const Usage shards = usage();
  world.grow_to(settings.from);
  const Usage first = usage();
  world.grow_to(settings.to);
  const Usage second = usage();
  CHECK_EQ(world.count(&ShardMetrics::clients), settings.to);
  CHECK_EQ(world.count(&ShardMetrics::subscriptions), settings.to * (settings.rooms ? 2ULL : 1));

  const double more = settings.to - settings.from;
  const double allocated = (second.allocated - first.allocated) / more;
  const double active = (second.active - first.active) / more;
  const double metadata = (second.metadata - first.metadata) / more;
  std::printf("%u to %u connections on %zu shards, %s\n\n", settings.from, settings.to,
              settings.shards,
              settings.rooms ? "a position in a shared channel, and a room"
                             : "a position in a shared channel");
  std::printf("%-34s %9s\n", "bytes of a connection", "");
  double sum = 0;
  for (const Component& part : components()) {
    row(part.name, part.bytes);
    sum += part.bytes;
  }
  row("sum", sum);
  row("measured: allocated", allocated);
  row("measured: in pages", active);
  row("measured: the allocator's own", metadata);
  std::printf("\n");
  row("KiB of a shard without any",
      (shards.allocated - before.allocated) / 1'024 / static_cast<double>(settings.shards));
  const bool adds_up = settings.rooms || (allocated >= sum * 0.95 && allocated <= sum * 1.05);
  if (!adds_up) std::printf("the components don't add up to what was measured\n");
  const bool fits = active + metadata <= settings.limit;
  std::printf("%s: %.1f of at most %.0f bytes\n", fits ? "ok" : "TOO MUCH", active + metadata,
              settings.limit);
  return fits && adds_up ? 0 : 1;
}

}  // namespace
}  // namespace millrace

int main(int argc, char** argv) {
  millrace::Settings settings;
  CLI::App app("What an idle connection costs in user memory: a slope, by component");
  app.add_option("--from", settings.from, "connections at the first measurement");
  app.add_option("--to", settings.to, "connections at the second")->check(CLI::PositiveNumber);
  app.add_option("--shards", settings.shards, "shards that they are spread over");
  app.add_flag("--rooms", settings.rooms, "a second subscription each, ten to a channel");
  app.add_option("--limit", settings.limit, "bytes that a connection may cost");
  CLI11_PARSE(app, argc, argv);
  if (mallctl == nullptr || nallocx == nullptr) {
    std::fprintf(stderr, "connection_memory: wants jemalloc, which this build is not linked to\n");
    return 64;
  }
  return millrace::measure(settings);
}
