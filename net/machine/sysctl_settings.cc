#include "net/machine/sysctl_settings.h"

#include <algorithm>

#include "net/machine/limit_needs.h"
#include "net/machine/limit_rules.h"

namespace millrace {
namespace {

constexpr std::string_view kFiles = "10-files.conf";
constexpr std::string_view kAccept = "20-accept.conf";
constexpr std::string_view kTcpMemory = "30-tcp-memory.conf";
constexpr std::string_view kClosing = "40-timewait-orphans.conf";
constexpr std::string_view kConntrack = "50-conntrack.conf";
constexpr std::string_view kPorts = "60-ports-proxy.conf";
constexpr std::string_view kVm = "70-vm.conf";

constexpr std::uint64_t kLeastOpen = 1'048'576;   // the kernel's default of fs.nr_open
constexpr std::uint64_t kLeastWmemMax = 212'992;  // the kernel's default of net.core.wmem_max
constexpr std::uint64_t kFilesPerConnection = 4;

// A value that may be higher already.
std::string at_least(std::uint64_t needed, const Fact* found) {
  if (found == nullptr || !found->known()) return std::to_string(needed);
  return std::to_string(std::max(needed, found->value()));
}

class Settings {
 public:
  explicit Settings(const SysctlNeeds& needs) : needs_(needs) {}

  std::vector<SysctlSetting> make() {
    add_files();
    add_accept();
    add_tcp_memory();
    add_closing();
    add_conntrack();
    add_ports();
    add_vm();
    return std::move(settings_);
  }

 private:
  using Member = Fact MachineFacts::*;

  const Fact* found(Member member) const {
    return needs_.facts == nullptr ? nullptr : &(needs_.facts->*member);
  }
  std::string least(std::uint64_t needed, Member member) const {
    return at_least(needed, found(member));
  }
  std::uint64_t memory() const {
    const Fact* total = found(&MachineFacts::memory_total);
    return total != nullptr && total->known() ? total->value() : kFolderMemory;
  }

  void add_files();
  void add_accept();
  void add_tcp_memory();
  void add_closing();
  void add_conntrack();
  void add_ports();
  void add_vm();

