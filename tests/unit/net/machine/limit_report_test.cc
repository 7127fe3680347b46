#include "net/machine/limit_report.h"

#include <gtest/gtest.h>
#include <simdjson.h>

#include <sstream>

namespace millrace {
namespace {

LimitRow row(std::string name, Verdict verdict, std::string found, std::string needed) {
  LimitRow row;
  row.name = std::move(name);
  row.verdict = verdict;
  row.found = std::move(found);
  row.needed = std::move(needed);
  row.unit = "things";
  row.formula = "a formula";
  row.consequence = "It breaks.";
  return row;
}

LimitReport report_of(std::uint64_t asked, std::uint64_t cap, std::string decided_by) {
  LimitReport report;
  report.asked = asked;
  report.cap = cap;
  report.decided_by = std::move(decided_by);
  report.rows.push_back(row("max_connections", Verdict::kOk, asked == 0 ? "auto" : "9,000", "-"));
  report.rows.push_back(row("fs.file-max", Verdict::kTooLow, "5,000 (12 used)", "9,012"));
  report.rows.back().holds = 4'988;
  report.rows.back().found_value = 5'000;
  report.rows.back().needed_value = 9'012;
  report.rows.back().fix = "sysctl -w fs.file-max=9012";
  report.rows.push_back(row("net.core.somaxconn", Verdict::kWarning, "16", "900"));
  report.rows.push_back(row("odd \"name\"", Verdict::kUnknown, "not readable", "-"));
  return report;
}

TEST(LimitReport, SaysTheCapAndWhatDecides) {
  EXPECT_EQ(cap_text(report_of(0, 4'988, "fs.file-max")),
            "cap 4,988: fs.file-max decides (5,000 (12 used))");
  EXPECT_EQ(cap_text(report_of(9'000, 9'000, "max_connections")),
            "cap 9,000: it fits, max_connections decides");
  EXPECT_EQ(cap_text(report_of(9'000, 4'988, "fs.file-max")),
            "cap 4,988 instead of 9,000: fs.file-max decides (5,000 (12 used), needed 9,012)");
  LimitReport forbidden = report_of(9'000, 0, "fs.file-max");
  forbidden.rows[1].forbids = true;
  EXPECT_EQ(cap_text(forbidden), "cap 0: fs.file-max forbids the start (5,000 (12 used))");
}

TEST(LimitReport, TableIsTheOneThatPeopleSee) {
  EXPECT_EQ(
      table_text(report_of(9'000, 4'988, "fs.file-max")),
      "cap 4,988 instead of 9,000: fs.file-max decides (5,000 (12 used), needed 9,012)\n"
      "1 ok, 1 too low, 1 warning, 1 unknown; * decides\n"
      "\n"
      "VERDICT   LIMIT                        FOUND                   NEEDED                  "
      "HOLDS\n"
      "ok        max_connections              9,000                   -\n"
      "too low * fs.file-max                  5,000 (12 used)         9,012                   "
      "4,988\n"
      "          It breaks.\n"
      "          fix: sysctl -w fs.file-max=9012\n"
      "warning   net.core.somaxconn           16                      900\n"
      "          It breaks.\n"
      "unknown   odd \"name\"                   not readable            -\n"
      "          It breaks.\n");
}

TEST(LimitReport, LongTextsAreWrapped) {
  LimitReport report = report_of(0, 4'988, "fs.file-max");
  std::string fix;
  for (int i = 0; i < 60; ++i) fix += "word" + std::to_string(i) + " ";
  report.rows[1].fix = fix + std::string(150, 'x');
  std::istringstream lines(table_text(report));
  std::size_t wrapped = 0;
  for (std::string line; std::getline(lines, line);) {
    if (line.find("xxx") != std::string::npos) continue;
    EXPECT_LE(line.size(), kReportColumns) << line;
    EXPECT_FALSE(line.ends_with(' '));
    if (line.starts_with("          word")) ++wrapped;
  }
  EXPECT_GE(wrapped, 4U);
}

TEST(LimitReport, JsonHasKeysThatStay) {
  const std::string text = json_text(report_of(9'000, 4'988, "fs.file-max"));
  EXPECT_TRUE(text.ends_with("}\n"));
  simdjson::dom::parser parser;
  simdjson::dom::element root;
  ASSERT_EQ(parser.parse(text).get(root), simdjson::SUCCESS) << text;
  EXPECT_EQ(std::uint64_t(root["cap"]), 4'988U);
  EXPECT_EQ(std::uint64_t(root["asked"]), 9'000U);
  EXPECT_EQ(bool(root["fits"]), false);
  EXPECT_EQ(std::string_view(root["decided_by"]), "fs.file-max");
  const simdjson::dom::element file = root["limits"].at(1);
  EXPECT_EQ(std::string_view(file["verdict"]), "too low");
  EXPECT_EQ(std::uint64_t(file["found"]), 5'000U);
  EXPECT_EQ(std::uint64_t(file["needed"]), 9'012U);
  EXPECT_EQ(std::uint64_t(file["holds"]), 4'988U);
  EXPECT_EQ(std::string_view(file["fix"]), "sysctl -w fs.file-max=9012");
  EXPECT_TRUE(root["limits"].at(2)["found"].is_null());
  EXPECT_EQ(std::string_view(root["limits"].at(3)["name"]), "odd \"name\"");

  ASSERT_EQ(parser.parse(json_text(report_of(0, 4'988, "fs.file-max"))).get(root),
            simdjson::SUCCESS);
  EXPECT_EQ(std::string_view(root["asked"]), "auto");
  EXPECT_EQ(bool(root["fits"]), true);
}

TEST(LimitReport, RefusalIsOneLineWithCauseAndFix) {
  EXPECT_EQ(refusal_text(report_of(9'000, 4'988, "fs.file-max")),
            "max_connections 9000 does not fit: fs.file-max holds 4988 (found 5,000 (12 used), "
            "needed 9,012); sysctl -w fs.file-max=9012, or lower the cap; `millrace check` shows "
            "every limit");
  EXPECT_EQ(refusal_text(report_of(0, 0, "fs.file-max")),
            "no connection fits: fs.file-max found 5,000 (12 used), needed 9,012; sysctl -w "
            "fs.file-max=9012; `millrace check` shows every limit");
  LimitReport forbidden = report_of(9'000, 0, "fs.file-max");
  forbidden.rows[1].forbids = true;
  EXPECT_EQ(refusal_text(forbidden),
            "fs.file-max forbids the start: found 5,000 (12 used), needed 9,012; sysctl -w "
            "fs.file-max=9012; `millrace check` shows every limit");
}

TEST(LimitReport, NamesWhatWarns) {
  LimitReport report = report_of(0, 4'988, "fs.file-max");
  EXPECT_EQ(warned_names(report), "fs.file-max, net.core.somaxconn");
  for (LimitRow& row : report.rows) row.verdict = Verdict::kUnknown;
  EXPECT_EQ(warned_names(report), "");
}

}  // namespace
}  // namespace millrace
