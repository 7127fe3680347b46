#include "bench/load/console.h"

#include <unistd.h>

#include "bench/load/json_report.h"
#include "bench/load/summary.h"

namespace millrace::load {
namespace {

constexpr Duration kOnTerminal = seconds(1);
constexpr Duration kElsewhere = seconds(5);

}  // namespace

Console::Console(const Options& options, std::FILE* events)
    : options_(options), events_(events), terminal_(isatty(STDERR_FILENO) != 0) {}

void Console::emit(const std::string& line) {
  if (events_ == nullptr) return;
  std::fprintf(events_, "%s\n", line.c_str());
  std::fflush(events_);
}

void Console::on_begin(const Phase& phase, Duration since_start) {
  emit(json_begin(phase, since_start));
}

void Console::on_end(const PhaseResult& phase, Duration since_start) {
  emit(json_end(phase, since_start));
}

void Console::on_progress(const Progress& progress) {
  if (options_.quiet) return;
  if (!started_) {
    started_ = true;
    start_ = progress.now;
    shown_ = progress;
    return;
  }
  if (progress.now - shown_.now < (terminal_ ? kOnTerminal : kElsewhere)) return;
  const std::string line = progress_line(options_, progress.now - start_, shown_, progress);
  shown_ = progress;
  // To the left edge, and what was there is cleared behind the new text.
  std::fprintf(stderr, terminal_ ? "\r%s\033[K" : "%s\n", line.c_str());
  drawn_ = terminal_;
}

void Console::finish() {
  if (drawn_) std::fprintf(stderr, "\r\033[K");
  drawn_ = false;
}

}  // namespace millrace::load
