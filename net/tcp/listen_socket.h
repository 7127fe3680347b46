// Listening TCP sockets: bound once for all shards, so that a port in use is found before a thread
// starts.
//
// Every shard gets its own socket on the same port (SO_REUSEPORT); the kernel spreads connections
// over them. SO_REUSEPORT alone would also let a second server of the same user share the port by
// accident, so the port is tried without it first; only who joins on purpose goes on where that
// fails, and listens last of all, when nothing can go wrong any more. Options that connections are
// to have are set here and inherited at accept (tcp(7)): direct descriptors take no setsockopt.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/base/result.h"

namespace millrace {

struct ListenOptions {
  int backlog = 65'535;           // the kernel lowers it to net.core.somaxconn
  std::uint32_t send_buffer = 0;  // SO_SNDBUF of connections, bytes; 0 leaves the kernel's
  std::uint32_t user_timeout_ms =
      30'000;         // TCP_USER_TIMEOUT: unacknowledged data that long is fatal
  bool join = false;  // share the port with another process that shares it
};

// A listening socket's descriptor, closed when it dies.
class ListenSocket {
 public:
  explicit ListenSocket(int fd) : fd_(fd) {}
  ListenSocket(ListenSocket&& other) noexcept;
  ListenSocket& operator=(ListenSocket&& other) noexcept;
  ~ListenSocket() { close(); }
  [[nodiscard]] int fd() const { return fd_; }
  // From now on the kernel drops what would begin a new connection; the client tries again after a
  // second, and comes to whoever listens then. Connections whose handshake has begun go on. False,
  // and no effect, if the kernel has no memory for it.
  bool hold_newcomers() const;
  void close();

 private:
  int fd_;
};

// One address on all shards.
struct ListenGroup {
  std::string address;                // as bound, with the real port: "127.0.0.1:8000"
  std::vector<ListenSocket> sockets;  // one a shard
  // Another process has the port too: bound, and not listening until start_listening().
  bool joined = false;
};

// `address` is "ADDR:PORT" or "[ADDR]:PORT"; port 0 picks a free one. The error names address and
// cause.
Result<ListenGroup> listen_on(const std::string& address, std::size_t shards,
                              const ListenOptions& options);

// For a group that joined another process: from now on it gets a share of the new connections.
Result<void> start_listening(const ListenGroup& group, const ListenOptions& options);

}  // namespace millrace
