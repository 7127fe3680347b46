// A tree of /proc and /sys like that of a machine, in a folder of its own that is removed at the
// end: a common machine (24 GiB, Linux 6.18, 1,048,576 descriptors, no cgroup limit, connections
// not tracked) with what a test changes.
#pragma once

#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <optional>
#include <string>

namespace millrace {

class FakeMachine {
 public:
  // Files by their path below the root; nullopt is a file that is not there.
  using Files = std::map<std::string, std::optional<std::string>>;

  explicit FakeMachine(const Files& changes = {}) {
    std::array<char, 64> name{"/tmp/millrace-machine-XXXXXX"};
    root_ = mkdtemp(name.data());
    Files files = common();
    for (const auto& [path, text] : changes) files[path] = text;
    for (const auto& [path, text] : files) {
      if (text) write(path, *text);
    }
  }
  ~FakeMachine() { std::filesystem::remove_all(root_); }
  FakeMachine(const FakeMachine&) = delete;
  FakeMachine& operator=(const FakeMachine&) = delete;

  [[nodiscard]] const std::string& root() const { return root_; }
  [[nodiscard]] std::string path(const std::string& below) const { return root_ + "/" + below; }

  void write(const std::string& below, const std::string& text) const {
    std::filesystem::create_directories(std::filesystem::path(path(below)).parent_path());
    std::ofstream(path(below), std::ios::binary) << text;
  }

  // /proc/self/limits with these.
  static std::string limits(const std::string& soft, const std::string& hard,
                            const std::string& memlock = "8388608",
                            const std::string& processes = "96365") {
    return "Limit                     Soft Limit           Hard Limit           Units     \n"
           "Max processes             " +
           processes +
           "                96365                processes \nMax open files            " + soft +
           "                " + hard + "                files     \nMax locked memory         " +
           memlock + "              8388608              bytes     \n";
  }

  static std::string capabilities(const std::string& hexadecimal) {
    return "Name:\tmillrace\nCapPrm:\t0000000000000000\nCapEff:\t" + hexadecimal + "\n";
  }

  static std::string memory(std::uint64_t total_kib, std::uint64_t available_kib) {
    return "MemTotal:       " + std::to_string(total_kib) +
           " kB\nMemFree:  1 kB\nMemAvailable:   " + std::to_string(available_kib) + " kB\n";
  }

 private:
  static Files common() {
    return {
        {"proc/sys/kernel/osrelease", "6.18.0\n"},
        {"proc/sys/kernel/io_uring_disabled", "0\n"},
        {"proc/self/limits", limits("1024", "1048576")},
        {"proc/self/status", capabilities("000001ffffffffff")},
        {"proc/self/cgroup", "0::/system.slice/millrace.service\n"},
        {"sys/fs/cgroup/system.slice/millrace.service/memory.max", "max\n"},
        {"sys/fs/cgroup/system.slice/millrace.service/memory.high", "max\n"},
        {"sys/fs/cgroup/system.slice/millrace.service/memory.current", "52428800\n"},
        {"sys/fs/cgroup/system.slice/millrace.service/memory.stat",
         "anon 1\ninactive_file 20971520\n"},
        {"sys/fs/cgroup/system.slice/millrace.service/pids.max", "max\n"},
        {"sys/fs/cgroup/system.slice/millrace.service/pids.current", "3\n"},
        {"proc/sys/fs/nr_open", "1048576\n"},
        {"proc/sys/fs/file-max", "9223372036854775807\n"},
        {"proc/sys/fs/file-nr", "1000\t0\t9223372036854775807\n"},
        {"proc/sys/net/core/somaxconn", "65535\n"},
        {"proc/sys/net/core/netdev_max_backlog", "30000\n"},
        {"proc/sys/net/core/wmem_max", "212992\n"},
        {"proc/sys/net/ipv4/tcp_max_syn_backlog", "262144\n"},
        {"proc/sys/net/ipv4/tcp_syncookies", "1\n"},
        {"proc/sys/net/ipv4/tcp_migrate_req", "1\n"},
        {"proc/sys/net/ipv4/tcp_mem", "1572864\t2097152\t3145728\n"},
        {"proc/sys/net/ipv4/tcp_rmem", "4096\t131072\t524288\n"},
        {"proc/sys/net/ipv4/tcp_wmem", "4096\t16384\t4194304\n"},
        {"proc/sys/net/ipv4/tcp_max_orphans", "1100000\n"},
        {"proc/sys/net/ipv4/tcp_max_tw_buckets", "1100000\n"},
        {"proc/sys/net/ipv4/ip_local_port_range", "1024\t65535\n"},
        {"proc/sys/net/netfilter/nf_conntrack_max", "262144\n"},
        {"proc/sys/net/netfilter/nf_conntrack_count", "0\n"},
        {"proc/sys/net/netfilter/nf_conntrack_buckets", "65536\n"},
        {"proc/sys/vm/max_map_count", "1048576\n"},
        {"proc/meminfo", memory(25'165'824, 23'068'672)},
        {"sys/kernel/mm/transparent_hugepage/enabled", "always [madvise] never\n"},
    };
  }

  std::string root_;
};

}  // namespace millrace
