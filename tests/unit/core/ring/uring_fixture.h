// What the tests of the io_uring ring share: a ring, listeners and clients on the loopback.
#pragma once

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <filesystem>
#include <iterator>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "core/ring/kernel_features.h"
#include "core/ring/uring.h"

namespace millrace {

// A plain descriptor that closes itself.
class Fd {
 public:
  explicit Fd(int fd) : fd_(fd) { CHECK_GE(fd, 0); }
  Fd(Fd&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Fd& operator=(Fd&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  ~Fd() { close(); }
  void close() {
    if (fd_ >= 0) ::close(std::exchange(fd_, -1));
  }
  [[nodiscard]] int get() const { return fd_; }

 private:
  int fd_;
};

// Closes with a RST instead of a FIN.
inline void reset(Fd& client) {
  const linger now{1, 0};
  CHECK_EQ(setsockopt(client.get(), SOL_SOCKET, SO_LINGER, &now, sizeof(now)), 0);
  client.close();
}

inline void write_all(const Fd& client, const std::string& bytes) {
  CHECK_EQ(::send(client.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL),
           static_cast<ssize_t>(bytes.size()));
}

inline bool readable(const Fd& client, int milliseconds) {
  pollfd poll_for{client.get(), POLLIN, 0};
  return ::poll(&poll_for, 1, milliseconds) == 1;
}

// Reads exactly `size` bytes, or what came before the end of the stream or 5 s of silence.
inline std::string read_bytes(const Fd& client, std::size_t size) {
  std::string bytes;
  std::array<char, 65'536> piece{};
  while (bytes.size() < size && readable(client, 5'000)) {
    const ssize_t got =
        ::recv(client.get(), piece.data(), std::min(piece.size(), size - bytes.size()), 0);
    if (got <= 0) break;
    bytes.append(piece.data(), static_cast<std::size_t>(got));
  }
  return bytes;
}

// True if the peer is closed, or closes within 5 s, without a further byte.
inline bool closed_by_peer(const Fd& client) {
  char byte = 0;
  return readable(client, 5'000) && ::recv(client.get(), &byte, 1, 0) <= 0;
}

inline std::size_t open_descriptors() {
  const std::filesystem::directory_iterator entries("/proc/self/fd");
  return static_cast<std::size_t>(std::distance(begin(entries), end(entries)));
}

// The parameter: whether sockets live in the ring's own table.
class UringFixture : public ::testing::TestWithParam<bool> {
 public:
  // A kernel that can't close direct descriptors is never given any.
  static auto places() {
    return ::testing::ValuesIn(can_close_direct_sockets().value() ? std::vector<bool>{true, false}
                                                                  : std::vector<bool>{false});
  }
  static std::string place_name(const ::testing::TestParamInfo<bool>& info) {
    return info.param ? "InTheTable" : "InTheProcess";
  }

 protected:
  static constexpr UringOptions kSmall{
      .submission_entries = 64, .completion_entries = 1'024, .files = 64};

  void SetUp() override { open(kSmall, 16, 4'096); }

  // Instead of the ring that there is.
  void open(UringOptions options, std::uint32_t buffer_count, std::uint32_t buffer_size) {
    ring_.reset();
    options.direct = GetParam();
    buffers_ = std::make_unique<RecvBuffers>(buffer_count, buffer_size);
    Result<std::unique_ptr<Ring>> made = make_uring(options, *buffers_);
    ASSERT_TRUE(made.ok()) << made.error().text;
    ring_ = std::move(*made);
  }

  static Fd listen_on(const char* host) {
    const bool six = std::string(host).find(':') != std::string::npos;
    Fd listener(::socket(six ? AF_INET6 : AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_storage storage{};
    const socklen_t length = fill(storage, host, six);
    CHECK_EQ(::bind(listener.get(), reinterpret_cast<sockaddr*>(&storage), length), 0);
    CHECK_EQ(::listen(listener.get(), 64), 0);
    return listener;
  }

  static Fd connect_to(const Fd& listener) {
    sockaddr_storage storage{};
    socklen_t length = sizeof(storage);
    CHECK_EQ(::getsockname(listener.get(), reinterpret_cast<sockaddr*>(&storage), &length), 0);
    Fd client(::socket(storage.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0));
    CHECK_EQ(::connect(client.get(), reinterpret_cast<sockaddr*>(&storage), length), 0);
    return client;
  }

  // Turns the ring until `count` events are there; fewer if none comes for a second.
  std::vector<CompletionEvent> collect(std::size_t count) {
    std::vector<CompletionEvent> events;
    for (int idle = 0; events.size() < count && idle < 50;) {
      ring_->wait(milliseconds(20));
      CompletionEvent event;
      if (ring_->reap({&event, 1}) == 0)
        ++idle;
      else
        events.push_back(event);
    }
    return events;
  }
  CompletionEvent next() {
    const std::vector<CompletionEvent> events = collect(1);
    EXPECT_EQ(events.size(), 1U) << "no event within a second";
    return events.empty() ? CompletionEvent{} : events.front();
  }
  // True if nothing happens for 60 ms.
  bool quiet() {
    CompletionEvent event;
    for (int i = 0; i < 3; ++i) {
      ring_->wait(milliseconds(20));
      if (ring_->reap({&event, 1}) != 0) return false;
    }
    return true;
  }

  struct Pair {
    Fd client;
    FileSlot file;
  };
  Pair connected() {
    PeerAddress peer;
    ring_->submit(Op::accept(tag(OpKind::kAccept, 999), listener_.get(), peer));
    Fd client = connect_to(listener_);
    const CompletionEvent event = next();
    CHECK_EQ(event.error, IoError::kNone);
    return {std::move(client), FileSlot{event.result}};
  }

  // The bytes of a receive's event; the buffer goes back at once.
  std::string take(const CompletionEvent& event) {
    CHECK(event.buffer.has_value());
    return std::string(buffers_->lease(*event.buffer, event.result).view());
  }

  static OpTag tag(OpKind kind, std::uint32_t index = 1) { return {kind, 7, index}; }

  std::unique_ptr<RecvBuffers> buffers_;
  std::unique_ptr<Ring> ring_;
  Fd listener_ = listen_on("127.0.0.1");

 private:
  static socklen_t fill(sockaddr_storage& storage, const char* host, bool six) {
    if (six) {
      auto& address = reinterpret_cast<sockaddr_in6&>(storage);
      address.sin6_family = AF_INET6;
      CHECK_EQ(inet_pton(AF_INET6, host, &address.sin6_addr), 1);
      return sizeof(address);
    }
    auto& address = reinterpret_cast<sockaddr_in&>(storage);
    address.sin_family = AF_INET;
    CHECK_EQ(inet_pton(AF_INET, host, &address.sin_addr), 1);
    return sizeof(address);
  }
};

}  // namespace millrace
