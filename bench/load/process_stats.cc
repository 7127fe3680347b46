#include "bench/load/process_stats.h"

#include <unistd.h>

#include <charconv>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <system_error>

namespace millrace::load {
namespace {

constexpr std::uint64_t kKiB = 1'024;

double ticks_a_second() { return static_cast<double>(sysconf(_SC_CLK_TCK)); }

// User and system time, fields 14 and 15 (proc(5)). The name before them may hold anything.
double cpu_seconds_of(std::string_view stat) {
  const std::size_t end = stat.rfind(')');
  if (end == std::string_view::npos) return 0;
  std::istringstream fields{std::string(stat.substr(end + 1))};
  std::string skipped;
  for (int field = 3; field < 14; ++field) fields >> skipped;
  double user = 0;
  double system = 0;
  fields >> user >> system;
  return (user + system) / ticks_a_second();
}

std::uint32_t number_of(const std::string& name) {
  std::uint32_t number = 0;
  const auto [stop, error] = std::from_chars(name.data(), name.data() + name.size(), number);
  return error == std::errc() && stop == name.data() + name.size() ? number : 0;
}

// The names in a folder, which may go while it is read.
template <typename Fn>
void for_each_entry(const std::string& path, Fn&& fn) {
  std::error_code error;
  std::filesystem::directory_iterator it(path, error);
  while (!error && it != std::filesystem::directory_iterator()) {
    if (!fn(*it)) return;
    it.increment(error);
  }
}

}  // namespace

std::uint64_t value_of(std::string_view text, std::string_view key) {
  for (std::size_t at = text.find(key); at != std::string_view::npos; at = text.find(key, at + 1)) {
    if (at != 0 && text[at - 1] != '\n') continue;
    std::string_view rest = text.substr(at + key.size());
    while (rest.starts_with(' ') || rest.starts_with('\t')) rest.remove_prefix(1);
    std::uint64_t value = 0;
    std::from_chars(rest.data(), rest.data() + rest.size(), value);
    return value;
  }
  return 0;
}

std::string Proc::read(const std::string& path) const {
  std::ifstream file(root_ + "/" + path, std::ios::binary);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

ProcessSample Proc::process(std::uint32_t pid, bool exact) const {
  ProcessSample sample;
  const std::string folder = std::to_string(pid);
  const std::string stat = pid == 0 ? std::string() : read(folder + "/stat");
  if (stat.empty()) return sample;
  sample.pid = pid;
  sample.cpu_seconds = cpu_seconds_of(stat);
  const std::string status = read(folder + "/status");
  sample.resident_bytes = value_of(status, "VmRSS:") * kKiB;
  sample.anonymous_bytes = value_of(status, "RssAnon:") * kKiB;
  if (!exact) return sample;
  for_each_entry(root_ + "/" + folder + "/task", [&](const auto& entry) {
    const std::string name = entry.path().filename().string();
    const std::uint32_t thread = number_of(name);
    sample.threads[thread] = cpu_seconds_of(read(folder + "/task/" + name + "/stat"));
    return true;
  });
  const std::string rollup = read(folder + "/smaps_rollup");
  if (const std::uint64_t rss = value_of(rollup, "Rss:"); rss != 0) {
    sample.resident_bytes = rss * kKiB;
    sample.anonymous_bytes = value_of(rollup, "Anonymous:") * kKiB;
  }
  return sample;
}

MachineSample Proc::machine() const {
  MachineSample sample;
  const std::string memory = read("meminfo");
  sample.slab_bytes = value_of(memory, "Slab:") * kKiB;
  sample.unreclaimable_bytes = value_of(memory, "SUnreclaim:") * kKiB;
  sample.page_table_bytes = value_of(memory, "PageTables:") * kKiB;
  sample.available_bytes = value_of(memory, "MemAvailable:") * kKiB;
  const std::string sockets = read("net/sockstat");
  const std::size_t tcp = sockets.find("TCP: ");
  if (tcp != std::string::npos) {
    std::istringstream fields(sockets.substr(tcp + 5, sockets.find('\n', tcp) - tcp - 5));
    std::string key;
    std::uint64_t value = 0;
    while (fields >> key >> value) {
      if (key == "alloc") sample.tcp_sockets = value;
      if (key == "tw") sample.time_wait = value;
      if (key == "mem") sample.tcp_bytes = value * static_cast<std::uint64_t>(getpagesize());
    }
  }
  // "cpu  user nice system idle iowait irq softirq steal ...", of all cores.
  std::istringstream lines(read("stat"));
  std::string line;
  while (std::getline(lines, line) && line.starts_with("cpu")) {
    std::istringstream fields(line);
    std::string name;
    double user = 0, nice = 0, system = 0, idle = 0, wait = 0, irq = 0, softirq = 0, steal = 0;
    fields >> name >> user >> nice >> system >> idle >> wait >> irq >> softirq >> steal;
    if (name != "cpu") {
      ++sample.cores;
    } else {
      sample.busy_seconds = (user + nice + system + irq + softirq + steal) / ticks_a_second();
    }
  }
  return sample;
}

std::map<std::string, bool> Proc::listening_inodes(std::uint16_t port) const {
  constexpr std::string_view kListening = "0A";
  std::map<std::string, bool> links;
  for (const char* table : {"net/tcp", "net/tcp6"}) {
    std::istringstream lines(read(table));
    std::string line;
    std::getline(lines, line);
    while (std::getline(lines, line)) {
      std::istringstream fields(line);
      std::string slot, local, remote, state, queues, timer, retransmits, uid, timeout, inode;
      fields >> slot >> local >> remote >> state >> queues >> timer >> retransmits >> uid >>
          timeout >> inode;
      const std::size_t colon = local.rfind(':');
      if (state != kListening || colon == std::string::npos) continue;
      std::uint16_t found = 0;
      const char* const end = local.data() + local.size();
      std::from_chars(local.data() + colon + 1, end, found, 16);
      if (found == port) links["socket:[" + inode + "]"] = true;
    }
  }
  return links;
}

std::uint32_t Proc::listener(std::uint16_t port) const {
  const auto links = listening_inodes(port);
  std::uint32_t owner = 0;
  if (links.empty()) return owner;
  for_each_entry(root_, [&](const auto& process) {
    const std::uint32_t pid = number_of(process.path().filename().string());
    if (pid == 0) return true;
    for_each_entry(process.path().string() + "/fd", [&](const auto& entry) {
      std::error_code error;
      const std::string link = std::filesystem::read_symlink(entry.path(), error).string();
      if (!error && links.contains(link)) owner = pid;
      return owner == 0;
    });
    return owner == 0;
  });
  return owner;
}

}  // namespace millrace::load
