// Two client shards and the admin shard on rings that can fail (fault_ring.h), with allocations
// that can fail (alloc_faults.h): the code that ships, turned by hand in one thread.
//
// Peers do what their scenario says as long as the server has not closed them; what they got is the
// outcome, which a run without a fault is compared with.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "net/server/admin_shard.h"
#include "net/server/client_shard.h"
#include "tests/faults/alloc_faults.h"
#include "tests/faults/fault_ring.h"

namespace millrace {

struct Faults {
  AllocFaults::Plan allocations;
  RingFault ring;
};

// What there is to compare when a world has ended.
struct WorldOutcome {
  std::vector<std::string> received;  // by peer
  std::array<std::uint64_t, kRejectReasons> rejected{};
  std::map<std::uint16_t, std::uint64_t> disconnects;
  std::uint64_t accept_errors = 0;
  std::uint64_t io_errors = 0;
  std::uint64_t allocations = 0;  // that could have failed
  std::uint64_t allocations_failed = 0;
  std::uint64_t failed_in_libraries = 0;
  std::uint64_t failures_counted = 0;   // by the server
  std::map<OpKind, std::uint64_t> ops;  // that could have failed
  bool op_failed = false;
  bool op_was_admins = false;
};

class FaultWorld {
 public:
  static constexpr std::size_t kShards = 2;
  static constexpr std::size_t kAdmin = kShards;  // the admin shard's number
  using Peer = std::size_t;

  explicit FaultWorld(const Faults& faults);
  ~FaultWorld();
  FaultWorld(const FaultWorld&) = delete;
  FaultWorld& operator=(const FaultWorld&) = delete;

  // --- Peers.
  Peer connect(std::size_t shard);
  Peer open_websocket(std::size_t shard);
  Peer open_client(std::size_t shard);  // and its connect command
  void send(Peer peer, Bytes bytes);
  void send_text(Peer peer, Bytes text);
  void close(Peer peer);
  void reset(Peer peer);
  void read_no_more(Peer peer);  // than 100 bytes
  void read_again(Peer peer);

  void turn();
  void advance(Duration span);
  // All that peers got so far, joined.
  [[nodiscard]] const std::string& received(Peer peer) const { return peers_[peer].received; }

  // Drains and destroys all; a CHECK fails if anything is left. Once, and last.
  WorldOutcome finish();

 private:
  struct PeerState {
    std::size_t shard = 0;
    FileSlot file;
    bool open = false;
    std::string received;
  };

  void make_client_shard(std::size_t index);
  void make_admin_shard();
  void turn_shard(std::size_t index);
  void collect();
  void check_nothing_left() const;
  [[nodiscard]] bool clients_drained() const;
  MemRing& ring(std::size_t shard) { return rings_[shard]->inner(); }
  MemRing* ring_of(Peer peer);

  RingFaultPlan plan_;
  std::uint64_t failures_before_ = 0;
  ClientShardOptions options_;
  AdminOptions admin_options_;
  ManualClock clock_;
  std::unique_ptr<SharedState> shared_;
  std::vector<FaultRing*> rings_;
  std::vector<RecvBuffers*> buffers_;
  std::vector<std::unique_ptr<ClientShard>> shards_;
  std::unique_ptr<AdminShard> admin_;
  std::vector<PeerState> peers_;
};

}  // namespace millrace
