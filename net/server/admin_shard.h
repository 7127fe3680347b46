// The shard that serves the admin port: health, metrics and the page. It has its own thread, ring
// and descriptors, so that it answers when the others are full or busy.
//
//   GET /healthz   200 while the process runs
//   GET /readyz    200, or 503 with the causes: draining, a broker that is away, a stuck shard
//   GET /metrics   Prometheus text
//   GET /stats     JSON
//   GET /          the page
//
// Counters are gathered by message: one request to every client shard, asked once for all who wait;
// a shard that does not answer within kGatherTimeout is named in the answer. Between requests it
// looks after the others: the watchdog, and the log of a drain.
#pragma once

#include <atomic>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/base/result.h"
#include "core/metrics/registry.h"
#include "core/ring/uring.h"
#include "core/shard/mailbox.h"
#include "core/shard/shard_group.h"
#include "core/time/clock.h"
#include "net/http/http_connection.h"
#include "net/server/client_shard.h"
#include "net/server/drain_log.h"
#include "net/server/watchdog.h"
#include "net/tcp/listener.h"

namespace millrace {

struct AdminOptions {
  std::size_t client_shards = 1;
  std::string version;
  std::string broker;               // "memory" or "nats"
  std::vector<std::string> listen;  // of the clients
  std::uint64_t max_connections = 0;
  std::string deciding_limit;      // which limit max_connections comes from
  std::uint64_t descriptors = 0;   // RLIMIT_NOFILE
  std::uint64_t direct_slots = 0;  // of all client shards' tables; 0 if there are none
  // Adds what the system says at the moment, when somebody asks; nullptr adds nothing.
  void (*read_system)(ProcessMetrics& process) = nullptr;
  bool insecure = false;
  bool ready_at_cap = false;
  Duration drain_timeout{};                   // for the log
  std::optional<bool> direct = std::nullopt;  // as in UringOptions
};

class AdminShard final : public ShardBody,
                         private AcceptHandler,
                         public HttpApp,
                         private MessageHandler,
                         private InboundSource,
                         private TimerHandler {
 public:
  static constexpr std::uint32_t kConnections = 256;  // of the admin port
  // Sockets of its ring.
  static constexpr std::uint32_t kFiles = kConnections + ListenerSet::kBank;
  static constexpr Duration kGatherTimeout = milliseconds(500);

  // `listen_fd` is borrowed. All must outlive the shard.
  static Result<std::unique_ptr<ShardBody>> make(ShardId id, const AdminOptions& options,
                                                 SharedState& shared, int listen_fd);
  // Over any kernel and clock: make() and tests bring their own.
  AdminShard(ShardId id, const AdminOptions& options, SharedState& shared, int listen_fd,
             Machine machine);
  ~AdminShard() override;

  // Accepts and turns until all client shards have drained.
  void run() override;
  // run() in its parts, for who turns the loop by hand.
  void start_accepting();
  [[nodiscard]] Reactor& reactor() { return reactor_; }
  [[nodiscard]] bool drained() const { return listeners_.idle() && table_.idle(); }

 private:
  enum class Page : std::uint8_t { kReady, kReadyJson, kMetrics, kStats };
  struct Waiter {
    ConnId connection;
    Page page;
  };

  void on_accept(FileSlot file, const Peer& peer, std::uint32_t listener, Instant now) override;
  void on_request(HttpConnection& http, const HttpRequest& request, Instant now) override;
  void on_message(ShardId from, Message& message, Instant now) override;
  void drain(Instant now) override;
  [[nodiscard]] bool ready() const override;
  void on_timer(Timer& timer, Instant now) override;

  void gather(Waiter waiter, Instant now);
  void finish_gather(Instant now);
  void look_around(Instant now);
  [[nodiscard]] HttpResponse render(Page page) const;
  [[nodiscard]] HttpResponse render_ready(bool json) const;
  [[nodiscard]] HttpResponse render_health(Instant now) const;
  [[nodiscard]] HttpResponse render_metrics() const;
  [[nodiscard]] HttpResponse render_stats() const;
  [[nodiscard]] ProcessMetrics process_metrics(const ShardMetrics& sum) const;
  [[nodiscard]] std::vector<ShardMetrics> answered() const;

  const AdminOptions& options_;
  SharedState& shared_;
  const int listen_fd_;
  ShardMetrics metrics_;  // of this shard; not part of what is served
  std::unique_ptr<RecvBuffers> buffers_;
  std::unique_ptr<Ring> ring_;
  Reactor reactor_;
  Mailbox mailbox_;
  ConnectionTable table_;
  ListenerSet listeners_;
  const HttpLimits http_limits_;
  const HttpTimeouts timeouts_;
  const Instant started_;
  Instant now_{};

  // The gather that is under way: who waits for it, and what has come.
  std::uint64_t gather_id_ = 0;
  bool gathering_ = false;
  std::vector<Waiter> waiters_;
  std::vector<std::unique_ptr<ShardSnapshot>> snapshots_;  // by client shard; null: not answered
  Timer gather_timer_;
  Timer look_timer_;
  Watchdog watchdog_;
  DrainLog drain_log_;
  bool stopping_ = false;
};

}  // namespace millrace
