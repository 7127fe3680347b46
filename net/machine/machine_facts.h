// What the limits of a machine are, as its files below /proc and /sys tell. Plain data, and the one
// reader of it; what the facts mean is limit_rules.h's.
//
// Every file may be missing (another kernel, another configuration), unreadable (a sandbox) or hold
// anything at all (a tree of a test): each fact says on its own whether it was read. Nothing here
// fails and nothing is written.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace millrace {

enum class Reading : std::uint8_t {
  kRead,
  kMissing,     // no such file
  kUnreadable,  // there, but not readable, or not what such a file holds
};

inline constexpr std::uint64_t kUnlimited = UINT64_MAX;

// Numbers of one file. Values mean something only if they were read.
template <std::size_t N>
struct FactOf {
  Reading reading = Reading::kMissing;
  std::array<std::uint64_t, N> values{};

  FactOf() = default;
  FactOf(const std::array<std::uint64_t, N>& read)  // NOLINT: implicit by intent
      : reading(Reading::kRead), values(read) {}

  [[nodiscard]] bool known() const { return reading == Reading::kRead; }
  [[nodiscard]] std::uint64_t operator[](std::size_t index) const { return values[index]; }
  [[nodiscard]] std::uint64_t value() const { return values[0]; }
};
using Fact = FactOf<1>;

// The group that leaves the least of a resource, of those that this process is in.
struct CgroupFact {
  Fact limit;        // kUnlimited where no group has one
  Fact used;         // of the same group
  std::string file;  // which limit it is: "/sys/fs/cgroup/a.slice/memory.max"
};

struct MachineFacts {
  std::uint64_t page_bytes = 4'096;
  std::optional<std::string> release;  // of the kernel

  // This process
  Fact descriptors_soft, descriptors_hard;
  Fact memlock;  // bytes, soft
  Fact processes;
  Fact capabilities;  // effective, a bit each
  // Files
  Fact nr_open, file_max;
  FactOf<3> file_nr;  // in use, free, the most
  // The network, of this process's namespace
  Fact somaxconn, syn_backlog, syncookies, device_backlog, migrate_requests;
  Fact send_buffer_max;
  FactOf<3> tcp_mem;             // pages: low, pressure, high
  FactOf<3> tcp_rmem, tcp_wmem;  // bytes: least, default, most
  Fact max_orphans, max_time_waits;
  FactOf<2> port_range;  // first, last
  // Connection tracking
  Fact conntrack_max, conntrack_count, conntrack_buckets;
  std::vector<std::string> conntrack_users;  // modules with rules that need it
  // Memory
  Fact memory_total, memory_available;  // bytes
  CgroupFact cgroup_memory;             // bytes; what can be reclaimed at once is not used
  CgroupFact cgroup_memory_high;
  CgroupFact cgroup_pids;
  Fact max_map_count;
  std::optional<std::string> huge_pages;  // the chosen one: "always", "madvise", "never"
  // io_uring
  Fact uring_disabled;
};

inline constexpr unsigned kCapIpcLock = 14;  // linux/capability.h
inline constexpr unsigned kCapSysAdmin = 21;
inline constexpr unsigned kCapSysResource = 24;

// Whether the process has the capability; nullopt if that was not read.
std::optional<bool> has_capability(const MachineFacts& facts, unsigned bit);

// What a start will have as RLIMIT_NOFILE: the soft limit is raised to the hard one, which the
// kernel refuses above fs.nr_open. 0 if it was not read.
std::uint64_t descriptors_in_force(const MachineFacts& facts);

// `root` is "/" or where a copy of another machine's /proc and /sys stands.
MachineFacts read_machine_facts(const std::string& root, std::uint64_t page_bytes);
// Of the running system.
MachineFacts read_machine_facts();

// Of the running system, as it is now: /proc/sys/fs/file-nr.
FactOf<3> read_file_numbers();

// Descriptors that this process has open. Counted one by one before Linux 6.2, and then no further
// than kCountedDescriptors; nullopt if /proc can't be read.
std::optional<std::uint64_t> open_descriptors();
inline constexpr std::uint64_t kCountedDescriptors = 100'000;

}  // namespace millrace
