// Whole shards on in-memory rings, turned by hand in one thread: the code that ships, without a
// kernel.
//
// Each shard listens on the made-up descriptor kListener. turn() turns every shard until all are
// quiet.
#pragma once

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include "core/base/shard_check.h"
#include "net/server/client_shard.h"
#include "tests/support/client_frames.h"
#include "tests/support/mem_ring.h"

namespace millrace {

// A server frame as a client sees it.
struct ServerFrame {
  Opcode opcode = Opcode::kText;
  std::string payload;
};

class ShardWorld {
 public:
  static constexpr int kListener = 100;

  static ClientShardOptions insecure_options() {
    ClientShardOptions options;
    options.sessions.insecure = true;
    options.sessions.version = "test";
    options.app.api_key = "0123456789abcdef";
    options.recv_buffers = 16;
    options.recv_buffer_size = 1'024;
    options.decoders = 8;
    Random random(1);
    options.node = {NodeId::random(random), "world", "test"};
    return options;
  }

  explicit ShardWorld(ClientShardOptions options = insecure_options(), std::size_t shards = 1,
                      std::uint64_t max_connections = 1'000, std::uint32_t files = 256,
                      std::uint32_t per_address = 0, std::uint32_t per_user = 0)
      : options_(std::move(options)), shared_(shards + 1, max_connections) {
    if (per_address != 0) shared_.limit_addresses(per_address);
    if (per_user != 0) shared_.limit_users(per_user);
    options_.client_shards = shards;
    shared_.clients_running.store(shards);
    for (std::size_t i = 0; i < shards; ++i) {
      enter(i);
      auto buffers =
          std::make_unique<RecvBuffers>(options_.recv_buffers, options_.recv_buffer_size);
      auto ring = std::make_unique<MemRing>(*buffers, files);
      rings_.push_back(ring.get());
      auto shard = ClientShard::assemble(ShardId{static_cast<std::uint16_t>(i)}, options_, shared_,
                                         {kListener},
                                         {.buffers = std::move(buffers),
                                          .ring = std::move(ring),
                                          .clock = &clock_,
                                          .random_seed = 7 + i,
                                          .broker = {},
                                          .calendar = &calendar_});
      CHECK(shard.ok());
      shards_.push_back(std::move(*shard));
      shards_.back()->start_accepting();
    }
    turn();
  }

  // Drains every shard and checks that nothing is left.
  ~ShardWorld() {
    shared_.draining.store(true);
    for (int i = 0; i < 100 && !drained(); ++i) {
      turn();
      clock_.advance(seconds(1));
    }
    CHECK(drained());
    for (std::size_t i = 0; i < shards_.size(); ++i) {
      CHECK_EQ(rings_[i]->open_slots(), 0U);
      CHECK_EQ(rings_[i]->in_flight(), 0U);
      CHECK_EQ(rings_[i]->free_buffers(), std::size_t{options_.recv_buffers});
      CHECK_EQ(shards_[i]->metrics().connections, 0U);
      CHECK_EQ(shards_[i]->metrics().subscriptions, 0U);
      CHECK_EQ(shards_[i]->metrics().queued_bytes, 0U);
      shards_[i]->hub().validate();
    }
    CHECK_EQ(shared_.connections.taken(), 0U);
    if (shared_.addresses != nullptr) CHECK_EQ(shared_.addresses->cells_used(), 0U);
    if (shared_.users != nullptr) CHECK_EQ(shared_.users->cells_used(), 0U);
    for (std::size_t i = 0; i < shards_.size(); ++i) {
      enter(i);
      shards_[i].reset();
    }
    set_this_shard(ShardId{kNoShard});
  }

