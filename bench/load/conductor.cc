#include "bench/load/conductor.h"

#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "bench/load/admin_client.h"
#include "core/base/assert.h"
#include "core/ring/kernel_features.h"

namespace millrace::load {
namespace {

constexpr Duration kTick = milliseconds(250);  // between two looks at the gauges
constexpr Duration kGlance = milliseconds(5);  // between two looks at what is waited for
constexpr Duration kLateDuplicate = milliseconds(500);
constexpr Duration kGoodbye = seconds(6);  // a client's own deadline is shorter

}  // namespace

// --- the run -------------------------------------------------------------------------------------

Result<AddressPlan> Conductor::plan_addresses() const {
  const PortRange ports = parse_port_range(proc_.read("sys/net/ipv4/ip_local_port_range"));
  return AddressPlan::make(options_.connections, options_.targets, options_.sources, ports);
}

Result<RunResult> Conductor::run() {
  auto addresses = plan_addresses();
  if (!addresses) return addresses.error();
  const auto direct = can_close_direct_sockets();
  if (!direct) return direct.error();
  const MachineLimits machine{raise_descriptor_limit(), *direct, allowed_cores().size()};
  const auto slices = plan_slices(options_, machine);
  if (!slices) return slices.error();

  server_pid_ = find_server();
  began_ = now();
  RunResult result;
  result.threads = slices->size();
  result.sources = addresses->sources();
  result.pairs = addresses->pairs();
  result.before = sample();
  shared_ = std::make_unique<Shared>(options_, std::move(*addresses), slices->size());
  fleet_ = std::make_unique<Fleet>(*shared_, *slices);
  if (const auto started = fleet_->start(); !started) return started.error();
  run_phases(result);
  fleet_->stop();
  result.after = sample();
  result.failures = judge(options_, result);
  return result;
}

void Conductor::run_phases(RunResult& result) {
  for (const Phase& phase : options_.phases) {
    phase_ = phase;
    observer_.on_begin(phase, now() - began_);
    const Sample& before = result.phases.empty() ? result.before : result.phases.back().after;
    result.phases.push_back(run_phase(phase, before));
    observer_.on_end(result.phases.back(), now() - began_);
    if (interrupted_) return;
  }
}

PhaseResult Conductor::run_phase(const Phase& phase, const Sample& before) {
  PhaseResult result;
  result.phase = phase;
  result.began = now();
  switch (phase.kind) {
    case PhaseKind::kOpen:
      open(result);
      break;
    case PhaseKind::kHold:
      hold(phase.duration);
      break;
    case PhaseKind::kLoad:
      load(result);
      break;
    case PhaseKind::kBroadcast:
      broadcast(result);
      break;
    case PhaseKind::kExpect:
      expect(result);
      break;
    case PhaseKind::kCut:
      cut(result);
      break;
    case PhaseKind::kPause:
      pause();
      break;
    case PhaseKind::kDrain:
      drain(result);
      break;
    case PhaseKind::kClose:
      close();
      break;
  }
  result.ended = now();
  result.interrupted = interrupted_;
  result.after = sample();
  result.usage = usage_between(before, result.after);
  result.report = fleet_->take_report();
  result.up = up();
  return result;
}

// --- phases --------------------------------------------------------------------------------------

void Conductor::open(PhaseResult& result) {
  fleet_->post_all([](Worker& worker, Instant at) { worker.open(at); });
  const auto settled = [this] { return up() + fleet_->sum(&Live::failed); };
  result.complete = wait([&] { return settled() >= options_.connections; }, Instant::never(),
                         settled, options_.patience);
}

void Conductor::hold(Duration span) {
  wait([] { return false; }, now() + span);
}

void Conductor::expect(PhaseResult& result) {
  const std::uint64_t wanted = result.phase.count * up() * options_.channels.size();
  const auto delivered = [this] { return shared_->delivered.load(); };
  result.complete =
      wait([&] { return delivered() >= wanted; }, Instant::never(), delivered, options_.patience);
  hold(kLateDuplicate);
  const auto count = static_cast<std::uint32_t>(result.phase.count);
  fleet_->post_all([count](Worker& worker, Instant) { worker.finish_sequences(count); });
}

void Conductor::cut(PhaseResult& result) {
  if (options_.cut_publish > 0) {
    make_channels();
    count_readers();
    result.complete = open_publisher();
    if (!result.complete) return;
  }
  const std::uint64_t tries = fleet_->sum(&Live::tries);
  const std::uint64_t errors = fleet_->sum(&Live::errors);
  std::uint64_t gone = 0;
  const std::function<std::uint64_t(Worker&)> cut = [this, at = now()](Worker& worker) {
    return worker.cut(options_.cut_share, at);
  };
  for (const std::uint64_t count : fleet_->ask(cut)) gone += count;
  const std::uint64_t missed = publish_while_away();
  const auto tried = [this] {
    return fleet_->sum(&Live::tries) + up() + shared_->delivered.load();
  };
  // Not yet having gone must not look like having come back. Who could not recover never gets what
  // it missed, and settle() waits for what the others get.
  const auto back = [&] {
    return fleet_->sum(&Live::tries) >= tries + gone && up() >= options_.connections &&
           (shared_->delivered.load() >= missed || fleet_->sum(&Live::errors) > errors);
  };
  result.complete = wait(back, Instant::never(), tried, options_.patience);
  if (options_.cut_publish > 0) settle();
}

void Conductor::pause() {
  bool line = false;
  wait(
      [&line] {
        pollfd input{STDIN_FILENO, POLLIN, 0};
        char byte = 0;
        while (!line && ::poll(&input, 1, 0) > 0) {
          line = ::read(STDIN_FILENO, &byte, 1) <= 0 || byte == '\n';
        }
        return line;
      },
      Instant::never());
}

void Conductor::drain(PhaseResult& result) {
  fleet_->post_all([](Worker& worker, Instant at) { worker.begin_drain(at); });
  result.complete = wait([this] { return up() == 0; }, now() + result.phase.duration);
}

void Conductor::close() {
  fleet_->post_all([](Worker& worker, Instant at) { worker.leave(at); });
  const auto left = [this] { return up(); };
  wait([&] { return left() == 0; }, Instant::never(), left, kGoodbye);
}

// --- waiting -------------------------------------------------------------------------------------

bool Conductor::wait(const Condition& done, Instant end,
                     const std::function<std::uint64_t()>& progress, Duration patience) {
  std::uint64_t last = progress ? progress() : 0;
  Instant changed = now();
  while (!done()) {
    const Instant at = now();
    if (at >= end || interrupted_) return false;
    if (progress) {
      if (const std::uint64_t current = progress(); current != last) {
        last = current;
        changed = at;
      } else if (at - changed >= patience) {
        return false;
      }
    }
    if (!look_around(std::min(kGlance, end - at))) return false;
  }
  return true;
}

// Sleeps, but for a signal; false if one came.
bool Conductor::look_around(Duration longest) {
  tick();
  const timespec span{.tv_sec = 0, .tv_nsec = std::max<std::int64_t>(longest.ns, 1)};
  const int signal = sigtimedwait(&signals_, nullptr, &span);
  if (signal > 0) interrupted_ = true;
  return !interrupted_;
}

void Conductor::tick() {
  const Instant at = now();
  if (at - last_tick_ < kTick) return;
  last_tick_ = at;
  RunObserver::Progress progress;
  progress.now = at;
  progress.phase = phase_;
  progress.up = up();
  progress.failed = fleet_->sum(&Live::failed);
  progress.waiting = fleet_->sum(&Live::waiting);
  progress.tries = fleet_->sum(&Live::tries);
  progress.errors = fleet_->sum(&Live::errors);
  progress.deliveries = fleet_->sum(&Live::deliveries);
  const ProcessSample server = proc_.process(server_pid_, false);
  progress.server_cpu = server.cpu_seconds;
  progress.server_bytes = server.resident_bytes;
  progress.self_cpu = proc_.process(static_cast<std::uint32_t>(getpid()), false).cpu_seconds;
  observer_.on_progress(progress);
}

std::uint32_t Conductor::find_server() const {
  if (options_.server_pid != 0) return options_.server_pid;
  if (options_.admin && is_loopback(*options_.admin)) return proc_.listener(options_.admin->port);
  const bool local = is_loopback(options_.targets.front());
  return local ? proc_.listener(options_.targets.front().port) : 0;
}

Sample Conductor::sample() const {
  Sample sample;
  sample.server = proc_.process(server_pid_, true);
  sample.self = proc_.process(static_cast<std::uint32_t>(getpid()), true);
  sample.machine = proc_.machine();
  if (options_.admin) sample.stats = fetch_stats(*options_.admin);
  MonotonicClock clock;
  sample.at = clock.now();
  return sample;
}

}  // namespace millrace::load
