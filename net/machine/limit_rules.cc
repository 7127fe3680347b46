#include "net/machine/limit_rules.h"

#include <algorithm>
#include <utility>

#include "core/base/assert.h"
#include "net/machine/limit_needs.h"
#include "net/machine/limit_row.h"

namespace millrace {
namespace {

LimitRow configured_row(const LimitPlan& plan) {
  LimitRow row = row_of({.name = kConfiguredCap,
                         .unit = "connections",
                         .formula = "[server] max_connections, --max-connections",
                         .consequence = "The configuration asks for no more."});
  row.found = plan.asked == 0 ? "auto" : grouped(plan.asked);
  if (plan.asked != 0) {
    row.found_value = plan.asked;
    row.holds = plan.asked;
  }
  return row;
}

// The row that holds the fewest; nullptr if none bounds.
const LimitRow* tightest(const std::vector<LimitRow>& rows) {
  const LimitRow* least = nullptr;
  for (const LimitRow& row : rows) {
    if (row.holds && (least == nullptr || *row.holds < *least->holds)) least = &row;
  }
  return least;
}

const LimitRow* forbidding(const std::vector<LimitRow>& rows) {
  const auto row =
      std::find_if(rows.begin(), rows.end(), [](const LimitRow& one) { return one.forbids; });
  return row == rows.end() ? nullptr : &*row;
}

// Where nothing was asked for, nothing is too low; but who wants more is told how.
void say_how_to_grow(const MachineFacts& facts, const LimitPlan& plan, LimitReport& report) {
  for (LimitRow& row : report.rows) {
    if (row.name != report.decided_by || !row.fix.empty()) continue;
    for (const LimitRow& more : bounding_rows(facts, plan, times(report.cap, 2))) {
      if (more.name != row.name || more.fix.empty()) continue;
      row.fix = "for twice as many: " + more.fix;
    }
  }
}

}  // namespace

std::string_view verdict_name(Verdict verdict) {
  switch (verdict) {
    case Verdict::kOk:
      return "ok";
    case Verdict::kWarning:
      return "warning";
    case Verdict::kTooLow:
      return "too low";
    case Verdict::kUnknown:
      return "unknown";
  }
  return "";
}

bool LimitReport::fits() const { return cap > 0 && (asked == 0 || cap == asked); }

const LimitRow& LimitReport::deciding() const {
  const auto row = std::find_if(rows.begin(), rows.end(),
                                [this](const LimitRow& one) { return one.name == decided_by; });
  CHECK(row != rows.end());
  return *row;
}

std::size_t LimitReport::count(Verdict verdict) const {
  return static_cast<std::size_t>(std::count_if(
      rows.begin(), rows.end(), [verdict](const LimitRow& row) { return row.verdict == verdict; }));
}

LimitReport judge_limits(const MachineFacts& facts, const LimitPlan& plan) {
  LimitReport report;
  report.asked = plan.asked;
  // What bounds does not depend on how many are asked for; what is needed does.
  const std::vector<LimitRow> bounds = bounding_rows(facts, plan, 1);
  const LimitRow* least = tightest(bounds);
  const LimitRow* forbidden = forbidding(bounds);
  const std::uint64_t room = least == nullptr ? 0 : *least->holds;
  if (forbidden != nullptr) {
    report.decided_by = forbidden->name;
  } else if (plan.asked != 0 && (least == nullptr || plan.asked <= room)) {
    report.cap = plan.asked;
    report.decided_by = kConfiguredCap;
  } else {
    report.cap = room;
    report.decided_by = least == nullptr ? std::string(kConfiguredCap) : least->name;
  }
  const std::uint64_t target = std::max<std::uint64_t>(plan.asked != 0 ? plan.asked : room, 1);
  report.rows.push_back(configured_row(plan));
  for (auto rows : {bounding_rows, degrading_rows}) {
    for (LimitRow& row : rows(facts, plan, target)) report.rows.push_back(std::move(row));
  }
  if (plan.asked == 0 && report.cap != 0) say_how_to_grow(facts, plan, report);
  return report;
}

}  // namespace millrace
