#include "net/server/server.h"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <limits>
#include <string>
#include <utility>

#include "core/base/assert.h"
#include "core/base/hash.h"
#include "core/base/log.h"
#include "core/base/random.h"
#include "core/base/utf8.h"
#include "core/ring/kernel_features.h"
#include "net/http/upgrade.h"
#include "net/machine/limit_report.h"
#include "net/nats/nats_files.h"
#include "net/server/command_line.h"
#include "net/server/namespace_plan.h"
#include "net/server/proxy_plan.h"

namespace millrace {

namespace {

constexpr int kNatsStartWaitMs = 1'500;
// A multiple of n * (n - 1) for each number of URLs (16 at most), so that every order is as likely.
constexpr std::uint64_t kSpreads = 720'720;

// Bytes around the data of one publication: of a request that asks for it, or of the frame that
// carries it (names escaped, ids, keys).
constexpr std::size_t kEnvelope = 4'096;
static_assert(2 * SessionSettings::kAroundAnswer <= kEnvelope);

constexpr std::uint32_t kTicksPerSecond =
    static_cast<std::uint32_t>(seconds(1).ns / TimerWheel::kTick.ns);

// The process's limits, divided: a shard never asks another one.
AdmissionLimits admission_limits(const Config& config, std::size_t client_shards) {
  const LimitsConfig& limits = config.limits;
  const auto shards = static_cast<std::uint32_t>(client_shards);
  const auto part = [shards](std::uint32_t whole) { return (whole + shards - 1) / shards; };
  AdmissionLimits admission;
  admission.half_open = part(limits.half_open);
  admission.refusal_slots = ClientShard::kRefusalSlots;
  if (limits.accept_rate != 0) {
    // Exact for any number of shards: so many tokens in as many seconds as there are shards.
    TokenRate rate{limits.accept_rate, seconds(shards), part(limits.accept_burst)};
    // A bucket that is filled every tick needs room for what comes in the meantime, and an accept
    // on each listener needs a token.
    const std::uint32_t ticks = part(limits.accept_rate) / kTicksPerSecond * 2;
    const auto listeners = static_cast<std::uint32_t>(config.server.listen.size());
    rate.burst = std::max({rate.burst, ticks, listeners});
    admission.accepts = rate;
  }
  for (const std::string& text : config.server.trusted_proxies) {
    const auto network = parse_network(text);
    CHECK(network);  // the configuration was checked
    admission.trusted_proxies.push_back(*network);
  }
  admission.forwarded = config.server.forwarded_field;
  return admission;
}

void read_system(ProcessMetrics& process) {
  process.open_fds = open_descriptors();
  const FactOf<3> files = read_file_numbers();
  if (!files.known()) return;
  process.system_files_open = files[0];
  process.system_files_max = files[2];
}

NatsOptions nats_options(const Config& config, const NamespaceTable& namespaces) {
  NatsOptions nats;
  nats.urls = config.broker.nats;
  nats.security = config.broker.security;
  // Where a process begins is chance, so that small ones spread as well.
  nats.spread = Random(random_seed()).below(kSpreads);
  nats.subject_prefix = config.broker.subject_prefix;
  nats.max_payload = config.limits.publication_size;
  nats.wait_connected_ms = kNatsStartWaitMs;
  for (const auto& [name, settings] : namespaces.by_name) {
    if (settings.prefix_interest) nats.prefix_namespaces.push_back(name);
  }
  return nats;
}

}  // namespace

ClientShardOptions client_shard_options(const Config& config, std::size_t client_shards,
                                        std::uint32_t files) {
  const LimitsConfig& limits = config.limits;
  ClientShardOptions options;
  options.client_shards = client_shards;
  options.ring.files = files;
  options.recv_buffers = limits.recv_buffers;
  options.recv_buffer_size = static_cast<std::uint32_t>(limits.recv_buffer_size);
  // Whoever reads at all has room for the largest publication, whatever stands around it.
  options.connections = {files, limits.queue_size + kEnvelope, limits.write_timeout};
  options.admission = admission_limits(config, client_shards);
  options.decoders = limits.decoders;
  options.ws.frames.message_bytes = limits.message_size;
  options.ws.close_timeout = limits.close_timeout;
  options.hub = {limits.channels_per_shard, limits.channels_per_connection};
  const std::size_t shards = client_shards;
  options.memory_broker.streams.bytes = std::max<std::size_t>(limits.history_bytes / shards, 1);
  const auto share = [shards](std::uint32_t all) {
    return static_cast<std::uint32_t>(std::max<std::size_t>(all / shards, 1));
  };
  options.memory_broker.streams.publications = share(limits.history_publications);
  options.memory_broker.presence.members = share(limits.presence_members);
  options.http.body_bytes = limits.publication_size + kEnvelope;
  options.timeouts.request = limits.handshake_timeout;
  options.drain_timeout = limits.drain_timeout;

  SessionSettings& sessions = options.sessions;
  sessions.insecure = config.insecure;
  sessions.version = MILLRACE_VERSION;
  sessions.ping_interval = limits.ping_interval;
  sessions.pong_timeout = limits.pong_timeout;
  sessions.stale_timeout = limits.stale_timeout;
  sessions.publication_bytes = limits.publication_size;
  sessions.queue_bytes = limits.queue_size;
  options.memory_broker.streams.page_bytes = sessions.answer_bytes();
  options.memory_broker.presence.list_bytes = sessions.answer_bytes();
  sessions.namespaces = make_namespaces(config);
  sessions.token_grace = limits.token_grace;
  sessions.subscription_grace = limits.subscription_grace;
  sessions.position_check = limits.position_check;
  sessions.allow_anonymous = config.server.allow_anonymous;
  sessions.history_page = limits.history_page;
  sessions.recovery_page = limits.recovery_page;
  sessions.channels_per_connection = limits.channels_per_connection;
  sessions.fair_use = {limits.commands_per_second, limits.commands_burst,
                       limits.errors_per_connection};
  options.proxy = make_proxy_settings(config.proxy);
  options.app = {{config.server.allowed_origins}, config.api.key, MILLRACE_VERSION};

  if (config.broker.kind == BrokerKind::kNats) {
    options.nats = nats_options(config, sessions.namespaces);
    options.streams = make_stream_namespaces(config);
    options.jet.cache_bytes = options.memory_broker.streams.bytes;
    options.jet.page_bytes = sessions.answer_bytes();
    options.jet.channels = limits.channels_per_shard;
    options.nats_api = config.api.nats;
    options.require_broker = config.broker.require;
  }
  return options;
}

Server::Server(const Config& config) : config_(config) {}

Server::~Server() = default;

Result<std::unique_ptr<Server>, StartError> Server::start(const Config& config) {
  auto server = std::make_unique<Server>(config);
  for (const auto step : {&Server::read_keys, &Server::check_nats, &Server::check_machine,
                          &Server::bind, &Server::start_shards}) {
    const auto done = (server.get()->*step)();
    if (!done.ok()) return done.error();
  }
  server->log_limits();
  return server;
}

// What this makes is what shards begin with; a reload brings others.
Result<void, StartError> Server::read_keys() {
  auto made = make_reloadable(config_);
  if (!made.ok()) return StartError{kExitConfiguration, made.error().text};
  reloadable_ = *std::move(made);
  return {};
}

// Who we are to NATS and what it must prove: what is wrong there is told before anybody is served.
Result<void, StartError> Server::check_nats() {
  if (config_.broker.kind != BrokerKind::kNats) return {};
  auto checked = check_nats_files(config_.broker.security);
  if (!checked.ok()) return StartError{kExitConfiguration, checked.error().text};
  for (const std::string& warning : *checked) log_warn(warning);
  return {};
}

void Server::log_limits() const {
  if (limits_.fits()) {
    log_info(cap_text(limits_));
  } else {
    log_warn(cap_text(limits_) + "; " + limits_.deciding().fix);
  }
  if (const std::string names = warned_names(limits_); !names.empty()) {
    log_info("limits that are too low for so many: " + names + "; see millrace check");
  }
  if (direct_) return;
  log_info("client sockets are descriptors of the process: RLIMIT_NOFILE (" +
           std::to_string(descriptors_) +
           ") bounds all connections together; Linux 6.13 or later lifts that");
}

Result<void, StartError> Server::check_machine() {
  descriptors_ = raise_descriptor_limit();
  const auto kernel = judge_kernel(probe_kernel());
  if (!kernel.ok()) return StartError{kExitSystem, kernel.error().text};
  // Both once, before anybody is served: libcrypto makes what it needs for good at its first use,
  // and the key of the hashes is drawn then.
  static_cast<void>(hash_bytes({}));
  if (!websocket_accept("dGhlIHNhbXBsZSBub25jZQ==")) {
    return StartError{kExitSystem,
                      "libcrypto can't compute the SHA-1 that a WebSocket handshake needs; allow "
                      "it in openssl.cnf, or unset OPENSSL_CONF"};
  }
  const auto direct = can_close_direct_sockets();
  if (!direct.ok()) return StartError{kExitSystem, direct.error().text};
  direct_ = *direct;
  client_shards_ = config_.server.shards != 0 ? config_.server.shards : allowed_cores().size();
  return plan_connections();
}

// The cap is what every limit holds. Of sockets plan_sockets() tells the fixes itself.
Result<void, StartError> Server::plan_connections() {
  const MachineFacts facts = read_machine_facts();
  limits_ = judge_limits(facts, limit_plan(config_, client_shards_, descriptors_,
                                           KernelTrial{.direct = direct_,
                                                       .rings_are_locked = rings_count_as_locked(),
                                                       .missing = {}},
                                           facts));
  Config config = config_;
  if (limits_.cap > 0 && (limits_.fits() || config.server.on_low_limits == LowLimits::kLower)) {
    config.server.max_connections = static_cast<std::uint32_t>(
        std::min<std::uint64_t>(limits_.cap, std::numeric_limits<std::uint32_t>::max()));
  }
  const auto plan = plan_sockets(config, client_shards_, descriptors_, direct_);
  if (!plan.ok()) return StartError{kExitSystem, plan.error().text};
  if (plan->max_connections > limits_.cap) {
    return StartError{kExitSystem, refusal_text(limits_)};
  }
  plan_ = *plan;
  return {};
}

Result<void, StartError> Server::bind() {
  listen_options_.send_buffer = static_cast<std::uint32_t>(config_.limits.kernel_send_buffer);
  listen_options_.join = config_.join;
  for (const ListenAddress& address : config_.server.listen) {
    auto group = listen_on(to_string(address), client_shards_, listen_options_);
    if (!group.ok()) return StartError{kExitAddress, group.error().text};
    if (config_.join && !group->joined) {
      log_info("--join: nobody else listens on " + group->address + ", so there is none to join");
    }
    listens_.push_back(std::move(*group));
  }
  auto admin = listen_on(to_string(config_.server.admin), 1, {});
  if (!admin.ok()) {
    const char* join = config_.join ? " With --join it needs one of its own." : "";
    return StartError{kExitAddress, admin.error().text + " (the admin address)" + join};
  }
  admin_listen_ = std::make_unique<ListenGroup>(std::move(*admin));
  return {};
}

// Last of all: whom the kernel gives to us from here on must not find us gone.
Result<void> Server::open_joined() {
  for (const ListenGroup& group : listens_) {
    if (!group.joined) continue;
    if (auto listening = start_listening(group, listen_options_); !listening) return listening;
  }
  return {};
}

AdminOptions Server::admin_options() const {
  AdminOptions options;
  options.client_shards = client_shards_;
  options.version = MILLRACE_VERSION;
  options.broker = config_.broker.kind == BrokerKind::kNats ? "nats" : "memory";
  for (const ListenGroup& group : listens_) options.listen.push_back(group.address);
  options.max_connections = plan_.max_connections;
  options.deciding_limit = limits_.decided_by;
  options.descriptors = descriptors_;
  options.read_system = read_system;
  if (direct_) options.direct_slots = client_shards_ * std::uint64_t{plan_.files};
  options.insecure = config_.insecure;
  options.ready_at_cap = config_.server.ready_at_cap;
  options.drain_timeout = config_.limits.drain_timeout;
  options.direct = direct_;
  return options;
}

NodeIdentity Server::node_identity() const {
  Random random(random_seed());
  NodeIdentity node{NodeId::random(random), config_.server.name, MILLRACE_VERSION};
  std::array<char, kMaxNodeText + 1> machine{};
  // One byte stays zero, whatever it writes.
  if (node.name.empty() && gethostname(machine.data(), machine.size() - 1) == 0) {
    node.name = machine.data();
  }
  if (!utf8_valid(node.name)) node.name.clear();  // nobody could read it
  return node;
}

Result<void, StartError> Server::start_shards() {
  client_options_ = client_shard_options(config_, client_shards_, plan_.files);
  client_options_.ring.direct = direct_;
  client_options_.reloadable = reloadable_;
  client_options_.node = node_identity();
  admin_options_ = admin_options();
  // The admin shard is one more, the last.
  shared_ = std::make_unique<SharedState>(client_shards_ + 1, plan_.max_connections);
  shared_->clients_running.store(client_shards_);
  if (config_.limits.connections_per_address != 0) {
    shared_->limit_addresses(config_.limits.connections_per_address);
  }
  if (config_.limits.connections_per_user != 0) {
    shared_->limit_users(config_.limits.connections_per_user);
  }
  shared_->drain.gate = this;
  const auto factory = [this](ShardId id) -> Result<std::unique_ptr<ShardBody>> {
    if (id.value == client_shards_) {
      return AdminShard::make(id, admin_options_, *shared_, admin_listen_->sockets[0].fd());
    }
    std::vector<int> fds;
    for (const ListenGroup& group : listens_) fds.push_back(group.sockets[id.value].fd());
    return ClientShard::make(id, client_options_, *shared_, std::move(fds));
  };
  bool listening = true;
  const auto before_run = [this, &listening] {
    auto opened = open_joined();
    listening = opened.ok();
    return opened;
  };
  const auto started = group_.start({.shards = client_shards_ + 1,
                                     .pin = config_.server.pin,
                                     .unpinned = 1,
                                     .before_run = before_run,
                                     .more_threads = config_.broker.kind == BrokerKind::kNats},
                                    factory);
  if (started.ok()) return {};
  if (!listening) return StartError{kExitAddress, started.error().text};
  const bool broker = shared_->broker_missing.load();
  return StartError{broker ? kExitUnavailable : kExitSystem, started.error().text};
}

std::string Server::ready_line() const {
  std::string line = "millrace ready";
  for (const ListenGroup& group : listens_) line += " listen=" + group.address;
  line += " admin=" + admin_listen_->address;
  line += " shards=" + std::to_string(client_shards_);
  line += " max_connections=" + std::to_string(plan_.max_connections);
  line += " broker=" + admin_options_.broker;
  return line;
}

void Server::adopt(const std::shared_ptr<const Reloadable>& next) {
  for (std::size_t shard = 0; shard < client_shards_; ++shard) shared_->reloads[shard].put(next);
  shared_->mailboxes.wake_all();
}

void Server::drain() {
  shared_->drain.asked.store(true, std::memory_order_release);
  shared_->mailboxes.wake_all();
}

void Server::hurry() {
  shared_->drain.hurry.store(true, std::memory_order_release);
  shared_->mailboxes.wake_all();
}

void Server::join() { group_.join(); }

std::string Server::drained_line() const {
  const DrainState& drain = shared_->drain;
  return "ended: " + std::to_string(drain.told.load()) + " connections were told to go, " +
         std::to_string(drain.cut_off.load()) + " were cut off in the end, " +
         std::to_string(drain.unsent_bytes.load()) + " bytes were not sent";
}

void Server::hold(ShardId shard) {
  for (const ListenGroup& group : listens_) {
    if (!group.sockets[shard.value].hold_newcomers()) {
      log_warn("the kernel does not hold back new connections to " + group.address +
               "; a few may be reset when it is closed");
    }
  }
}

void Server::close(ShardId shard) {
  for (ListenGroup& group : listens_) group.sockets[shard.value].close();
}

}  // namespace millrace
