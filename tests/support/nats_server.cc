#include "tests/support/nats_server.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <charconv>
#include <chrono>
#include <random>
#include <thread>
#include <utility>

#include "core/base/assert.h"

namespace millrace {
namespace {

constexpr std::chrono::milliseconds kPoll{5};
constexpr int kReadyPolls = 2'000;

// Below the ports that the kernel hands out, any of which a connection of another test may take.
// Who has one of them for UDP has it, whatever process it is; tests/e2e/support/ports.mjs agrees.
constexpr std::uint16_t kFirstPort = 20'000;
constexpr std::uint16_t kLastPort = 31'999;
constexpr int kPortAttempts = 100;

sockaddr_in loopback(std::uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return address;
}

// -1 if somebody has the port.
int bound_socket(int type, std::uint16_t port) {
  const int fd = socket(AF_INET, type | SOCK_CLOEXEC, 0);
  CHECK_GE(fd, 0);
  const sockaddr_in address = loopback(port);
  if (bind(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0) return fd;
  CHECK_EQ(errno, EADDRINUSE);
  close(fd);
  return -1;
}

// What the peer sends after `request` until it closes or `enough` bytes are there; "" if it can't
// be reached.
std::string ask(std::uint16_t port, const std::string& request, std::size_t enough) {
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  CHECK_GE(fd, 0);
  const timeval patience{.tv_sec = 2, .tv_usec = 0};
  setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  const sockaddr_in address = loopback(port);
  std::string answer;
  if (connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0 &&
      ::send(fd, request.data(), request.size(), MSG_NOSIGNAL) ==
          static_cast<ssize_t>(request.size())) {
    std::array<char, 16'384> chunk{};
    while (answer.size() < enough) {
      const ssize_t got = recv(fd, chunk.data(), chunk.size(), 0);
      if (got <= 0) break;
      answer.append(chunk.data(), static_cast<std::size_t>(got));
    }
  }
  close(fd);
  return answer;
}

const char* program() {
  for (const char* path : {"/usr/sbin/nats-server", "/usr/bin/nats-server"}) {
    if (access(path, X_OK) == 0) return path;
  }
  std::fprintf(stderr, "nats-server is missing; install it: apt-get install nats-server\n");
  return nullptr;
}

}  // namespace

std::uint16_t free_port() {
  std::random_device random;
  std::uniform_int_distribution<std::uint16_t> ports(kFirstPort, kLastPort);
  for (int attempt = 0; attempt < kPortAttempts; ++attempt) {
    const std::uint16_t port = ports(random);
    const int kept = bound_socket(SOCK_DGRAM, port);  // stays open until the process ends
    if (kept < 0) continue;
    const int probe = bound_socket(SOCK_STREAM, port);
    if (probe >= 0) {
      close(probe);
      return port;
    }
    close(kept);
  }
  CHECK(!"no free port");
}

NatsServer::NatsServer(std::vector<std::string> arguments) : arguments_(std::move(arguments)) {
  port_ = free_port();
  monitor_port_ = free_port();
  spawn();
  CHECK(wait_until_ready());
}

NatsServer::~NatsServer() { kill(); }

void NatsServer::spawn() {
  CHECK_EQ(pid_, 0);
  const char* path = program();
  CHECK(path != nullptr);
  std::vector<std::string> words{
      path, "-a", "127.0.0.1", "-p", std::to_string(port_), "-m", std::to_string(monitor_port_)};
  words.insert(words.end(), arguments_.begin(), arguments_.end());
  std::vector<char*> argv;
  for (std::string& word : words) argv.push_back(word.data());
  argv.push_back(nullptr);
  const pid_t parent = getpid();
  const pid_t child = fork();
  CHECK_GE(child, 0);
  if (child == 0) {
    // Only calls that are safe between fork and exec.
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent) _exit(1);
    const int nowhere = open("/dev/null", O_RDWR | O_CLOEXEC);
    for (int fd = 0; fd <= 2; ++fd) dup2(nowhere, fd);
    execv(path, argv.data());
    _exit(127);
  }
  pid_ = child;
}

bool NatsServer::wait_until_ready() {
  for (int poll = 0; poll < kReadyPolls; ++poll) {
    int status = 0;
    if (waitpid(pid_, &status, WNOHANG) == pid_) {
      pid_ = 0;
      return false;
    }
    if (ask(port_, "", 5).starts_with("INFO ") && !monitor("/varz").empty()) return true;
    std::this_thread::sleep_for(kPoll);
  }
  return false;
}

void NatsServer::kill() {
  if (pid_ == 0) return;
  CHECK_EQ(::kill(pid_, SIGKILL), 0);
  CHECK_EQ(waitpid(pid_, nullptr, 0), pid_);
  pid_ = 0;
}

void NatsServer::restart() {
  spawn();
  CHECK(wait_until_ready());
}

void NatsServer::freeze() {
  CHECK_EQ(::kill(pid_, SIGSTOP), 0);
  int status = 0;
  CHECK_EQ(waitpid(pid_, &status, WUNTRACED), pid_);
  CHECK(WIFSTOPPED(status));
}

void NatsServer::thaw() { CHECK_EQ(::kill(pid_, SIGCONT), 0); }

void NatsServer::lame_duck() { CHECK_EQ(::kill(pid_, SIGUSR2), 0); }

std::string NatsServer::url() const { return "nats://127.0.0.1:" + std::to_string(port_); }

std::string NatsServer::monitor(const std::string& path) const {
  const std::string answer =
      ask(monitor_port_, "GET " + path + " HTTP/1.0\r\n\r\n", std::size_t{64} << 20);
  const std::size_t head = answer.find("\r\n\r\n");
  return head == std::string::npos ? "" : answer.substr(head + 4);
}

std::int64_t NatsServer::monitored(const std::string& path, const std::string& key) const {
  const std::string body = monitor(path);
  const std::string name = "\"" + key + "\":";
  const std::size_t at = body.find(name);
  if (at == std::string::npos) return -1;
  const std::size_t digits = body.find_first_not_of(' ', at + name.size());
  std::int64_t value = -1;
  std::from_chars(body.data() + digits, body.data() + body.size(), value);
  return value;
}

}  // namespace millrace
