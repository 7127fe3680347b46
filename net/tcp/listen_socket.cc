#include "net/tcp/listen_socket.h"

#include <arpa/inet.h>
#include <linux/filter.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <cstring>
#include <iterator>
#include <memory>
#include <utility>

namespace millrace {

ListenSocket::ListenSocket(ListenSocket&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}

ListenSocket& ListenSocket::operator=(ListenSocket&& other) noexcept {
  std::swap(fd_, other.fd_);
  return *this;
}

void ListenSocket::close() {
  if (fd_ >= 0) ::close(fd_);
  fd_ = -1;
}

// A classic packet filter, run on the TCP header of what comes to the listening socket. Accepted
// connections inherit it, where no packet is of that kind.
bool ListenSocket::hold_newcomers() const {
  constexpr std::uint32_t kFlags = 13;  // their place in the header
  constexpr std::uint32_t kSyn = 0x02;
  constexpr std::uint32_t kSynAck = 0x12;
  sock_filter code[] = {
      BPF_STMT(BPF_LD | BPF_B | BPF_ABS, kFlags),      BPF_STMT(BPF_ALU | BPF_AND | BPF_K, kSynAck),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, kSyn, 0, 1), BPF_STMT(BPF_RET | BPF_K, 0),
      BPF_STMT(BPF_RET | BPF_K, UINT32_MAX),
  };
  const sock_fprog program{.len = std::size(code), .filter = code};
  return setsockopt(fd_, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof(program)) == 0;
}

