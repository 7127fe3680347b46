#include <algorithm>
#include <charconv>

#include "core/base/log.h"
#include "net/machine/limit_needs.h"
#include "net/machine/limit_row.h"

namespace millrace {
namespace {

constexpr std::uint64_t kOldestMajor = 6;
constexpr std::uint64_t kOldestMinor = 1;
constexpr std::uint64_t kMebibyte = 1'024 * 1'024;

LimitRow descriptor_row(const MachineFacts& facts, const LimitPlan& plan, std::uint64_t target) {
  LimitRow row = row_of(
      {.name = "RLIMIT_NOFILE",
       .unit = "descriptors",
       .formula = plan.direct ? "of each shard's table: its share of the cap, 6 standard "
                                "deviations and 64 slots for refusals"
                              : "of the process: the cap, and what the server itself has open",
       .consequence = "Newcomers beyond it are refused; too few, and the server can't start."});
  row.found = plan.descriptors == 0 ? fact_text(facts.descriptors_hard) : grouped(plan.descriptors);
  const std::uint64_t needed = plan.descriptors_for ? plan.descriptors_for(target) : 0;
  row.needed = needed == 0 ? "more shards" : grouped(needed);
  if (needed != 0) row.needed_value = needed;
  if (plan.descriptors == 0) {
    row.verdict = Verdict::kUnknown;
    return row;
  }
  row.found_value = plan.descriptors;
  row.holds = plan.socket_capacity;
  row.forbids = plan.socket_capacity == 0 || plan.descriptors < plan.own_descriptors;
  if (!row.forbids && plan.socket_capacity >= target) return row;
  row.verdict = Verdict::kTooLow;
  const std::string number = std::to_string(needed);
  row.fix = needed == 0 ? "more shards: --shards"
                        : "ulimit -n " + number + " (systemd: LimitNOFILE=" + number + ")";
  if (needed != 0 && plan.direct && !row.forbids) row.fix += ", or more shards: --shards";
  return row;
}

LimitRow nr_open_row(const MachineFacts& facts, const LimitPlan& plan, std::uint64_t target) {
  const std::uint64_t needed = plan.descriptors_for ? plan.descriptors_for(target) : 0;
  return at_least({.name = "fs.nr_open",
                   .unit = "descriptors",
                   .formula = "what RLIMIT_NOFILE needs, which can't be set higher",
                   .consequence = "RLIMIT_NOFILE can't be raised to what the cap needs."},
                  facts.nr_open, needed, Verdict::kWarning, sysctl_command("fs.nr_open", needed));
}

LimitRow file_row(const MachineFacts& facts, const LimitPlan& plan, std::uint64_t target) {
  const std::uint64_t used = facts.file_nr.known() ? facts.file_nr[0] : 0;
  const std::uint64_t others = plus(used, plan.own_descriptors);
  const std::uint64_t needed = plus(target, others);
  LimitRow row =
      at_least({.name = "fs.file-max",
                .unit = "files",
                .formula = kFileFormula,
                .consequence = "No process of the machine can open a file or socket (ENFILE)."},
               facts.file_max, needed, Verdict::kTooLow, sysctl_command("fs.file-max", needed));
  if (facts.file_max.known()) row.holds = minus(facts.file_max.value(), others);
  if (facts.file_nr.known()) row.found += " (" + grouped(used) + " used)";
  return row;
}

LimitRow conntrack_row(const MachineFacts& facts, const LimitPlan& plan, std::uint64_t target) {
  const std::uint64_t tracked = facts.conntrack_count.known() ? facts.conntrack_count.value() : 0;
  const std::uint64_t needed = conntrack_needed(target, tracked);
  const RowText text{.name = "nf_conntrack_max",
                     .unit = "connections",
                     .formula = kConntrackFormula,
                     .consequence =
                         "The kernel drops packets of new connections (dmesg: "
                         "nf_conntrack: table full)."};
  LimitRow row = at_least(text, facts.conntrack_max, needed, Verdict::kTooLow,
                          sysctl_command("net.netfilter.nf_conntrack_max", needed) +
                              ", or NOTRACK for the clients' ports (sysctl/README.md)");
  if (!conntrack_is_active(facts) || plan.conntrack_exempt) {
    const bool is_told = facts.conntrack_max.known() && plan.conntrack_exempt;
    const bool is_readable = facts.conntrack_max.reading != Reading::kUnreadable;
    LimitRow off = row_of(text);
    off.found = !is_readable ? fact_text(facts.conntrack_max)
                             : (is_told ? "exempt (configured)" : "not active");
    off.verdict = is_readable ? Verdict::kOk : Verdict::kUnknown;
    return off;
  }
  row.holds = conntrack_holds(facts.conntrack_max.value(), tracked);
  row.found += " (" + grouped(tracked) + " used)";
  return row;
}

LimitRow memory_row(const MachineFacts& facts, const LimitPlan& plan, std::uint64_t target) {
  const std::uint64_t needed = memory_needed(target, plan.fixed_bytes);
  LimitRow row = at_least({.name = "memory",
                           .unit = "bytes",
                           .formula = kMemoryFormula,
                           .consequence = "The kernel ends processes that use the most (OOM)."},
                          facts.memory_available, needed, Verdict::kTooLow,
                          "more memory, or end what else takes it");
  row.needed = bytes_text(needed);
  row.found = bytes_text(facts.memory_available);
  if (facts.memory_available.known()) {
    row.holds = memory_holds(facts.memory_available.value(), plan.fixed_bytes);
    row.found += " free";
  }
  return row;
}

// A name of a group is whoever made it's; what is printed is plain.
LimitRow group_memory_row(const CgroupFact& group, const LimitPlan& plan, std::uint64_t target,
                          bool is_hard) {
  const std::uint64_t needed = memory_needed(target, plan.fixed_bytes);
  LimitRow row =
      row_of({.name = is_hard ? "cgroup memory" : "cgroup memory.high",
              .unit = "bytes",
              .formula = kMemoryFormula,
              .consequence = is_hard ? "The kernel ends the server (OOM of its group)."
                                     : "The kernel slows the server down to reclaim memory."});
  row.needed = bytes_text(needed);
  row.needed_value = needed;
  if (group.limit.reading == Reading::kUnreadable) {
    row.found = fact_text(group.limit);
    row.verdict = Verdict::kUnknown;
    return row;
  }
  row.found = "no limit";
  if (!group.limit.known() || group.limit.value() == kUnlimited) return row;
  const std::uint64_t used = group.used.known() ? group.used.value() : 0;
  const std::uint64_t left = minus(group.limit.value(), used);
  row.found = bytes_text(left) + " of " + bytes_text(group.limit.value());
  row.found_value = left;
  if (is_hard) row.holds = memory_holds(left, plan.fixed_bytes);
  if (left >= needed) return row;
  row.verdict = is_hard ? Verdict::kTooLow : Verdict::kWarning;
  const std::string size = std::to_string(plus(needed, used) / kMebibyte + 1) + "M";
  row.fix = std::string("systemd: ") + (is_hard ? "MemoryMax=" : "MemoryHigh=") + size + " (" +
            log_escaped(group.file) + ")";
  return row;
}

LimitRow thread_row(const MachineFacts& facts, const LimitPlan& plan) {
  const CgroupFact& group = facts.cgroup_pids;
  LimitRow row = row_of({.name = "cgroup pids",
                         .unit = "threads",
                         .formula = "a thread a shard, the admin port's, and those of NATS",
                         .consequence = "The server can't start its threads."});
  row.needed = grouped(plan.threads);
  row.needed_value = plan.threads;
  if (group.limit.reading == Reading::kUnreadable) {
    row.found = fact_text(group.limit);
    row.verdict = Verdict::kUnknown;
    return row;
  }
  row.found = "no limit";
  if (!group.limit.known() || group.limit.value() == kUnlimited) return row;
  const std::uint64_t used = group.used.known() ? group.used.value() : 0;
  const std::uint64_t left = minus(group.limit.value(), used);
  row.found = grouped(left) + " of " + grouped(group.limit.value());
  row.found_value = left;
  if (left >= plan.threads) return row;
  row.verdict = Verdict::kTooLow;
  row.forbids = true;
  row.fix = "systemd: TasksMax=" + std::to_string(plus(used, plan.threads)) + " (" +
            log_escaped(group.file) + "), or fewer shards: --shards";
  return row;
}

LimitRow process_row(const MachineFacts& facts, const LimitPlan& plan) {
  const std::string fix = "ulimit -u " + std::to_string(plan.threads) +
                          " (systemd: LimitNPROC=), or fewer shards: --shards";
  LimitRow row = at_least({.name = "RLIMIT_NPROC",
                           .unit = "threads",
                           .formula = "a thread a shard, the admin port's, and those of NATS; all "
                                      "processes of the user count",
                           .consequence = "The server can't start its threads."},
                          facts.processes, plan.threads, Verdict::kTooLow, fix);
  const bool is_privileged = has_capability(facts, kCapSysResource).value_or(false) ||
                             has_capability(facts, kCapSysAdmin).value_or(false);
  if (row.verdict != Verdict::kTooLow) return row;
  if (is_privileged) {
    row.verdict = Verdict::kOk;
    row.found += " (not for root)";
    row.fix.clear();
    return row;
  }
  row.forbids = true;
  return row;
}

// Some kernels count rings as locked memory, all of a user's together, and some do not.
LimitRow memlock_row(const MachineFacts& facts, const LimitPlan& plan) {
  const std::uint64_t mebibytes = plus(plan.locked_bytes, kMebibyte - 1) / kMebibyte;
  LimitRow row = at_least(
      {.name = "RLIMIT_MEMLOCK",
       .unit = "bytes",
       .formula = "the rings of all shards and their buffers' lists, where the kernel "
                  "counts them as locked; none with CAP_IPC_LOCK",
       .consequence = "The server can't start: no memory for an io_uring."},
      facts.memlock, plan.locked_bytes, Verdict::kTooLow,
      "ulimit -l " + std::to_string(times(mebibytes, kMebibyte / 1'024)) +
          " (systemd: LimitMEMLOCK=" + std::to_string(mebibytes) + "M), or grant CAP_IPC_LOCK");
  row.found = bytes_text(facts.memlock);
  row.needed = bytes_text(plan.locked_bytes);
  const bool is_exempt = has_capability(facts, kCapIpcLock).value_or(false);
  if (is_exempt) row.found += ", CAP_IPC_LOCK";
  if (plan.rings_count_as_locked == false && !is_exempt) row.found += " (not counted)";
  if (is_exempt || plan.rings_count_as_locked == false) {
    row.verdict = Verdict::kOk;
    row.fix.clear();
    return row;
  }
  if (row.verdict != Verdict::kTooLow) return row;
  row.forbids = plan.rings_count_as_locked.has_value();
  if (!row.forbids) row.verdict = Verdict::kWarning;
  return row;
}

LimitRow uring_row(const MachineFacts& facts, const LimitPlan& plan) {
  LimitRow row = row_of({.name = "kernel.io_uring_disabled",
                         .unit = "",
                         .formula = "0; 1 is enough for root and the group kernel.io_uring_group",
                         .consequence = "The server can't start: it is made of io_uring."});
  row.needed = "0";
  row.needed_value = 0;
  row.found = facts.uring_disabled.reading == Reading::kMissing ? "not there (Linux 6.6)"
                                                                : fact_text(facts.uring_disabled);
  if (facts.uring_disabled.reading == Reading::kUnreadable) row.verdict = Verdict::kUnknown;
  if (facts.uring_disabled.known()) row.found_value = facts.uring_disabled.value();
  const bool is_off = facts.uring_disabled.known() && facts.uring_disabled.value() >= 2;
  const bool is_restricted = facts.uring_disabled.known() && facts.uring_disabled.value() == 1 &&
                             !has_capability(facts, kCapSysAdmin).value_or(false);
  const bool works = plan.probed && plan.kernel_error.empty();
  if (works || (!is_off && !is_restricted)) return row;
  row.verdict = is_off ? Verdict::kTooLow : Verdict::kWarning;
  row.forbids = is_off;
  row.fix = is_off ? sysctl_command("kernel.io_uring_disabled", 0)
                   : "sysctl -w kernel.io_uring_group=<gid of the server>, or " +
                         sysctl_command("kernel.io_uring_disabled", 0);
  return row;
}

// Whether a release such as "6.1.0-44-amd64" is old; nullopt if it says nothing of the kind.
std::optional<bool> is_too_old(const std::string& release) {
  std::uint64_t major = 0;
  std::uint64_t minor = 0;
  const char* end = release.data() + release.size();
  const auto first = std::from_chars(release.data(), end, major);
  if (first.ec != std::errc() || first.ptr == end || *first.ptr != '.') return std::nullopt;
  if (std::from_chars(first.ptr + 1, end, minor).ec != std::errc()) return std::nullopt;
  return major < kOldestMajor || (major == kOldestMajor && minor < kOldestMinor);
}

// What was tried counts, not a number; without a trial the number is all there is.
LimitRow kernel_row(const MachineFacts& facts, const LimitPlan& plan) {
  LimitRow row = row_of({.name = "kernel",
                         .unit = "",
                         .formula = "Linux 6.1, with io_uring",
                         .consequence = "The server can't start."});
  row.found = facts.release ? log_escaped(*facts.release) : "not readable";
  row.needed = "6.1";
  const std::optional<bool> old = is_too_old(facts.release.value_or(""));
  if (plan.probed ? plan.kernel_error.empty() : old == std::optional<bool>(false)) return row;
  if (!plan.probed && !old) {
    row.verdict = Verdict::kUnknown;
    return row;
  }
  row.verdict = Verdict::kTooLow;
  row.forbids = true;
  row.fix = plan.probed ? plan.kernel_error
                        : "a newer kernel; on Debian 12: apt-get install linux-image-amd64";
  std::replace(row.fix.begin(), row.fix.end(), '\n', ';');
  return row;
}

}  // namespace

std::vector<LimitRow> bounding_rows(const MachineFacts& facts, const LimitPlan& plan,
                                    std::uint64_t target) {
  return {uring_row(facts, plan),
          kernel_row(facts, plan),
          descriptor_row(facts, plan, target),
          nr_open_row(facts, plan, target),
          file_row(facts, plan, target),
          conntrack_row(facts, plan, target),
          memory_row(facts, plan, target),
          group_memory_row(facts.cgroup_memory, plan, target, true),
          group_memory_row(facts.cgroup_memory_high, plan, target, false),
          memlock_row(facts, plan),
          thread_row(facts, plan),
          process_row(facts, plan)};
}

}  // namespace millrace
