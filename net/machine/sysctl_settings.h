// The settings of the kernel that we recommend for a number of connections, with the reason for
// each. The folder sysctl/ is made of them, and `millrace check --emit sysctl` prints them; nothing
// here applies any. Pure.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "net/machine/machine_facts.h"

namespace millrace {

// One concern, one file of the folder.
struct SysctlFile {
  std::string_view name;  // "10-files.conf"
  std::string_view title;
};

struct SysctlSetting {
  std::string_view file;
  std::string_view name;  // "fs.nr_open"
  std::string value;
  std::string_view unit;
  std::string_view formula;
  std::string_view breaks;  // without it
  std::string_view see;     // how to see that
  bool optional = false;    // the name is not there on every machine
};

struct SysctlNeeds {
  std::uint64_t connections = 1;
  std::uint64_t send_buffer_bytes = 0;
  // Of the machine; without it the folder's machine is meant, and nothing is set already.
  const MachineFacts* facts = nullptr;
};

// The machine of the folder.
inline constexpr std::uint64_t kFolderConnections = 1'000'000;
inline constexpr std::uint64_t kFolderMemory = std::uint64_t{24} << 30;

const std::vector<SysctlFile>& sysctl_files();
// In the order of the files. What is higher already stays as it is.
std::vector<SysctlSetting> sysctl_settings(const SysctlNeeds& needs);

// The lines of one file.
std::string sysctl_file_text(const SysctlFile& file, const std::vector<SysctlSetting>& settings,
                             std::uint64_t connections);
// All of them in one, for `--emit sysctl`.
std::string emitted_sysctl(const SysctlNeeds& needs);

// What RLIMIT_NOFILE is to be, whatever the number of shards and wherever their sockets stand.
std::uint64_t recommended_descriptors(std::uint64_t connections);

}  // namespace millrace
