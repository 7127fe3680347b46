// The admin port: a whole admin shard beside a client shard, both on in-memory rings.
//
// The input is a program of peers' moves; every answer is checked, and at the end nothing is left.
#include <array>
#include <memory>
#include <string>
#include <vector>

#include "core/base/assert.h"
#include "net/server/admin_shard.h"
#include "tests/fuzz/fuzz_input.h"
#include "tests/fuzz/server_stream.h"
#include "tests/support/shard_world.h"

namespace millrace {
namespace {

constexpr int kAdminListener = 200;
constexpr std::uint32_t kFiles = 12;
constexpr std::size_t kMaxMoves = 200;

class AdminPlay {
 public:
  explicit AdminPlay(FuzzInput& input) : input_(input) {
    admin_options_.version = "test";
    admin_options_.broker = "memory";
    admin_options_.listen = {"127.0.0.1:8000"};
    enter();
    auto buffers = std::make_unique<RecvBuffers>(4, 256);
    auto ring = std::make_unique<MemRing>(*buffers, kFiles);
    ring_ = ring.get();
    admin_ = std::make_unique<AdminShard>(
        ShardId{1}, admin_options_, world_.shared(), kAdminListener,
        Machine{std::move(buffers), std::move(ring), &world_.clock(), 0});
    admin_->start_accepting();
  }

  ~AdminPlay() {
    world_.shared().clients_running.store(0);
    turn_admin(8);
    CHECK(admin_->drained());
    CHECK_EQ(ring_->in_flight(), 0U);
    enter();
    admin_.reset();
  }

  void run() {
    for (std::size_t moves = 0; moves < kMaxMoves && !input_.empty(); ++moves) {
      const std::uint8_t choice = input_.byte();
      move(choice & 0xf);
      if ((choice & 0x80) == 0) turn_admin(1 + (choice >> 4 & 3));
    }
  }

 private:
  struct Peer {
    FileSlot file;
    ServerStream seen = {};
    bool finished = false;
    bool cut = false;
  };

  static void enter() { set_this_shard(ShardId{1}); }

  void turn_admin(int rounds) {
    enter();
    for (int i = 0; i < rounds; ++i) admin_->reactor().turn(Duration{});
    std::erase_if(peers_, [this](Peer& peer) {
      peer.seen.take(ring_->take_sent(peer.file));
      if (ring_->is_open(peer.file)) return false;
      CHECK(peer.cut || peer.seen.whole());
      return true;
    });
    CHECK_EQ(ring_->open_slots(), peers_.size());
  }

  Peer* some_peer() {
    if (peers_.empty()) return nullptr;
    return &peers_[input_.byte() % peers_.size()];
  }

  void connect() {
    turn_admin(1);
    if (ring_->pending_accepts(kAdminListener) == 0 || ring_->open_slots() == kFiles) return;
    peers_.push_back({.file = ring_->connect(kAdminListener)});
  }

  void ask(Peer& peer) {
    constexpr std::array<Bytes, 6> kPaths{"/", "/healthz", "/readyz", "/metrics", "/stats", "/no"};
    std::string request = "GET ";
    request.append(kPaths.at(input_.byte() % kPaths.size())).append(" HTTP/1.1\r\nHost: a\r\n\r\n");
    ring_->client_send(peer.file, request);
  }

  void send_unknown(Peer& peer) {
    const Bytes bytes = input_.bytes(input_.byte());
    if (bytes.find("HEAD") != Bytes::npos) peer.seen.do_not_read_answers();
    ring_->client_send(peer.file, bytes);
  }

  void move_peer(std::uint8_t what, Peer& peer) {
    if (!ring_->is_open(peer.file)) return;
    if (what < 4) {
      if (peer.finished) return;
      return what < 3 ? ask(peer) : send_unknown(peer);
    }
    switch (what) {
      case 4:
        peer.finished = true;
        return ring_->client_close(peer.file);
      case 5:
        peer.finished = peer.cut = true;
        return ring_->client_reset(peer.file);
      case 6:
        peer.cut = true;
        return ring_->set_send_budget(peer.file, std::uint64_t{input_.byte()} * 64);
      default:
        return ring_->clear_send_budget(peer.file);
    }
  }

  void move(std::uint8_t what) {
    constexpr std::array<Duration, 4> kSpans{milliseconds(20), milliseconds(600), seconds(11),
                                             seconds(61)};
    enter();
    if (what < 8) {
      if (Peer* const peer = some_peer()) move_peer(what, *peer);
    } else if (what < 10) {
      connect();
    } else if (what < 13) {
      world_.turn_one(0);
    } else if (what == 13) {
      world_.shared().draining.store(true);
    } else {
      world_.clock().advance(kSpans.at(input_.byte() % kSpans.size()));
    }
  }

  FuzzInput& input_;
  ShardWorld world_;
  AdminOptions admin_options_;
  MemRing* ring_ = nullptr;
  std::unique_ptr<AdminShard> admin_;
  std::vector<Peer> peers_;
};

}  // namespace
}  // namespace millrace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  millrace::FuzzInput input(data, size);
  millrace::AdminPlay(input).run();
  return 0;
}
