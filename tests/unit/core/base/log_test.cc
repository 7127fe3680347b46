#include "core/base/log.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

namespace millrace {
namespace {

class Log : public testing::Test {
 protected:
  void SetUp() override { ASSERT_TRUE(set_log_level("info")); }
  void TearDown() override { ASSERT_TRUE(set_log_level("info")); }

  template <typename Fn>
  static std::vector<std::string> lines_of(Fn&& fn) {
    testing::internal::CaptureStderr();
    fn();
    std::istringstream in(testing::internal::GetCapturedStderr());
    std::vector<std::string> lines;
    for (std::string line; std::getline(in, line);) lines.push_back(line);
    return lines;
  }
};

std::string with_zero_digits(std::string line) {
  std::replace_if(
      line.begin(), line.end(), [](char c) { return c >= '0' && c <= '9'; }, '0');
  return line;
}

TEST_F(Log, OneLineWithTimeLevelAndText) {
  const auto lines = lines_of([] {
    log_info("ready {} %s");  // never a format
    log_warn("careful");
    log_error("broken");
  });
  ASSERT_EQ(lines.size(), 3U);
  EXPECT_EQ(with_zero_digits(lines[0]), "0000-00-00T00:00:00.000Z info ready {} %s");
  EXPECT_EQ(with_zero_digits(lines[1]), "0000-00-00T00:00:00.000Z warning careful");
  EXPECT_EQ(with_zero_digits(lines[2]), "0000-00-00T00:00:00.000Z error broken");
}

TEST_F(Log, NothingGoesToStdout) {
  testing::internal::CaptureStdout();
  EXPECT_EQ(lines_of([] { log_error("x"); }).size(), 1U);
  EXPECT_EQ(testing::internal::GetCapturedStdout(), "");
}

TEST_F(Log, LevelsDropWhatIsBelow) {
  const auto all = [] {
    log_debug("d");
    log_info("i");
    log_warn("w");
    log_error("e");
  };
  EXPECT_EQ(lines_of(all).size(), 3U);
  for (const auto& [name, count] :
       {std::pair{"debug", 4U}, {"info", 3U}, {"warn", 2U}, {"error", 1U}}) {
    ASSERT_TRUE(set_log_level(name));
    EXPECT_EQ(lines_of(all).size(), count) << name;
  }
  for (const char* name : {"", "off", "INFO", "warning", "trace"}) {
    EXPECT_FALSE(set_log_level(name)) << name;
  }
  EXPECT_EQ(lines_of(all).size(), 1U) << "an unknown name changes nothing";
}

TEST_F(Log, HostileTextCantForgeALine) {
  constexpr char kText[] = "user\r\n2026-01-01T00:00:00.000Z error forged\x1b[2J\x9b\x7f\0 end\n\n";
  const std::string_view hostile(kText, sizeof(kText) - 1);
  const auto lines = lines_of([&] { log_info(hostile); });
  ASSERT_EQ(lines.size(), 1U);
  EXPECT_TRUE(lines[0].ends_with(" end\\n\\n")) << lines[0];
  for (const char c : lines[0]) EXPECT_TRUE(c >= 0x20 && c < 0x7f) << static_cast<int>(c);
}

TEST_F(Log, EmptyTextIsALine) {
  EXPECT_EQ(lines_of([] { log_info(""); }).size(), 1U);
}

TEST(LogEscaped, EveryByte) {
  EXPECT_EQ(log_escaped("plain ASCII ~!\"'"), "plain ASCII ~!\"'");
  EXPECT_EQ(log_escaped("a\nb\rc\td\\n"), "a\\nb\\rc\\td\\\\n");
  EXPECT_EQ(log_escaped(std::string_view("\0\x1f\x7f\x80\xff", 5)), "\\x00\\x1f\\x7f\\x80\\xff");
  EXPECT_EQ(log_escaped("caf\xc3\xa9 \xe2\x80\xa8"), "caf\\xc3\\xa9 \\xe2\\x80\\xa8");
  for (int value = 0; value < 256; ++value) {
    const std::string escaped = log_escaped(std::string(1, static_cast<char>(value)));
    EXPECT_TRUE(std::all_of(escaped.begin(), escaped.end(), [](char c) {
      return c >= 0x20 && c < 0x7f;
    })) << value;
  }
}

TEST(LogEscaped, LengthLimit) {
  EXPECT_EQ(log_escaped(std::string(kMaxLogText - 1, 'x')), std::string(kMaxLogText - 1, 'x'));
  EXPECT_EQ(log_escaped(std::string(kMaxLogText, 'x')), std::string(kMaxLogText, 'x'));
  EXPECT_EQ(log_escaped(std::string(kMaxLogText + 1, 'x')),
            std::string(kMaxLogText, 'x') + "... (1 bytes more)");
  EXPECT_LE(log_escaped(std::string(10'000'000, '\0')).size(), 4 * kMaxLogText + 40);
}

TEST(CrossThreadLog, LinesDoNotMix) {
  constexpr int kLines = 2'000;
  testing::internal::CaptureStderr();
  std::vector<std::thread> threads;
  for (const char c : {'a', 'b', 'c'}) {
    threads.emplace_back([c] {
      for (int i = 0; i < kLines; ++i) log_info(std::string(100, c));
    });
  }
  for (std::thread& thread : threads) thread.join();
  std::istringstream in(testing::internal::GetCapturedStderr());
  int count = 0;
  for (std::string line; std::getline(in, line); ++count) {
    ASSERT_GT(line.size(), 100U);
    const std::string text = line.substr(line.size() - 100);
    ASSERT_EQ(text, std::string(100, text[0])) << line;
  }
  EXPECT_EQ(count, 3 * kLines);
}

}  // namespace
}  // namespace millrace
