#include "net/machine/machine_facts.h"

#include <sys/stat.h>
#include <unistd.h>

#include <charconv>
#include <filesystem>

#include "net/machine/cgroup_facts.h"
#include "net/machine/fact_files.h"

namespace millrace {
namespace {

constexpr std::uint64_t kKibibyte = 1'024;
constexpr std::size_t kMaxWord = 128;  // of a text that is shown

std::uint64_t bytes_of(std::uint64_t kibibytes) {
  return kibibytes > kUnlimited / kKibibyte ? kUnlimited : kibibytes * kKibibyte;
}

// "Max open files            20000                20000                files"
FactOf<2> process_limit(const FactFile& file, std::string_view name) {
  FactOf<2> fact;
  fact.reading = file.reading == Reading::kRead ? Reading::kUnreadable : file.reading;
  for (std::string_view text = file.text; !text.empty();) {
    std::string_view line = next_line(text);
    if (!line.starts_with(name)) continue;
    line.remove_prefix(name.size());
    const bool soft = to_number(next_word(line), fact.values[0]);
    const bool hard = to_number(next_word(line), fact.values[1]);
    fact.reading = soft && hard ? Reading::kRead : Reading::kUnreadable;
    return fact;
  }
  return fact;
}

Fact part_of(const FactOf<2>& fact, std::size_t index) {
  Fact part;
  part.reading = fact.reading;
  part.values[0] = fact[index];
  return part;
}

void read_process(const std::string& proc, MachineFacts& facts) {
  const FactFile limits = read_fact_file(proc + "/self/limits");
  const FactOf<2> descriptors = process_limit(limits, "Max open files ");
  facts.descriptors_soft = part_of(descriptors, 0);
  facts.descriptors_hard = part_of(descriptors, 1);
  facts.memlock = part_of(process_limit(limits, "Max locked memory "), 0);
  facts.processes = part_of(process_limit(limits, "Max processes "), 0);

  const FactFile status = read_fact_file(proc + "/self/status");
  facts.capabilities.reading =
      status.reading == Reading::kRead ? Reading::kUnreadable : status.reading;
  for (std::string_view text = status.text; !text.empty();) {
    std::string_view line = next_line(text);
    if (next_word(line) != "CapEff:") continue;
    const std::string_view word = next_word(line);
    const char* end = word.data() + word.size();
    const auto [stopped, error] =
        std::from_chars(word.data(), end, facts.capabilities.values[0], 16);
    const bool read = error == std::errc() && stopped == end && !word.empty();
    facts.capabilities.reading = read ? Reading::kRead : Reading::kUnreadable;
  }
}

void read_network(const std::string& net, MachineFacts& facts) {
  facts.somaxconn = read_numbers(net + "/core/somaxconn");
  facts.device_backlog = read_numbers(net + "/core/netdev_max_backlog");
  facts.send_buffer_max = read_numbers(net + "/core/wmem_max");
  facts.syn_backlog = read_numbers(net + "/ipv4/tcp_max_syn_backlog");
  facts.syncookies = read_numbers(net + "/ipv4/tcp_syncookies");
  facts.migrate_requests = read_numbers(net + "/ipv4/tcp_migrate_req");
  facts.tcp_mem = read_numbers<3>(net + "/ipv4/tcp_mem");
  facts.tcp_rmem = read_numbers<3>(net + "/ipv4/tcp_rmem");
  facts.tcp_wmem = read_numbers<3>(net + "/ipv4/tcp_wmem");
  facts.max_orphans = read_numbers(net + "/ipv4/tcp_max_orphans");
  facts.max_time_waits = read_numbers(net + "/ipv4/tcp_max_tw_buckets");
  facts.port_range = read_numbers<2>(net + "/ipv4/ip_local_port_range");
  if (facts.port_range.known() && facts.port_range[0] > facts.port_range[1]) {
    facts.port_range.reading = Reading::kUnreadable;
  }
  facts.conntrack_max = read_numbers(net + "/netfilter/nf_conntrack_max");
  facts.conntrack_count = read_numbers(net + "/netfilter/nf_conntrack_count");
  facts.conntrack_buckets = read_numbers(net + "/netfilter/nf_conntrack_buckets");
}

// Rules can't be read without privileges, but a module that only rules use, and that is in use,
// tells of them: "nft_ct 16384 3 - Live 0x0".
void read_conntrack_users(const std::string& proc, MachineFacts& facts) {
  const FactFile modules = read_fact_file(proc + "/modules");
  for (std::string_view text = modules.text; !text.empty();) {
    std::string_view line = next_line(text);
    const std::string_view name = next_word(line);
    next_word(line);  // its size
    std::uint64_t users = 0;
    if (!to_number(next_word(line), users) || users == 0) continue;
    for (const std::string_view user : {"xt_conntrack", "xt_state", "nft_ct", "nft_nat", "nft_masq",
                                        "xt_MASQUERADE", "nf_flow_table"}) {
      if (name == user) facts.conntrack_users.emplace_back(name);
    }
  }
}

void read_memory(const std::string& root, MachineFacts& facts) {
  const FactFile meminfo = read_fact_file(root + "/proc/meminfo");
  facts.memory_total = number_behind(meminfo, "MemTotal:");
  facts.memory_available = number_behind(meminfo, "MemAvailable:");
  for (Fact* fact : {&facts.memory_total, &facts.memory_available}) {
    if (fact->known()) fact->values[0] = bytes_of(fact->value());
  }
  facts.max_map_count = read_numbers(root + "/proc/sys/vm/max_map_count");
  const FactFile pages = read_fact_file(root + "/sys/kernel/mm/transparent_hugepage/enabled");
  const std::size_t open = pages.text.find('[');
  const std::size_t close = open == std::string::npos ? open : pages.text.find(']', open);
  if (close != std::string::npos && close - open <= kMaxWord) {
    facts.huge_pages = pages.text.substr(open + 1, close - open - 1);
  }
}

}  // namespace

std::optional<bool> has_capability(const MachineFacts& facts, unsigned bit) {
  if (!facts.capabilities.known()) return std::nullopt;
  return ((facts.capabilities.value() >> bit) & 1) != 0;
}

std::uint64_t descriptors_in_force(const MachineFacts& facts) {
  if (!facts.descriptors_soft.known()) return 0;
  const std::uint64_t hard = facts.descriptors_hard.value();
  const bool may_raise = !facts.nr_open.known() || hard <= facts.nr_open.value();
  return may_raise ? hard : facts.descriptors_soft.value();
}

MachineFacts read_machine_facts(const std::string& root, std::uint64_t page_bytes) {
  const std::string base = root.ends_with('/') ? root.substr(0, root.size() - 1) : root;
  const std::string proc = base + "/proc";
  MachineFacts facts;
  facts.page_bytes = page_bytes;
  FactFile release = read_fact_file(proc + "/sys/kernel/osrelease");
  std::string_view text = release.text;
  const std::string_view word = next_word(text);
  if (!word.empty() && word.size() <= kMaxWord) facts.release = word;
  read_process(proc, facts);
  facts.nr_open = read_numbers(proc + "/sys/fs/nr_open");
  facts.file_max = read_numbers(proc + "/sys/fs/file-max");
  facts.file_nr = read_numbers<3>(proc + "/sys/fs/file-nr");
  read_network(proc + "/sys/net", facts);
  read_conntrack_users(proc, facts);
  read_memory(base, facts);
  read_cgroup_facts(base, facts);
  facts.uring_disabled = read_numbers(proc + "/sys/kernel/io_uring_disabled");
  return facts;
}

MachineFacts read_machine_facts() {
  const long page = sysconf(_SC_PAGESIZE);
  return read_machine_facts("/", page > 0 ? static_cast<std::uint64_t>(page) : 4'096);
}

FactOf<3> read_file_numbers() { return read_numbers<3>("/proc/sys/fs/file-nr"); }

std::optional<std::uint64_t> open_descriptors() {
  struct stat folder {};
  if (stat("/proc/self/fd", &folder) != 0) return std::nullopt;
  if (folder.st_size > 0) return static_cast<std::uint64_t>(folder.st_size);
  std::error_code error;
  std::uint64_t count = 0;
  for (std::filesystem::directory_iterator entry("/proc/self/fd", error), end;
       !error && entry != end && count <= kCountedDescriptors; entry.increment(error)) {
    ++count;
  }
  if (error || count == 0) return std::nullopt;
  return count - 1;  // the folder's own
}

}  // namespace millrace
