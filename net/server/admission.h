// Who may come in: decides about each connection at its accept, and holds what it was given until
// its slot is free again.
//
//   token bucket, free slots -> how many accepts are in flight (AcceptGate)
//   accept -> memory, half-open, address, cap, slots -> a connection, or a Refusal
//   upgrade through a trusted proxy -> the client's address
//
// Half-open is who was admitted and has not said what it wants: a WebSocket until its connect
// command, another request until it is complete. It counts from accept to that moment or to the
// close, exactly.
//
// docs/ADMISSION.md tells the same to operators. Owner: ClientShard, one each. Everything is the
// shard's own but the two quotas.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <unordered_map>
#include <vector>

#include "core/base/random.h"
#include "core/limit/keyed_quota.h"
#include "core/limit/log_limiter.h"
#include "core/limit/quota.h"
#include "core/limit/token_bucket.h"
#include "net/http/forwarded.h"
#include "net/http/response.h"
#include "net/session/session.h"
#include "net/tcp/connection_table.h"
#include "net/tcp/listener.h"
#include "net/tcp/network.h"

namespace millrace {

// Of one shard.
struct AdmissionLimits {
  std::uint32_t half_open = 65'536;
  std::uint32_t refusal_slots = 64;       // of its table, for those who are refused
  std::optional<TokenRate> accepts = {};  // as fast as they come, without it
  Networks trusted_proxies = {};
  ForwardedField forwarded = ForwardedField::kXForwardedFor;
};

class Admission final : public AcceptGate, public SlotObserver, public Arrivals {
 public:
  // One line of log a reason in so much time.
  static constexpr Duration kLogInterval = seconds(10);

  // `addresses` is null where they are not counted. All must outlive it; the table tells it of
  // slots from now on.
  Admission(const AdmissionLimits& limits, ConnectionTable& table, Quota& connections,
            KeyedQuota* addresses, Random& random, ShardMetrics& metrics);
  ~Admission();  // REQUIRES: the table is empty
  Admission(const Admission&) = delete;
  Admission& operator=(const Admission&) = delete;

  // Who is told that there is more room.
  void set_listeners(ListenerSet& listeners) { listeners_ = &listeners; }
  // How many accepts each of so many listeners may have in flight.
  [[nodiscard]] std::uint32_t bank(std::size_t listeners) const;

  // Takes over an accepted socket. Who may stay gets the protocol that `make` makes (true); who may
  // not is told why, counted and logged.
  bool admit(FileSlot file, const Peer& peer, Instant now,
             const ConnectionTable::MakeProtocol& make);

  // A WebSocket that a trusted proxy asked for on behalf of a client, whose address is counted now.
  struct Refused {
    HttpResponse response;
    RejectReason reason;
  };
  [[nodiscard]] std::optional<Refused> admit_upgrade(ConnId id, const HttpRequest& request,
                                                     Instant now);

  // Whose word a request is: a trusted proxy speaks for its client.
  [[nodiscard]] Peer client_of(const Peer& peer, const HttpRequest& request) const;

  // From now on accepts are as fast as they come: a drain closes the kernel's queue, and who waits
  // in it then is reset.
  void pace_no_more(Instant now);

  void on_arrived(ConnId id) override;
  void on_slot_free(ConnId id, Instant now) override;
  [[nodiscard]] std::uint32_t room(Instant now) override;
  [[nodiscard]] Instant next_room(Instant now) override;

 private:
  // What is known of a slot's tenant.
  enum Fact : std::uint8_t {
    kHalfOpen = 1,
    kRefused = 2,
    kProxied = 4,  // its address is yet to be told
  };
  // What a connection is given.
  struct Holds {
    Units quota;
    std::optional<KeyedQuota::Cell> cell;
    bool proxied = false;
  };

  // Why not, or nothing. What was taken is in `holds` either way.
  [[nodiscard]] std::optional<RejectReason> decide(const Peer& peer, Holds& holds);
  void give_back(Holds& holds);
  void remember(ConnId id, bool admitted, const Holds& holds, const Peer& peer);
  void make_way(ConnId refused, Instant now);
  void log(RejectReason reason, const Peer& peer, Instant now);
  [[nodiscard]] std::uint32_t reserve() const;
  [[nodiscard]] TokenBucket* bucket(Instant now);

  const AdmissionLimits& limits_;
  ConnectionTable& table_;
  Quota& connections_;
  KeyedQuota* const addresses_;
  Random& random_;
  ShardMetrics& metrics_;
  ListenerSet* listeners_ = nullptr;
  std::optional<TokenBucket> bucket_;  // from the first time that it is asked
  bool paced_ = true;
  std::vector<std::uint8_t> facts_;      // by slot
  std::vector<KeyedQuota::Cell> cells_;  // by slot, from 1; 0 is none. Empty without `addresses`.
  std::unordered_map<std::uint32_t, Peer> proxies_;  // of the proxied, by slot
  std::uint32_t refusing_ = 0;                       // slots of those who were refused
  std::deque<ConnId> lingering_;                     // they, the oldest first
  std::vector<LogLimiter> logs_;                     // by reason
};

}  // namespace millrace
