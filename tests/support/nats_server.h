// A real nats-server of a test's own, on 127.0.0.1.
//
// It dies with the object, and with the test's process too. Whatever can't be done fails a CHECK
// that says what is missing.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>
#include <vector>

namespace millrace {

class NatsServer {
 public:
  // Started and ready. `arguments` are added to its command line.
  explicit NatsServer(std::vector<std::string> arguments = {});
  ~NatsServer();
  NatsServer(const NatsServer&) = delete;
  NatsServer& operator=(const NatsServer&) = delete;

  // kill -9, and the process is gone. No effect if there is none.
  void kill();
  // Again, on the same ports; returns when it is ready. REQUIRES: kill() before.
  void restart();
  // SIGSTOP: it holds its connections and does nothing.
  void freeze();
  void thaw();
  // It tells its clients that it will shut down, and does so 10 s later or more.
  void lame_duck();

  [[nodiscard]] std::string url() const;
  [[nodiscard]] std::uint16_t port() const { return port_; }
  // The body of a page of its monitoring port, such as "/subsz" or "/connz?subs=1".
  [[nodiscard]] std::string monitor(const std::string& path) const;
  // The number after "key": on such a page; -1 if it isn't there.
  [[nodiscard]] std::int64_t monitored(const std::string& path, const std::string& key) const;

 private:
  void spawn();
  [[nodiscard]] bool wait_until_ready();

  const std::vector<std::string> arguments_;
  std::uint16_t port_ = 0;
  std::uint16_t monitor_port_ = 0;
  pid_t pid_ = 0;  // 0: none
};

// A port of 127.0.0.1 that nobody listens on, and that this process has until it ends.
std::uint16_t free_port();

}  // namespace millrace
