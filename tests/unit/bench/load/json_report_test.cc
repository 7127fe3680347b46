#include "bench/load/json_report.h"

#include <gtest/gtest.h>
#include <simdjson.h>

#include <string>

#include "bench/load/json_writer.h"

namespace millrace::load {
namespace {

TEST(JsonWriter, NestsAndEscapes) {
  JsonWriter json;
  json.open().field("a", "quote\"\n").field("b", true).key("c").open('[');
  json.value(1.5).value(std::uint64_t{2}).value(0.0001).close(']').key("d").open().close();
  EXPECT_EQ(json.close().text(), R"({"a":"quote\"\n","b":true,"c":[1.5,2,0],"d":{}})");
}

TEST(JsonWriter, NumbersHaveThreeDecimalsAtMost) {
  const auto text = [](double number) {
    JsonWriter json;
    return json.value(number).text();
  };
  EXPECT_EQ(text(0), "0");
  EXPECT_EQ(text(12.3456), "12.346");
  EXPECT_EQ(text(1e9), "1000000000");
  EXPECT_EQ(text(-2.5), "-2.5");
}

RunResult example() {
  RunResult run;
  run.threads = 2;
  run.before.server.pid = 42;
  PhaseResult& open = run.phases.emplace_back();
  open.up = 3;
  open.ended = open.began + seconds(2);
  open.after.stats = R"({"total":{"clients":3}})";
  open.report.connect_errors["a \"cause\""] = 1;
  open.report.connect_time.record(milliseconds(5));
  PhaseResult& load = run.phases.emplace_back();
  load.phase = {PhaseKind::kLoad, seconds(2), 0};
  load.load_seconds = 2;
  load.report.deliveries = 100;
  load.report.sequences.in_order = 100;
  PhaseResult& broadcast = run.phases.emplace_back();
  broadcast.phase = {PhaseKind::kBroadcast, {}, 1};
  broadcast.broadcasts.push_back(microseconds(1'500));
  run.failures.push_back("one");
  return run;
}

Options options() {
  Options options;
  options.targets = {*parse_listen_address("127.0.0.1:8000")};
  options.channels.push_back(*ChannelPattern::parse("news"));
  return options;
}

TEST(JsonReport, IsJsonWithTheKeysOfTheManual) {
  const std::string text = json_report(options(), example());
  EXPECT_EQ(text.find('\n'), std::string::npos);
  simdjson::dom::parser parser;
  simdjson::dom::element report;
  ASSERT_EQ(parser.parse(text).get(report), simdjson::SUCCESS) << text;
  EXPECT_FALSE(bool(report["ok"]));
  EXPECT_EQ(std::string(report["failures"].at(0)), "one");
  EXPECT_EQ(std::string(report["targets"].at(0)), "127.0.0.1:8000");
  EXPECT_EQ(std::uint64_t(report["before"]["server"]["pid"]), 42U);
  const auto open = report["phases"].at(0);
  EXPECT_EQ(std::uint64_t(open["up"]), 3U);
  EXPECT_EQ(std::uint64_t(open["connect_errors"]["a \"cause\""]), 1U);
  EXPECT_EQ(double(open["connect_ms"]["p99.9"]), 5.0);
  EXPECT_EQ(std::uint64_t(open["after"]["stats"]["total"]["clients"]), 3U);
  EXPECT_EQ(double(report["phases"].at(1)["deliveries_per_second"]), 50.0);
  EXPECT_EQ(double(report["phases"].at(2)["broadcast_ms"].at(0)), 1.5);
  EXPECT_EQ(std::uint64_t(report["total"]["deliveries"]), 100U);
}

TEST(JsonReport, EventsAreLinesOfTheirOwn) {
  EXPECT_EQ(json_begin({PhaseKind::kHold, seconds(5), 0}, milliseconds(1'250)),
            R"({"event":"begin","phase":"hold=5s","name":"hold","at":1.25})");
  simdjson::dom::parser parser;
  simdjson::dom::element event;
  const std::string text = json_end(example().phases[0], seconds(2));
  ASSERT_EQ(parser.parse(text).get(event), simdjson::SUCCESS) << text;
  EXPECT_EQ(std::string(event["event"]), "end");
  EXPECT_EQ(std::string(event["name"]), "open");
  EXPECT_EQ(double(event["seconds"]), 2.0);
}

}  // namespace
}  // namespace millrace::load
