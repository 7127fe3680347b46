#include "bench/load/summary.h"

#include <fmt/core.h>

#include <array>
#include <cmath>
#include <iterator>

namespace millrace::load {
namespace {

constexpr std::uint64_t kEnoughForAMean = 5'000;

double to_seconds(Duration span) { return static_cast<double>(span.ns) / 1e9; }

template <typename... Args>
void add(std::string& out, fmt::format_string<Args...> format, Args&&... args) {
  fmt::format_to(std::back_inserter(out), format, std::forward<Args>(args)...);
}

std::string rate_text(std::uint64_t count, double seconds) {
  if (seconds <= 0) return "-";
  return grouped(static_cast<std::uint64_t>(std::llround(static_cast<double>(count) / seconds))) +
         "/s";
}

template <typename Counts>
void add_counts(std::string& out, const char* what, const Counts& counts) {
  for (const auto& [key, count] : counts) {
    add(out, "              {} x {}{}\n", grouped(count), what, key);
  }
}

void add_times(std::string& out, const char* what, const Histogram& times) {
  if (times.count() == 0) return;
  add(out, "  {:<16}", what);
  for (const double share : {0.5, 0.9, 0.99, 0.999, 0.9999}) {
    add(out, " {:>10}", span_text(times.quantile(share)));
  }
  add(out, " {:>10} {:>14}\n", span_text(times.max()), grouped(times.count()));
}

void add_all_times(std::string& out, const RunResult& run, const Report& total) {
  const std::uint64_t count = total.connect_time.count() + total.delivery.count() +
                              total.publish_time.count() + total.close_time.count();
  if (count == 0) return;
  add(out, "\n  {:<16} {:>10} {:>10} {:>10} {:>10} {:>10} {:>10} {:>14}\n", "time", "p50", "p90",
      "p99", "p99.9", "p99.99", "max", "count");
  for (const PhaseResult& phase : run.phases) {
    const std::string name = phase_name(phase.phase.kind);
    add_times(out, (name + " connect").c_str(), phase.report.connect_time);
    add_times(out, (name + " publish").c_str(), phase.report.publish_time);
    add_times(out, (name + " deliver").c_str(), phase.report.delivery);
    add_times(out, (name + " close").c_str(), phase.report.close_time);
  }
}

// What the phase was for, in one line.
std::string headline(const Options& options, const PhaseResult& phase) {
  const Report& report = phase.report;
  const double seconds = to_seconds(phase.ended - phase.began);
  switch (phase.phase.kind) {
    case PhaseKind::kOpen:
      return fmt::format("{} of {} up in {:.2f} s ({})", grouped(phase.up),
                         grouped(options.connections), seconds, rate_text(phase.up, seconds));
    case PhaseKind::kHold:
    case PhaseKind::kPause:
      return fmt::format("{} up after {:.1f} s, {} pings answered", grouped(phase.up), seconds,
                         grouped(report.pings));
    case PhaseKind::kLoad:
      return fmt::format("{} published ({}), {} delivered ({}) in {:.2f} s",
                         grouped(report.published), rate_text(report.published, phase.load_seconds),
                         grouped(report.deliveries),
                         rate_text(report.deliveries, phase.load_seconds), phase.load_seconds);
    case PhaseKind::kBroadcast: {
      std::string text =
          fmt::format("{} delivered; until the last had it:", grouped(report.deliveries));
      for (const Duration span : phase.broadcasts) text += " " + span_text(span);
      return phase.broadcasts.empty() ? text + " -" : text;
    }
    case PhaseKind::kExpect:
      return fmt::format("{} delivered in {:.2f} s", grouped(report.deliveries), seconds);
    case PhaseKind::kCut:
      return fmt::format("{} cut, {} attempts, {} up after {:.2f} s", grouped(report.own_closes),
                         grouped(report.attempts), grouped(phase.up), seconds);
    case PhaseKind::kDrain: {
      const Histogram& times = report.close_time;
      return fmt::format("{} closed by the server, between {} and {}", grouped(times.count()),
                         span_text(times.min()), span_text(times.max()));
    }
    case PhaseKind::kClose:
      return fmt::format("{} closed in {:.2f} s", grouped(report.own_closes), seconds);
  }
  return {};
}

void add_phase(std::string& out, const Options& options, const PhaseResult& phase) {
  const Report& report = phase.report;
  add(out, "  {:<10}  {}{}\n", phase_name(phase.phase.kind), headline(options, phase),
      phase.interrupted ? " (interrupted)" : "");
  if (report.refused > 0) {
    add(out, "              {} refused with 503", grouped(report.refused));
    if (!report.retry_after.empty()) {
      add(out, ", Retry-After {} to {} s", report.retry_after.begin()->first,
          report.retry_after.rbegin()->first);
    }
    out += "\n";
  }
  add_counts(out, "", report.connect_errors);
  add_counts(out, "closed with ", report.closes);
  add_counts(out, "closed with ", report.drain_closes);
  add_counts(out, "slow reader closed with ", report.slow_closes);
  add_counts(out, "", report.publish_errors);
  if (report.unsent > 0) add(out, "              {} not sent\n", grouped(report.unsent));
}

void add_order(std::string& out, const Report& total) {
  if (total.recovered + total.unrecovered > 0) {
    add(out, "\n  recovery    {} subscriptions recovered, {} not\n", grouped(total.recovered),
        grouped(total.unrecovered));
  }
  const SequenceCounts& seen = total.sequences;
  if (seen.in_order == 0) return;
  if (seen.holes + seen.duplicates + seen.out_of_order + total.misdelivered == 0) {
    out += "\n  order       nothing missing, nothing twice, nothing out of order\n";
    return;
  }
  add(out, "\n  order       {} missing, {} twice, {} out of order, {} on a wrong channel\n",
      grouped(seen.holes), grouped(seen.duplicates), grouped(seen.out_of_order),
      grouped(total.misdelivered));
}

const PhaseResult* find_phase(const RunResult& run, PhaseKind kind) {
  for (const PhaseResult& phase : run.phases) {
    if (phase.phase.kind == kind) return &phase;
  }
  return nullptr;
}

void add_memory(std::string& out, const RunResult& run) {
  const PhaseResult* open = find_phase(run, PhaseKind::kOpen);
  if (open == nullptr) return;
  add(out, "\n  {:<22} {:>12} {:>12} {:>12} {:>16}\n", "memory", "before", "when up", "after",
      "each connection");
  const auto row = [&](const char* what, auto&& of) {
    const auto before = static_cast<double>(of(run.before));
    const auto up = static_cast<double>(of(open->after));
    // Few connections drown in what else a process takes and gives back.
    const double each = (up - before) / static_cast<double>(open->up);
    const std::string each_text = open->up >= kEnoughForAMean ? bytes_text(each) : "-";
    add(out, "  {:<22} {:>12} {:>12} {:>12} {:>16}\n", what, bytes_text(before), bytes_text(up),
        bytes_text(static_cast<double>(of(run.after))), each_text);
  };
  if (run.before.server.pid != 0) {
    row("server, resident", [](const Sample& sample) { return sample.server.resident_bytes; });
    row("server, anonymous", [](const Sample& sample) { return sample.server.anonymous_bytes; });
  }
  row("client, resident", [](const Sample& sample) { return sample.self.resident_bytes; });
  row("client, anonymous", [](const Sample& sample) { return sample.self.anonymous_bytes; });
  row("kernel, slab", [](const Sample& sample) { return sample.machine.slab_bytes; });
  row("  not reclaimable", [](const Sample& sample) { return sample.machine.unreclaimable_bytes; });
  row("kernel, TCP queues", [](const Sample& sample) { return sample.machine.tcp_bytes; });
  out +=
      "  The kernel's memory is the machine's: both halves of a connection on loopback, and "
      "whatever else runs.\n";
}

void add_cpu(std::string& out, const RunResult& run) {
  add(out, "\n  {:<12} {:>9} {:>16} {:>9} {:>16} {:>12}  {}\n", "cores", "server", "its busiest",
      "client", "its busiest", "machine", "saturated");
  for (const PhaseResult& phase : run.phases) {
    const Usage& usage = phase.usage;
    const bool server = phase.after.server.pid != 0;
    add(out, "  {:<12} {:>9} {:>16} {:>9.2f} {:>16.2f} {:>12}  {}\n", phase_name(phase.phase.kind),
        server ? fmt::format("{:.2f}", usage.server) : "-",
        server ? fmt::format("{:.2f}", usage.server_thread) : "-", usage.self, usage.self_thread,
        fmt::format("{:.2f} of {}", usage.machine, usage.cores), saturated_name(saturated(usage)));
  }
}

}  // namespace

std::string span_text(Duration span) {
  const auto ns = static_cast<double>(span.ns);
  if (ns < 999.5e3) return fmt::format("{:.0f} us", ns / 1e3);
  if (ns < 99.95e6) return fmt::format("{:.2f} ms", ns / 1e6);
  if (ns < 999.5e6) return fmt::format("{:.0f} ms", ns / 1e6);
  return fmt::format("{:.2f} s", ns / 1e9);
}

std::string bytes_text(double bytes) {
  constexpr std::array<const char*, 4> kUnits{"B", "KiB", "MiB", "GiB"};
  std::size_t unit = 0;
  while (std::abs(bytes) >= 10'000 && unit + 1 < kUnits.size()) {
    bytes /= 1'024;
    ++unit;
  }
  return fmt::format("{:.{}f} {}", bytes, unit == 0 ? 0 : 1, kUnits[unit]);
}

std::string summary(const Options& options, const RunResult& run) {
  std::string out;
  add(out, "\nmillrace-load {}: {} connections to {}{}, {}, {} thread{}\n\n",
      workload_name(options.workload), grouped(options.connections),
      to_string(options.targets.front()),
      options.targets.size() > 1 ? fmt::format(" and {} more", options.targets.size() - 1) : "",
      protocol_name(options.protocol), run.threads, run.threads == 1 ? "" : "s");
  Report total;
  for (const PhaseResult& phase : run.phases) {
    add_phase(out, options, phase);
    total.add(phase.report);
  }
  add_order(out, total);
  add_all_times(out, run, total);
  add_memory(out, run);
  add_cpu(out, run);
  if (run.before.server.pid == 0) {
    out += "\n  The server was not found on this machine (--server-pid names it).\n";
  }
  out += run.failures.empty() ? "\nok\n" : "\nFAILED\n";
  for (const std::string& failure : run.failures) add(out, "  {}\n", failure);
  return out;
}

std::string progress_line(const Options& options, Duration since_start,
                          const RunObserver::Progress& before,
                          const RunObserver::Progress& progress) {
  const double seconds = std::max(to_seconds(progress.now - before.now), 1e-3);
  std::string line =
      fmt::format("{:>5.0f} s  {:<14} {} of {} up", to_seconds(since_start),
                  phase_text(progress.phase), grouped(progress.up), grouped(options.connections));
  if (progress.tries > before.tries) {
    line += "  +" + rate_text(progress.tries - before.tries, seconds);
  }
  if (progress.waiting > 0) line += "  " + grouped(progress.waiting) + " waiting";
  if (progress.deliveries > before.deliveries) {
    line += "  " + rate_text(progress.deliveries - before.deliveries, seconds) + " delivered";
  }
  if (progress.errors > 0) line += "  " + grouped(progress.errors) + " errors";
  if (progress.server_bytes > 0) {
    line += fmt::format("  server {:.2f} cores {}",
                        std::max(progress.server_cpu - before.server_cpu, 0.0) / seconds,
                        bytes_text(static_cast<double>(progress.server_bytes)));
  }
  return line + fmt::format("  client {:.2f} cores",
                            std::max(progress.self_cpu - before.self_cpu, 0.0) / seconds);
}

}  // namespace millrace::load
