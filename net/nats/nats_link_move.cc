// The link's move from a server in lame duck mode to another one (nats_link.h). Its steps, each
// taken when its time has come, requests being served in between:
//
//   begin_move()   a second connection, all subscribed there; the inbox withholds what it brings
//   switch_over()  after kSettleMs: it is the one in use, the old one is drained
//   end_old()      the old one has brought its last; what was withheld is heard
//   ...            after kTailMs no copies are late any more
#include <algorithm>
#include <cstdlib>

#include "core/base/assert.h"
#include "net/nats/nats_link.h"
#include "net/nats/server_order.h"

namespace millrace {
namespace {

// For the cluster to learn what is subscribed at the new server, which takes it milliseconds, and
// then for what was heard before that to be too old for copies.
constexpr std::int64_t kSettleMs = 2 * kCopyLateMs;
constexpr std::int64_t kDrainMs = 5'000;
constexpr std::int64_t kTailMs = kCopyLateMs + 500;
constexpr std::int64_t kMoveRetryMs = 1'000;
constexpr std::size_t kMostUrl = 1'024;  // of what the library tells

struct Free {
  void operator()(void* memory) const { std::free(memory); }
};

std::vector<std::string> discovered_servers(natsConnection& connection) {
  char** found = nullptr;
  int count = 0;
  std::vector<std::string> servers;
  if (natsConnection_GetDiscoveredServers(&connection, &found, &count) != NATS_OK) return servers;
  const std::unique_ptr<char*, Free> list(found);
  for (int i = 0; i < count; ++i) {
    const std::unique_ptr<char, Free> server(found[i]);
    servers.emplace_back(server.get());
  }
  return servers;
}

}  // namespace

std::vector<std::string> NatsLink::other_servers() const {
  char current[kMostUrl] = {};
  if (natsConnection_GetConnectedUrl(wire_->connection, current, sizeof(current)) != NATS_OK) {
    return {};
  }
  return servers_but(server_order(options_.urls, options_.spread),
                     discovered_servers(*wire_->connection), current);
}

void NatsLink::move() {
  const std::int64_t now_ms = nats_Now();
  // Away from that server already: the library has seen to it.
  if (phase() != Phase::kConnected && old_ == nullptr) {
    lame_.store(false, std::memory_order_release);
    abandon_move();
  }
  if (next_ != nullptr) {
    if (now_ms >= step_at_ms_) switch_over();
  } else if (old_ != nullptr) {
    if (old_->watch.closed.load(std::memory_order_acquire)) end_old();
  } else if (tail_) {
    if (now_ms < step_at_ms_) return;
    tail_ = false;
    inbox_.end_overlap();
  } else if (lame_.load(std::memory_order_acquire) && up() && now_ms >= step_at_ms_) {
    begin_move();
  }
}

void NatsLink::begin_move() {
  const std::vector<std::string> servers = other_servers();
  if (servers.empty()) {
    // Nowhere to go. When it is thrown out the library looks for a server by itself.
    lame_.store(false, std::memory_order_release);
    return;
  }
  last_wire_ = (last_wire_ + 1) & kWireMask;
  next_ = std::make_unique<NatsWire>(*this, inbox_, last_wire_);
  inbox_.begin_overlap(last_wire_);
  const bool opened = open_next(servers);
  step_at_ms_ = nats_Now() + (opened ? kSettleMs : kMoveRetryMs);
  if (!opened) abandon_move();
}

bool NatsLink::open_next(const std::vector<std::string>& servers) {
  nats_ReleaseThreadMemory();
  LibraryOptions options;
  if (make_options(servers, next_->watch, options) != NATS_OK) return false;
  if (natsConnection_Connect(&next_->connection, options.get()) != NATS_OK) {
    next_->connection = nullptr;
    return false;
  }
  natsConnection& connection = *next_->connection;
  return wire_->subscriptions.copy_to(next_->subscriptions, connection) &&
         flush(connection, options_.flush_timeout_ms, reconnects(connection)) == NATS_OK;
}

void NatsLink::abandon_move() {
  if (next_ == nullptr) return;
  next_->close();
  next_.reset();
  inbox_.end_overlap();
}

void NatsLink::switch_over() {
  natsConnection& connection = *next_->connection;
  std::uint64_t seen = state_.load(std::memory_order_acquire);
  // What was subscribed meanwhile is there, too, when this has come back.
  const bool there =
      flush(connection, options_.flush_timeout_ms, reconnects(connection)) == NATS_OK;
  const std::uint64_t next = next_state(seen, next_->watch.number, Phase::kConnected) | kLive;
  if (!there || (seen & kLive) == 0 ||
      !state_.compare_exchange_strong(seen, next, std::memory_order_acq_rel)) {
    step_at_ms_ = nats_Now() + kMoveRetryMs;
    abandon_move();
    return;
  }
  old_ = std::move(wire_);
  wire_ = std::move(next_);
  lame_.store(false, std::memory_order_release);
  // What happened to it before it was the one in use has told nobody.
  const natsConnStatus status = natsConnection_Status(&connection);
  if (status == NATS_CONN_STATUS_CLOSED) {
    change(wire_->watch.number, Phase::kClosed);
  } else if (status != NATS_CONN_STATUS_CONNECTED) {
    fail(NatsLinkCause::kLost);
  }
  drained_by_ms_ = nats_Now() + kDrainMs;
  if (natsConnection_DrainTimeout(old_->connection, kDrainMs) != NATS_OK) {
    drained_by_ms_ = 0;
    natsConnection_Close(old_->connection);
  }
}

void NatsLink::end_old() {
  const char* text = nullptr;
  const bool clean = natsConnection_GetLastError(old_->connection, &text) == NATS_OK &&
                     nats_Now() < drained_by_ms_;
  count_dropped();
  old_->close();
  old_.reset();  // waits until its last message is in the inbox
  inbox_.end_old();
  tail_ = true;
  step_at_ms_ = nats_Now() + kTailMs;
  // What it still had to bring may be lost, so that is an outage, if a short one.
  if (!clean) fail(NatsLinkCause::kLost);
}

}  // namespace millrace
