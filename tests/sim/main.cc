// The simulator's command: ./dev sim --help.
#include <malloc.h>
#include <nats/nats.h>
#include <sys/wait.h>
#include <unistd.h>
#ifdef __SANITIZE_ADDRESS__
#include <sanitizer/common_interface_defs.h>
#endif

#include <CLI/CLI.hpp>
#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "core/base/log.h"
#include "core/base/mutant.h"
#include "tests/sim/world.h"

namespace millrace::sim {
namespace {

constexpr int kPerturb = 0x5a;  // what is freed is overwritten, so that who still reads it shows

struct Arguments {
  std::uint64_t first = 1;
  std::uint64_t seeds = 1'000;
  double hours = 0;
  std::optional<std::uint64_t> one;
  unsigned jobs = 2;
  bool quiet = false;
  std::string mutant;
};

// Names as in core/base/mutant.h.
constexpr std::array<const char*, kMutants> kMutantNames{"none",
                                                         "no_rearm_after_no_buffers",
                                                         "buffer_released_in_flight",
                                                         "buffer_read_after_return",
                                                         "duplicate_after_reconnect",
                                                         "lost_wake",
                                                         "subscriber_left",
                                                         "short_send_ignored",
                                                         "early_publication",
                                                         "quota_leak",
                                                         "close_before_join",
                                                         "cancel_taken_for_end",
                                                         "accept_not_rearmed",
                                                         "decoder_kept",
                                                         "forgotten_acknowledgement",
                                                         "queue_without_limit",
                                                         "poll_not_rearmed",
                                                         "poll_during_receive_lost",
                                                         "lost_publication"};

struct Totals {
  std::uint64_t seeds = 0;
  std::uint64_t steps = 0;
  std::uint64_t fewest_steps = UINT64_MAX;
  std::uint64_t connections = 0;
  std::uint64_t publications = 0;
  std::uint64_t deliveries = 0;
  std::uint64_t duplicates = 0;
  std::uint64_t holes = 0;
  Faults::Counts faults{};
  Deeds::Counts deeds{};

