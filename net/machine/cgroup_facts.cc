#include "net/machine/cgroup_facts.h"

#include <algorithm>

#include "net/machine/fact_files.h"

namespace millrace {
namespace {

constexpr std::size_t kMaxGroupDepth = 64;
// Version 1 writes "no limit" as the largest number of whole pages.
constexpr std::uint64_t kNoLimitV1 = std::uint64_t{1} << 62;

// How one version spells what it keeps of a resource.
struct Spelling {
  std::string_view limit;
  std::string_view used;
  std::string_view reclaimable = {};  // a line of memory.stat; empty: none
};

constexpr Spelling kMemory2{"memory.max", "memory.current", "inactive_file"};
constexpr Spelling kMemoryHigh2{"memory.high", "memory.current", "inactive_file"};
constexpr Spelling kPids2{"pids.max", "pids.current"};
constexpr Spelling kMemory1{"memory.limit_in_bytes", "memory.usage_in_bytes",
                            "total_inactive_file"};
constexpr Spelling kPids1{"pids.max", "pids.current"};

// The groups of /proc/self/cgroup: "0::/a/b" of version 2, "4:memory:/a/b" of version 1.
struct Groups {
  Reading reading = Reading::kMissing;
  std::optional<std::string> unified, memory, pids;
};

bool lists(std::string_view controllers, std::string_view name) {
  while (!controllers.empty()) {
    const std::size_t comma = controllers.find(',');
    if (controllers.substr(0, comma) == name) return true;
    controllers = comma == std::string_view::npos ? "" : controllers.substr(comma + 1);
  }
  return false;
}

// Where a process of another namespace sees this one, a path has "..", and the mounted tree starts
// at the group itself.
std::string clean(std::string_view path) {
  if (!path.starts_with('/') || path.find("/..") != std::string_view::npos) return "";
  if (path.ends_with('/')) path.remove_suffix(1);
  return std::string(path);
}

Groups read_groups(const std::string& root) {
  const FactFile file = read_fact_file(root + "/proc/self/cgroup");
  Groups groups{.reading = file.reading, .unified = {}, .memory = {}, .pids = {}};
  for (std::string_view text = file.text; !text.empty();) {
    const std::string_view line = next_line(text);
    const std::size_t first = line.find(':');
    const std::size_t second = first == std::string_view::npos ? first : line.find(':', first + 1);
    if (second == std::string_view::npos) continue;
    const std::string_view controllers = line.substr(first + 1, second - first - 1);
    const std::string path = clean(line.substr(second + 1));
    if (controllers.empty()) groups.unified = path;
    if (lists(controllers, "memory")) groups.memory = path;
    if (lists(controllers, "pids")) groups.pids = path;
  }
  return groups;
}

std::uint64_t left_of(const CgroupFact& group) {
  if (!group.limit.known() || group.limit.value() == kUnlimited) return kUnlimited;
  const std::uint64_t used = group.used.known() ? group.used.value() : 0;
  return group.limit.value() > used ? group.limit.value() - used : 0;
}

CgroupFact read_group(const std::string& root, const std::string& folder,
                      const Spelling& spelling) {
  CgroupFact group;
  group.file = folder + "/" + std::string(spelling.limit);
  group.limit = read_numbers(root + group.file);
  if (group.limit.known() && group.limit.value() >= kNoLimitV1) group.limit.values[0] = kUnlimited;
  if (!group.limit.known()) return group;
  group.used = read_numbers(root + folder + "/" + std::string(spelling.used));
  if (group.used.known() && !spelling.reclaimable.empty()) {
    const Fact idle =
        number_behind(read_fact_file(root + folder + "/memory.stat"), spelling.reclaimable);
    if (idle.known()) group.used.values[0] -= std::min(group.used.value(), idle.value());
  }
  return group;
}

// From the group to the mounted root: who leaves the least.
CgroupFact tightest(const std::string& root, const std::string& mount, std::string path,
                    const Spelling& spelling) {
  CgroupFact best;
  for (std::size_t depth = 0; depth < kMaxGroupDepth; ++depth) {
    CgroupFact group = read_group(root, mount + path, spelling);
    const bool has_one = group.limit.known();
    const bool is_first = best.limit.reading == Reading::kMissing;
    if ((has_one && (!best.limit.known() || left_of(group) < left_of(best))) ||
        (is_first && group.limit.reading == Reading::kUnreadable)) {
      best = std::move(group);
    }
    if (path.empty()) break;
    path.erase(path.rfind('/'));
  }
  return best;
}

}  // namespace

void read_cgroup_facts(const std::string& root, MachineFacts& facts) {
  const Groups groups = read_groups(root);
  if (groups.reading == Reading::kUnreadable) {
    for (CgroupFact* fact : {&facts.cgroup_memory, &facts.cgroup_memory_high, &facts.cgroup_pids}) {
      fact->limit.reading = Reading::kUnreadable;
    }
    return;
  }
  const std::string base = "/sys/fs/cgroup";
  if (groups.unified && !groups.memory) {
    facts.cgroup_memory = tightest(root, base, *groups.unified, kMemory2);
    facts.cgroup_memory_high = tightest(root, base, *groups.unified, kMemoryHigh2);
  }
  if (groups.unified && !groups.pids) {
    facts.cgroup_pids = tightest(root, base, *groups.unified, kPids2);
  }
  if (groups.memory) {
    facts.cgroup_memory = tightest(root, base + "/memory", *groups.memory, kMemory1);
  }
  if (groups.pids) facts.cgroup_pids = tightest(root, base + "/pids", *groups.pids, kPids1);
}

}  // namespace millrace
