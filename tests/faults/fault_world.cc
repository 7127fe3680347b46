#include "tests/faults/fault_world.h"

#include <utility>

#include "core/mem/memory_reserve.h"
#include "net/server/memory_watch.h"
#include "tests/support/client_frames.h"
#include "tests/support/shard_world.h"

namespace millrace {
namespace {

constexpr int kListener = 100;
constexpr int kRounds = 8;          // of turns, until all that follows from one move has happened
constexpr int kLongestDrain = 100;  // seconds

void enter(std::size_t shard) { set_this_shard(ShardId{static_cast<std::uint16_t>(shard)}); }

}  // namespace

FaultWorld::FaultWorld(const Faults& faults)
    : plan_{.fault = faults.ring, .seen = {}},
      failures_before_(MemoryReserve::failures()),
      options_(ShardWorld::insecure_options()) {
  options_.client_shards = kShards;
  options_.connections.queue_bytes = 4'096;
  options_.sessions.queue_bytes = 4'096;
  admin_options_.client_shards = kShards;
  admin_options_.version = "test";
  AllocFaults::arm(faults.allocations);
  {
    const AllocFaults::Watched product;
    shared_ = std::make_unique<SharedState>(kShards + 1, 100);
  }
  shared_->clients_running.store(kShards);
  for (std::size_t i = 0; i < kShards; ++i) make_client_shard(i);
  make_admin_shard();
  turn();
}

FaultWorld::~FaultWorld() { CHECK(shards_.empty()); }

void FaultWorld::make_client_shard(std::size_t index) {
  enter(index);
  auto buffers = std::make_unique<RecvBuffers>(options_.recv_buffers, options_.recv_buffer_size);
  auto ring = std::make_unique<FaultRing>(*buffers, plan_);
  buffers_.push_back(buffers.get());
  rings_.push_back(ring.get());
  shards_.reserve(index + 1);
  const AllocFaults::Watched product;
  auto shard =
      ClientShard::assemble(ShardId{static_cast<std::uint16_t>(index)}, options_, *shared_,
                            {kListener}, {std::move(buffers), std::move(ring), &clock_, 7 + index});
  CHECK(shard.ok());
  shards_.push_back(std::move(*shard));
  shards_.back()->start_accepting();
}

void FaultWorld::make_admin_shard() {
  enter(kAdmin);
  auto buffers = std::make_unique<RecvBuffers>(16, 1'024);
  auto ring = std::make_unique<FaultRing>(*buffers, plan_);
  buffers_.push_back(buffers.get());
  rings_.push_back(ring.get());
  const AllocFaults::Watched product;
  admin_ = std::make_unique<AdminShard>(ShardId{kAdmin}, admin_options_, *shared_, kListener,
                                        Machine{std::move(buffers), std::move(ring), &clock_, 0});
  admin_->start_accepting();
}

// --- time ----------------------------------------------------------------------------------------

void FaultWorld::turn_shard(std::size_t index) {
  enter(index);
  const AllocFaults::Watched product;
  Reactor& reactor = index == kAdmin ? admin_->reactor() : shards_[index]->reactor();
  reactor.turn(Duration{});
}

void FaultWorld::turn() {
  for (int round = 0; round < kRounds; ++round) {
    for (std::size_t i = 0; i < rings_.size(); ++i) turn_shard(i);
  }
  collect();
}

void FaultWorld::advance(Duration span) {
  clock_.advance(span);
  turn();
}

void FaultWorld::collect() {
  for (PeerState& peer : peers_) {
    if (!peer.open) continue;
    peer.received += ring(peer.shard).take_sent(peer.file);
    peer.open = ring(peer.shard).is_open(peer.file);
  }
}

// --- peers ---------------------------------------------------------------------------------------

MemRing* FaultWorld::ring_of(Peer peer) {
  if (!peers_[peer].open) return nullptr;
  enter(peers_[peer].shard);
  return &ring(peers_[peer].shard);
}

FaultWorld::Peer FaultWorld::connect(std::size_t shard) {
  enter(shard);
  CHECK_GT(ring(shard).pending_accepts(kListener), 0U);
  const FileSlot file = ring(shard).connect(kListener);
  peers_.push_back({.shard = shard, .file = file, .open = true, .received = {}});
  turn();
  return peers_.size() - 1;
}

FaultWorld::Peer FaultWorld::open_websocket(std::size_t shard) {
  const Peer peer = connect(shard);
  send(peer, ShardWorld::handshake());
  return peer;
}

FaultWorld::Peer FaultWorld::open_client(std::size_t shard) {
  const Peer peer = open_websocket(shard);
  send_text(peer, R"({"id":1,"connect":{}})");
  return peer;
}

void FaultWorld::send(Peer peer, Bytes bytes) {
  MemRing* to = ring_of(peer);
  if (to == nullptr) return;
  to->client_send(peers_[peer].file, bytes);
  turn();
}

void FaultWorld::send_text(Peer peer, Bytes text) { send(peer, client_frame(Opcode::kText, text)); }

void FaultWorld::close(Peer peer) {
  MemRing* to = ring_of(peer);
  if (to == nullptr) return;
  to->client_close(peers_[peer].file);
  turn();
}

void FaultWorld::reset(Peer peer) {
  MemRing* to = ring_of(peer);
  if (to == nullptr) return;
  to->client_reset(peers_[peer].file);
  turn();
}

void FaultWorld::read_no_more(Peer peer) {
  if (MemRing* to = ring_of(peer)) to->set_send_budget(peers_[peer].file, 100);
}

void FaultWorld::read_again(Peer peer) {
  MemRing* to = ring_of(peer);
  if (to == nullptr) return;
  to->set_send_budget(peers_[peer].file, 1'000'000);
  turn();
}

// --- the end -------------------------------------------------------------------------------------

bool FaultWorld::clients_drained() const {
  for (const auto& shard : shards_) {
    if (!shard->drained()) return false;
  }
  return true;
}

void FaultWorld::check_nothing_left() const {
  for (std::size_t i = 0; i < rings_.size(); ++i) {
    CHECK(rings_[i]->quiet());
    CHECK_EQ(rings_[i]->inner().open_slots(), 0U);
    CHECK_EQ(rings_[i]->inner().free_buffers(), std::size_t{buffers_[i]->count()});
    CHECK_EQ(buffers_[i]->leased(), 0U);
  }
  for (const auto& shard : shards_) {
    CHECK_EQ(shard->metrics().connections, 0U);
    CHECK_EQ(shard->metrics().clients, 0U);
    CHECK_EQ(shard->metrics().subscriptions, 0U);
    CHECK_EQ(shard->metrics().channels, 0U);
    CHECK_EQ(shard->metrics().queued_bytes, 0U);
    shard->hub().validate();
  }
  CHECK_EQ(shared_->connections.taken(), 0U);
}

WorldOutcome FaultWorld::finish() {
  shared_->draining.store(true);
  for (int i = 0; i < kLongestDrain && !(clients_drained() && admin_->drained()); ++i) {
    advance(seconds(1));
    if (clients_drained()) shared_->clients_running.store(0);
  }
  CHECK(clients_drained());
  CHECK(admin_->drained());
  advance(MemoryWatch::kBetweenTries);  // if memory failed in the last of these turns
  check_nothing_left();
  WorldOutcome outcome;
  for (PeerState& peer : peers_) outcome.received.push_back(std::move(peer.received));
  for (const auto& shard : shards_) {
    const ShardMetrics& metrics = shard->metrics();
    for (std::size_t i = 0; i < kRejectReasons; ++i) {
      outcome.rejected[i] += metrics.rejected_total[i];
    }
    for (const auto& [code, count] : metrics.disconnects_total) outcome.disconnects[code] += count;
    outcome.accept_errors += metrics.accept_errors_total;
    outcome.io_errors += metrics.io_errors_total;
  }
  for (std::size_t i = 0; i < kShards; ++i) {
    enter(i);
    shards_[i].reset();
  }
  shards_.clear();
  enter(kAdmin);
  admin_.reset();
  set_this_shard(ShardId{kNoShard});
  shared_.reset();
  outcome.allocations = AllocFaults::calls();
  outcome.allocations_failed = AllocFaults::failed();
  outcome.failed_in_libraries = AllocFaults::failed_directly();
  outcome.failures_counted = MemoryReserve::failures() - failures_before_;
  outcome.ops = plan_.seen;
  outcome.op_failed = plan_.done;
  outcome.op_was_admins = plan_.struck_shard == kAdmin;
  return outcome;
}

}  // namespace millrace
