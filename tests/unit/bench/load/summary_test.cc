#include "bench/load/summary.h"

#include <gtest/gtest.h>

#include <string>

namespace millrace::load {
namespace {

Options options() {
  Options options;
  options.connections = 10'000;
  options.targets = {*parse_listen_address("127.0.0.1:8000")};
  return options;
}

RunResult run() {
  RunResult run;
  run.threads = 1;
  run.before.server.pid = 42;
  run.before.server.resident_bytes = 10'000'000;
  PhaseResult& open = run.phases.emplace_back();
  open.up = 10'000;
  open.ended = open.began + seconds(2);
  open.after.server.pid = 42;
  open.after.server.resident_bytes = 13'200'000;
  open.report.connect_time.record(milliseconds(5));
  return run;
}

TEST(Summary, SaysHowManyHowFastAndHowMuchMemoryEach) {
  const std::string text = summary(options(), run());
  EXPECT_NE(text.find("10,000 of 10,000 up in 2.00 s (5,000/s)"), std::string::npos) << text;
  EXPECT_NE(text.find("320 B"), std::string::npos) << text;
  EXPECT_NE(text.find("5.00 ms"), std::string::npos) << text;
  EXPECT_TRUE(text.ends_with("\nok\n")) << text;
}

TEST(Summary, SaysWhatFailed) {
  RunResult failed = run();
  failed.failures.push_back("open: 5 of 10 connections are up");
  EXPECT_TRUE(summary(options(), failed).ends_with("FAILED\n  open: 5 of 10 connections are up\n"));
}

TEST(Summary, SaysThatTheServerIsNotThere) {
  RunResult far = run();
  far.before.server.pid = 0;
  EXPECT_NE(summary(options(), far).find("not found on this machine"), std::string::npos);
}

TEST(Summary, ALineOnTheWay) {
  RunObserver::Progress before;
  RunObserver::Progress now;
  now.now = before.now + seconds(2);
  now.up = 500;
  now.tries = 1'000;
  now.errors = 3;
  const std::string line = progress_line(options(), seconds(12), before, now);
  EXPECT_NE(line.find("500 of 10,000 up"), std::string::npos) << line;
  EXPECT_NE(line.find("+500/s"), std::string::npos) << line;
  EXPECT_NE(line.find("3 errors"), std::string::npos) << line;
  EXPECT_EQ(line.find('\n'), std::string::npos);
}

TEST(Summary, UnitsFitTheSize) {
  EXPECT_EQ(span_text(microseconds(850)), "850 us");
  EXPECT_EQ(span_text(microseconds(12'340)), "12.34 ms");
  EXPECT_EQ(span_text(milliseconds(340)), "340 ms");
  EXPECT_EQ(span_text(milliseconds(4'560)), "4.56 s");
  EXPECT_EQ(bytes_text(320), "320 B");
  EXPECT_EQ(bytes_text(-320), "-320 B");
  EXPECT_EQ(bytes_text(4'480), "4480 B");
  EXPECT_EQ(bytes_text(1024.0 * 1024 * 1024 * 20), "20.0 GiB");
}

}  // namespace
}  // namespace millrace::load
