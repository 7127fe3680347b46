#include "bench/load/command_line.h"

#include <gtest/gtest.h>

#include <sstream>
#include <string>
#include <vector>

namespace millrace::load {
namespace {

Result<CommandLine> parse(const std::string& text, const std::string& key = "") {
  std::istringstream stream(text);
  std::vector<std::string> words;
  for (std::string word; stream >> word;) words.push_back(word);
  return parse_command_line(words, key);
}

Options options(const std::string& text, const std::string& key = "") {
  const auto line = parse(text, key);
  EXPECT_TRUE(line.ok()) << text << ": " << (line.ok() ? "" : line.error().text);
  return line.ok() ? line->options : Options();
}

std::string phases(const std::string& text) {
  std::string all;
  for (const Phase& phase : options(text).phases)
    all += (all.empty() ? "" : ",") + phase_text(phase);
  return all;
}

std::string complaint(const std::string& text, const std::string& key = "") {
  const auto line = parse(text, key);
  EXPECT_FALSE(line.ok()) << text;
  return line.ok() ? std::string() : line.error().text;
}

TEST(CommandLine, AWorkloadAndATargetAreEnough) {
  const Options idle = options("idle --target 127.0.0.1:8000");
  EXPECT_EQ(idle.connections, 1'000U);
  EXPECT_EQ(idle.protocol, WireProtocol::kJson);
  EXPECT_EQ(idle.channels.front().text(), "load");
  EXPECT_FALSE(idle.publish_by_api);
}

TEST(CommandLine, EachWorkloadHasItsPhases) {
  const std::string to = " --target 127.0.0.1:8000 ";
  EXPECT_EQ(phases("idle" + to), "open,hold=10s,close");
  EXPECT_EQ(phases("idle --hold 5m --broadcast 2" + to), "open,hold=5m,broadcast=2,close");
  EXPECT_EQ(phases("fanout" + to), "open,load=10s,close");
  EXPECT_EQ(phases("rooms --duration 3s" + to), "open,load=3s,close");
  EXPECT_EQ(phases("storm" + to), "open,close");
  EXPECT_EQ(phases("reconnect --hold 1s" + to), "open,hold=1s,cut,close");
  EXPECT_EQ(phases("listen --expect 5" + to), "open,expect=5,close");
  EXPECT_EQ(phases("idle --phases open,hold=1s,drain" + to), "open,hold=1s,drain=1m");
}

TEST(CommandLine, WorkloadsSetWhatTheyAreAbout) {
  const std::string to = " --target 127.0.0.1:8000 ";
  EXPECT_EQ(options("rooms --rooms 7 --room-size 3" + to).connections, 21U);
  EXPECT_EQ(options("rooms --rooms 7 --room-size 3" + to).channels.front().text(), "room:{i/3}");
  EXPECT_EQ(options("publish" + to).channels.front().text(), "load:{i}");
  EXPECT_EQ(options("publish --connections 5" + to).publishers, 5U);
  EXPECT_TRUE(options("reconnect" + to).reconnect);
  EXPECT_DOUBLE_EQ(options("slow" + to).slow_share, 0.1);
  EXPECT_EQ(options("storm --connections 10k" + to).connecting, 4'096U);
}

TEST(CommandLine, ValuesStandBehindABlankOrAnEqualsSign) {
  EXPECT_EQ(options("idle --connections=1M --targets=127.0.0.1-127.0.0.3:80").connections,
            1'000'000U);
  EXPECT_EQ(options("idle --target 127.0.0.1:80,127.0.0.2:80").targets.size(), 2U);
  EXPECT_DOUBLE_EQ(options("idle --target 1.1.1.1:1 --ramp 10s").connect_rate, 100);
  const Options two = options("idle --target 1.1.1.1:1 --subscribe room:{i/10} --subscribe news");
  EXPECT_EQ(two.channels.size(), 2U);
  EXPECT_EQ(two.broadcast_to, "news");
}

TEST(CommandLine, TheApiIsUsedIfThereIsAKey) {
  const std::string fanout = "fanout --target 127.0.0.1:8000";
  EXPECT_TRUE(options(fanout, "key").publish_by_api);
  EXPECT_FALSE(options(fanout + " --publish-by client", "key").publish_by_api);
  EXPECT_FALSE(options(fanout + " --protocol raw", "key").publish_by_api);
  const Options flat = options(fanout + " --protocol flatbuffers", "key");
  EXPECT_TRUE(flat.publish_by_api);
  EXPECT_EQ(flat.protocol, WireProtocol::kFlat);
  EXPECT_EQ(flat.subprotocol, "millrace-flatbuffers");
  EXPECT_NE(complaint(fanout + " --publish-by api").find("MILLRACE_API_KEY"), std::string::npos);
  EXPECT_EQ(options(fanout, "key").api.port, 8'000);
}

TEST(CommandLine, HelpNamesTheFlagsAndFitsAWindow) {
  const auto help = parse("--help");
  ASSERT_TRUE(help.ok());
  EXPECT_NE(help->output.find("--connections N"), std::string::npos);
  std::istringstream lines(help->output);
  for (std::string line; std::getline(lines, line);) EXPECT_LE(line.size(), 100U) << line;
  EXPECT_TRUE(parse("idle -h").ok());
  EXPECT_TRUE(parse("--version")->output.starts_with("millrace-load "));
}

TEST(CommandLine, EveryMistakeIsToldInOneLine) {
  const std::string to = "idle --target 127.0.0.1:8000 ";
  for (const char* wrong : {"--connections 0",
                            "--connections x",
                            "--connections 17M",
                            "--connections",
                            "--nonsense",
                            "--connections=5 --rate",
                            "--rate 0",
                            "--rate -1",
                            "--rate 1 --in-flight 2",
                            "--size 63",
                            "--size 1048577",
                            "--hold 5",
                            "--hold 0s",
                            "--cut 1.1",
                            "--slow -0.1",
                            "--allow nothing",
                            "--protocol xml",
                            "--publish-by mail",
                            "--phases close",
                            "--phases open,cut",
                            "--quiet=yes",
                            "--subscribe room:{x}",
                            "--broadcast 1 --subscribe {i}",
                            "--target localhost:1",
                            "--sources lo",
                            "--admin 8001",
                            "--ramp 1s --connect-rate 5",
                            "fanout",
                            "--api x",
                            "--publishers 2k",
                            "--json",
                            "--expect 1 --phases open,expect",
                            "--publish-to {"}) {
    const std::string text = complaint(to + wrong);
    EXPECT_EQ(text.find('\n'), std::string::npos) << wrong;
    EXPECT_NE(text.find("--help"), std::string::npos) << wrong;
  }
  EXPECT_NE(complaint("").find("idle, fanout"), std::string::npos);
  EXPECT_NE(complaint("idle").find("--target"), std::string::npos);
  EXPECT_NE(complaint("idel --target 1.1.1.1:1").find("idle"), std::string::npos);
  EXPECT_NE(complaint(to + "--conections 5").find("--connections"), std::string::npos);
  EXPECT_NE(complaint("listen --target 1.1.1.1:1").find("--expect"), std::string::npos);
}

TEST(CommandLine, LimitsHoldToTheUnit) {
  const std::string to = "idle --target 127.0.0.1:8000 ";
  EXPECT_EQ(options(to + "--size 64").size, 64U);
  EXPECT_EQ(options(to + "--size 1048576").size, 1'048'576U);
  EXPECT_EQ(options(to + "--connections 16M").connections, 16'000'000U);
  EXPECT_FALSE(parse(to + "--connections 16000001").ok());
  std::string channels;
  for (int i = 0; i < 64; ++i) channels += " --subscribe c" + std::to_string(i);
  EXPECT_EQ(options(to + channels).channels.size(), 64U);
  EXPECT_FALSE(parse(to + channels + " --subscribe more").ok());
}

}  // namespace
}  // namespace millrace::load
