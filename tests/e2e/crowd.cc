// Many newcomers at once, in the ways that trouble a server; for tests/e2e/admission.test.mjs and,
// in its big forms, by hand (docs/TESTING.md).
//
//   crowd --to ADDR:PORT --count N --act ACT [--seconds S] [--rate R]
//     burst    all connect at once and send a WebSocket handshake
//     silent   all connect at once and send nothing
//     hold     as burst, then the connect command; who is in stays until standard input ends
//     slow     each sends its handshake one byte a second
//     reset    connects come and go for S seconds, N at once, each ended by a reset: after the
//              connect, inside the handshake, or after the upgrade, in turns
//
// Prints "crowd ready" when nothing more is to happen at once (burst, silent: all have an answer or
// were closed; hold: all were let in or not), and at the end a line of JSON. The times of answers
// count from each one's connect. One thread, epoll, no code of the server.
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace {

enum class Act : std::uint8_t { kBurst, kSilent, kHold, kSlow, kReset };

struct Options {
  sockaddr_in to{};
  std::size_t count = 1;
  double seconds = 30;
  double rate = 0;  // connects a second; 0 is all at once
  Act act = Act::kBurst;
};

struct Newcomer {
  int fd = -1;
  double began = 0;
  std::size_t sent = 0;  // of its request
  std::string in;
  int status = 0;
  bool connected = false;  // the TCP handshake is done
  bool counted = false;
};

[[noreturn]] void die(const std::string& text) {
  std::fprintf(stderr, "crowd: %s\n", text.c_str());
  std::exit(1);
}

double now() {
  timespec ts{};
  clock_gettime(CLOCK_MONOTONIC, &ts);
  return static_cast<double>(ts.tv_sec) + static_cast<double>(ts.tv_nsec) * 1e-9;
}

Options parse(int argc, char** argv) {
  const std::map<std::string_view, Act> acts{{"burst", Act::kBurst},
                                             {"silent", Act::kSilent},
                                             {"hold", Act::kHold},
                                             {"slow", Act::kSlow},
                                             {"reset", Act::kReset}};
  Options options;
  for (int i = 1; i + 1 < argc; i += 2) {
    const std::string_view name = argv[i];
    const std::string value = argv[i + 1];
    if (name == "--to") {
      const std::size_t colon = value.rfind(':');
      if (colon == std::string::npos) die("--to needs ADDR:PORT");
      options.to.sin_family = AF_INET;
      options.to.sin_port = htons(static_cast<std::uint16_t>(std::stoi(value.substr(colon + 1))));
      if (inet_pton(AF_INET, value.substr(0, colon).c_str(), &options.to.sin_addr) != 1) {
        die("--to needs an IPv4 address");
      }
    } else if (name == "--count") {
      options.count = std::stoul(value);
    } else if (name == "--seconds") {
      options.seconds = std::stod(value);
    } else if (name == "--rate") {
      options.rate = std::stod(value);
    } else if (name == "--act" && acts.contains(value)) {
      options.act = acts.at(value);
    } else {
      die("what is " + std::string(name) + " " + value + "?");
    }
  }
  return options;
}

class Crowd {
 public:
  static constexpr std::size_t kSlices = 100;        // of a second
  static constexpr std::size_t kPortsEach = 10'000;  // of a loopback address; then comes the next

  explicit Crowd(const Options& options)
      : options_(options),
        request_(
            "GET /connection/websocket HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\n"
            "Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
            "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"),
        epoll_(epoll_create1(EPOLL_CLOEXEC)),
        newcomers_(options.count) {}

  void run() {
    begin_ = now();
    if (options_.act == Act::kReset) {
      reset();
    } else {
      come();
    }
    report();
  }

 private:
  void connect_one(std::size_t index) {
    Newcomer& who = newcomers_[index];
    who = Newcomer{};
    who.fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (who.fd < 0) die("no descriptor is left: raise ulimit -n");
    who.began = now();
    if (index >= kPortsEach) bind_source(who.fd, index);
    const auto* address = reinterpret_cast<const sockaddr*>(&options_.to);
    if (::connect(who.fd, address, sizeof(options_.to)) != 0 && errno != EINPROGRESS) {
      die("cannot connect: no port is left?");
    }
    epoll_event event{EPOLLIN | EPOLLOUT | EPOLLRDHUP, {.u64 = index}};
    epoll_ctl(epoll_, EPOLL_CTL_ADD, who.fd, &event);
  }

  // Past half of the ports towards one address, each connect searches all of them.
  static void bind_source(int fd, std::size_t index) {
    sockaddr_in source{};
    source.sin_family = AF_INET;
    source.sin_addr.s_addr = htonl(INADDR_LOOPBACK + static_cast<in_addr_t>(index / kPortsEach));
    const int late = 1;
    setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &late, sizeof(late));
    if (bind(fd, reinterpret_cast<const sockaddr*>(&source), sizeof(source)) != 0) {
      die("cannot bind to a loopback address of its own");
    }
  }

  void send_some(Newcomer& who, std::size_t bytes) {
    const std::size_t rest = std::min(bytes, request_.size() - who.sent);
    if (rest == 0) return;
    const ssize_t took = ::send(who.fd, request_.data() + who.sent, rest, MSG_NOSIGNAL);
    if (took > 0) who.sent += static_cast<std::size_t>(took);
  }

  void on_connected(std::size_t index) {
    Newcomer& who = newcomers_[index];
    who.connected = true;
    epoll_event event{EPOLLIN | EPOLLRDHUP, {.u64 = index}};
    epoll_ctl(epoll_, EPOLL_CTL_MOD, who.fd, &event);
    if (options_.act == Act::kBurst || options_.act == Act::kHold) send_some(who, SIZE_MAX);
  }

  void leave(Newcomer& who) {
    count(who);
    ::close(who.fd);
    who.fd = -1;
    ++closed_;
    last_close_ = now();
    if (first_close_ == 0) first_close_ = last_close_;
  }

  // Once a newcomer: answered, or closed without.
  void count(Newcomer& who) {
    if (who.counted) return;
    who.counted = true;
    ++settled_;
    ++by_status_[who.status];
    times_.push_back((now() - who.began) * 1000);
  }

  void on_input(std::size_t index) {
    Newcomer& who = newcomers_[index];
    char buffer[4096];
    bool ended = false;
    while (!ended) {
      const ssize_t got = recv(who.fd, buffer, sizeof(buffer), 0);
      if (got < 0 && errno == EAGAIN) break;
      if (got < 0) ++cut_;
      ended = got <= 0;
      if (!ended) who.in.append(buffer, static_cast<std::size_t>(got));
    }
    answer(who);
    if (ended) leave(who);
  }

  void answer(Newcomer& who) {
    if (who.status == 0 && who.in.find("\r\n\r\n") != std::string::npos) {
      who.status = std::atoi(who.in.c_str() + 9);
      const std::size_t at = who.in.find("Retry-After: ");
      if (at != std::string::npos) ++retries_[std::atoi(who.in.c_str() + at + 13)];
      if (options_.act != Act::kHold || who.status != 101) {
        count(who);
      } else {
        static constexpr char kConnect[] = "\x81\x96\0\0\0\0{\"id\":1,\"connect\":{}}\n";
        static_cast<void>(::send(who.fd, kConnect, sizeof(kConnect) - 1, MSG_NOSIGNAL));
      }
    } else if (who.status == 101 && who.in.find("\"connect\":") != std::string::npos) {
      count(who);
    }
  }

  void turn(int wait_ms) {
    epoll_event events[512];
    const int ready = epoll_wait(epoll_, events, 512, wait_ms);
    for (int i = 0; i < ready; ++i) {
      const std::size_t index = events[i].data.u64;
      Newcomer& who = newcomers_[index];
      if (who.fd < 0) continue;
      if (!who.connected && (events[i].events & EPOLLOUT) != 0) on_connected(index);
      if ((events[i].events & ~EPOLLOUT) != 0) on_input(index);
    }
  }

  void come() {
    const bool slow = options_.act == Act::kSlow;
    std::size_t begun = 0;
    std::size_t slice = 0;
    double next_byte = now();
    while (now() - begin_ < options_.seconds && settled_ < options_.count) {
      const double due = options_.rate == 0 ? 1e9 : (now() - begin_) * options_.rate;
      for (int i = 0; i < 256 && begun < options_.count && static_cast<double>(begun) < due; ++i) {
        connect_one(begun++);
      }
      turn(begun < options_.count ? 0 : slow ? 2 : 10);
      if (!slow || now() < next_byte) continue;
      // A slice of them at a time, so that a second is not one burst.
      next_byte += 1.0 / kSlices;
      for (std::size_t i = slice++ % kSlices; i < newcomers_.size(); i += kSlices) {
        Newcomer& who = newcomers_[i];
        if (who.fd >= 0 && who.connected) send_some(who, 1);
      }
    }
    std::printf("crowd ready\n");
    std::fflush(stdout);
    if (options_.act == Act::kHold) {
      char byte = 0;
      while (read(STDIN_FILENO, &byte, 1) > 0) {
      }
    }
    const double end = now() + 2;
    const bool wait = options_.act == Act::kBurst || options_.act == Act::kSilent;
    while (wait && closed_ + by_status_[101] < options_.count && now() < end) turn(10);
  }

  // Each is ended by a reset at a point of its own, and comes again.
  void reset() {
    while (now() - begin_ < options_.seconds) {
      for (std::size_t i = 0; i < newcomers_.size(); ++i) {
        Newcomer& who = newcomers_[i];
        if (who.fd < 0) connect_one(i);
        if (!who.connected) continue;
        const std::size_t kind = (resets_ + i) % 3;
        if (kind == 1) send_some(who, 20);
        if (kind == 2) send_some(who, SIZE_MAX);
        if (kind == 2 && who.in.empty() && now() - who.began < 0.5) continue;
        const linger now_and_hard{1, 0};
        setsockopt(who.fd, SOL_SOCKET, SO_LINGER, &now_and_hard, sizeof(now_and_hard));
        ::close(who.fd);
        who.fd = -1;
        ++resets_;
      }
      turn(1);
    }
    for (Newcomer& who : newcomers_) {
      if (who.fd >= 0) ::close(who.fd);
    }
    std::printf("crowd ready\n");
  }

  static void print_map(const char* name, const std::map<int, std::size_t>& map) {
    std::printf("\"%s\":{", name);
    bool first = true;
    for (const auto& [key, value] : map) {
      std::printf("%s\"%d\":%zu", first ? "" : ",", key, value);
      first = false;
    }
    std::printf("},");
  }

  void report() {
    std::sort(times_.begin(), times_.end());
    const auto at = [this](double share) {
      if (times_.empty()) return 0.0;
      return times_[static_cast<std::size_t>(share * static_cast<double>(times_.size() - 1))];
    };
    std::printf("{");
    print_map("status", by_status_);
    print_map("retry_after", retries_);
    std::printf("\"closed\":%zu,\"cut\":%zu,\"resets\":%zu,", closed_, cut_, resets_);
    std::printf("\"first_close_s\":%.3f,\"last_close_s\":%.3f,",
                first_close_ == 0 ? 0 : first_close_ - begin_,
                last_close_ == 0 ? 0 : last_close_ - begin_);
    std::printf("\"ms_p50\":%.1f,\"ms_p99\":%.1f,\"ms_max\":%.1f}\n", at(0.5), at(0.99), at(1));
  }

  const Options options_;
  const std::string request_;
  const int epoll_;
  std::vector<Newcomer> newcomers_;
  double begin_ = 0, first_close_ = 0, last_close_ = 0;
  std::size_t settled_ = 0, closed_ = 0, resets_ = 0;
  std::size_t cut_ = 0;  // closed by a reset of the server's
  std::map<int, std::size_t> by_status_;
  std::map<int, std::size_t> retries_;
  std::vector<double> times_;
};

}  // namespace

int main(int argc, char** argv) {
  rlimit files{};
  getrlimit(RLIMIT_NOFILE, &files);
  files.rlim_cur = files.rlim_max;
  setrlimit(RLIMIT_NOFILE, &files);
  Crowd(parse(argc, argv)).run();
  return 0;
}
