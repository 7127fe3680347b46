// TCP sockets of the tests' own: numeric addresses, no options but TCP_NODELAY.
//
// Owner: whoever made it; one thread at a time.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

#include "core/base/bytes.h"

namespace millrace::conformance {

using Milliseconds = std::chrono::milliseconds;

// "127.0.0.1:9001" or "[::1]:9001".
class PlainSocket {
 public:
  explicit PlainSocket(int fd = -1) : fd_(fd) {}
  PlainSocket(PlainSocket&& other) noexcept;
  PlainSocket& operator=(PlainSocket&& other) noexcept;
  ~PlainSocket();

  // Closed if nobody listens there.
  static PlainSocket connect(const std::string& address);
  // REQUIRES: the address can be bound.
  static PlainSocket listen(const std::string& address);
  // Waits for a client.
  [[nodiscard]] PlainSocket accept() const;
  [[nodiscard]] std::string local_address() const;

  explicit operator bool() const { return fd_ >= 0; }
  [[nodiscard]] int fd() const { return fd_; }

  // How many bytes the kernel took without waiting; 0 if its buffer is full, -1 if the peer is
  // gone.
  long send_some(Bytes bytes) const;
  // All of them, waiting as long as it takes; false if the peer is gone.
  [[nodiscard]] bool send_all(Bytes bytes) const;
  // What there is, without waiting.
  enum class Read : std::uint8_t { kBytes, kNothing, kEnd, kReset };
  Read read_some(std::string& into) const;
  // Waits until there is something to read, or room to write if that is asked for too.
  void wait(Milliseconds longest, bool for_room = false) const;
  // Says that nothing more comes (FIN).
  void finish() const;

 private:
  int fd_;
};

}  // namespace millrace::conformance
