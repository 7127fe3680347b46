#include "net/machine/sysctl_folder.h"

#include <string_view>

#include "net/machine/limit_needs.h"
#include "net/machine/limit_rules.h"
#include "net/machine/sysctl_settings.h"

namespace millrace {
namespace {

constexpr std::string_view kReadmeHead =
    "# Settings for a million connections\n"
    "\n"
    "<!-- Made by net/machine/sysctl_folder.cc; a test compares. To make it anew:\n"
    "     MILLRACE_TEST_WRITE_DOCS=1 build/release/unit_net --gtest_filter='SysctlFolder.*' -->\n"
    "\n"
    "One file a concern. Nothing here is applied by itself: read a file, then copy it. Every line\n"
    "says what breaks without it, its unit and its formula; the numbers are those of 1,000,000\n"
    "connections on a machine with 24 GiB of memory. For another number,\n"
    "`millrace check --max-connections N --emit sysctl` prints the same settings sized for it and\n"
    "for the machine it runs on, and never below what is set already. `millrace check` alone says\n"
    "what differs.\n"
    "\n"
    "```sh\n"
    "cp sysctl/10-files.conf /etc/sysctl.d/      # and the others you want\n"
    "sysctl --system\n"
    "cp sysctl/limits.d/millrace.conf /etc/security/limits.d/   # logins; services: "
    "millrace.service\n"
    "cp sysctl/modprobe.d/millrace.conf /etc/modprobe.d/        # where connections are tracked\n"
    "cp sysctl/tmpfiles.d/millrace.conf /etc/tmpfiles.d/        # huge pages\n"
    "cp sysctl/millrace.service /etc/systemd/system/\n"
    "```\n"
    "\n"
    "A line that begins with `-` may fail: its setting is not there on every kernel.\n";

constexpr std::string_view kReadmeOthers =
    "\n## Beside sysctl\n"
    "\n"
    "| file | what breaks without it | how to see it |\n|---|---|---|\n"
    "| `limits.d/millrace.conf` | the server, started from a login, holds as many connections as "
    "the login's RLIMIT_NOFILE | `millrace check`: RLIMIT_NOFILE; `/proc/PID/limits` |\n"
    "| `millrace.service` | systemd's own limits hold: 524,288 descriptors at most, and a share of "
    "the threads | `systemctl show millrace -p LimitNOFILE -p TasksMax` |\n"
    "| `modprobe.d/millrace.conf` | every packet searches long chains of tracked connections | "
    "`millrace check`: nf_conntrack_buckets |\n"
    "| `notrack.nft` | every connection of a client costs an entry and about 300 B | "
    "`/proc/sys/net/netfilter/nf_conntrack_count` grows with the connections |\n"
    "| `tmpfiles.d/millrace.conf` | sparse memory is rounded up to pages of 2 MiB | "
    "`AnonHugePages` "
    "in `/proc/PID/smaps_rollup` |\n"
    "\n"
    "With NOTRACK, tell the server: `conntrack_exempt = true` below `[server]`. It can't read the\n"
    "rules, and would bound its cap by the table that others fill.\n"
    "\n"
    "What each row of `millrace check` means: [docs/OPERATIONS.md](../docs/OPERATIONS.md).\n";

std::string readme(const std::vector<SysctlSetting>& settings) {
  std::string out(kReadmeHead);
  for (const SysctlFile& file : sysctl_files()) {
    out += "\n## " + std::string(file.name) + "\n\n" + std::string(file.title) + ".\n\n" +
           "| setting | value | what breaks without it | how to see it |\n|---|---|---|---|\n";
    for (const SysctlSetting& setting : settings) {
      if (setting.file != file.name) continue;
      std::string see(setting.see);
      // A bar would end the cell.
      for (std::size_t at = see.find('|'); at != std::string::npos; at = see.find('|', at + 2)) {
        see.insert(at, "\\");
      }
      out += "| `" + std::string(setting.name) + "` | " + setting.value + " | " +
             std::string(setting.breaks) + " | " + see + " |\n";
    }
  }
  return out.append(kReadmeOthers);
}

std::string login_limits() {
  const std::string descriptors = std::to_string(recommended_descriptors(kFolderConnections));
  return "# For logins (pam_limits); services have LimitNOFILE= in their unit.\n"
         "# Without it: the server holds as many connections as the login's RLIMIT_NOFILE.\n"
         "# Unit: descriptors. Formula: the cap and an eighth, for the server's own; not above\n"
         "#   fs.nr_open.\n"
         "millrace  soft  nofile  " +
         descriptors + "\nmillrace  hard  nofile  " + descriptors + "\n";
}

std::string module_options() {
  const std::uint64_t buckets = conntrack_buckets_needed(conntrack_needed(kFolderConnections, 0));
  return "# Without it: every packet searches long chains of tracked connections.\n"
         "# Unit: buckets, 8 B each. Formula: a quarter of nf_conntrack_max.\n"
         "options nf_conntrack hashsize=" +
         std::to_string(buckets) + "\n";
}

constexpr std::string_view kHugePages =
    "# Without it: sparse memory is rounded up to pages of 2 MiB. Values: always, madvise, never.\n"
    "w /sys/kernel/mm/transparent_hugepage/enabled - - - - madvise\n";

}  // namespace

std::vector<FolderFile> sysctl_folder(std::uint64_t send_buffer_bytes) {
  const std::vector<SysctlSetting> settings =
      sysctl_settings({.connections = kFolderConnections, .send_buffer_bytes = send_buffer_bytes});
  std::vector<FolderFile> files;
  for (const SysctlFile& file : sysctl_files()) {
    files.push_back({std::string(file.name), sysctl_file_text(file, settings, kFolderConnections)});
  }
  files.push_back({"README.md", readme(settings)});
  files.push_back({"limits.d/millrace.conf", login_limits()});
  files.push_back({"modprobe.d/millrace.conf", module_options()});
  files.push_back({"tmpfiles.d/millrace.conf", std::string(kHugePages)});
  return files;
}

}  // namespace millrace
