#include "bench/load/phases.h"

#include <array>
#include <charconv>

#include "net/server/duration_size.h"

namespace millrace::load {
namespace {

enum class Value : std::uint8_t { kNone, kDuration, kCount };

struct Row {
  PhaseKind kind;
  const char* name;
  Value value;
  const char* by_default;  // its value if none is given; nullptr: it must be
};

constexpr std::array<Row, 9> kRows{{{PhaseKind::kOpen, "open", Value::kNone, nullptr},
                                    {PhaseKind::kHold, "hold", Value::kDuration, nullptr},
                                    {PhaseKind::kLoad, "load", Value::kDuration, nullptr},
                                    {PhaseKind::kBroadcast, "broadcast", Value::kCount, "1"},
                                    {PhaseKind::kExpect, "expect", Value::kCount, nullptr},
                                    {PhaseKind::kCut, "cut", Value::kNone, nullptr},
                                    {PhaseKind::kPause, "pause", Value::kNone, nullptr},
                                    {PhaseKind::kDrain, "drain", Value::kDuration, "60s"},
                                    {PhaseKind::kClose, "close", Value::kNone, nullptr}}};

const Row& row_of(PhaseKind kind) { return kRows[static_cast<std::size_t>(kind)]; }

Error wrong(std::string_view word) {
  return Error{std::string(word) +
               " is no phase; there are open, hold=5m, load=10s, broadcast=1, expect=100, cut, "
               "pause, drain=60s and close"};
}

Result<Phase> parse_phase(std::string_view word) {
  const std::size_t equals = std::min(word.find('='), word.size());
  const std::string_view name = word.substr(0, equals);
  for (const Row& row : kRows) {
    if (name != row.name) continue;
    const bool given = equals != word.size();
    if (given == (row.value == Value::kNone) && (given || row.by_default == nullptr)) {
      return wrong(word);
    }
    if (row.value == Value::kNone) return Phase{row.kind, {}, 0};
    const std::string_view value = given ? word.substr(equals + 1) : row.by_default;
    if (row.value == Value::kDuration) {
      const auto span = parse_duration(value);
      if (!span) return Error{std::string(word) + ": a duration is a number with ms, s, m or h"};
      return Phase{row.kind, *span, 0};
    }
    std::uint64_t count = 0;
    const char* const end = value.data() + value.size();
    const auto [stop, error] = std::from_chars(value.data(), end, count);
    if (error != std::errc() || stop != end || count == 0 || count > UINT32_MAX) {
      return Error{std::string(word) + ": a whole number above 0 is wanted"};
    }
    return Phase{row.kind, {}, count};
  }
  return wrong(word);
}

}  // namespace

const char* phase_name(PhaseKind kind) { return row_of(kind).name; }

std::string phase_text(const Phase& phase) {
  const Row& row = row_of(phase.kind);
  const std::string name = row.name;
  switch (row.value) {
    case Value::kNone:
      return name;
    case Value::kDuration:
      return name + "=" + duration_text(phase.duration);
    case Value::kCount:
      return name + "=" + std::to_string(phase.count);
  }
  return name;
}

Result<std::vector<Phase>> parse_phases(std::string_view text) {
  std::vector<Phase> phases;
  while (true) {
    const std::size_t comma = std::min(text.find(','), text.size());
    const auto phase = parse_phase(text.substr(0, comma));
    if (!phase) return phase.error();
    const bool open = phase->kind == PhaseKind::kOpen;
    if (open != phases.empty()) return Error{"phases begin with `open`, and have it once"};
    if (!phases.empty() && phases.back().kind == PhaseKind::kClose) {
      return Error{"nothing can stand behind `close`"};
    }
    phases.push_back(*phase);
    if (comma == text.size()) return phases;
    text.remove_prefix(comma + 1);
  }
}

}  // namespace millrace::load