  void turn() {
    // A quiet connection takes a few rounds for each buffer that its input fills.
    for (int round = 0; round < 12 || (has_events() && round < 1'000); ++round) {
      for (std::size_t i = 0; i < shards_.size(); ++i) {
        enter(i);
        shards_[i]->reactor().turn(Duration{});
      }
    }
  }
  void advance(Duration span) {
    clock_.advance(span);
    turn();
  }
  // Asks all shards to drain; then their listeners are closed, and the first clients are told.
  void begin_drain() {
    shared_.draining.store(true);
    turn();
    advance(Drain::kLongestGrace);
  }
  // One turn of one shard; time as it is.
  void turn_one(std::size_t shard) {
    enter(shard);
    shards_[shard]->reactor().turn(Duration{});
  }
  ManualClock& clock() { return clock_; }
  // Seconds of the calendar, which goes with the clock.
  [[nodiscard]] std::int64_t calendar() { return calendar_.seconds(); }
  // Somebody sets it.
  void jump_calendar(std::int64_t seconds) { calendar_.jump(seconds); }

  MemRing& ring(std::size_t shard = 0) { return *rings_[shard]; }
  ClientShard& shard(std::size_t i = 0) { return *shards_[i]; }
  ShardMetrics& metrics(std::size_t i = 0) { return shards_[i]->metrics(); }
  SharedState& shared() { return shared_; }

  // --- A peer's moves.
  FileSlot connect(std::size_t shard = 0) {
    enter(shard);
    const FileSlot file = ring(shard).connect(kListener);
    turn();
    return file;
  }
  void send(FileSlot file, Bytes bytes, std::size_t shard = 0) {
    enter(shard);
    ring(shard).client_send(file, bytes);
    turn();
  }
  void send_text(FileSlot file, Bytes text, std::size_t shard = 0) {
    send(file, client_frame(Opcode::kText, text), shard);
  }
  // So much of this input that the connection holds a multishot receive; the answers are dropped.
  void make_busy(FileSlot file, Bytes input, std::size_t shard = 0) {
    for (int i = 0; i < kBusyInputs; ++i) send(file, input, shard);
    CHECK(ring(shard).receive_armed(file));
    static_cast<void>(ring(shard).take_sent(file));
  }
  // The handshake; what the server answers is dropped.
  FileSlot open_websocket(std::size_t shard = 0, Bytes query = "") {
    const FileSlot file = connect(shard);
    send(file, handshake(query), shard);
    const std::string answer = ring(shard).take_sent(file);
    CHECK(answer.starts_with("HTTP/1.1 101"));
    return file;
  }
  // Handshake and connect command.
  FileSlot open_client(std::size_t shard = 0) {
    const FileSlot file = open_websocket(shard);
    send_text(file, R"({"id":1,"connect":{}})", shard);
    CHECK_EQ(frames(file, shard).size(), 1U);
    return file;
  }
  static std::string handshake(Bytes query = "") {
    return "GET /connection/websocket" + std::string(query) +
           " HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
           "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
  }

  // All frames that the peer got since the last call.
  std::vector<ServerFrame> frames(FileSlot file, std::size_t shard = 0) {
    return parse(ring(shard).take_sent(file));
  }
  std::vector<std::string> texts(FileSlot file, std::size_t shard = 0) {
    std::vector<std::string> found;
    for (ServerFrame& frame : frames(file, shard)) found.push_back(std::move(frame.payload));
    return found;
  }
  // The code of the only close frame in what the peer got; 0 if there is none.
  std::uint16_t close_code(FileSlot file, std::size_t shard = 0) {
    for (const ServerFrame& frame : frames(file, shard)) {
      if (frame.opcode != Opcode::kClose) continue;
      if (frame.payload.size() < 2) return 1005;
      return static_cast<std::uint16_t>(static_cast<unsigned char>(frame.payload[0]) << 8 |
                                        static_cast<unsigned char>(frame.payload[1]));
    }
    return 0;
  }

  static std::vector<ServerFrame> parse(Bytes bytes) {
    std::vector<ServerFrame> frames;
    while (!bytes.empty()) {
      CHECK_GE(bytes.size(), 2U);
      std::size_t header = 2;
      std::uint64_t length = static_cast<unsigned char>(bytes[1]);
      const std::size_t extended = length == 126 ? 2 : length == 127 ? 8 : 0;
      if (extended > 0) length = 0;
      for (std::size_t i = 0; i < extended; ++i) {
        length = length << 8 | static_cast<unsigned char>(bytes[2 + i]);
      }
      header += extended;
      CHECK_GE(bytes.size(), header + length);
      frames.push_back(
          {static_cast<Opcode>(bytes[0] & 0x0f), std::string(bytes.substr(header, length))});
      bytes.remove_prefix(header + length);
    }
    return frames;
  }

 private:
  static void enter(std::size_t shard) {
    set_this_shard(ShardId{static_cast<std::uint16_t>(shard)});
  }
  [[nodiscard]] bool has_events() const {
    return std::any_of(rings_.begin(), rings_.end(),
                       [](const MemRing* ring) { return ring->has_events(); });
  }
  [[nodiscard]] bool drained() const {
    for (const auto& shard : shards_) {
      if (!shard->drained()) return false;
    }
    return true;
  }

  ClientShardOptions options_;
  // The clock begins at one second.
  class Calendar final : public CalendarClock {
   public:
    explicit Calendar(ManualClock& clock) : clock_(clock) {}
    [[nodiscard]] std::int64_t seconds() override {
      return 1'800'000'000 + jumped_ + clock_.now().ns / 1'000'000'000 - 1;
    }
    void jump(std::int64_t seconds) { jumped_ += seconds; }

   private:
    ManualClock& clock_;
    std::int64_t jumped_ = 0;
  };

  ManualClock clock_;
  Calendar calendar_{clock_};
  SharedState shared_;
  std::vector<MemRing*> rings_;
  std::vector<std::unique_ptr<ClientShard>> shards_;
};

}  // namespace millrace
