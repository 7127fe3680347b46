#include "net/server/duration_size.h"

#include <array>
#include <charconv>
#include <limits>
#include <span>

#include "core/base/assert.h"

namespace millrace {
namespace {

struct Unit {
  std::string_view name;
  std::int64_t factor;
};

// From small to large; texts are made with the largest that divides the value.
constexpr std::array<Unit, 4> kDurations{{{"ms", milliseconds(1).ns},
                                          {"s", seconds(1).ns},
                                          {"m", seconds(60).ns},
                                          {"h", seconds(3600).ns}}};
constexpr std::array<Unit, 4> kSizes{
    {{"B", 1}, {"KiB", 1024}, {"MiB", 1024 * 1024}, {"GiB", 1024 * 1024 * 1024}}};

std::optional<std::int64_t> parse(std::string_view text, std::span<const Unit> units) {
  // from_chars would take a sign.
  if (text.empty() || text.front() < '0' || text.front() > '9') return std::nullopt;
  std::int64_t number = 0;
  const char* const end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, number);
  if (error != std::errc()) return std::nullopt;
  const std::string_view name(stop, static_cast<std::size_t>(end - stop));
  for (const Unit& unit : units) {
    if (unit.name != name) continue;
    if (number > std::numeric_limits<std::int64_t>::max() / unit.factor) return std::nullopt;
    return number * unit.factor;
  }
  return std::nullopt;
}

std::string text_of(std::int64_t value, std::span<const Unit> units) {
  CHECK_GE(value, 0);
  CHECK_EQ(value % units.front().factor, 0);
  const Unit* best = &units.front();
  for (const Unit& unit : units) {
    if (value != 0 && value % unit.factor == 0) best = &unit;
  }
  return std::to_string(value / best->factor) + std::string(best->name);
}

}  // namespace

std::optional<Duration> parse_duration(std::string_view text) {
  const std::optional<std::int64_t> ns = parse(text, kDurations);
  if (!ns) return std::nullopt;
  return Duration{*ns};
}

std::optional<std::int64_t> parse_size(std::string_view text) { return parse(text, kSizes); }

std::string duration_text(Duration value) { return text_of(value.ns, kDurations); }

std::string size_text(std::int64_t bytes) { return text_of(bytes, kSizes); }

}  // namespace millrace
