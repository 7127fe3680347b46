// The process: arguments, signals, and the way from a start to an end. Everything else is the
// Server.
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>

#include "core/base/log.h"
#include "core/base/random.h"
#include "core/base/uuid.h"
#include "core/mem/memory_reserve.h"
#include "core/shard/shard_group.h"
#include "core/time/clock.h"
#include "net/server/command_line.h"
#include "net/server/listen_address.h"
#include "net/server/reload.h"
#include "net/server/server.h"
#include "net/server/token_command.h"

namespace millrace {
namespace {

// Blocked before any thread starts, so that all inherit it and main() alone takes them.
sigset_t block_signals() {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGTERM);
  sigaddset(&set, SIGINT);
  sigaddset(&set, SIGHUP);
  pthread_sigmask(SIG_BLOCK, &set, nullptr);
  signal(SIGPIPE, SIG_IGN);
  return set;
}

int complain(const std::string& text, int exit_code) {
  std::fprintf(stderr, "millrace: %s\n", text.c_str());
  return exit_code;
}

// Enough for the largest publication or message on its way from the socket to all subscribers.
// Measured with strings, escapes and arrays, first of their size on the shard: up to 28 times its
// size with one shard, 32 with two (the body as it grows, simdjson's copy, index and strings twice,
// what history keeps of it, frames). tests/faults/memory_limits.mjs fails if it is not enough.
std::size_t reserve_bytes(const Config& config) {
  constexpr std::size_t kCopies = 28;
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

// SIGTERM or SIGINT. Until then a SIGHUP brings a new configuration.
int wait_for_end(const sigset_t& signals, Server& server, Reloader& reloader) {
  while (true) {
    int received = 0;
    if (sigwait(&signals, &received) != 0) continue;
    if (received != SIGHUP) return received;
    if (const auto next = reloader.reload()) server.adopt(next);
  }
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
    if (received == SIGHUP) {
      log_warn("SIGHUP: too late, the server is about to end");
      continue;
    }
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

// Nothing is wrong with that, but it is seldom meant.
void warn_of_closed_doors(const Config& config) {
  const TokenConfig& token = config.token;
  const bool verifies =
      !token.hmac_secret.empty() || !token.public_keys.empty() || !token.jwks.empty();
  if (config.insecure || config.server.allow_anonymous || verifies) return;
  log_warn(
      "no client can connect: there is no key for tokens; set hmac_secret, public_keys or jwks "
      "below [token], or [server] allow_anonymous = true, or try --insecure");
}

int serve(const CommandLine& line) {
  const Config& config = line.config;
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
  warn_of_closed_doors(config);
  print_ready((*server)->ready_line() + "\n");
  Reloader reloader(config, line.sources);
  const int received = wait_for_end(signals, **server, reloader);
  // First of all: whoever looks at /readyz is to see it before anything else happens.
  (*server)->drain();
  log_info(std::string(name_of(received)) + ": draining");
  see_it_end(**server, signals);
  log_info((*server)->drained_line());
  return 0;
}

int make_token_for(int argc, char** argv) {
  Random random(random_seed());
  const TokenCommandResult result = run_token_command(
      {argv + 2, argv + argc}, process_environment(),
      {SystemCalendar().seconds(), std::string(Uuid::random(random).text().view())});
  std::fputs(result.out.c_str(), stdout);
  std::fputs(result.error.c_str(), stderr);
  return result.exit_code;
}

int run(int argc, char** argv) {
  if (argc > 1 && std::string_view(argv[1]) == "token") return make_token_for(argc, argv);
  const auto line = parse_command_line(argc, argv, process_environment());
  if (!line.ok()) {
    std::fprintf(stderr, "%s\n", line.error().text.c_str());
    return line.error().exit_code;
  }
  switch (line->verb) {
    case CommandLine::Verb::kServe:
      return serve(*line);
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
