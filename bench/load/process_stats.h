// What /proc tells about the server, about ourselves and about the machine: CPU, user memory, and
// the kernel's memory, which is where connections cost most. Read from a folder, so that tests
// bring their own.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>

namespace millrace::load {

struct ProcessSample {
  std::uint32_t pid = 0;  // 0: there is none
  double cpu_seconds = 0;
  std::map<std::uint32_t, double> threads;  // CPU seconds by thread id
  std::uint64_t resident_bytes = 0;
  std::uint64_t anonymous_bytes = 0;  // heap and stacks: without what is only mapped from files
};

struct MachineSample {
  double busy_seconds = 0;  // of all cores
  std::uint64_t cores = 0;
  std::uint64_t slab_bytes = 0;
  std::uint64_t unreclaimable_bytes = 0;  // of that
  std::uint64_t page_table_bytes = 0;
  std::uint64_t available_bytes = 0;
  std::uint64_t tcp_bytes = 0;  // in sockets' queues
  std::uint64_t tcp_sockets = 0;
  std::uint64_t time_wait = 0;
};

class Proc {
 public:
  explicit Proc(std::string root = "/proc") : root_(std::move(root)) {}

  // A process that has gone gives a sample with pid 0. `exact` walks its memory, which takes a
  // moment for a large one; otherwise the kernel's own counts are taken.
  [[nodiscard]] ProcessSample process(std::uint32_t pid, bool exact) const;
  [[nodiscard]] MachineSample machine() const;
  // Who listens on a TCP port of this machine; 0 if nobody does, or it can't be seen.
  [[nodiscard]] std::uint32_t listener(std::uint16_t port) const;
  [[nodiscard]] std::string read(const std::string& path) const;

 private:
  [[nodiscard]] std::map<std::string, bool> listening_inodes(std::uint16_t port) const;
  std::string root_;
};

// The number behind `key` in lines such as "Rss:   1234 kB"; 0 if it is not there.
std::uint64_t value_of(std::string_view text, std::string_view key);

}  // namespace millrace::load