  const SysctlNeeds& needs_;
  std::vector<SysctlSetting> settings_;
};

void Settings::add_files() {
  const std::uint64_t descriptors = recommended_descriptors(needs_.connections);
  settings_.push_back({kFiles, "fs.nr_open", least(descriptors, &MachineFacts::nr_open),
                       "descriptors of one process",
                       "the cap and an eighth, for the server's own; at least 1,048,576",
                       "RLIMIT_NOFILE can't be raised so far; the server holds fewer connections",
                       "millrace check: RLIMIT_NOFILE"});
  const std::uint64_t files = std::max(times(needs_.connections, kFilesPerConnection), kLeastOpen);
  settings_.push_back({kFiles, "fs.file-max", least(files, &MachineFacts::file_max),
                       "files and sockets of the machine",
                       "4 a connection: the server's, two of a proxy on the same machine, one to "
                       "spare; at least 1,048,576",
                       "accepts fail with ENFILE, and every other program of the machine too",
                       "/proc/sys/fs/file-nr; millrace_system_files_open in /metrics"});
}

void Settings::add_accept() {
  const std::uint64_t cap = needs_.connections;
  settings_.push_back({kAccept, "net.core.somaxconn",
                       least(accept_queue_needed(cap), &MachineFacts::somaxconn), "connections",
                       kQueueFormula,
                       "a mass reconnect overflows the accept queue; connects time out and retry",
                       "nstat -az TcpExtListenOverflows; ss -ltn (Recv-Q at Send-Q)"});
  settings_.push_back({kAccept, "net.ipv4.tcp_max_syn_backlog",
                       least(syn_backlog_needed(cap), &MachineFacts::syn_backlog),
                       "half-open connections", kSynFormula,
                       "where SYN cookies are off, a mass reconnect overflows it; SYNs are dropped",
                       "nstat -az TcpExtTCPReqQFullDrop TcpExtTCPReqQFullDoCookies"});
  settings_.push_back({kAccept, "net.ipv4.tcp_syncookies", "1", "0, 1 or 2",
                       "1: only when the queue is full", "a flood of SYNs keeps everybody else out",
                       "nstat -az TcpExtSyncookiesSent; dmesg: possible SYN flooding"});
  settings_.push_back({kAccept, "net.core.netdev_max_backlog",
                       least(device_backlog_needed(cap), &MachineFacts::device_backlog),
                       "packets a core", kDeviceFormula,
                       "packets of a storm are dropped before TCP sees them",
                       "/proc/net/softnet_stat, second column"});
  settings_.push_back({kAccept, "net.ipv4.tcp_migrate_req", "1", "0 or 1", "1",
                       "a restart with --join resets connections that wait in the accept queue of "
                       "the server that ends",
                       "nstat -az TcpExtTCPMigrateReqSuccess TcpExtTCPMigrateReqFailure", true});
}

void Settings::add_tcp_memory() {
  const std::uint64_t page = needs_.facts == nullptr ? 4'096 : needs_.facts->page_bytes;
  const auto [low, pressure, high] = tcp_mem_needed(needs_.connections, memory() / page);
  settings_.push_back(
      {kTcpMemory, "net.ipv4.tcp_mem",
       std::to_string(low) + " " + std::to_string(pressure) + " " + std::to_string(high),
       "pages: low, pressure, most", kTcpMemFormula,
       "a broadcast to all stalls; the kernel drops segments",
       "/proc/net/sockstat: mem; nstat -az TcpExtTCPMemoryPressures"});
  const std::uint64_t buffer = receive_buffer_most(needs_.connections, memory());
  settings_.push_back({kTcpMemory, "net.ipv4.tcp_rmem",
                       "4096 " + std::to_string(std::min<std::uint64_t>(buffer, 131'072)) + " " +
                           std::to_string(buffer),
                       "bytes: least, default, most", kRmemFormula,
                       "peers that send faster than they are read fill the kernel's memory",
                       "ss -tnm (r, rb); /proc/net/sockstat: mem"});
  settings_.push_back({kTcpMemory, "net.ipv4.tcp_wmem", "4096 16384 " + std::to_string(buffer),
                       "bytes: least, default, most", "the most as in tcp_rmem",
                       "connections to NATS may take more of the kernel's memory; those of clients "
                       "follow [limits] kernel_send_buffer",
                       "ss -tnm (t, tb)"});
  const std::uint64_t send = std::max(needs_.send_buffer_bytes, kLeastWmemMax);
  settings_.push_back({kTcpMemory, "net.core.wmem_max", least(send, &MachineFacts::send_buffer_max),
                       "bytes", "[limits] kernel_send_buffer; at least the kernel's default",
                       "the kernel takes less for each client than configured; more, smaller sends",
                       "ss -tnm (tb); millrace_short_sends_total in /metrics"});
}

void Settings::add_closing() {
  const std::uint64_t needed = closing_needed(needs_.connections);
  settings_.push_back({kClosing, "net.ipv4.tcp_max_orphans",
                       least(needed, &MachineFacts::max_orphans),
                       "connections that no process owns", kOrphanFormula,
                       "a mass disconnect resets connections and loses what was still to be sent",
                       "/proc/net/sockstat: orphan; dmesg: too many orphaned sockets"});
  settings_.push_back({kClosing, "net.ipv4.tcp_max_tw_buckets",
                       least(needed, &MachineFacts::max_time_waits),
                       "connections in TIME_WAIT, 256 B each", kOrphanFormula,
                       "ports are used again at once, and late packets of old connections reach "
                       "new ones",
                       "/proc/net/sockstat: tw; nstat -az TcpExtTCPTimeWaitOverflow"});
}

void Settings::add_conntrack() {
  const std::uint64_t needed = conntrack_needed(needs_.connections, 0);
  settings_.push_back(
      {kConntrack, "net.netfilter.nf_conntrack_max", least(needed, &MachineFacts::conntrack_max),
       "tracked connections, about 300 B each", "1.25 x the cap",
       "packets of new connections are dropped, where connections are tracked",
       "dmesg: nf_conntrack: table full; /proc/sys/net/netfilter/nf_conntrack_count", true});
}

void Settings::add_ports() {
  settings_.push_back({kPorts, "net.ipv4.ip_local_port_range", "1024 65535", "ports: first, last",
                       "all that need no privilege; list yours in ip_local_reserved_ports",
                       "a proxy needs more source addresses; connections to NATS may find no port",
                       "connect fails with EADDRNOTAVAIL; ss -s"});
  settings_.push_back({kPorts, "net.ipv4.tcp_tw_reuse", "1", "0, 1 or 2",
                       "1, for who connects: a proxy, a load generator",
                       "ports in TIME_WAIT are not used again for a minute",
                       "nstat -az TcpExtTWRecycled; ss -tn state time-wait | wc -l"});
}

void Settings::add_vm() {
  settings_.push_back({kVm, "vm.max_map_count",
                       least(mappings_needed(needs_.connections), &MachineFacts::max_map_count),
                       "mappings of one process", kMapFormula,
                       "allocations fail though there is memory",
                       "wc -l /proc/$(pidof millrace)/maps"});
}

// "# " before each line, at most so many columns.
std::string comment(std::string text) {
  constexpr std::size_t kColumns = 98;
  std::string out;
  while (text.size() > kColumns) {
    const std::size_t blank = text.rfind(' ', kColumns);
    out += "# " + text.substr(0, blank) + "\n";
    text = "  " + text.substr(blank + 1);
  }
  return out + "# " + text + "\n";
}

std::string setting_text(const SysctlSetting& setting) {
  std::string out = comment("Without it: " + std::string(setting.breaks) + ".");
  out += comment("Unit: " + std::string(setting.unit) +
                 ". Formula: " + std::string(setting.formula) + ".");
  return out + (setting.optional ? "-" : "") + std::string(setting.name) + " = " + setting.value +
         "\n";
}

}  // namespace

const std::vector<SysctlFile>& sysctl_files() {
  static const std::vector<SysctlFile> kAll{
      {kFiles, "Descriptors and files"},
      {kAccept, "Connections that come"},
      {kTcpMemory, "Memory of TCP"},
      {kClosing, "Connections that end"},
      {kConntrack, "Connection tracking, where it is active; better: NOTRACK (README.md)"},
      {kPorts, "Connections that go out: a proxy in front, a load generator, NATS"},
      {kVm, "Memory of the process"},
  };
  return kAll;
}

std::uint64_t recommended_descriptors(std::uint64_t connections) {
  return std::max(plus(connections, connections / 8), kLeastOpen);
}

std::vector<SysctlSetting> sysctl_settings(const SysctlNeeds& needs) {
  return Settings(needs).make();
}

std::string sysctl_file_text(const SysctlFile& file, const std::vector<SysctlSetting>& settings,
                             std::uint64_t connections) {
  std::string out = comment(std::string(file.title) + ", for " + grouped(connections) +
                            " connections to millrace.");
  for (const SysctlSetting& setting : settings) {
    if (setting.file == file.name) out += "\n" + setting_text(setting);
  }
  return out;
}

std::string emitted_sysctl(const SysctlNeeds& needs) {
  const std::vector<SysctlSetting> settings = sysctl_settings(needs);
  std::string out =
      "# Made by millrace check --emit sysctl; nothing is applied. To apply it:\n"
      "#   millrace check --emit sysctl > /etc/sysctl.d/90-millrace.conf && sysctl --system\n";
  for (const SysctlFile& file : sysctl_files()) {
    out += "\n" + sysctl_file_text(file, settings, needs.connections);
  }
  return out;
}

}  // namespace millrace
