// A swarm of clients that count: connects many WebSocket clients, subscribes them all to one
// channel and checks that each gets every publication exactly once and in order.
//
//   swarm --to ADDR:PORT [--to ADDR:PORT]... --channel C --connections N --expect M [--timeout S]
//       prints "swarm ready" when all are subscribed, waits for M publications {"seq":1..M}, prints
//       what it saw as JSON, and exits 0 if every client has each once and in order.
//   swarm ... --publish K --seconds S [--payload B]
//       publishes itself, over a connection of its own, K publications in flight (a closed loop),
//       and prints deliveries per second.
//
// One thread, epoll, blocking connects: it is a test's counterpart and a first yardstick, not a
// load generator. It speaks just enough of the protocol, written apart from the server's code.
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <string_view>
#include <vector>

namespace {

struct Options {
  std::vector<std::string> to;
  std::string channel = "swarm";
  std::size_t connections = 1;
  std::uint64_t expect = 0;
  std::size_t in_flight = 0;  // 0: only listens
  double seconds = 5;
  double timeout = 120;
  std::size_t payload = 64;
};

struct Client {
  int fd = -1;
  std::string in;          // what is not a whole frame yet
  std::uint64_t last = 0;  // the last sequence number seen
  std::uint64_t received = 0;
  bool subscribed = false;
};

struct Totals {
  std::uint64_t received = 0, duplicates = 0, holes = 0, disconnects = 0, frames = 0;
  std::size_t subscribed = 0;
};

[[noreturn]] void die(const std::string& text) {
  std::fprintf(stderr, "swarm: %s\n", text.c_str());
  std::exit(1);
}

double now() {
  timespec ts{};
  clock_gettime(CLOCK_MONOTONIC, &ts);
  return static_cast<double>(ts.tv_sec) + static_cast<double>(ts.tv_nsec) * 1e-9;
}

// A masked text frame; the mask is zero, which is allowed and keeps the payload readable.
std::string text_frame(std::string_view payload) {
  std::string frame = "\x81";
  if (payload.size() < 126) {
    frame += static_cast<char>(0x80 | payload.size());
  } else {
    frame += static_cast<char>(0x80 | 126);
    frame += static_cast<char>(payload.size() >> 8);
    frame += static_cast<char>(payload.size() & 0xff);
  }
  frame.append(4, '\0');
  frame.append(payload);
  return frame;
}

void send_all(int fd, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t sent = send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent < 0 && (errno == EAGAIN || errno == EINTR)) continue;
    if (sent <= 0) die(std::string("send: ") + std::strerror(errno));
    bytes.remove_prefix(static_cast<std::size_t>(sent));
  }
}

int open_client(const std::string& to) {
  const std::size_t colon = to.rfind(':');
  if (colon == std::string::npos) die("--to wants ADDR:PORT");
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<std::uint16_t>(std::atoi(to.c_str() + colon + 1)));
  if (inet_pton(AF_INET, to.substr(0, colon).c_str(), &address.sin_addr) != 1) die("bad " + to);
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0) die(std::string("socket: ") + std::strerror(errno));
  const int one = 1;
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
  if (connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) != 0) {
    die("connect " + to + ": " + std::strerror(errno));
  }
  return fd;
}

void shake_hands(int fd, const std::string& to) {
  send_all(fd, "GET /connection/websocket HTTP/1.1\r\nHost: " + to +
                   "\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                   "Sec-WebSocket-Version: 13\r\n"
                   "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n");
  std::string head;
  while (head.find("\r\n\r\n") == std::string::npos) {
    char buffer[1024];
    const ssize_t got = recv(fd, buffer, sizeof(buffer), 0);
    if (got <= 0) die("the handshake was cut off");
    head.append(buffer, static_cast<std::size_t>(got));
  }
  if (head.rfind("HTTP/1.1 101", 0) != 0) die("no upgrade: " + head.substr(0, head.find('\r')));
}

std::string quoted(const std::string& text) { return "\"" + text + "\""; }

class Swarm {
 public:
  explicit Swarm(const Options& options) : options_(options), epoll_(epoll_create1(0)) {}

