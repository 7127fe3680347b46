#include "net/tcp/listen_socket.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <string>
#include <thread>
#include <vector>

#include "tests/support/seccomp.h"

namespace millrace {
namespace {

ListenGroup must_listen(const std::string& address, std::size_t shards = 1,
                        const ListenOptions& options = {}) {
  auto group = listen_on(address, shards, options);
  if (!group.ok()) ADD_FAILURE() << group.error().text;
  return group.ok() ? std::move(*group) : ListenGroup{};
}

std::string must_fail(const std::string& address) {
  const auto group = listen_on(address, 1, {});
  return group.ok() ? "it listens on " + group->address : group.error().text;
}

std::uint16_t port_of(const std::string& address) {
  return static_cast<std::uint16_t>(std::stoi(address.substr(address.rfind(':') + 1)));
}

int connect_to(std::uint16_t port) {
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in to{};
  to.sin_family = AF_INET;
  to.sin_port = htons(port);
  to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  EXPECT_EQ(connect(fd, reinterpret_cast<const sockaddr*>(&to), sizeof(to)), 0);
  return fd;
}

// A connection waiting in the socket's queue, or -1.
int accept_from(const ListenSocket& socket) {
  pollfd ready{.fd = socket.fd(), .events = POLLIN, .revents = 0};
  if (poll(&ready, 1, 0) != 1) return -1;
  return accept4(socket.fd(), nullptr, nullptr, SOCK_CLOEXEC);
}

int option(int fd, int level, int name) {
  int value = -1;
  socklen_t size = sizeof(value);
  EXPECT_EQ(getsockopt(fd, level, name, &value, &size), 0);
  return value;
}

TEST(ListenSocket, PortZeroPicksOneAndSaysWhich) {
  const ListenGroup group = must_listen("127.0.0.1:0", 3);
  ASSERT_EQ(group.sockets.size(), 3U);
  EXPECT_TRUE(group.address.starts_with("127.0.0.1:"));
  EXPECT_GT(port_of(group.address), 0);
  const ListenGroup v6 = must_listen("[::1]:0");
  EXPECT_TRUE(v6.address.starts_with("[::1]:")) << v6.address;
}

TEST(ListenSocket, APortInUseIsAnErrorThatNamesTheFix) {
  const ListenGroup first = must_listen("127.0.0.1:0", 2);
  const std::string error = must_fail(first.address);
  EXPECT_NE(error.find("cannot listen on " + first.address), std::string::npos) << error;
  EXPECT_NE(error.find("Address already in use"), std::string::npos) << error;
  EXPECT_NE(error.find("ss -ltnp"), std::string::npos) << error;
  const std::string any = must_fail("0.0.0.0:" + std::to_string(port_of(first.address)));
  EXPECT_NE(any.find("in use"), std::string::npos) << any;
}

TEST(ListenSocket, APortIsFreeAgainAfterClose) {
  std::string address;
  {
    const ListenGroup first = must_listen("127.0.0.1:0", 2);
    address = first.address;
    const int client = connect_to(port_of(address));
    int served = accept_from(first.sockets[0]);
    if (served < 0) served = accept_from(first.sockets[1]);
    EXPECT_GE(served, 0);
    close(served);  // the server's side closes first, and is in TIME_WAIT then
    close(client);
  }
  EXPECT_EQ(must_listen(address, 2).address, address);
}

// --- Sharing a port on purpose ------------------------------------------------------------------

// Starts a connect and tells how it stands after `ms`: 0, or errno, or EINPROGRESS.
int connect_within(std::uint16_t port, int ms, int& fd) {
  fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  sockaddr_in to{};
  to.sin_family = AF_INET;
  to.sin_port = htons(port);
  to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (connect(fd, reinterpret_cast<const sockaddr*>(&to), sizeof(to)) == 0) return 0;
  pollfd ready{.fd = fd, .events = POLLOUT, .revents = 0};
  if (poll(&ready, 1, ms) != 1) return EINPROGRESS;
  return option(fd, SOL_SOCKET, SO_ERROR);
}

TEST(ListenSocket, WhoJoinsGetsNothingUntilItListens) {
  const ListenGroup first = must_listen("127.0.0.1:0", 2);
  EXPECT_FALSE(first.joined);
  const ListenGroup second = must_listen(first.address, 2, {.join = true});
  EXPECT_TRUE(second.joined);
  EXPECT_EQ(second.address, first.address);
  const auto queued = [](const ListenGroup& group) {
    int count = 0;
    for (const ListenSocket& socket : group.sockets) {
      for (int fd = accept_from(socket); fd >= 0; fd = accept_from(socket)) {
        ++count;
        close(fd);
      }
    }
    return count;
  };
  std::vector<int> clients;
  for (int i = 0; i < 50; ++i) clients.push_back(connect_to(port_of(first.address)));
  EXPECT_EQ(queued(first), 50);
  ASSERT_TRUE(start_listening(second, {}).ok());
  for (int i = 0; i < 100; ++i) clients.push_back(connect_to(port_of(first.address)));
  const int of_second = queued(second);
  EXPECT_GT(of_second, 0);
  EXPECT_EQ(queued(first) + of_second, 100);
  for (const int fd : clients) close(fd);
}

TEST(ListenSocket, WhoFindsNobodyToJoinListensAtOnce) {
  const ListenGroup group = must_listen("127.0.0.1:0", 1, {.join = true});
  EXPECT_FALSE(group.joined);
  close(connect_to(port_of(group.address)));
}

TEST(ListenSocket, CannotJoinWhoDoesNotShare) {
  const int other = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in any{};
  any.sin_family = AF_INET;
  any.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof(any);
  ASSERT_EQ(bind(other, reinterpret_cast<const sockaddr*>(&any), size), 0);
  ASSERT_EQ(listen(other, 1), 0);
  ASSERT_EQ(getsockname(other, reinterpret_cast<sockaddr*>(&any), &size), 0);
  const auto group =
      listen_on("127.0.0.1:" + std::to_string(ntohs(any.sin_port)), 1, {.join = true});
  ASSERT_FALSE(group.ok());
  EXPECT_NE(group.error().text.find("does not share it"), std::string::npos) << group.error().text;
  close(other);
}

TEST(ListenSocket, HoldsNewcomersBackAndLetsTheQueueBe) {
  const ListenGroup group = must_listen("127.0.0.1:0", 1);
  const std::uint16_t port = port_of(group.address);
  const int queued = connect_to(port);
  ASSERT_TRUE(group.sockets[0].hold_newcomers());
  int held = -1;
  EXPECT_EQ(connect_within(port, 200, held), EINPROGRESS) << "neither taken nor refused";
  const int accepted = accept_from(group.sockets[0]);
  ASSERT_GE(accepted, 0);
  // Who was in the queue talks as ever.
  EXPECT_EQ(send(queued, "hello", 5, MSG_NOSIGNAL), 5);
  char bytes[8];
  EXPECT_EQ(recv(accepted, bytes, sizeof(bytes), 0), 5);
  for (const int fd : {queued, held, accepted}) close(fd);
}

// Its SYN comes again after a second, to the one who is left.
TEST(ListenSocket, WhoWasHeldBackComesToTheNextOne) {
  ListenGroup first = must_listen("127.0.0.1:0", 1);
  const std::uint16_t port = port_of(first.address);
  ASSERT_TRUE(first.sockets[0].hold_newcomers());
  int held = -1;
  EXPECT_EQ(connect_within(port, 100, held), EINPROGRESS);
  const ListenGroup second = must_listen(first.address, 1, {.join = true});
  ASSERT_TRUE(start_listening(second, {}).ok());
  first.sockets[0].close();
  pollfd ready{.fd = held, .events = POLLOUT, .revents = 0};
  ASSERT_EQ(poll(&ready, 1, 10'000), 1);
  EXPECT_EQ(option(held, SOL_SOCKET, SO_ERROR), 0);
  const int accepted = accept_from(second.sockets[0]);
  EXPECT_GE(accepted, 0);
  for (const int fd : {held, accepted}) close(fd);
}

TEST(ListenSocket, Ipv4AndIpv6ShareAPortNumber) {
  const ListenGroup v4 = must_listen("0.0.0.0:0");
  const std::string port = std::to_string(port_of(v4.address));
  EXPECT_EQ(must_listen("[::]:" + port).address, "[::]:" + port);
}

TEST(ListenSocket, RefusesWhatIsNoAddress) {
  for (const char* bad :
       {"", "8000", "127.0.0.1", "127.0.0.1:", "127.0.0.1:http", "127.0.0.1:65536", "127.0.0.1:-1",
        "127.0.0.1: 80", "127.0.0.1:+80", "127.0.0.1:99999999999999999999", "localhost:80",
        "example.org:80", ":80", "[::1:80", "::1]:80", "[]:80", "256.0.0.1:80", "1.2.3:0x50"}) {
    const std::string error = must_fail(bad);
    EXPECT_NE(error.find("listen address '" + std::string(bad) + "'"), std::string::npos)
        << bad << ": " << error;
  }
}

TEST(ListenSocket, AnAddressOfAnotherMachineIsAnError) {
  const std::string error = must_fail("192.0.2.1:0");
  EXPECT_NE(error.find("no such address"), std::string::npos) << error;
}

TEST(ListenSocket, SpreadsConnectionsOverItsSockets) {
  const ListenGroup group = must_listen("127.0.0.1:0", 2);
  std::vector<int> fds;
  int got[2] = {0, 0};
  for (int i = 0; i < 60; ++i) fds.push_back(connect_to(port_of(group.address)));
  for (int i = 0; i < 2; ++i) {
    for (int fd = accept_from(group.sockets[static_cast<std::size_t>(i)]); fd >= 0;
         fd = accept_from(group.sockets[static_cast<std::size_t>(i)])) {
      fds.push_back(fd);
      ++got[i];
    }
  }
  EXPECT_EQ(got[0] + got[1], 60);
  EXPECT_GT(got[0], 5);
  EXPECT_GT(got[1], 5);
  for (const int fd : fds) close(fd);
}

TEST(ListenSocket, ConnectionsInheritTheirOptions) {
  const ListenGroup group =
      must_listen("127.0.0.1:0", 1, {.send_buffer = 64 * 1024, .user_timeout_ms = 12'345});
  const int client = connect_to(port_of(group.address));
  const int served = accept_from(group.sockets[0]);
  ASSERT_GE(served, 0);
  EXPECT_NE(option(served, IPPROTO_TCP, TCP_NODELAY), 0);
  EXPECT_EQ(option(served, IPPROTO_TCP, TCP_USER_TIMEOUT), 12'345);
  EXPECT_EQ(option(served, SOL_SOCKET, SO_SNDBUF), 2 * 64 * 1024) << "socket(7): it doubles";
  close(served);
  close(client);
}

TEST(ListenSocket, IsClosedWhenItDiesAndNotInherited) {
  int fd = -1;
  {
    const ListenGroup group = must_listen("127.0.0.1:0");
    fd = group.sockets[0].fd();
    EXPECT_NE(fcntl(fd, F_GETFD) & FD_CLOEXEC, 0);
  }
  EXPECT_EQ(fcntl(fd, F_GETFD), -1);
}

// Else each shard would have a port of its own, and the ready line would name none of them.
TEST(ListenSocket, APortThatCannotBeReadIsAnError) {
  std::string error;
  std::thread([&error] {
    refuse_on_this_thread({.number = SYS_getsockname, .error = ENOBUFS});
    error = must_fail("127.0.0.1:0");
  }).join();
  EXPECT_NE(error.find("cannot listen on 127.0.0.1:0: No buffer space"), std::string::npos)
      << error;
}

TEST(ListenSocket, MovesItsDescriptor) {
  const int fd = dup(STDERR_FILENO);
  ListenSocket a(fd);
  ListenSocket b(std::move(a));
  EXPECT_EQ(b.fd(), fd);
  EXPECT_EQ(a.fd(), -1);  // NOLINT(bugprone-use-after-move): it is empty
  ListenSocket c(-1);
  c = std::move(b);
  EXPECT_EQ(c.fd(), fd);
  c.close();
  c.close();
  EXPECT_EQ(fcntl(fd, F_GETFD), -1);
}

}  // namespace
}  // namespace millrace
