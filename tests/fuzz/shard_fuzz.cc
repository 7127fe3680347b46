// One or two whole shards on in-memory rings; the input is a program of moves.
//
// Peers, kernel and clock make them. Checked are what MemRing is strict about, the hub's
// invariants, every byte that the server sends (server_stream.h), and that a drain leaves nothing
// behind (ShardWorld's destructor).
#include <array>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "core/base/assert.h"
#include "tests/fuzz/fuzz_input.h"
#include "tests/fuzz/server_stream.h"
#include "tests/support/shard_world.h"

namespace millrace {
namespace {

constexpr std::uint32_t kFiles = 12;
constexpr std::size_t kMaxMoves = 300;

// In one of the two namespaces, and with room for little.
void keep_streams(ClientShardOptions& options) {
  NamespaceSettings kept;
  kept.stream = {.size = 3, .age = seconds(10), .meta_age = seconds(30)};
  kept.recoverable = kept.delta = true;
  kept.presence = {.members = true, .announce = true};
  options.sessions.namespaces.by_name["ns"] = kept;
  options.sessions.namespaces.by_name["default"] = {};
  options.memory_broker.streams.publications = 5;
  options.memory_broker.streams.bytes = 1'000;
  options.memory_broker.presence.members = 4;
}

ClientShardOptions options_from(FuzzInput& input) {
  ClientShardOptions options = ShardWorld::insecure_options();
  const std::uint8_t small = input.byte();
  options.connections.capacity = (small & 1) != 0 ? 3 : 16;
  options.recv_buffers = (small & 2) != 0 ? 2 : 16;
  options.recv_buffer_size = (small & 2) != 0 ? 64 : 1'024;
  options.decoders = (small & 4) != 0 ? 1 : 8;
  options.hub.channels_per_subscriber = (small & 8) != 0 ? 2 : 16;
  options.hub.channels = (small & 8) != 0 ? 3 : 64;
  options.connections.queue_bytes = (small & 16) != 0 ? 300 : 64 * 1024;
  options.ws.frames = {.message_bytes = (small & 32) != 0 ? 200U : 4'096U, .fragments = 4};
  options.sessions.publication_bytes = (small & 32) != 0 ? 100 : 4'096;
  options.http = {.head_bytes = 512, .fields = 12, .target_bytes = 128, .body_bytes = 256};
  options.sessions.insecure = (small & 64) == 0;
  if ((small & 128) != 0) keep_streams(options);
  return options;
}

class Play {
 public:
  explicit Play(FuzzInput& input)
      : input_(input),
        options_(options_from(input)),
        shards_(input.flag() ? 2 : 1),
        world_(options_, shards_, input.flag() ? 4 : 1'000, kFiles) {}

  void run() {
    for (std::size_t moves = 0; moves < kMaxMoves && !input_.empty(); ++moves) {
      const std::uint8_t choice = input_.byte();
      move(choice & 0x1f);
      // Most moves are seen one by one, some pile up.
      if ((choice & 0x80) == 0) turn(1 + (choice >> 5 & 3U));
    }
    turn(8);
    for (std::size_t i = 0; i < shards_; ++i) {
      enter(i);
      world_.shard(i).hub().validate();
    }
    // Everybody is told goodbye, and what that looks like is checked as well.
    world_.shared().draining.store(true);
    for (int seconds_left = 60; seconds_left > 0 && !peers_.empty(); --seconds_left) {
      turn(8);
      world_.clock().advance(seconds(1));
    }
    CHECK(peers_.empty());
  }

 private:
  struct Peer {
    FileSlot file;
    std::size_t shard = 0;
    unsigned long name = 0;
    ServerStream seen = {};
    bool finished = false;  // sends nothing more
    bool cut = false;       // need not get all that was meant for it
  };

  static void enter(std::size_t shard) {
    set_this_shard(ShardId{static_cast<std::uint16_t>(shard)});
  }
  MemRing& ring(const Peer& peer) { return world_.ring(peer.shard); }

  void turn(unsigned rounds) {
    for (unsigned i = 0; i < rounds * shards_; ++i) world_.turn_one(i % shards_);
    look();
  }

  // Takes what the peers got, and forgets those whose sockets were closed.
  void look() {
    std::erase_if(peers_, [this](Peer& peer) {
      enter(peer.shard);
      peer.seen.take(ring(peer).take_sent(peer.file));
      if (ring(peer).is_open(peer.file)) return false;
      CHECK(peer.cut || peer.seen.whole());
      return true;
    });
  }

  Peer* some_peer() {
    if (peers_.empty()) return nullptr;
    Peer& peer = peers_[input_.byte() % peers_.size()];
    enter(peer.shard);
    return ring(peer).is_open(peer.file) ? &peer : nullptr;
  }
  std::string channel() {
    constexpr std::array<Bytes, 4> kNames{"a", "b", "ns:c", "ns:d.e"};
    return std::string(kNames.at(input_.byte() % kNames.size()));
  }

  void send(Peer& peer, Bytes bytes) {
    if (!peer.finished) ring(peer).client_send(peer.file, bytes);
  }
  void send_text(Peer& peer, Bytes text) { send(peer, client_frame(Opcode::kText, text)); }
  // Bytes of the fuzzer's own choice mean what it likes.
  void send_unknown(Peer& peer, Bytes bytes, const std::string& wire) {
    if (bytes.find("HEAD") != Bytes::npos) peer.seen.do_not_read_answers();
    if (bytes.find("seq") != Bytes::npos || bytes.find('\\') != Bytes::npos) numbered_ = false;
    if (!numbered_) {
      for (Peer& each : peers_) each.seen.do_not_count();
    }
    send(peer, wire);
  }

  void connect() {
    const std::size_t shard = input_.byte() % shards_;
    enter(shard);
    MemRing& ring = world_.ring(shard);
    if (ring.pending_accepts(ShardWorld::kListener) == 0) return;
    if (ring.open_slots() == kFiles) return ring.connect_to_full_table(ShardWorld::kListener);
    look();
    peers_.push_back(
        {.file = ring.connect(ShardWorld::kListener), .shard = shard, .name = ++last_name_});
    if (!numbered_) peers_.back().seen.do_not_count();
  }
  void fail_accept() {
    constexpr std::array<IoError, 4> kErrors{IoError::kTableFull, IoError::kNoFiles,
                                             IoError::kNoMemory, IoError::kDisconnect};
    const std::size_t shard = input_.byte() % shards_;
    enter(shard);
    if (world_.ring(shard).pending_accepts(ShardWorld::kListener) == 0) return;
    world_.ring(shard).fail_accept(ShardWorld::kListener,
                                   kErrors.at(input_.byte() % kErrors.size()));
  }
  void advance() {
    constexpr std::array<Duration, 8> kSpans{milliseconds(1), milliseconds(20), milliseconds(500),
                                             seconds(1),      seconds(5),       seconds(8),
                                             seconds(13),     seconds(31)};
    world_.clock().advance(kSpans.at(input_.byte() % kSpans.size()));
  }

  std::string publication(const Peer& peer) {
    const std::string size(input_.byte() % 8 == 7 ? 400 : 0, 'x');
    return R"({"channel":")" + channel() + R"(","data":{"seq":[)" + std::to_string(peer.name) +
           "," + std::to_string(++last_number_) + R"(],"x":")" + size + R"("}})";
  }
  void call_api(Peer& peer) {
    const std::string body = publication(peer);
    send(peer,
         "POST /api/publish HTTP/1.1\r\nHost: a\r\nX-API-Key: 0123456789abcdef\r\n"
         "Content-Length: " +
             std::to_string(body.size()) + "\r\n\r\n" + body);
  }
  void send_frame(Peer& peer) {
    const std::uint8_t first_byte = input_.byte();
    const Bytes payload = input_.bytes(input_.byte());
    const std::uint64_t lie = input_.byte() % 8 == 7 ? 100 : 0;
    send_unknown(peer, payload,
                 client_header(first_byte, payload.size() + lie) + mask_payload(payload));
  }
  std::string command(Bytes request) {
    return "{\"id\":" + std::to_string(++last_id_) + ",\"" + std::string(request) +
           R"(":{"channel":")" + channel() + "\"}}";
  }

  // What a client may ask of a channel that keeps history and presence.
  void ask_stream(Peer& peer) {
    constexpr std::array<Bytes, 12> kWishes{
        R"("subscribe":{"recoverable":true,)",
        R"("subscribe":{"positioned":true,"join_leave":true,)",
        R"("subscribe":{"recoverable":true,"recover":true,"epoch":"","offset":1,)",
        R"("subscribe":{"recover":true,"epoch":"abcdefgh","offset":2,"flag":2,)",
        R"("subscribe":{"recoverable":true,"delta":"fossil",)",
        R"("history":{"limit":-1,)",
        R"("history":{"limit":2,"reverse":true,)",
        R"("history":{"limit":1,"since":{"epoch":"","offset":1},)",
        R"("presence":{)",
        R"("presence_stats":{)",
        R"("sub_refresh":{"token":"a.b.c",)",
        R"("refresh":{"token":"a.b.c",)"};
    const Bytes wish = kWishes.at(input_.byte() % kWishes.size());
    send_text(peer, "{\"id\":" + std::to_string(++last_id_) + "," + std::string(wish) +
                        R"("channel":")" + channel() + "\"}}");
  }

  // What a peer does on a socket, and what the kernel does there.
  void move_peer(std::uint8_t what, Peer& peer) {
    switch (what) {
      case 0:
      case 1:
        return send(peer, ShardWorld::handshake(what == 0 ? "" : "?cf_ws_frame_ping_pong=true"));
      case 2:
        return send_text(peer, R"({"id":1,"connect":{}})");
      case 3:
        return send_text(peer, command("subscribe"));
      case 4:
        return send_text(peer, command("unsubscribe"));
      case 5:
        return send_text(peer, R"({"id":9,"publish":)" + publication(peer) + "}");
      case 6:
        return call_api(peer);
      case 7: {
        const Bytes bytes = input_.bytes(input_.byte());
        return send_unknown(peer, bytes, std::string(bytes));
      }
      case 8:
        return send_frame(peer);
      case 9: {
        const Bytes text = input_.bytes(input_.byte());
        return send_unknown(peer, text, client_frame(Opcode::kText, text));
      }
      case 10:
        return send_text(peer, "{}");
      case 11:
        return send(peer, client_close_frame(input_.flag() ? 1000 : 1005));
      case 12:
        return send(peer, client_frame(Opcode::kPing, input_.bytes(input_.byte() % 126)));
      case 13:
        return send(peer, client_frame(Opcode::kPong, {}));
      default:
        return move_socket(what, peer);
    }
  }

  void move_socket(std::uint8_t what, Peer& peer) {
    constexpr std::array<IoError, 3> kErrors{IoError::kDisconnect, IoError::kNoMemory,
                                             IoError::kOther};
    const bool stuck = ring(peer).send_stuck(peer.file);
    switch (what) {
      case 14:
        peer.finished = true;
        return ring(peer).client_close(peer.file);
      case 15:
        peer.finished = peer.cut = true;
        return ring(peer).client_reset(peer.file);
      case 16:
        peer.cut = true;
        return ring(peer).set_send_budget(peer.file, 0);
      case 17:
        peer.cut = true;
        return ring(peer).set_send_budget(peer.file, 1 + input_.byte());
      case 18:
        return ring(peer).clear_send_budget(peer.file);
      case 19:
        if (stuck) ring(peer).complete_send(peer.file, 1);
        return;
      case 20:
        peer.cut = true;
        if (stuck) ring(peer).fail_send(peer.file, kErrors.at(input_.byte() % kErrors.size()));
        return;
      default:
        ring(peer).end_with_next(peer.file);
        if (peer.name % 2 == 0 && ring(peer).poll_armed(peer.file))
          ring(peer).poll_again(peer.file);
        return;
    }
  }

  void move(std::uint8_t what) {
    constexpr std::uint8_t kPeerMoves = 22;
    if (what < kPeerMoves) {
      if (Peer* const peer = some_peer()) move_peer(what, *peer);
      return;
    }
    switch (what) {
      case 22:
      case 23:
        return connect();
      case 24:
        return fail_accept();
      case 25:
        return world_.ring(input_.byte() % shards_).report_cancel_last(input_.flag());
      case 26:
        return world_.turn_one(input_.byte() % shards_);
      case 27:
        if (input_.byte() == 0xff) world_.shared().draining.store(true);
        return;
      case 28:
        return open_client();
      case 30:
        if (Peer* const peer = some_peer()) ask_stream(*peer);
        return;
      default:
        return advance();
    }
  }

  // A shortcut to where most of the code is.
  void open_client() {
    connect();
    if (peers_.empty()) return;
    Peer& peer = peers_.back();
    turn(2);
    if (peers_.empty() || &peers_.back() != &peer || !ring(peer).is_open(peer.file)) return;
    if (peer.seen.upgraded() || peer.finished) return;
    send(peer, ShardWorld::handshake());
    turn(2);
    if (peers_.empty() || &peers_.back() != &peer) return;
    if (ring(peer).is_open(peer.file)) send_text(peer, R"({"id":1,"connect":{}})");
  }

  FuzzInput& input_;
  const ClientShardOptions options_;
  const std::size_t shards_;
  std::vector<Peer> peers_;
  unsigned long last_name_ = 0;
  unsigned long last_number_ = 0;
  unsigned last_id_ = 1;
  bool numbered_ = true;  // no peer sent numbers of its own
  ShardWorld world_;
};

}  // namespace
}  // namespace millrace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  millrace::FuzzInput input(data, size);
  millrace::Play(input).run();
  return 0;
}
