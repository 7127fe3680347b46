// The whole server: checks the machine, binds the ports, starts the shards, and ends them in order.
//
// Owner: main(). One a process.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "core/base/result.h"
#include "core/shard/shard_group.h"
#include "net/server/admin_shard.h"
#include "net/server/client_shard.h"
#include "net/server/config.h"
#include "net/server/limit_check.h"
#include "net/server/reload.h"
#include "net/server/socket_plan.h"
#include "net/tcp/listen_socket.h"

namespace millrace {

// sysexits(3).
inline constexpr int kExitUnavailable = 69;  // NATS is away, and the configuration requires it
inline constexpr int kExitSystem = 71;       // the kernel or a limit forbids the start
inline constexpr int kExitAddress = 74;      // a listen address can't be bound

struct StartError {
  int exit_code = kExitSystem;
  std::string text;  // one line, cause and fix
};

class Server final : private ListenGate {
 public:
  // Everything is up when it returns, or nothing is left of it.
  static Result<std::unique_ptr<Server>, StartError> start(const Config& config);
  // For start().
  explicit Server(const Config& config);
  ~Server();
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  // "millrace ready ...": for people and for scripts that start it.
  [[nodiscard]] std::string ready_line() const;
  // Gives it to all shards, each of which takes it up in its next turn. main()'s; before join().
  void adopt(const std::shared_ptr<const Reloadable>& next);
  // Asks all shards to say goodbye to their clients, one after the other, and end. From here on
  // /readyz fails. Any thread's; before join().
  void drain();
  // Asks them to be done with it within Drain::kHurry. The same.
  void hurry();
  // True once join() will not wait any more.
  [[nodiscard]] bool ended() const { return group_.ended(); }
  // Waits until they have.
  void join();
  // What became of the clients: for the log, after join().
  [[nodiscard]] std::string drained_line() const;

 private:
  void hold(ShardId shard) override;
  void close(ShardId shard) override;
  Result<void> open_joined();
  Result<void, StartError> read_keys();
  Result<void, StartError> check_nats();
  Result<void, StartError> check_machine();
  Result<void, StartError> plan_connections();
  Result<void, StartError> bind();
  [[nodiscard]] NodeIdentity node_identity() const;
  Result<void, StartError> start_shards();
  void log_limits() const;
  [[nodiscard]] AdminOptions admin_options() const;

  const Config config_;
  std::size_t client_shards_ = 1;
  SocketPlan plan_;
  LimitReport limits_;
  // Whether client sockets are direct descriptors: tried once, so that all rings are what the plan
  // was made for.
  bool direct_ = true;
  std::uint64_t descriptors_ = 0;  // RLIMIT_NOFILE
  ListenOptions listen_options_;
  std::vector<ListenGroup> listens_;  // a shard closes its own sockets
  std::unique_ptr<ListenGroup> admin_listen_;
  std::shared_ptr<const Reloadable> reloadable_;  // of the start
  ClientShardOptions client_options_;
  AdminOptions admin_options_;
  std::unique_ptr<SharedState> shared_;
  ShardGroup group_;
};

// What a configuration means for each of `client_shards` shards, whose ring holds `files` sockets.
ClientShardOptions client_shard_options(const Config& config, std::size_t client_shards,
                                        std::uint32_t files);

}  // namespace millrace
