#include "net/server/admission.h"

#include <algorithm>
#include <limits>
#include <string>
#include <utility>

#include "core/base/assert.h"
#include "core/base/log.h"
#include "core/mem/memory_reserve.h"
#include "net/server/refusal.h"

namespace millrace {

namespace {

// Of the reserve: so much for accepts in flight, so much for those who linger, and the rest is on
// its way to be closed. Thus whoever is silent after its refusal never keeps the next one waiting.
constexpr std::uint32_t kAcceptShare = 2;
constexpr std::uint32_t kLingerShare = 4;

constexpr KeyedQuota::Cell kNoCell = 0;

}  // namespace

Admission::Admission(const AdmissionLimits& limits, ConnectionTable& table, Quota& connections,
                     KeyedQuota* addresses, Random& random, ShardMetrics& metrics)
    : limits_(limits),
      table_(table),
      connections_(connections),
      addresses_(addresses),
      random_(random),
      metrics_(metrics),
      facts_(table.capacity()),
      cells_(addresses == nullptr ? 0 : table.capacity(), kNoCell),
      logs_(kRejectReasons, LogLimiter(1, kLogInterval)) {
  table_.set_observer(*this);
}

Admission::~Admission() {
  CHECK_EQ(metrics_.half_open, 0U);
  CHECK_EQ(refusing_, 0U);
}

// --- How many accepts are in flight --------------------------------------------------------------

std::uint32_t Admission::reserve() const {
  return std::min(limits_.refusal_slots, table_.capacity() / 2);
}

// No more than stay possible at the cap, where the reserve is all that is free: else the listener
// that is quiet would keep what the busy one waits for.
std::uint32_t Admission::bank(std::size_t listeners) const {
  std::uint32_t all = std::max(reserve() / kAcceptShare, 1U);
  if (limits_.accepts) all = std::min(all, limits_.accepts->burst);
  const auto each = all / static_cast<std::uint32_t>(listeners);
  return std::clamp(each, 1U, ListenerSet::kBank);
}

TokenBucket* Admission::bucket(Instant now) {
  if (!bucket_ && limits_.accepts) bucket_.emplace(*limits_.accepts, now);
  return bucket_ && paced_ ? &*bucket_ : nullptr;
}

void Admission::pace_no_more(Instant now) {
  paced_ = false;
  if (listeners_ != nullptr) listeners_->resume(now);
}

std::uint32_t Admission::room(Instant now) {
  TokenBucket* const tokens = bucket(now);
  const std::uint32_t slots = table_.free_slots();
  return tokens == nullptr ? slots : std::min(slots, tokens->available(now));
}

Instant Admission::next_room(Instant now) {
  TokenBucket* const tokens = bucket(now);
  const bool for_tokens = tokens != nullptr && tokens->available(now) <= table_.free_slots();
  return for_tokens ? tokens->next(now) : Instant::never();
}

// --- At accept -----------------------------------------------------------------------------------

std::optional<RejectReason> Admission::decide(const Peer& peer, Holds& holds) {
  if (MemoryReserve::is_out()) return RejectReason::kMemory;
  if (metrics_.half_open >= limits_.half_open) return RejectReason::kHalfOpen;
  if (addresses_ != nullptr) {
    holds.proxied = contains(limits_.trusted_proxies, peer);
    if (!holds.proxied) {
      holds.cell = addresses_->try_take(address_key(peer));
      if (!holds.cell) return RejectReason::kAddress;
    }
  }
  holds.quota = connections_.try_take();
  if (!holds.quota) return RejectReason::kConnectionLimit;
  // Where connections are spread unevenly over shards: the cap is not reached, but this table is.
  const bool room = table_.size() - refusing_ < table_.capacity() - reserve();
  return room ? std::nullopt : std::optional(RejectReason::kDescriptors);
}

void Admission::give_back(Holds& holds) {
  holds.quota.give_back();
  if (holds.cell) addresses_->give_back(*std::exchange(holds.cell, std::nullopt));
}

bool Admission::admit(FileSlot file, const Peer& peer, Instant now,
                      const ConnectionTable::MakeProtocol& make) {
  // An accept is in flight only while there is a token for it.
  if (TokenBucket* const tokens = bucket(now)) static_cast<void>(tokens->take(now));
  Holds holds;
  std::optional<RejectReason> why = decide(peer, holds);
  if (why) give_back(holds);
  ConnId id;
  const bool adopted = table_.adopt(
      file, peer, std::move(holds.quota), [&](Connection& connection) -> std::unique_ptr<Protocol> {
        id = connection.id();
        remember(id, !why, holds, peer);
        if (!why) return make(connection);
        return std::make_unique<Refusal>(connection, *why, random_.next(), now);
      });
  if (adopted && !why) return true;
  if (adopted) {
    make_way(id, now);
  } else {
    // The ring's table is larger than ours: not in a server, but nothing may leak.
    give_back(holds);
    why = RejectReason::kDescriptors;
  }
  ++metrics_.rejected_total[static_cast<std::size_t>(*why)];
  log(*why, peer, now);
  return false;
}

void Admission::remember(ConnId id, bool admitted, const Holds& holds, const Peer& peer) {
  std::uint8_t& facts = facts_[id.index];
  CHECK_EQ(facts, 0);
  if (!admitted) {
    facts = kRefused;
    ++refusing_;
    return;
  }
  facts = kHalfOpen;
  ++metrics_.half_open;
  if (holds.cell) cells_[id.index] = *holds.cell + 1;
  if (!holds.proxied) return;
  facts |= kProxied;
  proxies_.emplace(id.index, peer);
}

// Who was refused lingers while there are slots to spare; then the oldest, which has had its answer
// longest, makes way for each that comes.
void Admission::make_way(ConnId refused, Instant now) {
  while (!lingering_.empty() && table_.find(lingering_.front()) == nullptr) lingering_.pop_front();
  lingering_.push_back(refused);
  if (table_.free_slots() >= reserve() - reserve() / kLingerShare) return;
  Connection* const oldest = table_.find(lingering_.front());
  lingering_.pop_front();
  oldest->terminate(now);
}

void Admission::log(RejectReason reason, const Peer& peer, Instant now) {
  LogLimiter& limiter = logs_[static_cast<std::size_t>(reason)];
  if (!limiter.allow(now)) return;
  log_warn("refused " + peer.to_string() + " (" + reject_reason_name(reason) + ")" +
           limiter.suppressed_note());
}

// --- Later ---------------------------------------------------------------------------------------

std::optional<Admission::Refused> Admission::admit_upgrade(ConnId id, const HttpRequest& request,
                                                           Instant now) {
  if ((facts_[id.index] & kProxied) == 0) return std::nullopt;
  const auto proxy = proxies_.find(id.index);
  CHECK(proxy != proxies_.end());
  const ForwardedClient client =
      forwarded_client(request, limits_.forwarded, proxy->second, limits_.trusted_proxies);
  HttpResponse response;
  if (client.outcome == ForwardedClient::Outcome::kGarbage) {
    response.status = 400;
    response.body = "the proxy's word for your address is no address\n";
    return Refused{std::move(response), RejectReason::kHandshake};
  }
  const auto cell = addresses_->try_take(address_key(client.peer));
  if (!cell) {
    log(RejectReason::kAddress, client.peer, now);
    const Refusal::Answer answer = Refusal::answer_to(RejectReason::kAddress);
    response.status = answer.status;
    response.body = std::string(answer.why) + "\n";
    const std::uint64_t retry = Refusal::retry_seconds(random_.next());
    response.fields.emplace_back("Retry-After", std::to_string(retry));
    return Refused{std::move(response), RejectReason::kAddress};
  }
  cells_[id.index] = *cell + 1;
  facts_[id.index] &= static_cast<std::uint8_t>(~kProxied);
  proxies_.erase(proxy);
  return std::nullopt;
}

Peer Admission::client_of(const Peer& peer, const HttpRequest& request) const {
  if (!contains(limits_.trusted_proxies, peer)) return peer;
  return forwarded_client(request, limits_.forwarded, peer, limits_.trusted_proxies).peer;
}

void Admission::on_arrived(ConnId id) {
  std::uint8_t& facts = facts_[id.index];
  if ((facts & kHalfOpen) == 0) return;
  facts &= static_cast<std::uint8_t>(~kHalfOpen);
  --metrics_.half_open;
}

void Admission::on_slot_free(ConnId id, Instant now) {
  on_arrived(id);
  std::uint8_t& facts = facts_[id.index];
  if ((facts & kRefused) != 0) --refusing_;
  if ((facts & kProxied) != 0) proxies_.erase(id.index);
  facts = 0;
  if (addresses_ != nullptr) {
    KeyedQuota::Cell& cell = cells_[id.index];
    if (cell != kNoCell) addresses_->give_back(cell - 1);
    cell = kNoCell;
  }
  if (listeners_ != nullptr) listeners_->resume(now);
}

}  // namespace millrace
