#include "bench/load/result.h"

#include <algorithm>

namespace millrace::load {
namespace {

constexpr double kBusy = 0.9;          // of a core: a thread that has no more to give
constexpr double kMachineBusy = 0.95;  // of all cores

double busiest(const ProcessSample& from, const ProcessSample& to) {
  double most = 0;
  for (const auto& [thread, seconds] : to.threads) {
    const auto before = from.threads.find(thread);
    most = std::max(most, seconds - (before == from.threads.end() ? 0 : before->second));
  }
  return most;
}

// Those that a server's goodbye may have: shutdown, going away, service restart.
bool is_goodbye(std::uint16_t code) { return code == 3001 || code == 1001 || code == 1012; }

class Judge {
 public:
  Judge(const Options& options, const RunResult& run) : options_(options), run_(run) {}

  std::vector<std::string> judge() {
    for (const PhaseResult& phase : run_.phases) {
      judge_phase(phase);
      judge_report(phase);
      if (phase.interrupted) fail(phase, "was interrupted");
    }
    return std::move(failures_);
  }

 private:
  void fail(const PhaseResult& phase, const std::string& text) {
    failures_.push_back(phase_text(phase.phase) + ": " + text);
  }

  // "3 closed with 3008, 1 closed with 1006"
  template <typename Counts>
  static std::string list(const Counts& counts, const std::string& what) {
    std::string text;
    for (const auto& [key, count] : counts) {
      if (!text.empty()) text += ", ";
      text += grouped(count) + what;
      if constexpr (std::is_same_v<typename Counts::key_type, std::string>) {
        text += key;
      } else {
        text += std::to_string(key);
      }
    }
    return text;
  }

  void judge_open(const PhaseResult& phase) {
    const std::uint64_t refused = options_.allowed.refused ? phase.report.refused : 0;
    const std::uint64_t failed = options_.allowed.errors ? phase.report.failed() : 0;
    const std::uint64_t gone = options_.allowed.closes ? sum_of(phase.report.closes) : 0;
    if (phase.up + refused + failed + gone < options_.connections) {
      fail(phase,
           grouped(phase.up) + " of " + grouped(options_.connections) + " connections are up");
    }
  }

  void judge_phase(const PhaseResult& phase) {
    switch (phase.phase.kind) {
      case PhaseKind::kOpen:
        judge_open(phase);
        return;
      case PhaseKind::kLoad:
        if (phase.report.published == 0) fail(phase, "nothing was published");
        return;
      case PhaseKind::kBroadcast:
        if (!phase.complete) {
          fail(phase, grouped(phase.broadcast_missing) + " deliveries did not come");
        }
        return;
      case PhaseKind::kExpect:
        if (!phase.complete) fail(phase, "not all that was expected came");
        return;
      case PhaseKind::kCut:
        if (phase.up < options_.connections) {
          fail(phase, grouped(phase.up) + " of " + grouped(options_.connections) + " came back");
        }
        return;
      case PhaseKind::kDrain:
        judge_drain(phase);
        return;
      case PhaseKind::kHold:
      case PhaseKind::kPause:
      case PhaseKind::kClose:
        return;
    }
  }

  void judge_drain(const PhaseResult& phase) {
    if (phase.up > 0) fail(phase, grouped(phase.up) + " connections were not closed");
    auto others = phase.report.drain_closes;
    std::erase_if(others, [](const auto& entry) { return is_goodbye(entry.first); });
    if (!others.empty()) fail(phase, list(others, " closed with "));
  }

  void judge_report(const PhaseResult& phase) {
    const Report& report = phase.report;
    const Allowed& allowed = options_.allowed;
    const bool comes_back = options_.reconnect;
    if (!allowed.refused && !comes_back && report.refused > 0) {
      fail(phase, grouped(report.refused) + " refused with 503");
    }
    if (!allowed.errors && !comes_back && !report.connect_errors.empty()) {
      fail(phase, "did not connect: " + list(report.connect_errors, " x "));
    }
    if (!allowed.errors && !report.publish_errors.empty()) {
      fail(phase, "did not publish: " + list(report.publish_errors, " x "));
    }
    if (!allowed.errors && report.unsent > 0) {
      fail(phase, grouped(report.unsent) + " publications were due and not sent");
    }
    if (!allowed.closes && !comes_back && !report.closes.empty()) {
      fail(phase, list(report.closes, " closed with ") + ", which nobody asked for");
    }
    if (!allowed.closes && report.unsubscribes > 0) {
      fail(phase, grouped(report.unsubscribes) + " subscriptions ended by the server");
    }
    if (allowed.holes) return;
    const SequenceCounts& seen = report.sequences;
    if (seen.holes > 0) fail(phase, grouped(seen.holes) + " publications missing at subscribers");
    if (seen.duplicates > 0) fail(phase, grouped(seen.duplicates) + " came twice");
    if (seen.out_of_order > 0) fail(phase, grouped(seen.out_of_order) + " came out of order");
    if (report.unrecovered > 0) {
      fail(phase, grouped(report.unrecovered) + " subscriptions were not recovered");
    }
    if (report.misdelivered > 0) {
      fail(phase, grouped(report.misdelivered) + " came on a channel that the client has not");
    }
  }

  const Options& options_;
  const RunResult& run_;
  std::vector<std::string> failures_;
};

}  // namespace

Usage usage_between(const Sample& from, const Sample& to) {
  Usage usage;
  usage.seconds = static_cast<double>((to.at - from.at).ns) / 1e9;
  usage.cores = to.machine.cores;
  if (usage.seconds <= 0) return usage;
  const auto cores = [&usage](double seconds) { return std::max(seconds, 0.0) / usage.seconds; };
  if (to.server.pid != 0 && from.server.pid == to.server.pid) {
    usage.server = cores(to.server.cpu_seconds - from.server.cpu_seconds);
    usage.server_thread = cores(busiest(from.server, to.server));
  }
  usage.self = cores(to.self.cpu_seconds - from.self.cpu_seconds);
  usage.self_thread = cores(busiest(from.self, to.self));
  usage.machine = cores(to.machine.busy_seconds - from.machine.busy_seconds);
  return usage;
}

Saturated saturated(const Usage& usage) {
  const bool server = usage.server_thread >= kBusy;
  const bool client = usage.self_thread >= kBusy;
  if (server && client) return Saturated::kBoth;
  if (server) return Saturated::kServer;
  if (client) return Saturated::kClient;
  // Many threads on few cores: none of them is at its limit, and all of them are.
  const double all = static_cast<double>(usage.cores) * kMachineBusy;
  return usage.cores > 0 && usage.machine >= all ? Saturated::kMachine : Saturated::kNeither;
}

const char* saturated_name(Saturated who) {
  switch (who) {
    case Saturated::kNeither:
      return "neither";
    case Saturated::kServer:
      return "server";
    case Saturated::kClient:
      return "client";
    case Saturated::kBoth:
      return "both";
    case Saturated::kMachine:
      return "machine";
  }
  return "neither";
}

std::vector<std::string> judge(const Options& options, const RunResult& run) {
  return Judge(options, run).judge();
}

std::string grouped(std::uint64_t number) {
  std::string text = std::to_string(number);
  for (std::size_t at = text.size(); at > 3; at -= 3) text.insert(at - 3, ",");
  return text;
}

}  // namespace millrace::load
