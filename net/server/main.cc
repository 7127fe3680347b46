// The process: arguments, signals, and the way from a start to an end. Everything else is the
// Server.
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>

#include "core/base/log.h"
#include "core/mem/memory_reserve.h"
#include "core/shard/shard_group.h"
#include "net/server/command_line.h"
#include "net/server/listen_address.h"
#include "net/server/server.h"

namespace millrace {
namespace {

const char* level_name(LogLevel level) {
  switch (level) {
    case LogLevel::kDebug:
      return "debug";
    case LogLevel::kInfo:
      return "info";
    case LogLevel::kWarn:
      return "warn";
    case LogLevel::kError:
      return "error";
  }
  return "info";
}

// Blocked before any thread starts, so that all inherit it and main() alone takes them.
sigset_t block_signals() {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGTERM);
  sigaddset(&set, SIGINT);
  pthread_sigmask(SIG_BLOCK, &set, nullptr);
  signal(SIGPIPE, SIG_IGN);
  return set;
}

int complain(const std::string& text, int exit_code) {
  std::fprintf(stderr, "millrace: %s\n", text.c_str());
  return exit_code;
}

// Enough for the largest publication or message on its way from the socket to all subscribers.
// Measured with strings, escapes and arrays, first of their size on the shard: up to 24 times its
// size with one shard, 28 with two (the body as it grows, simdjson's copy, index and strings twice,
// frames). tests/faults/memory_limits.mjs fails if it is not enough.
std::size_t reserve_bytes(const Config& config) {
  constexpr std::size_t kCopies = 24;
  constexpr std::size_t kShardCopies = 4;
  const std::size_t asked = config.server.shards;
  const std::size_t shards = asked != 0 ? asked : allowed_cores().size();
  const std::size_t largest = std::max(config.limits.message_size, config.limits.publication_size);
  return std::max(MemoryReserve::kLeastBytes, (kCopies + kShardCopies * shards) * largest);
}

// Scripts wait for this line, so no signal may swallow it. Who has closed stdout does not wait.
void print_ready(const std::string& line) {
  std::size_t written = 0;
  while (written < line.size()) {
    const ssize_t part = ::write(STDOUT_FILENO, line.data() + written, line.size() - written);
    if (part < 0 && errno != EINTR) return;
    if (part > 0) written += static_cast<std::size_t>(part);
  }
}

constexpr const char* name_of(int signal) { return signal == SIGTERM ? "SIGTERM" : "SIGINT"; }

// SIGTERM or SIGINT.
int wait_for_signal(const sigset_t& signals) {
  int received = 0;
  while (sigwait(&signals, &received) != 0) continue;
  return received;
}

// The way of one who does not block signals at all: there is no patience left.
void end_by(int received, const sigset_t& signals) {
  signal(received, SIG_DFL);
  pthread_sigmask(SIG_UNBLOCK, &signals, nullptr);
  raise(received);
}

// Waits for the end, which a second signal hurries and a third one does not wait for.
void see_it_end(Server& server, const sigset_t& signals) {
  constexpr timespec kBetweenLooks{.tv_sec = 0, .tv_nsec = 20'000'000};
  bool hurried = false;
  while (!server.ended()) {
    const int received = sigtimedwait(&signals, nullptr, &kBetweenLooks);
    if (received <= 0) continue;
    if (hurried) {
      log_warn(std::string(name_of(received)) + " once more: ending at once");
      end_by(received, signals);
    }
    log_info(std::string(name_of(received)) + " again: in a hurry");
    server.hurry();
    hurried = true;
  }
  server.join();
}

int serve(const Config& config) {
  const sigset_t signals = block_signals();
  if (!set_log_level(level_name(config.server.log_level))) return kExitConfiguration;
  const auto reserved = MemoryReserve::install(reserve_bytes(config));
  if (!reserved.ok()) return complain(reserved.error().text, kExitSystem);
  auto server = Server::start(config);
  if (!server.ok()) return complain(server.error().text, server.error().exit_code);
  if (config.insecure) {
    log_warn("--insecure: clients need no token and may do everything");
    if (const ListenAddress* open = first_public_address(config)) {
      log_warn("--insecure on " + to_string(*open) + ", which other machines can reach");
    }
  }
  print_ready((*server)->ready_line() + "\n");
  const int received = wait_for_signal(signals);
  // First of all: whoever looks at /readyz is to see it before anything else happens.
  (*server)->drain();
  log_info(std::string(name_of(received)) + ": draining");
  see_it_end(**server, signals);
  log_info((*server)->drained_line());
  return 0;
}

int run(int argc, char** argv) {
  const auto line = parse_command_line(argc, argv, process_environment());
  if (!line.ok()) {
    std::fprintf(stderr, "%s\n", line.error().text.c_str());
    return line.error().exit_code;
  }
  switch (line->verb) {
    case CommandLine::Verb::kServe:
      return serve(line->config);
    case CommandLine::Verb::kCheck: {
      const CheckResult result = run_check(line->config, line->check);
      std::printf("%s", result.text.c_str());
      return result.exit_code;
    }
    case CommandLine::Verb::kVersion:
    case CommandLine::Verb::kHelp:
    case CommandLine::Verb::kCheckConfig:
      std::printf("%s", line->output.c_str());
      return 0;
  }
  return kExitUsage;
}

}  // namespace
}  // namespace millrace

int main(int argc, char** argv) { return millrace::run(argc, argv); }
