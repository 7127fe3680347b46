// A run from begin to end: phase after phase, on the main thread, which looks around meanwhile. The
// workers do the rest on theirs.
//
// SIGINT and SIGTERM are blocked in all threads before run() and taken here: the phase that runs
// ends, and so does the run.
#pragma once

#include <signal.h>

#include <functional>
#include <string>

#include "bench/load/fleet.h"
#include "bench/load/result.h"

namespace millrace::load {

// Sees a run as it goes.
class RunObserver {
 public:
  virtual void on_begin(const Phase& phase, Duration since_start) = 0;
  virtual void on_end(const PhaseResult& phase, Duration since_start) = 0;
  // Now and then; the observer decides how often it shows something.
  struct Progress {
    Instant now{};
    Phase phase;
    std::uint64_t up = 0, failed = 0, waiting = 0, tries = 0, errors = 0, deliveries = 0;
    double server_cpu = 0;  // seconds, ever
    double self_cpu = 0;
    std::uint64_t server_bytes = 0;
  };
  virtual void on_progress(const Progress& progress) = 0;

 protected:
  ~RunObserver() = default;
};

class Conductor {
 public:
  Conductor(const Options& options, RunObserver& observer, const sigset_t& signals)
      : options_(options), observer_(observer), signals_(signals) {}

  // The error is one of the start: nothing was run.
  Result<RunResult> run();

 private:
  using Condition = std::function<bool()>;

  [[nodiscard]] Result<AddressPlan> plan_addresses() const;
  void run_phases(RunResult& result);
  PhaseResult run_phase(const Phase& phase, const Sample& before);
  void open(PhaseResult& result);
  void hold(Duration span);
  void load(PhaseResult& result);
  void broadcast(PhaseResult& result);
  std::uint64_t publish_while_away();
  void expect(PhaseResult& result);
  void cut(PhaseResult& result);
  void pause();
  void drain(PhaseResult& result);
  void close();

  void make_channels();
  void count_readers();
  bool open_publisher();
  [[nodiscard]] std::vector<PublishOrder> orders(Instant start, Duration span) const;
  void settle();

  // Until `done` or `end`, or a signal: false then. With `progress`, also once that has not changed
  // for options.patience.
  bool wait(const Condition& done, Instant end,
            const std::function<std::uint64_t()>& progress = nullptr,
            Duration patience = Duration{});
  bool look_around(Duration longest);
  void tick();
  [[nodiscard]] Sample sample() const;
  [[nodiscard]] std::uint32_t find_server() const;
  [[nodiscard]] std::uint64_t up() const { return fleet_->sum(&Live::up); }
  [[nodiscard]] Instant now() { return clock_.now(); }

  const Options& options_;
  RunObserver& observer_;
  const sigset_t& signals_;
  const Proc proc_;
  MonotonicClock clock_;
  std::unique_ptr<Shared> shared_;
  std::unique_ptr<Fleet> fleet_;
  std::uint32_t server_pid_ = 0;
  Instant began_{};
  Instant last_tick_{};
  Phase phase_;
  bool interrupted_ = false;
  bool channels_made_ = false;
  std::vector<std::vector<Lane>> lanes_;  // by worker
  Lane broadcast_lane_;
};

}  // namespace millrace::load
