#include "bench/load/slices.h"

#include <algorithm>
#include <bit>
#include <string>

namespace millrace::load {
namespace {

constexpr std::uint64_t kMostOfARing = 1'048'576;  // the kernel's limit, io_uring/rsrc.c
constexpr std::uint64_t kOwnDescriptors = 64;      // standard streams, /proc, what libraries open
constexpr std::uint64_t kOfARing = 4;              // its own, its wake-ups, what comes and goes
constexpr std::uint64_t kMostThreads = 1'024;

// Receive buffers are memory that idle clients do not need: fewer for each of many rings.
constexpr std::uint64_t kBuffers = 4'096;  // of all rings
constexpr std::uint64_t kLeastBuffers = 64;
constexpr std::uint64_t kMostBuffers = 1'024;

std::uint64_t divide_up(std::uint64_t a, std::uint64_t b) { return (a + b - 1) / b; }

bool is_local(const Options& options) {
  return std::all_of(options.targets.begin(), options.targets.end(), is_loopback);
}

// A server on the same machine needs cores, too.
std::uint64_t default_threads(const Options& options, std::size_t cores) {
  return is_local(options) ? std::max<std::size_t>(cores / 2, 1) : cores;
}

}  // namespace

bool needs_publisher(const Options& options) {
  return std::any_of(options.phases.begin(), options.phases.end(), [&](const Phase& phase) {
    return phase.kind == PhaseKind::kBroadcast ||
           (phase.kind == PhaseKind::kCut && options.cut_publish > 0) ||
           (phase.kind == PhaseKind::kLoad && options.workload != Workload::kPublish);
  });
}

Result<std::vector<Slice>> plan_slices(const Options& options, const MachineLimits& machine) {
  const std::uint64_t all = options.connections;
  std::uint64_t threads =
      options.threads != 0 ? options.threads : default_threads(options, machine.cores);
  threads = std::clamp<std::uint64_t>(threads, 1, all);
  if (machine.direct) {
    const std::uint64_t files = std::min(machine.descriptors, kMostOfARing);
    const std::uint64_t spare = Slice::kSpareSockets + options.connecting;
    if (files <= spare) {
      return Error{"RLIMIT_NOFILE " + std::to_string(machine.descriptors) +
                   " is too low; raise it (ulimit -n) above " + std::to_string(spare)};
    }
    threads = std::max(threads, divide_up(all, files - spare));
  }
  const std::uint64_t sockets = machine.direct ? 0 : all + threads * Slice::kSpareSockets;
  const std::uint64_t needed =
      kOwnDescriptors + kOfARing * (threads + 1) + options.connecting + sockets;
  if (needed > machine.descriptors || threads > kMostThreads) {
    return Error{std::to_string(all) + " connections on " + std::to_string(threads) +
                 " threads take " + std::to_string(needed) + " descriptors, and RLIMIT_NOFILE is " +
                 std::to_string(machine.descriptors) +
                 (machine.direct ? "" : " (before Linux 6.13 each connection takes one)") +
                 "; raise it (ulimit -n), or ask for fewer --connections"};
  }
  std::vector<Slice> slices(threads);
  std::uint64_t first = 0;
  for (std::uint64_t i = 0; i < threads; ++i) {
    Slice& slice = slices[i];
    slice.first = static_cast<std::uint32_t>(first);
    slice.count = static_cast<std::uint32_t>(all / threads + (i < all % threads ? 1 : 0));
    slice.connecting =
        static_cast<std::uint32_t>(std::max<std::uint64_t>(options.connecting / threads, 1));
    slice.connect_rate = options.connect_rate * slice.count / static_cast<double>(all);
    slice.buffers = static_cast<std::uint32_t>(
        std::bit_floor(std::clamp(kBuffers / threads, kLeastBuffers, kMostBuffers)));
    slice.direct = machine.direct;
    first += slice.count;
  }
  if (needs_publisher(options)) {
    slices.push_back({.first = static_cast<std::uint32_t>(all),
                      .publisher = true,
                      .buffers = kLeastBuffers,
                      .direct = machine.direct});
  }
  return slices;
}

}  // namespace millrace::load
