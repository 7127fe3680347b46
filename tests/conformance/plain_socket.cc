#include "tests/conformance/plain_socket.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <utility>

#include "core/base/assert.h"
#include "net/server/listen_address.h"

namespace millrace::conformance {
namespace {

struct Address {
  sockaddr_storage storage{};
  socklen_t size = 0;
};

Address parse(const std::string& text) {
  const auto parsed = parse_listen_address(text);
  CHECK(parsed.has_value());
  Address address;
  if (parsed->ipv6) {
    auto& v6 = reinterpret_cast<sockaddr_in6&>(address.storage);
    v6.sin6_family = AF_INET6;
    v6.sin6_port = htons(parsed->port);
    CHECK_EQ(inet_pton(AF_INET6, parsed->host.c_str(), &v6.sin6_addr), 1);
    address.size = sizeof(v6);
  } else {
    auto& v4 = reinterpret_cast<sockaddr_in&>(address.storage);
    v4.sin_family = AF_INET;
    v4.sin_port = htons(parsed->port);
    CHECK_EQ(inet_pton(AF_INET, parsed->host.c_str(), &v4.sin_addr), 1);
    address.size = sizeof(v4);
  }
  return address;
}

PlainSocket make_socket(const Address& address) {
  PlainSocket made(socket(address.storage.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0));
  CHECK(made);
  const int on = 1;
  CHECK_EQ(setsockopt(made.fd(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on)), 0);
  return made;
}

}  // namespace

PlainSocket::PlainSocket(PlainSocket&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}

PlainSocket& PlainSocket::operator=(PlainSocket&& other) noexcept {
  std::swap(fd_, other.fd_);
  return *this;
}

PlainSocket::~PlainSocket() {
  if (fd_ >= 0) ::close(fd_);
}

PlainSocket PlainSocket::connect(const std::string& address) {
  const Address to = parse(address);
  PlainSocket made = make_socket(to);
  if (::connect(made.fd_, reinterpret_cast<const sockaddr*>(&to.storage), to.size) != 0) {
    return PlainSocket();
  }
  return made;
}

PlainSocket PlainSocket::listen(const std::string& address) {
  const Address at = parse(address);
  PlainSocket made = make_socket(at);
  CHECK_EQ(bind(made.fd_, reinterpret_cast<const sockaddr*>(&at.storage), at.size), 0);
  CHECK_EQ(::listen(made.fd_, 128), 0);
  return made;
}

PlainSocket PlainSocket::accept() const {
  return PlainSocket(::accept4(fd_, nullptr, nullptr, SOCK_CLOEXEC));
}

std::string PlainSocket::local_address() const {
  sockaddr_in v4{};
  socklen_t size = sizeof(v4);
  CHECK_EQ(getsockname(fd_, reinterpret_cast<sockaddr*>(&v4), &size), 0);
  return "127.0.0.1:" + std::to_string(ntohs(v4.sin_port));
}

long PlainSocket::send_some(Bytes bytes) const {
  const ssize_t sent = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
  if (sent >= 0) return sent;
  return errno == EAGAIN || errno == EINTR ? 0 : -1;
}

bool PlainSocket::send_all(Bytes bytes) const {
  while (!bytes.empty()) {
    const ssize_t sent = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent < 0) return false;
    bytes.remove_prefix(static_cast<std::size_t>(sent));
  }
  return true;
}

PlainSocket::Read PlainSocket::read_some(std::string& into) const {
  std::array<char, 64 * 1024> room;
  const ssize_t got = recv(fd_, room.data(), room.size(), MSG_DONTWAIT);
  if (got == 0) return Read::kEnd;
  if (got < 0) return errno == EAGAIN || errno == EINTR ? Read::kNothing : Read::kReset;
  into.append(room.data(), static_cast<std::size_t>(got));
  return Read::kBytes;
}

void PlainSocket::wait(Milliseconds longest, bool for_room) const {
  const auto events = static_cast<short>(POLLIN | (for_room ? POLLOUT : 0));
  pollfd one{.fd = fd_, .events = events, .revents = 0};
  static_cast<void>(poll(&one, 1, static_cast<int>(longest.count())));
}

void PlainSocket::finish() const { static_cast<void>(shutdown(fd_, SHUT_WR)); }

}  // namespace millrace::conformance
