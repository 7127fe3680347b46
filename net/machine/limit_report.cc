#include "net/machine/limit_report.h"

#include <algorithm>
#include <array>

#include "core/base/assert.h"
#include "proto/json_string.h"

namespace millrace {
namespace {

constexpr std::array<std::size_t, 4> kWidths = {10, 29, 24, 24};  // the last column has no width
constexpr std::size_t kIndent = 10;

std::string padded(std::string text, std::size_t width) {
  // A text that is too long for its column still ends before the next.
  text.resize(std::max(width, text.size() + 1), ' ');
  return text;
}

std::string line_of(const std::array<std::string, 5>& cells) {
  std::string line;
  for (std::size_t i = 0; i < kWidths.size(); ++i) line += padded(cells[i], kWidths[i]);
  line += cells.back();
  line.erase(line.find_last_not_of(' ') + 1);
  return line + "\n";
}

// `text` in indented lines of at most kReportColumns, as long as its words allow.
std::string wrapped(std::string_view text) {
  const std::string indent(kIndent, ' ');
  std::string out;
  std::string line;
  while (!text.empty()) {
    const std::size_t blank = text.find(' ');
    const std::string_view word = text.substr(0, blank);
    text = blank == std::string_view::npos ? std::string_view() : text.substr(blank + 1);
    if (!line.empty() && indent.size() + line.size() + 1 + word.size() > kReportColumns) {
      out += indent + line + "\n";
      line.clear();
    }
    if (!line.empty()) line += ' ';
    line += word;
  }
  return out + indent + line + "\n";
}

void append_key(std::string& out, std::string_view key) {
  if (out.back() != '{') out += ",";
  out.append("\"").append(key).append("\":");
}

void append_text(std::string& out, std::string_view key, std::string_view value) {
  append_key(out, key);
  append_json_string(out, value);
}

void append_number(std::string& out, std::string_view key, std::optional<std::uint64_t> value) {
  append_key(out, key);
  out += value ? std::to_string(*value) : "null";
}

void append_bool(std::string& out, std::string_view key, bool value) {
  append_key(out, key);
  out += value ? "true" : "false";
}

void append_row(std::string& out, const LimitRow& row) {
  std::string text = "{";
  append_text(text, "name", row.name);
  append_text(text, "verdict", verdict_name(row.verdict));
  append_number(text, "found", row.found_value);
  append_text(text, "found_text", row.found);
  append_number(text, "needed", row.needed_value);
  append_text(text, "needed_text", row.needed);
  append_text(text, "unit", row.unit);
  append_text(text, "formula", row.formula);
  append_number(text, "holds", row.holds);
  append_bool(text, "forbids", row.forbids);
  append_text(text, "consequence", row.consequence);
  append_text(text, "fix", row.fix);
  out += text + "}";
}

std::string counts_text(const LimitReport& report) {
  std::string text;
  for (const Verdict verdict :
       {Verdict::kOk, Verdict::kTooLow, Verdict::kWarning, Verdict::kUnknown}) {
    if (!text.empty()) text += ", ";
    text += std::to_string(report.count(verdict)) + " " + std::string(verdict_name(verdict));
  }
  return text;
}

}  // namespace

std::string cap_text(const LimitReport& report) {
  const LimitRow& row = report.deciding();
  if (row.forbids) return "cap 0: " + row.name + " forbids the start (" + row.found + ")";
  std::string text = "cap " + grouped(report.cap);
  if (!report.fits()) {
    if (report.asked != 0) text += " instead of " + grouped(report.asked);
    return text + ": " + row.name + " decides (" + row.found + ", needed " + row.needed + ")";
  }
  if (row.name == kConfiguredCap) return text + ": it fits, " + row.name + " decides";
  return text + ": " + row.name + " decides (" + row.found + ")";
}

std::string table_text(const LimitReport& report) {
  std::string out = cap_text(report) + "\n" + counts_text(report) + "; * decides\n\n";
  out += line_of({"VERDICT", "LIMIT", "FOUND", "NEEDED", "HOLDS"});
  for (const LimitRow& row : report.rows) {
    const std::string mark = row.name == report.decided_by ? " *" : "";
    out += line_of({std::string(verdict_name(row.verdict)) + mark, row.name, row.found, row.needed,
                    row.holds ? grouped(*row.holds) : ""});
    if (row.verdict != Verdict::kOk) out += wrapped(row.consequence);
    if (!row.fix.empty()) out += wrapped("fix: " + row.fix);
  }
  return out;
}

std::string json_text(const LimitReport& report) {
  std::string out = "{";
  append_number(out, "cap", report.cap);
  if (report.asked == 0) {
    append_text(out, "asked", "auto");
  } else {
    append_number(out, "asked", report.asked);
  }
  append_bool(out, "fits", report.fits());
  append_text(out, "decided_by", report.decided_by);
  append_key(out, "limits");
  out += "[";
  for (const LimitRow& row : report.rows) {
    if (out.back() != '[') out += ",";
    append_row(out, row);
  }
  return out + "]}\n";
}

std::string refusal_text(const LimitReport& report) {
  CHECK(!report.fits());
  const LimitRow& row = report.deciding();
  std::string text;
  if (row.forbids) {
    text = row.name + " forbids the start: found " + row.found + ", needed " + row.needed;
  } else if (report.asked == 0) {
    text = "no connection fits: " + row.name + " found " + row.found + ", needed " + row.needed;
  } else {
    text = "max_connections " + std::to_string(report.asked) + " does not fit: " + row.name +
           " holds " + std::to_string(report.cap) + " (found " + row.found + ", needed " +
           row.needed + ")";
  }
  if (!row.fix.empty()) text += "; " + row.fix;
  if (!row.forbids && report.cap > 0) text += ", or lower the cap";
  return text + "; `millrace check` shows every limit";
}

std::string warned_names(const LimitReport& report) {
  std::string names;
  for (const LimitRow& row : report.rows) {
    if (row.verdict != Verdict::kWarning && row.verdict != Verdict::kTooLow) continue;
    names += (names.empty() ? "" : ", ") + row.name;
  }
  return names;
}

}  // namespace millrace