namespace {

struct Address {
  sockaddr_storage storage{};
  socklen_t length = 0;
  [[nodiscard]] const sockaddr* raw() const { return reinterpret_cast<const sockaddr*>(&storage); }
};

// getaddrinfo(3) takes "", "+80" and " 80" for a port, and cuts 65536 down to 0.
bool is_port(const std::string& text) {
  const bool digits =
      std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
  return digits && !text.empty() && text.size() <= 5 && std::stoi(text) <= UINT16_MAX;
}

Result<Address> resolve(const std::string& text) {
  const std::size_t colon = text.rfind(':');
  if (colon == std::string::npos || !is_port(text.substr(colon + 1))) {
    return Error{"listen address '" + text +
                 "' has no port from 0 to 65535; write it as 127.0.0.1:8000 or [::1]:8000"};
  }
  std::string host = text.substr(0, colon);
  if (host.size() >= 2 && host.front() == '[' && host.back() == ']') {
    host = host.substr(1, host.size() - 2);
  }
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_PASSIVE | AI_NUMERICHOST | AI_NUMERICSERV;
  addrinfo* found = nullptr;
  const int failed = getaddrinfo(host.c_str(), text.substr(colon + 1).c_str(), &hints, &found);
  if (failed != 0) {
    return Error{"listen address '" + text + "' is not an IP address and port (" +
                 gai_strerror(failed) + "); write it as 127.0.0.1:8000 or [::1]:8000"};
  }
  const std::unique_ptr<addrinfo, decltype(&freeaddrinfo)> owned(found, &freeaddrinfo);
  Address address;
  std::memcpy(&address.storage, found->ai_addr, found->ai_addrlen);
  address.length = found->ai_addrlen;
  return address;
}

bool read_address(int fd, Address& address) {
  address.length = sizeof(address.storage);
  return getsockname(fd, reinterpret_cast<sockaddr*>(&address.storage), &address.length) == 0;
}

std::string address_text(const Address& address) {
  char host[INET6_ADDRSTRLEN] = {};
  if (address.storage.ss_family == AF_INET6) {
    sockaddr_in6 v6{};
    std::memcpy(&v6, &address.storage, sizeof(v6));
    inet_ntop(AF_INET6, &v6.sin6_addr, host, sizeof(host));
    return "[" + std::string(host) + "]:" + std::to_string(ntohs(v6.sin6_port));
  }
  sockaddr_in v4{};
  std::memcpy(&v4, &address.storage, sizeof(v4));
  inet_ntop(AF_INET, &v4.sin_addr, host, sizeof(host));
  return std::string(host) + ":" + std::to_string(ntohs(v4.sin_port));
}

bool set_option(int fd, int level, int name, int value) {
  return setsockopt(fd, level, name, &value, sizeof(value)) == 0;
}

Error bind_error(const std::string& text, int error, bool join) {
  std::string cause = "cannot listen on " + text + ": " + std::strerror(error);
  if (error == EADDRINUSE && join) {
    cause +=
        "; another process has the port and does not share it: --join joins a millrace of the "
        "same user only (see 'ss -ltnp')";
  } else if (error == EADDRINUSE) {
    cause += "; another process has the port: stop it (see 'ss -ltnp') or choose another --listen";
  } else if (error == EACCES) {
    cause += "; ports below 1024 need CAP_NET_BIND_SERVICE";
  } else if (error == EADDRNOTAVAIL) {
    cause += "; this machine has no such address (see 'ip address')";
  } else if (error == EAFNOSUPPORT) {
    cause += "; this kernel has no IPv6: give --listen an IPv4 address only";
  }
  return Error{cause};
}

// The error is errno's.
Result<ListenSocket, int> open_socket(const Address& address, bool shared,
                                      const ListenOptions& options) {
  ListenSocket made(socket(address.storage.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const int fd = made.fd();
  if (fd < 0) return errno;
  const bool v6 = address.storage.ss_family == AF_INET6;
  const auto send_buffer = static_cast<int>(options.send_buffer);
  const auto user_timeout = static_cast<int>(options.user_timeout_ms);
  const bool set = set_option(fd, SOL_SOCKET, SO_REUSEADDR, 1) &&
                   (!shared || set_option(fd, SOL_SOCKET, SO_REUSEPORT, 1)) &&
                   (!v6 || set_option(fd, IPPROTO_IPV6, IPV6_V6ONLY, 1)) &&
                   set_option(fd, IPPROTO_TCP, TCP_NODELAY, 1) &&
                   set_option(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, user_timeout) &&
                   (send_buffer == 0 || set_option(fd, SOL_SOCKET, SO_SNDBUF, send_buffer));
  if (!set || bind(fd, address.raw(), address.length) != 0) return errno;
  return made;
}

// Is nobody else on the port? 0, or errno. With port 0 the kernel chooses one, which all are to
// share.
int try_alone(Address& address, const ListenOptions& options) {
  auto probe = open_socket(address, false, options);
  if (!probe.ok()) return probe.error();
  // listen(), too: two sockets may bind with SO_REUSEADDR, but not listen.
  if (listen(probe->fd(), 1) != 0 || !read_address(probe->fd(), address)) return errno;
  return 0;
}

}  // namespace

Result<ListenGroup> listen_on(const std::string& text, std::size_t shards,
                              const ListenOptions& options) {
  auto address = resolve(text);
  if (!address.ok()) return address.error();
  ListenGroup group;
  const int failed = try_alone(*address, options);
  group.joined = failed == EADDRINUSE && options.join;
  if (failed != 0 && !group.joined) return bind_error(text, failed, options.join);
  for (std::size_t i = 0; i < shards; ++i) {
    auto made = open_socket(*address, true, options);
    if (!made.ok()) return bind_error(text, made.error(), options.join);
    group.sockets.push_back(std::move(*made));
  }
  group.address = address_text(*address);
  if (group.joined) return group;
  if (auto listening = start_listening(group, options); !listening) return listening.error();
  return group;
}

Result<void> start_listening(const ListenGroup& group, const ListenOptions& options) {
  for (const ListenSocket& socket : group.sockets) {
    if (listen(socket.fd(), options.backlog) != 0) {
      return bind_error(group.address, errno, options.join);
    }
  }
  return {};
}

}  // namespace millrace
