// millrace-load: arguments, signals, and where results go. Everything else is the Conductor.
#include <signal.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <string>
#include <vector>

#include "bench/load/command_line.h"
#include "bench/load/conductor.h"
#include "bench/load/console.h"
#include "bench/load/json_report.h"
#include "bench/load/summary.h"

namespace millrace::load {
namespace {

constexpr int kExitFailed = 1;
constexpr int kExitUsage = 64;
constexpr int kExitSystem = 71;

int complain(const std::string& text, int exit_code) {
  std::fprintf(stderr, "millrace-load: %s\n", text.c_str());
  return exit_code;
}

// Blocked before any thread starts, so that all inherit it; the conductor takes them.
sigset_t block_signals() {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGTERM);
  sigaddset(&set, SIGINT);
  pthread_sigmask(SIG_BLOCK, &set, nullptr);
  signal(SIGPIPE, SIG_IGN);
  return set;
}

// Where --json and --events write: a file, or the standard output for "-".
class Out {
 public:
  explicit Out(const std::string& path)
      : file_(path.empty()  ? nullptr
              : path == "-" ? stdout
                            : std::fopen(path.c_str(), "w")),
        owned_(file_ != nullptr && file_ != stdout) {}
  ~Out() {
    if (owned_) std::fclose(file_);
  }
  Out(const Out&) = delete;
  Out& operator=(const Out&) = delete;
  [[nodiscard]] std::FILE* file() const { return file_; }

 private:
  std::FILE* const file_;
  const bool owned_;
};

int run(const Options& options) {
  const sigset_t signals = block_signals();
  const Out events(options.events);
  const Out json(options.json);
  for (const auto& [path, out] : {std::pair(options.events, &events), {options.json, &json}}) {
    if (!path.empty() && out->file() == nullptr) {
      return complain("can't write " + path + ": " + std::strerror(errno), kExitUsage);
    }
  }
  Console console(options, events.file());
  const auto result = Conductor(options, console, signals).run();
  console.finish();
  if (!result) return complain(result.error().text, kExitSystem);
  if (json.file() != nullptr) {
    std::fprintf(json.file(), "%s\n", json_report(options, *result).c_str());
  }
  // A script that reads the standard output gets JSON there, and nothing else.
  const bool to_scripts = json.file() == stdout || events.file() == stdout;
  std::fputs(summary(options, *result).c_str(), to_scripts ? stderr : stdout);
  return result->failures.empty() ? 0 : kExitFailed;
}

int main_of(int argc, char** argv) {
  const char* const key = std::getenv("MILLRACE_API_KEY");
  const std::vector<std::string> words(argv + 1, argv + argc);
  const auto line = parse_command_line(words, key == nullptr ? "" : key);
  if (!line) return complain(line.error().text, kExitUsage);
  if (!line->output.empty()) {
    std::fputs(line->output.c_str(), stdout);
    return 0;
  }
  return run(line->options);
}

}  // namespace
}  // namespace millrace::load

int main(int argc, char** argv) { return millrace::load::main_of(argc, argv); }
