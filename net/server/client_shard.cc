#include "net/server/client_shard.h"

#include <utility>

#include "core/base/assert.h"
#include "core/base/log.h"
#include "core/mem/memory_reserve.h"
#include "net/server/namespace_plan.h"
#include "net/server/readiness.h"

namespace millrace {

namespace {

ApiNodeInfo node_info(const NodeIdentity& node) {
  ApiNodeInfo info;
  info.uid = node.id.text();
  info.name = node.name;
  info.version = node.version;
  return info;
}

}  // namespace

Result<std::unique_ptr<ShardBody>> ClientShard::make(ShardId id, const ClientShardOptions& options,
                                                     SharedState& shared,
                                                     std::vector<int> listen_fds) {
  auto buffers = RecvBuffers::make(options.recv_buffers, options.recv_buffer_size);
  if (!buffers.ok()) return buffers.error();
  auto ring = make_uring(options.ring, **buffers);
  if (!ring.ok()) return ring.error();
  auto shard = assemble(id, options, shared, std::move(listen_fds),
                        {std::move(*buffers), std::move(*ring), &shared.clock, random_seed()});
  if (!shard.ok()) return shard.error();
  return std::unique_ptr<ShardBody>(std::move(*shard));
}

Result<std::unique_ptr<ClientShard>> ClientShard::assemble(ShardId id,
                                                           const ClientShardOptions& options,
                                                           SharedState& shared,
                                                           std::vector<int> listen_fds,
                                                           Machine machine) {
  const BrokerSeam seam = std::move(machine.broker);
  auto shard =
      std::make_unique<ClientShard>(id, options, shared, std::move(listen_fds), std::move(machine));
  const auto broker = shard->make_broker(seam);
  if (!broker.ok()) return broker.error();
  return shard;
}

ClientShard::ClientShard(ShardId id, const ClientShardOptions& options, SharedState& shared,
                         std::vector<int> listen_fds, Machine machine)
    : id_(id),
      options_(options),
      shared_(shared),
      reloads_(shared.reloads[id.value]),
      session_settings_(options.sessions),
      app_settings_(options.app),
      listen_fds_(std::move(listen_fds)),
      buffers_(std::move(machine.buffers)),
      ring_(std::move(machine.ring)),
      reactor_(*ring_, *machine.clock),
      mailbox_(shared.mailboxes, id, reactor_.waker()),
      random_(machine.random_seed),
      table_(reactor_, *buffers_, metrics_, options.connections),
      admission_(options.admission, table_, shared.connections, shared.addresses.get(), random_,
                 metrics_),
      fanout_(table_, metrics_, codecs_.encoders()),
      hub_(fanout_, metrics_, options.hub),
      calendar_clock_(machine.calendar == nullptr ? calendar_ : *machine.calendar),
      desk_({reactor_, table_, hub_, fanout_, codecs_, random_, metrics_, session_settings_},
            TokenGate(options.token_keys, options.token_expectations, calendar_clock_),
            machine.clock->now()),
      api_({reactor_, mailbox_, options.client_shards, hub_, fanout_, desk_, metrics_,
            session_settings_, *this},
           node_info(options.node), machine.clock->now()),
      ws_(table_, metrics_, options.ws, options.decoders),
      app_(app_settings_, ws_, desk_.context(), admission_, api_, table_),
      listeners_(reactor_, *this, metrics_, &admission_),
      memory_watch_(reactor_),
      drain_(id, shared.drain, options.drain_timeout, reactor_, table_, listeners_, random_),
      gaps_(hub_, reactor_.timers(), session_settings_, metrics_) {
  use_proxy(options.proxy);
  if (options.reloadable != nullptr) adopt(options.reloadable);
  reactor_.set_heartbeat(shared.heartbeats[id.value]);
  desk_.context().arrivals = &admission_;
  desk_.context().users = shared.users.get();
  admission_.set_listeners(listeners_);
  mailbox_.set_handler(*this);
  reactor_.add_source(mailbox_, "messages of other shards");
  reactor_.add_source(*this, "the drain");
}

ClientShard::~ClientShard() = default;

Result<void> ClientShard::make_broker(const BrokerSeam& seam) {
  BrokerEvents& events = seam.tap ? seam.tap(hub_) : hub_;
  if (!options_.nats) {
    auto broker =
        std::make_unique<MemoryBroker>(mailbox_, options_.client_shards, events, metrics_,
                                       reactor_.timers(), random_, options_.memory_broker);
    memory_broker_ = broker.get();
    broker_ = std::move(broker);
  } else {
    auto port = make_port(seam);
    if (!port.ok()) return port.error();
    port_ = std::move(*port);
    const BrokerStatus status = port_->status();
    if (options_.require_broker && !status.ready) {
      shared_.broker_missing.store(true);
      return Error{status.cause + " ([broker] require = true)"};
    }
    port_->follow(gaps_);
    reactor_.add_source(*port_, "messages from NATS");
    auto plain = std::make_unique<NatsBroker>(*port_, events, metrics_);
    std::unique_ptr<JetBroker> streams;
    if (!options_.streams.empty()) {
      streams = std::make_unique<JetBroker>(
          *port_, options_.streams,
          JetBroker::Loan{events, reactor_.timers(), calendar_clock_, random_, metrics_},
          options_.jet);
    }
    cluster_node_ = std::make_unique<ClusterNode>(
        ClusterNodeParts{*port_, mailbox_, reactor_.timers(), random_, events, metrics_},
        options_.node, options_.client_shards, options_.memory_broker.presence);
    broker_ = std::make_unique<ClusterBroker>(*port_, std::move(plain), std::move(streams),
                                              cluster_node_->presence());
    door_ = std::make_unique<ProxyDoor>(
        *port_, ProxyOrigin{options_.nats->subject_prefix, options_.node.name}, desk_,
        reactor_.timers(), random_, metrics_);
    door_->use(proxy_settings_);
    desk_.context().application = door_.get();
    api_door_ = std::make_unique<ApiDoor>(*port_, api_, options_.node.id, options_.nats_api);
    api_nodes_ =
        std::make_unique<ApiNodes>(*port_, cluster_node_->directory(), reactor_.timers(), api_);
  }
  hub_.set_broker(*broker_);
  return {};
}

Result<std::unique_ptr<NatsPort>> ClientShard::make_port(const BrokerSeam& seam) {
  NatsOptions nats = *options_.nats;
  nats.name += "-" + std::to_string(id_.value);
  nats.spread += id_.value;
  nats.takes_any_bytes = [this](Bytes channel) {
    const NamespaceSettings* settings = session_settings_.find_namespace(channel);
    return settings != nullptr && settings->payload == PayloadKind::kBinary;
  };
  TimerWheel& timers = reactor_.timers();
  if (!seam.make_link) return NatsPort::make(nats, reactor_.waker(), timers, random_, metrics_);
  return std::make_unique<NatsPort>(nats, seam.make_link(nats, reactor_.waker()), timers, random_,
                                    metrics_);
}

void ClientShard::start_accepting() {
  if (listen_fds_.empty()) return;
  const std::uint32_t bank = admission_.bank(listen_fds_.size());
  for (const int fd : listen_fds_) listeners_.add(fd, bank);
}

void ClientShard::run() {
  start_accepting();
  reactor_.run();
}

// --- clients -------------------------------------------------------------------------------------

void ClientShard::on_accept(FileSlot file, const Peer& peer, std::uint32_t, Instant now) {
  const auto make = [&](Connection& connection) -> std::unique_ptr<Protocol> {
    // It may have been on its way when the listeners stopped.
    drain_.adopted(connection.id(), now);
    return std::make_unique<HttpConnection>(connection, app_, options_.http, options_.timeouts,
                                            metrics_, now);
  };
  static_cast<void>(admission_.admit(file, peer, now, make));
}

// --- other shards --------------------------------------------------------------------------------

void ClientShard::on_message(ShardId from, Message& message, Instant now) {
  if (const auto* request = std::get_if<SnapshotRequest>(&message)) {
    mailbox_.send(from, SnapshotReply{request->id, snapshot(now)});
    return;
  }
  if (auto* order = std::get_if<RevokeOrder>(&message)) {
    const Revocation revocation{static_cast<Revocation::What>(order->what), std::move(order->name),
                                order->before, order->until};
    // The shard that was told has taken it. There can be less room here only if two shards were
    // told of their last free place at once.
    const auto done = desk_.revoke(revocation, order->now, now);
    if (!done.ok())
      log_warn("a revocation is not held: " + std::string(revoke_error_text(done.error())));
    return;
  }
  if (api_.on_message(from, message, now)) return;
  const bool taken = memory_broker_ != nullptr ? memory_broker_->on_message(from, message, now)
                                               : cluster_node_->on_message(from, message, now);
  CHECK(taken);
}

// The others are told and not waited for: their lanes are as fast as the answer.
Result<void, RevokeError> ClientShard::revoke(const Revocation& revocation, std::int64_t calendar,
                                              Instant now) {
  auto done = desk_.revoke(revocation, calendar, now);
  if (!done.ok()) return done;
  for (std::size_t shard = 0; shard < options_.client_shards; ++shard) {
    if (shard == id_.value) continue;
    mailbox_.send(ShardId{static_cast<std::uint16_t>(shard)},
                  RevokeOrder{static_cast<std::uint8_t>(revocation.what), revocation.name,
                              revocation.before, revocation.until, calendar});
  }
  return done;
}

std::unique_ptr<ShardSnapshot> ClientShard::snapshot(Instant now) {
  const RingStats& ring = ring_->stats();
  metrics_.ring_enters_total = ring.enters;
  metrics_.ring_submissions_total = ring.submissions;
  metrics_.ring_completions_total = ring.completions;
  metrics_.ring_queue_full_total = ring.queue_full;
  metrics_.ring_overflows_total = ring.overflows;
  metrics_.turns_total = reactor_.stats().turns;
  metrics_.turns_long_total = reactor_.stats().long_turns;
  metrics_.longest_turn_us = static_cast<std::uint64_t>(reactor_.stats().longest_turn.ns / 1'000);
  metrics_.recv_buffers_leased = buffers_->leased();
  metrics_.decoders_lent = ws_.lent();
  if (id_.value == 0) metrics_.allocation_failures_total = MemoryReserve::failures();
  if (door_ != nullptr) door_->count();
  const BrokerStatus status = broker_->status();
  metrics_.broker_ready = status.ready ? 1 : 0;
  auto made = std::make_unique<ShardSnapshot>();
  made->metrics = metrics_;
  made->broker_ready = status.ready;
  made->broker_cause = status.cause;
  if (port_ != nullptr) {
    made->broker_was_ready = port_->lives() > 0;
    // What NATS says of its streams has no grace.
    made->broker_away = port_->up() ? kBrokerGrace : port_->away(now);
  }
  return made;
}

// --- reloads -------------------------------------------------------------------------------------

// Between two turns of work: nobody holds what it replaces.
void ClientShard::adopt(std::shared_ptr<const Reloadable> next) {
  CHECK(next != nullptr);
  reloadable_ = std::move(next);
  session_settings_.namespaces = reloadable_->namespaces;
  if (options_.nats) keep_to_streams(options_.streams, session_settings_.namespaces);
  app_settings_.origins = reloadable_->origins;
  app_settings_.api_key = reloadable_->api_key;
  use_proxy(reloadable_->proxy);
  desk_.context().tokens.use(reloadable_->token_keys, reloadable_->expectations);
}

void ClientShard::use_proxy(const ProxySettings& settings) {
  const auto shards = static_cast<std::uint32_t>(options_.client_shards);
  proxy_settings_ = settings;
  proxy_settings_.requests = std::max(settings.requests / std::max(shards, 1U), 1U);
  if (door_ != nullptr) door_->use(proxy_settings_);
}

// --- the end -------------------------------------------------------------------------------------

bool ClientShard::ready() const {
  if (reactor_.stopping()) return false;
  if (drain_.wanted() || reloads_.full()) return true;
  if (!told_drained_ || shared_.clients_running.load(std::memory_order_acquire) != 0) return false;
  const bool waits_for_nats = cluster_node_ != nullptr && cluster_node_->leaving();
  return !waits_for_nats || left();
}

bool ClientShard::left() const { return cluster_node_ == nullptr || cluster_node_->left(); }

void ClientShard::drain(Instant now) {
  if (reloads_.full()) adopt(reloads_.take());
  if (drain_.wanted()) admission_.pace_no_more(now);
  if (drain_.wanted() && api_door_ != nullptr) api_door_->leave();
  drain_.look(now);
  if (!drain_.done()) return;
  if (!told_drained_) {
    told_drained_ = true;
    shared_.clients_running.fetch_sub(1, std::memory_order_acq_rel);
    shared_.mailboxes.wake_all();
  }
  if (shared_.clients_running.load(std::memory_order_acquire) != 0) return;
  if (cluster_node_ != nullptr && !mailbox_.ready()) cluster_node_->leave(now);
  if (left()) reactor_.stop();
}

}  // namespace millrace
