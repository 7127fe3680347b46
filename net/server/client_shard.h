// One shard that serves clients, wired together: the only place that names the concrete types of
// ring, broker, hub and protocols in one breath.
//
//   ListenerSet -> ConnectionTable -> HttpConnection -> WsTransport -> Session -> Hub <-> Broker
//                                                                       Fanout <--+
//
// Made, used and destroyed on its own thread. Members stand in the order of their making: what
// stands further up outlives what stands below.
#pragma once

#include <algorithm>
#include <atomic>
#include <functional>
#include <memory>
#include <vector>

#include "core/base/random.h"
#include "core/base/result.h"
#include "core/hub/memory_broker.h"
#include "core/limit/keyed_quota.h"
#include "core/limit/quota.h"
#include "core/ring/uring.h"
#include "core/shard/mailbox.h"
#include "core/shard/reactor.h"
#include "core/shard/shard_group.h"
#include "core/time/clock.h"
#include "net/api/api_desk.h"
#include "net/api/api_door.h"
#include "net/api/api_nodes.h"
#include "net/broker/cluster_broker.h"
#include "net/nodes/cluster_node.h"
#include "net/proxy/proxy_door.h"
#include "net/server/admission.h"
#include "net/server/client_app.h"
#include "net/server/drain.h"
#include "net/server/gap_notices.h"
#include "net/server/memory_watch.h"
#include "net/server/reload.h"
#include "net/session/session_desk.h"
#include "net/tcp/listener.h"

namespace millrace {

// What all client shards are made from; constant.
struct ClientShardOptions {
  std::size_t client_shards = 1;
  UringOptions ring;
  std::uint32_t recv_buffers = 1'024;
  std::uint32_t recv_buffer_size = 4'096;
  ConnectionLimits connections;
  AdmissionLimits admission;
  std::uint32_t decoders = 1'024;
  WsLimits ws;
  HubLimits hub;
  HttpLimits http;
  HttpTimeouts timeouts;
  SessionSettings sessions;
  ClientAppSettings app;
  ProxySettings proxy;               // of all shards
  MemoryBrokerLimits memory_broker;  // of one shard
  std::shared_ptr<const TokenKeys> token_keys = std::make_shared<const TokenKeys>();
  TokenExpectations token_expectations;
  std::optional<NatsOptions> nats;         // without it the broker is in memory
  std::vector<JetNamespace> streams = {};  // of namespaces with history, at NATS
  JetLimits jet = {};
  NodeIdentity node = {};       // needs an id if there is NATS
  bool require_broker = false;  // no start without it
  bool nats_api = true;         // applications may call the server API over NATS
  Duration drain_timeout = seconds(5);
  // What of it can change at run time, as it is at the start; nothing: as it stands above.
  std::shared_ptr<const Reloadable> reloadable;
};

// What the shards of one process share while they run.
struct SharedState {
  SharedState(std::size_t shards, std::uint64_t max_connections,
              std::size_t lane_capacity = MailboxNetwork::kLaneCapacity)
      : mailboxes(shards, lane_capacity),
        connections(max_connections),
        heartbeats(shards),
        reloads(shards) {}

  // Counts connections of an address, at most so many each. Before the shards are made.
  void limit_addresses(std::uint32_t connections_per_address) {
    addresses = std::make_unique<KeyedQuota>(connections_per_address,
                                             std::max<std::uint64_t>(connections.limit(), 1));
  }

  // Counts connections of a user, at most so many each. The same.
  void limit_users(std::uint32_t connections_per_user) {
    users = std::make_unique<KeyedQuota>(connections_per_user,
                                         std::max<std::uint64_t>(connections.limit(), 1));
  }

