// Makes rows of a limit report; the parts that all rules share.
#pragma once

#include <string>
#include <string_view>

#include "net/machine/limit_rules.h"

namespace millrace {

// "1,000,000", "unlimited", "not readable" or "not there".
std::string fact_text(const Fact& fact);
// "4.2 GiB".
std::string bytes_text(std::uint64_t bytes);
std::string bytes_text(const Fact& fact);
// "sysctl -w name=value".
std::string sysctl_command(std::string_view name, std::uint64_t value);

// Whether connections are tracked: something is, or a module that only rules need is in use.
bool conntrack_is_active(const MachineFacts& facts);

struct RowText {
  std::string_view name;
  std::string_view unit;
  std::string_view formula;
  std::string_view consequence;
};

// A row that is as it should be so far.
LimitRow row_of(const RowText& text);

// A setting of which `needed` is enough: below it the verdict is `below`, and `fix` mends it.
LimitRow at_least(const RowText& text, const Fact& found, std::uint64_t needed, Verdict below,
                  std::string fix);

// The rows of limits that bound the cap or forbid the start, for `target` connections.
std::vector<LimitRow> bounding_rows(const MachineFacts& facts, const LimitPlan& plan,
                                    std::uint64_t target);
// The rows of those that only make things worse.
std::vector<LimitRow> degrading_rows(const MachineFacts& facts, const LimitPlan& plan,
                                     std::uint64_t target);

}  // namespace millrace