  void add(const Report& report) {
    add(Totals{1, report.steps, report.steps, report.connections, report.publications,
               report.deliveries, report.duplicates, report.holes, report.faults, report.deeds});
  }
  void add(const Totals& other) {
    seeds += other.seeds;
    steps += other.steps;
    fewest_steps = std::min(fewest_steps, other.fewest_steps);
    connections += other.connections;
    publications += other.publications;
    deliveries += other.deliveries;
    duplicates += other.duplicates;
    holes += other.holes;
    for (std::size_t i = 0; i < kFaults; ++i) faults.at(i) += other.faults.at(i);
    for (std::size_t i = 0; i < kDeeds; ++i) deeds.at(i) += other.deeds.at(i);
  }
};

std::uint64_t running_seed = 0;
// SIGINT or SIGTERM: ends with what has been run so far.
volatile std::sig_atomic_t asked_to_stop = 0;

// A CHECK, a sanitizer or a crash ends the process; the seed is what one needs to know then.
void tell_seed() {
  char text[160];
  const int size = std::snprintf(
      text, sizeof(text), "finding in seed %llu; replay it: ./dev sim --seed %llu\n",
      static_cast<unsigned long long>(running_seed), static_cast<unsigned long long>(running_seed));
  if (size > 0) {
    const auto written = ::write(STDERR_FILENO, text, static_cast<std::size_t>(size));
    static_cast<void>(written);
  }
}

void on_fatal_signal(int) {
  tell_seed();
  std::_Exit(1);
}

Report run_seed(std::uint64_t seed, std::FILE* trace) {
  running_seed = seed;
  // Messages are nats.c's own type. Opening it makes threads, which do not survive a fork.
  static const natsStatus kOpened = nats_Open(-1);
  CHECK_EQ(kOpened, NATS_OK);
  World world(draw_options(seed), trace);
  return world.run();
}

int replay(std::uint64_t seed) {
  std::setvbuf(stdout, nullptr, _IOLBF, 0);  // all of it is there when the process ends badly
  const Report report = run_seed(seed, stdout);
  std::printf("seed %llu: %llu events, digest %016llx, no finding\n",
              static_cast<unsigned long long>(seed), static_cast<unsigned long long>(report.steps),
              static_cast<unsigned long long>(report.digest));
  return 0;
}

double seconds_since(std::chrono::steady_clock::time_point start) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

// The share of one process: every `jobs`th seed. Its totals go to `out`.
void run_share(const Arguments& arguments, unsigned share, int out) {
  const auto start = std::chrono::steady_clock::now();
  Totals totals;
  for (std::uint64_t i = share; arguments.hours > 0 || i < arguments.seeds; i += arguments.jobs) {
    if (arguments.hours > 0 && seconds_since(start) > arguments.hours * 3'600) break;
    if (asked_to_stop != 0) break;
    totals.add(run_seed(arguments.first + i, nullptr));
    if (!arguments.quiet && share == 0 && totals.seeds % 1'000 == 0) {
      std::fprintf(stderr, "sim: seed %llu, %.0f s\n",
                   static_cast<unsigned long long>(running_seed), seconds_since(start));
    }
  }
  const auto written = ::write(out, &totals, sizeof(totals));
  std::_Exit(written == static_cast<ssize_t>(sizeof(totals)) ? 0 : 1);
}

// A fault that never strikes tests nothing; small runs can't be asked for it.
bool enough(const Totals& totals) {
  constexpr std::uint64_t kEnoughSeeds = 500;
  constexpr std::uint64_t kEnoughTimes = 100;
  if (totals.seeds < kEnoughSeeds) return true;
  const auto check = [](const char* name, std::uint64_t times) {
    if (times >= kEnoughTimes) return true;
    std::printf("sim: %s happened %llu times, which is too rare\n", name,
                static_cast<unsigned long long>(times));
    return false;
  };
  bool all = true;
  for (std::size_t i = 0; i < kFaults; ++i) {
    all = check(fault_name(static_cast<Fault>(i)), totals.faults.at(i)) && all;
  }
  for (std::size_t i = 0; i < kDeeds; ++i) {
    all = check(deed_name(static_cast<Deed>(i)), totals.deeds.at(i)) && all;
  }
  return all;
}

int report(const Totals& totals, double took) {
  std::printf("%-18s %12s\n", "fault", "times");
  for (std::size_t i = 0; i < kFaults; ++i) {
    std::printf("%-18s %12llu\n", fault_name(static_cast<Fault>(i)),
                static_cast<unsigned long long>(totals.faults.at(i)));
  }
  std::printf("%-18s %12s\n", "deed", "times");
  for (std::size_t i = 0; i < kDeeds; ++i) {
    std::printf("%-18s %12llu\n", deed_name(static_cast<Deed>(i)),
                static_cast<unsigned long long>(totals.deeds.at(i)));
  }
  const auto number = [](std::uint64_t n) { return static_cast<unsigned long long>(n); };
  std::printf(
      "sim: %llu seeds, %llu events (at least %llu a seed), %llu connections, %llu publications, "
      "%llu deliveries, %llu duplicates and %llu holes explained, %.0f s: no finding\n",
      number(totals.seeds), number(totals.steps), number(totals.fewest_steps),
      number(totals.connections), number(totals.publications), number(totals.deliveries),
      number(totals.duplicates), number(totals.holes), took);
  return enough(totals) ? 0 : 1;
}

int run_all(const Arguments& arguments) {
  const auto start = std::chrono::steady_clock::now();
  struct Child {
    pid_t pid;
    int in;
  };
  std::vector<Child> children;
  for (unsigned share = 0; share < arguments.jobs; ++share) {
    int ends[2];
    if (::pipe(ends) != 0) return 71;
    const pid_t pid = ::fork();
    if (pid == 0) run_share(arguments, share, ends[1]);
    ::close(ends[1]);
    children.push_back({pid, ends[0]});
  }
  Totals totals;
  int code = 0;
  for (const Child& child : children) {
    Totals part;
    ssize_t got = 0;
    while ((got = ::read(child.in, &part, sizeof(part))) < 0 && errno == EINTR) {
      for (const Child& other : children) ::kill(other.pid, SIGTERM);
    }
    int status = 0;
    while (::waitpid(child.pid, &status, 0) < 0 && errno == EINTR) continue;
    if (got != static_cast<ssize_t>(sizeof(part)) || status != 0) {
      code = 1;
    } else {
      totals.add(part);
    }
  }
  if (code != 0) {
    std::printf("sim: FAILED after %.0f s; the seed is above\n", seconds_since(start));
    return code;
  }
  return report(totals, seconds_since(start));
}

// False if there is none of that name.
bool choose_mutant(const std::string& name) {
#ifdef MILLRACE_MUTANTS
  const auto found = std::find(kMutantNames.begin(), kMutantNames.end(), name);
  if (found == kMutantNames.end()) {
    std::fprintf(stderr, "no mutant `%s`; --mutants lists them\n", name.c_str());
    return false;
  }
  active_mutant = static_cast<Mutant>(found - kMutantNames.begin());
#endif
  return name.empty() || kMutantNames.size() == kMutants;
}

}  // namespace

int main(int argc, char** argv) {
  // What the server would log of its peers is not what a run says.
  if (!set_log_level("error")) return 1;
  Arguments arguments;
  arguments.jobs = std::max(1U, std::thread::hardware_concurrency());
  CLI::App app("Simulates shards, clients, a broker and their faults, from seeds");
  app.name("./dev sim");
  app.add_option("--seeds", arguments.seeds, "how many seeds (1000)")
      ->check(CLI::Range(std::uint64_t{1}, std::uint64_t{1'000'000'000}));
  app.add_option("--first", arguments.first, "the first seed (1)");
  app.add_option("--seed", arguments.one, "replay this seed and print what happens");
  app.add_option("--hours", arguments.hours, "go on for so long; new seeds all the while")
      ->check(CLI::Range(0.001, 10'000.0));
  app.add_option("--jobs", arguments.jobs, "processes (one a core)")->check(CLI::Range(1, 256));
  app.add_flag("--quiet", arguments.quiet, "no progress");
#ifdef MILLRACE_MUTANTS
  app.add_option("--mutant", arguments.mutant, "the fault that is built in")->required();
  app.add_flag_callback(
      "--mutants",
      [] {
        for (const char* name : kMutantNames) std::printf("%s\n", name);
        throw CLI::Success();
      },
      "list them");
#endif
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : 64;
  }
  if (!choose_mutant(arguments.mutant)) return 64;
  mallopt(M_PERTURB, kPerturb);
  for (const int signal : {SIGABRT, SIGSEGV, SIGBUS, SIGILL, SIGFPE}) {
    std::signal(signal, on_fatal_signal);
  }
#ifdef __SANITIZE_ADDRESS__
  __sanitizer_set_death_callback(tell_seed);
#endif
  if (arguments.one) return replay(*arguments.one);
  struct sigaction stop {};
  stop.sa_handler = [](int) { asked_to_stop = 1; };
  ::sigaction(SIGINT, &stop, nullptr);
  ::sigaction(SIGTERM, &stop, nullptr);
  return run_all(arguments);
}

}  // namespace millrace::sim

int main(int argc, char** argv) { return millrace::sim::main(argc, argv); }
