#include "net/machine/limit_row.h"

#include <array>
#include <cstdio>

namespace millrace {

std::string grouped(std::uint64_t number) {
  std::string text = std::to_string(number);
  for (std::size_t at = text.size(); at > 3;) {
    at -= 3;
    text.insert(at, ",");
  }
  return text;
}

std::string fact_text(const Fact& fact) {
  switch (fact.reading) {
    case Reading::kRead:
      return fact.value() == kUnlimited ? "unlimited" : grouped(fact.value());
    case Reading::kMissing:
      return "not there";
    case Reading::kUnreadable:
      return "not readable";
  }
  return "";
}

std::string bytes_text(std::uint64_t bytes) {
  constexpr std::array kUnits = {"KiB", "MiB", "GiB", "TiB"};
  if (bytes == kUnlimited) return "unlimited";
  if (bytes < 1'024) return std::to_string(bytes) + " B";
  double value = static_cast<double>(bytes) / 1'024.0;
  std::size_t unit = 0;
  while (value >= 1'023.95 && unit + 1 < kUnits.size()) {
    value /= 1'024.0;
    ++unit;
  }
  std::array<char, 64> text{};
  std::snprintf(text.data(), text.size(), "%.1f %s", value, kUnits[unit]);
  return text.data();
}

std::string bytes_text(const Fact& fact) {
  return fact.known() ? bytes_text(fact.value()) : fact_text(fact);
}

std::string sysctl_command(std::string_view name, std::uint64_t value) {
  return "sysctl -w " + std::string(name) + "=" + std::to_string(value);
}

bool conntrack_is_active(const MachineFacts& facts) {
  if (!facts.conntrack_max.known()) return false;
  return (facts.conntrack_count.known() && facts.conntrack_count.value() > 0) ||
         !facts.conntrack_users.empty();
}

LimitRow row_of(const RowText& text) {
  LimitRow row;
  row.name = text.name;
  row.unit = text.unit;
  row.formula = text.formula;
  row.consequence = text.consequence;
  row.found = "-";
  row.needed = "-";
  return row;
}

LimitRow at_least(const RowText& text, const Fact& found, std::uint64_t needed, Verdict below,
                  std::string fix) {
  LimitRow row = row_of(text);
  row.found = fact_text(found);
  row.needed = grouped(needed);
  row.needed_value = needed;
  if (!found.known()) {
    row.verdict = Verdict::kUnknown;
    return row;
  }
  row.found_value = found.value();
  if (found.value() >= needed) return row;
  row.verdict = below;
  row.fix = std::move(fix);
  return row;
}

}  // namespace millrace
