#include "net/server/admin_shard.h"

#include <utility>

#include "core/base/assert.h"
#include "core/base/log.h"
#include "core/mem/memory_reserve.h"
#include "core/metrics/registry.h"
#include "net/server/admin_page.h"
#include "net/server/readiness.h"
#include "proto/json_string.h"

namespace millrace {

namespace {

constexpr std::uint32_t kBuffers = 64;
constexpr std::uint32_t kBufferSize = 4'096;
constexpr std::size_t kMaxWaiters = AdminShard::kConnections;

HttpResponse answer(unsigned status, std::string content_type, std::string body) {
  HttpResponse response;
  response.status = status;
  response.content_type = std::move(content_type);
  response.body = std::move(body);
  response.fields.emplace_back("Cache-Control", "no-store");
  return response;
}

HttpResponse plain(unsigned status, std::string body) {
  return answer(status, "text/plain; charset=utf-8", std::move(body));
}

}  // namespace

Result<std::unique_ptr<ShardBody>> AdminShard::make(ShardId id, const AdminOptions& options,
                                                    SharedState& shared, int listen_fd) {
  auto buffers = RecvBuffers::make(kBuffers, kBufferSize);
  if (!buffers.ok()) return buffers.error();
  auto ring = make_uring({.submission_entries = 256,
                          .completion_entries = 1'024,
                          .files = kFiles,
                          .direct = options.direct},
                         **buffers);
  if (!ring.ok()) return ring.error();
  return std::unique_ptr<ShardBody>(std::make_unique<AdminShard>(
      id, options, shared, listen_fd,
      Machine{std::move(*buffers), std::move(*ring), &shared.clock, 0}));
}

AdminShard::AdminShard(ShardId id, const AdminOptions& options, SharedState& shared, int listen_fd,
                       Machine machine)
    : options_(options),
      shared_(shared),
      listen_fd_(listen_fd),
      buffers_(std::move(machine.buffers)),
      ring_(std::move(machine.ring)),
      reactor_(*ring_, *machine.clock),
      mailbox_(shared.mailboxes, id, reactor_.waker()),
      table_(reactor_, *buffers_, metrics_, {.capacity = kConnections}),
      listeners_(reactor_, *this, metrics_),
      started_(machine.clock->now()),
      snapshots_(options.client_shards),
      watchdog_(
          std::span(shared.heartbeats).first(options.client_shards), [this](std::size_t shard) {
            return shared_.mailboxes.awake_or_asked(ShardId{static_cast<std::uint16_t>(shard)});
          }) {
  mailbox_.set_handler(*this);
  reactor_.add_source(mailbox_);
  reactor_.add_source(*this);
}

AdminShard::~AdminShard() {
  reactor_.timers().cancel(gather_timer_);
  reactor_.timers().cancel(look_timer_);
}

void AdminShard::start_accepting() {
  listeners_.add(listen_fd_);
  reactor_.timers().arm(look_timer_, started_ + Watchdog::kBetweenLooks, *this);
}

void AdminShard::run() {
  start_accepting();
  reactor_.run();
}

void AdminShard::on_accept(FileSlot file, const Peer& peer, std::uint32_t, Instant now) {
  table_.adopt(file, peer, Units(), [&](Connection& connection) {
    return std::make_unique<HttpConnection>(connection, *this, http_limits_, timeouts_, metrics_,
                                            now);
  });
}

// --- requests ------------------------------------------------------------------------------------

void AdminShard::on_request(HttpConnection& http, const HttpRequest& request, Instant now) {
  now_ = now;
  if (request.method != "GET" && request.method != "HEAD") {
    HttpResponse response = plain(405, "the admin port takes GET only\n");
    response.fields.emplace_back("Allow", "GET, HEAD");
    return http.respond(response, now);
  }
  const ConnId id = http.connection().id();
  if (request.path == "/healthz") return http.respond(render_health(now), now);
  if (request.path == "/") {
    HttpResponse page = answer(200, "text/html; charset=utf-8", std::string(kAdminPage));
    page.fields.emplace_back("X-Frame-Options", "DENY");
    return http.respond(page, now);
  }
  if (request.path == "/readyz") {
    const bool json = request.query_value("format") == "json";
    return gather({id, json ? Page::kReadyJson : Page::kReady}, now);
  }
  if (request.path == "/metrics") return gather({id, Page::kMetrics}, now);
  if (request.path == "/stats") return gather({id, Page::kStats}, now);
  http.respond(plain(404, "no such path; there are / /healthz /readyz /metrics /stats\n"), now);
}

// --- gathering -----------------------------------------------------------------------------------

// Whoever asks while a gather is under way gets its result, at most kGatherTimeout old.
void AdminShard::gather(Waiter waiter, Instant now) {
  if (waiters_.size() >= kMaxWaiters) {
    // One request a connection, so the others are those of connections that have gone since.
    std::erase_if(waiters_,
                  [this](const Waiter& other) { return table_.find(other.connection) == nullptr; });
    CHECK_LT(waiters_.size(), kMaxWaiters);
  }
  waiters_.push_back(waiter);
  if (gathering_) return;
  gathering_ = true;
  ++gather_id_;
  for (std::size_t shard = 0; shard < options_.client_shards; ++shard) {
    snapshots_[shard].reset();
    mailbox_.send(ShardId{static_cast<std::uint16_t>(shard)}, SnapshotRequest{gather_id_});
  }
  reactor_.timers().arm(gather_timer_, now + kGatherTimeout, *this);
}

void AdminShard::on_message(ShardId from, Message& message, Instant now) {
  auto* reply = std::get_if<SnapshotReply>(&message);
  CHECK(reply != nullptr);
  if (!gathering_ || reply->id != gather_id_) return;  // came after its time
  CHECK_LT(std::size_t{from.value}, snapshots_.size());
  snapshots_[from.value] = std::move(reply->snapshot);
  for (const auto& snapshot : snapshots_) {
    if (snapshot == nullptr) return;
  }
  finish_gather(now);
}

void AdminShard::on_timer(Timer& timer, Instant now) {
  if (&timer == &gather_timer_) return finish_gather(now);
  if (stopping_) return;  // the others have ended
  look_around(now);
  reactor_.timers().arm(look_timer_, now + Watchdog::kBetweenLooks, *this);
}

void AdminShard::look_around(Instant now) {
  for (const std::string& line : watchdog_.look(now)) log_warn(line);
  if (!shared_.draining.load(std::memory_order_acquire)) return;
  const auto line = drain_log_.line(now, shared_.connections.taken(), options_.drain_timeout);
  if (line) log_info(*line);
}

void AdminShard::finish_gather(Instant now) {
  now_ = now;
  reactor_.timers().cancel(gather_timer_);
  gathering_ = false;
  std::vector<Waiter> waiters;
  waiters.swap(waiters_);
  for (const Waiter& waiter : waiters) {
    Connection* connection = table_.find(waiter.connection);
    if (connection == nullptr || !connection->open()) continue;
    // Connections of the admin port are never upgraded.
    static_cast<HttpConnection*>(connection->protocol())->respond(render(waiter.page), now);
  }
}

// --- answers -------------------------------------------------------------------------------------

HttpResponse AdminShard::render(Page page) const {
  switch (page) {
    case Page::kReady:
      return render_ready(false);
    case Page::kReadyJson:
      return render_ready(true);
    case Page::kMetrics:
      return render_metrics();
    case Page::kStats:
      return render_stats();
  }
  CHECK(false);
}

HttpResponse AdminShard::render_metrics() const {
  const std::vector<ShardMetrics> shards = answered();
  return answer(200, "text/plain; version=0.0.4; charset=utf-8",
                prometheus_text(shards) + process_text(process_metrics(sum_of(shards))) +
                    shard_stalls_text(watchdog_.stalls()));
}

// Read when somebody asks: nobody else wants to know.
ProcessMetrics AdminShard::process_metrics(const ShardMetrics& sum) const {
  ProcessMetrics process;
  process.max_connections = options_.max_connections;
  process.deciding_limit = options_.deciding_limit;
  process.max_fds = options_.descriptors;
  if (options_.direct_slots != 0) {
    process.direct_slots_used = sum.connections;
    process.direct_slots = options_.direct_slots;
  }
  if (options_.read_system != nullptr) options_.read_system(process);
  return process;
}

std::vector<ShardMetrics> AdminShard::answered() const {
  std::vector<ShardMetrics> metrics;
  for (const auto& snapshot : snapshots_) {
    if (snapshot != nullptr) metrics.push_back(snapshot->metrics);
  }
  return metrics;
}

HttpResponse AdminShard::render_ready(bool json) const {
  ReadinessFacts facts;
  facts.draining = shared_.draining.load(std::memory_order_acquire);
  facts.memory_is_out = MemoryReserve::is_out();
  facts.ready_at_cap = options_.ready_at_cap;
  facts.connections = shared_.connections.taken();
  facts.max_connections = shared_.connections.limit();
  facts.deciding_limit = options_.deciding_limit;
  for (std::size_t i = 0; i < snapshots_.size(); ++i) {
    ShardReadiness& shard = facts.shards.emplace_back();
    const auto& snapshot = snapshots_[i];
    shard.answers = snapshot != nullptr;
    if (snapshot == nullptr) {
      shard.has_run = facts.draining || shared_.heartbeats[i].look().beat != 0;
      shard.stuck = watchdog_.stuck(i, now_);
    } else {
      shard.broker_ready = snapshot->broker_ready;
      shard.broker_was_ready = snapshot->broker_was_ready;
      shard.broker_away = snapshot->broker_away;
      shard.broker_cause = snapshot->broker_cause;
    }
  }
  const std::vector<NotReady> causes = find_causes(facts);
  const unsigned status = causes.empty() ? 200 : 503;
  if (json) return answer(status, "application/json", readiness_json(causes));
  return plain(status, readiness_text(causes));
}

// Whether a new start is the cure: nothing else is asked.
HttpResponse AdminShard::render_health(Instant now) const {
  std::string dead;
  for (std::size_t i = 0; i < options_.client_shards; ++i) {
    if (watchdog_.stuck_for(i, now) < kDeadAfter) continue;
    dead += "stuck: shard " + std::to_string(i) + " is " + watchdog_.stuck(i, now) + "\n";
  }
  return dead.empty() ? plain(200, "ok\n") : plain(503, dead + "  fix: start the server again\n");
}

HttpResponse AdminShard::render_stats() const {
  const std::vector<ShardMetrics> shards = answered();
  std::string body = R"({"version":)";
  append_json_string(body, options_.version);
  body += R"(,"broker":)";
  append_json_string(body, options_.broker);
  body += R"(,"insecure":)" + std::string(options_.insecure ? "true" : "false");
  body += R"(,"uptime_seconds":)" + std::to_string((now_ - started_).to_seconds());
  body += R"(,"max_connections":)" + std::to_string(options_.max_connections);
  body += R"(,"max_connections_decided_by":)";
  append_json_string(body, options_.deciding_limit);
  body += R"(,"listen":[)";
  for (std::size_t i = 0; i < options_.listen.size(); ++i) {
    if (i > 0) body += ",";
    append_json_string(body, options_.listen[i]);
  }
  body += R"(],"total":)" + json_text(sum_of(shards)) + R"(,"shards":[)";
  for (std::size_t i = 0; i < shards.size(); ++i) {
    if (i > 0) body += ",";
    body += json_text(shards[i]);
  }
  return answer(200, "application/json", body + "]}\n");
}

// --- the end -------------------------------------------------------------------------------------

bool AdminShard::ready() const {
  return !stopping_ && shared_.clients_running.load(std::memory_order_acquire) == 0;
}

void AdminShard::drain(Instant now) {
  if (ready()) {
    stopping_ = true;
    listeners_.stop();
    table_.for_each([now](Connection& connection) { connection.terminate(now); });
  }
  if (!stopping_) return;
  // An accept that was on its way when the listeners stopped.
  table_.for_each([now](Connection& connection) { connection.terminate(now); });
  if (drained()) reactor_.stop();
}

}  // namespace millrace