  MonotonicClock clock;
  MailboxNetwork mailboxes;
  Quota connections;
  std::unique_ptr<KeyedQuota> addresses;  // null: connections of an address are not limited
  std::unique_ptr<KeyedQuota> users;      // null: the same of users
  std::vector<Heartbeat> heartbeats;      // by shard
  std::vector<ReloadBox> reloads;         // the same
  DrainState drain;
  std::atomic<bool>& draining = drain.asked;
  std::atomic<bool> broker_missing{false};      // why a shard did not start
  std::atomic<std::size_t> clients_running{0};  // client shards that have not drained yet
};

// Where a simulator steps in around the broker; empty in a server.
struct BrokerSeam {
  // The connection to NATS, instead of a real one.
  std::function<std::unique_ptr<BrokerLink>(const NatsOptions&, Waker&)> make_link = {};
  // Sees what passes from the broker to the hub that it is given. Must outlive the shard.
  std::function<BrokerEvents&(BrokerEvents&)> tap = {};
};

// What a shard runs on.
struct Machine {
  std::unique_ptr<RecvBuffers> buffers;
  std::unique_ptr<Ring> ring;
  Clock* clock = nullptr;  // must outlive the shard
  std::uint64_t random_seed = 0;
  BrokerSeam broker = {};
  CalendarClock* calendar = nullptr;  // must outlive the shard; nullptr: the system's
};

class ClientShard final : public ShardBody,
                          private AcceptHandler,
                          private MessageHandler,
                          private Revoker,
                          private InboundSource {
 public:
  // Slots of a shard's tables beyond the clients': sockets that are told that the server is full.
  static constexpr std::uint32_t kRefusalSlots = 64;

  // `listen_fds` are this shard's sockets, borrowed. All must outlive the shard.
  static Result<std::unique_ptr<ShardBody>> make(ShardId id, const ClientShardOptions& options,
                                                 SharedState& shared, std::vector<int> listen_fds);
  // The same over any kernel and clock: tests and the simulator bring their own.
  static Result<std::unique_ptr<ClientShard>> assemble(ShardId id,
                                                       const ClientShardOptions& options,
                                                       SharedState& shared,
                                                       std::vector<int> listen_fds,
                                                       Machine machine);
  // For assemble().
  ClientShard(ShardId id, const ClientShardOptions& options, SharedState& shared,
              std::vector<int> listen_fds, Machine machine);
  ~ClientShard() override;

  // Accepts and turns until all client shards have drained: others may still need what this one
  // owns of the broker.
  void run() override;
  // run() in its parts, for who turns the loop by hand.
  void start_accepting();
  [[nodiscard]] Reactor& reactor() { return reactor_; }
  [[nodiscard]] bool drained() const { return listeners_.idle() && table_.idle(); }

  // What is inside, for tests.
  [[nodiscard]] ShardMetrics& metrics() { return metrics_; }
  [[nodiscard]] ConnectionTable& connections() { return table_; }
  [[nodiscard]] Hub& hub() { return hub_; }
  [[nodiscard]] SessionDesk& desk() { return desk_; }
  [[nodiscard]] ApiDesk& api() { return api_; }

 private:
  Result<void> make_broker(const BrokerSeam& seam);
  Result<std::unique_ptr<NatsPort>> make_port(const BrokerSeam& seam);
  void on_accept(FileSlot file, const Peer& peer, std::uint32_t listener, Instant now) override;
  void on_message(ShardId from, Message& message, Instant now) override;
  Result<void, RevokeError> revoke(const Revocation& revocation, std::int64_t calendar,
                                   Instant now) override;
  // The node's last words to the others are said.
  [[nodiscard]] bool left() const;
  [[nodiscard]] std::unique_ptr<ShardSnapshot> snapshot(Instant now);
  void adopt(std::shared_ptr<const Reloadable> next);
  void use_proxy(const ProxySettings& settings);
  // InboundSource: sees the drain's flags and the box of reloads, which another thread sets before
  // it wakes us.
  void drain(Instant now) override;
  [[nodiscard]] bool ready() const override;

  const ShardId id_;
  const ClientShardOptions& options_;
  SharedState& shared_;
  ReloadBox& reloads_;
  // The options' own, with what was reloaded.
  SessionSettings session_settings_;
  ClientAppSettings app_settings_;
  std::shared_ptr<const Reloadable> reloadable_;
  ProxySettings proxy_settings_;  // of this shard
  const std::vector<int> listen_fds_;
  ShardMetrics metrics_;
  std::unique_ptr<RecvBuffers> buffers_;
  std::unique_ptr<Ring> ring_;
  Reactor reactor_;
  Mailbox mailbox_;
  Random random_;
  ConnectionTable table_;
  Admission admission_;
  ClientCodecs codecs_;
  Fanout fanout_;
  Hub hub_;
  std::unique_ptr<NatsPort> port_;             // if the broker is NATS
  std::unique_ptr<ClusterNode> cluster_node_;  // the same
  std::unique_ptr<Broker> broker_;
  MemoryBroker* memory_broker_ = nullptr;  // broker_, if it is in memory
  SystemCalendar calendar_;
  CalendarClock& calendar_clock_;  // the system's, or who plays it
  SessionDesk desk_;
  std::unique_ptr<ProxyDoor> door_;  // to the application, if the broker is NATS
  ApiDesk api_;
  std::unique_ptr<ApiDoor> api_door_;    // if the broker is NATS
  std::unique_ptr<ApiNodes> api_nodes_;  // the same
  WsShared ws_;
  ClientApp app_;
  ListenerSet listeners_;
  MemoryWatch memory_watch_;
  Drain drain_;
  GapNotices gaps_;
  bool told_drained_ = false;
};

}  // namespace millrace
