// A run as a person reads it: one line a thing that happens, with simulated time and who it
// happens to. Costs nothing while it is off.
#pragma once

#include <fmt/format.h>

#include <cstdio>
#include <string_view>
#include <utility>

#include "core/time/clock.h"

namespace millrace::sim {

class Trace {
 public:
  explicit Trace(Clock& clock, std::FILE* out = nullptr) : clock_(clock), out_(out) {}

  [[nodiscard]] bool on() const { return out_ != nullptr; }

  template <typename... Arguments>
  void say(std::string_view who, fmt::format_string<Arguments...> form, Arguments&&... arguments) {
    if (!on()) return;
    const std::string what = fmt::format(form, std::forward<Arguments>(arguments)...);
    const std::int64_t us = clock_.now().ns / 1'000;
    fmt::print(out_, "{:>6}.{:06} {:<12} {}\n", us / 1'000'000, us % 1'000'000, who, what);
  }

 private:
  Clock& clock_;
  std::FILE* out_;
};

// A short, printable piece of bytes, for a trace.
inline std::string excerpt(std::string_view bytes, std::size_t most = 60) {
  std::string out;
  for (const char c : bytes.substr(0, most)) out += c >= ' ' && c < 0x7f ? c : '.';
  if (bytes.size() > most) out += "...";
  return out;
}

}  // namespace millrace::sim
