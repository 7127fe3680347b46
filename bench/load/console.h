// What a run shows while it goes: a progress line, and JSON lines for scripts.
//
// On a terminal the line is drawn anew each second; elsewhere a line comes every five.
#pragma once

#include <cstdio>

#include "bench/load/conductor.h"

namespace millrace::load {

class Console final : public RunObserver {
 public:
  // Both stay the caller's; `events` may be nullptr. Progress goes to the standard error.
  Console(const Options& options, std::FILE* events);

  void on_begin(const Phase& phase, Duration since_start) override;
  void on_end(const PhaseResult& phase, Duration since_start) override;
  void on_progress(const Progress& progress) override;
  // Ends a progress line that is drawn.
  void finish();

 private:
  void emit(const std::string& line);

  const Options& options_;
  std::FILE* const events_;
  const bool terminal_;
  bool drawn_ = false;
  bool started_ = false;
  Instant start_{};
  Progress shown_;
};

}  // namespace millrace::load