  void connect_all() {
    clients_.resize(options_.connections);
    for (std::size_t i = 0; i < clients_.size(); ++i) {
      const std::string& to = options_.to[i % options_.to.size()];
      clients_[i].fd = open_client(to);
      shake_hands(clients_[i].fd, to);
      send_all(clients_[i].fd, text_frame(R"({"id":1,"connect":{}})"
                                          "\n"
                                          R"({"id":2,"subscribe":{"channel":)" +
                                          quoted(options_.channel) + "}}"));
      watch(i);
      if (i % 256 == 255) poll(0);
    }
    while (totals_.subscribed < clients_.size()) poll(1'000);
  }

  void poll(int timeout_ms) {
    epoll_event events[512];
    const int count = epoll_wait(epoll_, events, 512, timeout_ms);
    for (int i = 0; i < count; ++i) read_client(clients_[events[i].data.u32]);
  }

  // One that publishes and does not listen; its replies are read and dropped.
  int open_publisher() {
    const int fd = open_client(options_.to[0]);
    shake_hands(fd, options_.to[0]);
    send_all(fd, text_frame(R"({"id":1,"connect":{}})"));
    fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
    return fd;
  }

  [[nodiscard]] const Totals& totals() const { return totals_; }
  [[nodiscard]] bool complete(std::uint64_t expect) const {
    return totals_.received >= expect * clients_.size();
  }
  [[nodiscard]] bool exact(std::uint64_t expect) const {
    for (const Client& client : clients_) {
      if (client.received != expect || client.last != expect) return false;
    }
    return totals_.duplicates == 0 && totals_.holes == 0 && totals_.disconnects == 0;
  }

 private:
  void watch(std::size_t i) {
    fcntl(clients_[i].fd, F_SETFL, fcntl(clients_[i].fd, F_GETFL) | O_NONBLOCK);
    epoll_event event{};
    event.events = EPOLLIN;
    event.data.u32 = static_cast<std::uint32_t>(i);
    epoll_ctl(epoll_, EPOLL_CTL_ADD, clients_[i].fd, &event);
  }

  void read_client(Client& client) {
    static char buffer[256 * 1024];
    const ssize_t got = recv(client.fd, buffer, sizeof(buffer), 0);
    if (got < 0 && errno == EAGAIN) return;
    if (got <= 0) {
      ++totals_.disconnects;
      close(client.fd);
      client.fd = -1;
      return;
    }
    std::string_view bytes(buffer, static_cast<std::size_t>(got));
    if (!client.in.empty()) {
      client.in.append(bytes);
      bytes = client.in;
    }
    const std::size_t used = take_frames(client, bytes);
    client.in = std::string(bytes.substr(used));
  }

  std::size_t take_frames(Client& client, std::string_view bytes) {
    std::size_t used = 0;
    for (;;) {
      const std::string_view rest = bytes.substr(used);
      if (rest.size() < 2) return used;
      std::size_t header = 2;
      std::size_t length = static_cast<unsigned char>(rest[1]);
      if (length == 126) {
        if (rest.size() < 4) return used;
        header = 4;
        length = static_cast<std::size_t>(static_cast<unsigned char>(rest[2])) << 8 |
                 static_cast<unsigned char>(rest[3]);
      } else if (length == 127) {
        if (rest.size() < 10) return used;
        header = 10;
        length = 0;
        for (std::size_t i = 2; i < 10; ++i) {
          length = length << 8 | static_cast<unsigned char>(rest[i]);
        }
      }
      if (rest.size() < header + length) return used;
      take_message(client, rest.substr(header, length));
      used += header + length;
    }
  }

  void take_message(Client& client, std::string_view message) {
    ++totals_.frames;
    static constexpr std::string_view kSeq = "\"seq\":";
    const std::size_t at = message.find(kSeq);
    if (at != std::string_view::npos) {
      take_publication(client, std::strtoull(message.data() + at + kSeq.size(), nullptr, 10));
    } else if (message == "{}") {
      send_all(client.fd, text_frame("{}"));
    } else if (!client.subscribed && message.find("\"subscribe\":{}") != std::string_view::npos) {
      client.subscribed = true;
      ++totals_.subscribed;
    }
  }

  void take_publication(Client& client, std::uint64_t seq) {
    ++totals_.received;
    ++client.received;
    if (seq <= client.last) {
      ++totals_.duplicates;
      return;
    }
    totals_.holes += seq - client.last - 1;
    client.last = seq;
  }

  const Options& options_;
  const int epoll_;
  std::vector<Client> clients_;
  Totals totals_;
};

int listen(Swarm& swarm, const Options& options) {
  const double start = now();
  while (!swarm.complete(options.expect) && now() - start < options.timeout) swarm.poll(100);
  const double took = now() - start;
  // A little longer: a duplicate would come late.
  const double end = now() + 0.5;
  while (now() < end) swarm.poll(50);
  const Totals& totals = swarm.totals();
  const bool exact = swarm.exact(options.expect);
  std::printf(R"({"exact":%s,"connections":%zu,"received":%llu,"duplicates":%llu,"holes":%llu,)"
              R"("disconnects":%llu,"seconds":%.3f})"
              "\n",
              exact ? "true" : "false", options.connections,
              static_cast<unsigned long long>(totals.received),
              static_cast<unsigned long long>(totals.duplicates),
              static_cast<unsigned long long>(totals.holes),
              static_cast<unsigned long long>(totals.disconnects), took);
  return exact ? 0 : 1;
}

double cpu_seconds() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return static_cast<double>(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
         static_cast<double>(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) * 1e-6;
}

int publish(Swarm& swarm, const Options& options) {
  const int fd = swarm.open_publisher();
  const std::string padding(options.payload > 24 ? options.payload - 24 : 0, 'x');
  std::uint64_t published = 0;
  const double start = now();
  const double cpu_start = cpu_seconds();
  char dropped[64 * 1024];
  while (now() - start < options.seconds) {
    const std::uint64_t finished = swarm.totals().received / options.connections;
    while (published - finished < options.in_flight) {
      ++published;
      send_all(
          fd, text_frame(R"({"id":)" + std::to_string(published + 1) + R"(,"publish":{"channel":)" +
                         quoted(options.channel) + R"(,"data":{"seq":)" +
                         std::to_string(published) + R"(,"pad":")" + padding + R"("}}})"));
    }
    swarm.poll(10);
    while (recv(fd, dropped, sizeof(dropped), 0) > 0) {
    }
  }
  const double took = now() - start;
  const auto received = static_cast<double>(swarm.totals().received);
  std::printf(R"({"connections":%zu,"in_flight":%zu,"payload":%zu,"publications":%llu,)"
              R"("deliveries_per_second":%.0f,"seconds":%.3f,"client_cpu":%.2f,"disconnects":%llu})"
              "\n",
              options.connections, options.in_flight, options.payload,
              static_cast<unsigned long long>(published), received / took, took,
              (cpu_seconds() - cpu_start) / took,
              static_cast<unsigned long long>(swarm.totals().disconnects));
  return swarm.totals().disconnects == 0 ? 0 : 1;
}

Options parse(int argc, char** argv) {
  Options options;
  for (int i = 1; i < argc; i += 2) {
    const std::string flag = argv[i];
    if (i + 1 >= argc) die(flag + " wants a value");
    const char* value = argv[i + 1];
    if (flag == "--to") {
      options.to.emplace_back(value);
    } else if (flag == "--channel") {
      options.channel = value;
    } else if (flag == "--connections") {
      options.connections = std::strtoull(value, nullptr, 10);
    } else if (flag == "--expect") {
      options.expect = std::strtoull(value, nullptr, 10);
    } else if (flag == "--publish") {
      options.in_flight = std::strtoull(value, nullptr, 10);
    } else if (flag == "--seconds") {
      options.seconds = std::atof(value);
    } else if (flag == "--timeout") {
      options.timeout = std::atof(value);
    } else if (flag == "--payload") {
      options.payload = std::strtoull(value, nullptr, 10);
    } else {
      die("unknown flag " + flag +
          "; there are --to --channel --connections --expect --timeout --publish --seconds "
          "--payload");
    }
  }
  if (options.to.empty() || options.connections == 0) die("--to and --connections are needed");
  return options;
}

}  // namespace

int main(int argc, char** argv) {
  const Options options = parse(argc, argv);
  Swarm swarm(options);
  swarm.connect_all();
  std::printf("swarm ready\n");
  std::fflush(stdout);
  return options.in_flight > 0 ? publish(swarm, options) : listen(swarm, options);
}
