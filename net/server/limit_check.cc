#include "net/server/limit_check.h"

#include <cstdio>

#include "core/ring/kernel_features.h"
#include "core/ring/uring.h"
#include "core/shard/shard_group.h"
#include "net/machine/limit_report.h"
#include "net/machine/sysctl_settings.h"
#include "net/server/server.h"
#include "net/server/socket_plan.h"

namespace millrace {
namespace {

// nats.c's own: timers, callbacks, garbage, and at most so many that deliver.
constexpr std::uint64_t kNatsThreads = 3 + 8;
constexpr std::uint64_t kNatsThreadsPerLink = 3;  // ours, one that reads, one that flushes

// What the kernel allocates for a ring and its provided buffers (io_uring_setup(2)).
constexpr std::uint64_t kPageBytes = 4'096;
constexpr std::uint64_t kEntryBytes = 64;
constexpr std::uint64_t kCompletionBytes = 16;
constexpr std::uint64_t kIndexBytes = 4;
constexpr std::uint64_t kQueueHeadBytes = 512;
constexpr std::uint64_t kBufferBytes = 16;
// The admin port's ring, and those that are tried at the start: measured 64 KiB.
constexpr std::uint64_t kOtherRingBytes = 128 * 1'024;

std::uint64_t pages_of(std::uint64_t bytes) {
  return (bytes + kPageBytes - 1) / kPageBytes * kPageBytes;
}

// Direct descriptors are let go of when they are closed since this Linux
// (core/ring/socket_files.h); without a trial its number has to do.
bool closes_direct_sockets(const MachineFacts& facts) {
  const std::string release = facts.release.value_or("");
  int major = 0;
  int minor = 0;
  if (std::sscanf(release.c_str(), "%d.%d", &major, &minor) != 2) return true;
  return major > 6 || (major == 6 && minor >= 13);
}

KernelTrial try_kernel() {
  KernelTrial trial;
  const auto kernel = judge_kernel(probe_kernel());
  if (!kernel.ok()) trial.missing = kernel.error().text;
  trial.rings_are_locked = rings_count_as_locked();
  const auto direct = can_close_direct_sockets();
  if (direct.ok()) {
    trial.direct = *direct;
  } else if (trial.missing.empty()) {
    trial.missing = direct.error().text;
  }
  return trial;
}

}  // namespace

std::uint64_t locked_bytes(const Config& config, std::size_t client_shards) {
  const UringOptions ring;
  const std::uint64_t entries = pages_of(std::uint64_t{ring.submission_entries} * kEntryBytes);
  const std::uint64_t queues =
      pages_of(std::uint64_t{ring.completion_entries} * kCompletionBytes +
               std::uint64_t{ring.submission_entries} * kIndexBytes + kQueueHeadBytes);
  const std::uint64_t buffers = pages_of(std::uint64_t{config.limits.recv_buffers} * kBufferBytes);
  return client_shards * (entries + queues + buffers) + kOtherRingBytes;
}

std::uint64_t threads_of(const Config& config, std::size_t client_shards) {
  const std::uint64_t own = 1 + client_shards + 1;  // the admin port's
  if (config.broker.kind != BrokerKind::kNats) return own;
  return own + kNatsThreads + kNatsThreadsPerLink * client_shards;
}

LimitPlan limit_plan(const Config& config, std::size_t client_shards, std::uint64_t descriptors,
                     const std::optional<KernelTrial>& trial, const MachineFacts& facts) {
  LimitPlan plan;
  const bool direct = trial ? trial->direct : closes_direct_sockets(facts);
  plan.asked = config.server.max_connections;
  plan.shards = client_shards;
  plan.direct = direct;
  plan.descriptors = descriptors;
  plan.socket_capacity = socket_capacity(config, client_shards, descriptors, direct);
  plan.descriptors_for = [&config, client_shards, direct](std::uint64_t connections) {
    return descriptors_for(config, client_shards, connections, direct);
  };
  plan.own_descriptors = own_descriptors(config, client_shards, direct);
  plan.nats_links = config.broker.kind == BrokerKind::kNats ? client_shards : 0;
  plan.threads = threads_of(config, client_shards);
  plan.locked_bytes = locked_bytes(config, client_shards);
  if (trial) plan.rings_count_as_locked = trial->rings_are_locked;
  plan.fixed_bytes =
      client_shards * std::uint64_t{config.limits.recv_buffers} * config.limits.recv_buffer_size;
  plan.send_buffer_bytes = config.limits.kernel_send_buffer;
  plan.conntrack_exempt = config.server.conntrack_exempt;
  plan.probed = trial.has_value();
  if (trial) plan.kernel_error = trial->missing;
  return plan;
}

CheckResult run_check(const Config& config, const CheckOptions& options) {
  const bool is_here = options.root == "/";
  const MachineFacts facts =
      is_here ? read_machine_facts() : read_machine_facts(options.root, MachineFacts().page_bytes);
  const std::optional<KernelTrial> trial =
      is_here ? std::optional<KernelTrial>(try_kernel()) : std::nullopt;
  const std::uint64_t descriptors =
      is_here ? raise_descriptor_limit() : descriptors_in_force(facts);
  const std::size_t asked = config.server.shards;
  const std::size_t shards = asked != 0 ? asked : allowed_cores().size();
  const LimitReport report =
      judge_limits(facts, limit_plan(config, shards, descriptors, trial, facts));
  const int exit_code = report.fits() ? 0 : kExitSystem;
  switch (options.output) {
    case CheckOutput::kTable:
      return {exit_code, table_text(report)};
    case CheckOutput::kJson:
      return {exit_code, json_text(report)};
    case CheckOutput::kSysctl: {
      // What is too low is what the settings are to mend.
      const std::uint64_t cap = config.server.max_connections;
      return {0, emitted_sysctl({.connections = cap != 0 ? cap : report.cap,
                                 .send_buffer_bytes = config.limits.kernel_send_buffer,
                                 .facts = &facts})};
    }
  }
  return {exit_code, ""};
}

}  // namespace millrace
