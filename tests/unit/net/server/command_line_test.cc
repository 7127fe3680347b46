#include "net/server/command_line.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <vector>

#include "net/server/config_keys.h"
#include "net/server/help_text.h"

namespace millrace {
namespace {

using Verb = CommandLine::Verb;

Result<CommandLine, CommandLineError> parse(std::vector<const char*> words,
                                            const Environment& environment = {}) {
  words.insert(words.begin(), "millrace");
  return parse_command_line(static_cast<int>(words.size()), words.data(), environment);
}

// The text of the error, which is one of usage.
std::string usage(const std::vector<const char*>& words) {
  const auto parsed = parse(words);
  EXPECT_FALSE(parsed);
  if (parsed) return {};
  EXPECT_EQ(parsed.error().exit_code, 64);
  EXPECT_EQ(parsed.error().text.find('\n'), std::string::npos) << parsed.error().text;
  EXPECT_TRUE(parsed.error().text.starts_with("millrace: "));
  return parsed.error().text;
}

bool has(const std::string& text, std::string_view part) {
  return text.find(part) != std::string::npos;
}

TEST(CommandLine, KnowsItsVerbs) {
  for (const auto& words : std::vector<std::vector<const char*>>{{"version"}, {"--version"}}) {
    const auto parsed = parse(words);
    ASSERT_TRUE(parsed);
    EXPECT_EQ(parsed->verb, Verb::kVersion);
    EXPECT_EQ(parsed->output, "millrace " MILLRACE_VERSION "\n");
  }
  for (const auto& words : std::vector<std::vector<const char*>>{{"--help"}, {"-h"}}) {
    const auto parsed = parse(words);
    ASSERT_TRUE(parsed);
    EXPECT_EQ(parsed->verb, Verb::kHelp);
    EXPECT_EQ(parsed->output, program_help());
  }
  for (const auto& words : std::vector<std::vector<const char*>>{
           {"serve", "--help"}, {"serve", "-h"}, {"serve", "--nonsense", "--help"}}) {
    const auto parsed = parse(words);
    ASSERT_TRUE(parsed);
    EXPECT_EQ(parsed->verb, Verb::kHelp);
    EXPECT_EQ(parsed->output, serve_help());
  }
  const auto check_usage = parse({"check", "--help"});
  ASSERT_TRUE(check_usage);
  EXPECT_EQ(check_usage->output, check_help());
  const auto serve = parse({"serve"});
  ASSERT_TRUE(serve);
  EXPECT_EQ(serve->verb, Verb::kServe);
  EXPECT_EQ(serve->config, Config{});
  EXPECT_EQ(serve->output, "");
}

TEST(CommandLine, ShowsTheHelpWithoutACommand) {
  for (const int argc : {0, 1}) {
    const char* const argv[] = {"millrace", nullptr};
    const auto parsed = parse_command_line(argc, argv, {});
    ASSERT_FALSE(parsed);
    EXPECT_EQ(parsed.error().exit_code, 64);
    EXPECT_EQ(parsed.error().text + "\n", program_help());
  }
}

TEST(CommandLine, TakesEveryFlag) {
  const auto parsed = parse({"serve",
                             "--listen",
                             "[::1]:9",
                             "--listen=127.0.0.1:0,127.0.0.2:7",
                             "--admin",
                             "127.0.0.1:19",
                             "--shards",
                             "3",
                             "--max-connections",
                             "77",
                             "--allowed-origin",
                             "http://a",
                             "--allowed-origin",
                             "http://b",
                             "--log-level",
                             "debug",
                             "--broker",
                             "nats",
                             "--nats",
                             "nats://a:1,nats://b:2",
                             "--insecure",
                             "--join"});
  ASSERT_TRUE(parsed) << parsed.error().text;
  const Config& config = parsed->config;
  ASSERT_EQ(config.server.listen.size(), 3U);
  EXPECT_EQ(to_string(config.server.listen[0]), "[::1]:9");
  EXPECT_EQ(to_string(config.server.listen[2]), "127.0.0.2:7");
  EXPECT_EQ(to_string(config.server.admin), "127.0.0.1:19");
  EXPECT_EQ(config.server.shards, 3U);
  EXPECT_EQ(config.server.max_connections, 77U);
  EXPECT_EQ(config.server.allowed_origins, (std::vector<std::string>{"http://a", "http://b"}));
  EXPECT_EQ(config.server.log_level, LogLevel::kDebug);
  EXPECT_EQ(config.broker.kind, BrokerKind::kNats);
  EXPECT_EQ(config.broker.nats, (std::vector<std::string>{"nats://a:1", "nats://b:2"}));
  EXPECT_TRUE(config.insecure);
  EXPECT_TRUE(config.join);
}

TEST(CommandLine, NamesTheNearest) {
  EXPECT_EQ(usage({"sevre"}),
            "millrace: unknown command \"sevre\"; the nearest known one is serve; see millrace "
            "--help");
  EXPECT_EQ(usage({"serve", "--shard", "4"}),
            "millrace: unknown flag \"--shard\"; the nearest known one is --shards; see millrace "
            "serve --help");
  EXPECT_TRUE(has(usage({"serve", "--confg=x"}), "nearest known one is --config"));
  EXPECT_TRUE(has(usage({"serve", "--check-conf"}), "nearest known one is --check-config"));
  EXPECT_TRUE(has(usage({"--versoin"}), "nearest known one is --version"));
  EXPECT_TRUE(has(usage({"version", "--hlep"}), "nearest known one is --help"));
  EXPECT_TRUE(has(usage({"serve", "--joi"}), "nearest known one is --join"));
  EXPECT_TRUE(has(usage({"serve", "-x"}), "unknown flag \"-x\""));
  EXPECT_TRUE(has(usage({"--listen", "127.0.0.1:1", "serve"}), "millrace serve --listen"));
}

TEST(CommandLine, RefusesWhatIsLeftOver) {
  EXPECT_TRUE(has(usage({"serve", "x"}), "unexpected argument \"x\""));
  EXPECT_TRUE(has(usage({"serve", "version"}), "unexpected argument \"version\""));
  EXPECT_TRUE(has(usage({"version", "serve"}), "unexpected argument \"serve\""));
  EXPECT_TRUE(has(usage({"serve", "a\nb"}), "a\\x0ab"));
  usage({"serve", "--", "--shards"});
  usage({""});
  usage({"-"});
  usage({"serve", ""});
}

TEST(CommandLine, WantsAValueWhereOneBelongs) {
  for (const ConfigKey& key : config_keys()) {
    if (key.flag.empty()) continue;
    const std::string flag(key.flag);
    SCOPED_TRACE(flag);
    if (key.kind == ValueKind::kBool) {
      EXPECT_TRUE(has(usage({"serve", (flag + "=false").c_str()}), flag + " takes no value"));
      continue;
    }
    const std::string needs = flag + " needs a value, such as " + flag;
    EXPECT_TRUE(has(usage({"serve", flag.c_str()}), needs));
    EXPECT_TRUE(has(usage({"serve", (flag + "=").c_str()}), needs));
    EXPECT_TRUE(has(usage({"serve", flag.c_str(), "--insecure"}), needs));
  }
  EXPECT_TRUE(has(usage({"serve", "--config"}), "--config needs a value"));
  EXPECT_TRUE(has(usage({"serve", "--config", "--insecure"}), "--config needs a value"));
  EXPECT_TRUE(has(usage({"serve", "--check-config=1"}), "--check-config takes no value"));
}

TEST(CommandLine, TakesOneValueOnce) {
  EXPECT_TRUE(has(usage({"serve", "--shards", "1", "--shards", "1"}), "--shards is given more"));
  EXPECT_TRUE(has(usage({"serve", "--config", "a", "--config", "b"}), "--config is given more"));
  EXPECT_TRUE(has(usage({"serve", "--listen", "[::1]:1", "--listen", "[::1]:1"}), "twice"));
  EXPECT_TRUE(has(usage({"serve", "--insecure", "--insecure"}), "--insecure is given more"));
}

TEST(CommandLine, ChecksValues) {
  EXPECT_TRUE(has(usage({"serve", "--shards", "-1"}), "--shards: server.shards is -1"));
  EXPECT_TRUE(has(usage({"serve", "--shards", "1025"}), "server.shards is 1025"));
  EXPECT_TRUE(has(usage({"serve", "--shards=x"}), "server.shards is \"x\""));
  EXPECT_TRUE(has(usage({"serve", "--max-connections", "0"}), "server.max_connections is 0"));
  EXPECT_TRUE(has(usage({"serve", "--listen", "[::1]"}), "server.listen is \"[::1]\""));
  EXPECT_TRUE(has(usage({"serve", "--broker", "redis"}), "broker.kind is \"redis\""));
  EXPECT_TRUE(has(usage({"serve", "--broker", "nats"}), "names no server"));
  EXPECT_TRUE(parse({"serve", "--max-connections", "auto"}));
}

TEST(CommandLine, TellsNoSecret) {
  for (const auto& words :
       std::vector<std::vector<const char*>>{{"serve", "--api-key", "hunter2"},
                                             {"serve", "--api-key=hunter2"},
                                             {"serve", "--key", "hunter2"},
                                             {"serve", "--apikey=hunter2"},
                                             {"serve", "hunter2", "--token", "hunter2"},
                                             {"serve", "--nats", "nats://u:hunter2@h:bad"},
                                             {"serve", "--nats", "nats://u:hunter2,x@h:1"}}) {
    EXPECT_FALSE(has(usage(words), "hunter2")) << usage(words);
  }
  EXPECT_TRUE(has(usage({"serve", "--api-key", "hunter2"}), "MILLRACE_API_KEY"));
  const auto short_key = parse({"serve"}, {{"MILLRACE_API_KEY", "hunter2"}});
  ASSERT_FALSE(short_key);
  EXPECT_EQ(short_key.error().exit_code, 78);
  EXPECT_FALSE(has(short_key.error().text, "hunter2"));
}

TEST(CommandLine, ExitsDifferentlyForTheConfiguration) {
  const auto by_variable = parse({"serve"}, {{"MILLRACE_SERVER_SHARDS", "x"}});
  ASSERT_FALSE(by_variable);
  EXPECT_EQ(by_variable.error().exit_code, 78);
  const auto unknown = parse({"serve"}, {{"MILLRACE_SERVER_SHARD", "1"}});
  ASSERT_FALSE(unknown);
  EXPECT_EQ(unknown.error().exit_code, 78);
  for (const char* path : {"/none/such.toml", "/"}) {
    const auto missing = parse({"serve", "--config", path});
    ASSERT_FALSE(missing);
    EXPECT_EQ(missing.error().exit_code, 78);
    EXPECT_EQ(missing.error().text.find('\n'), std::string::npos);
  }
  EXPECT_TRUE(parse({"version"}, {{"MILLRACE_SERVER_SHARD", "1"}})) << "it needs no configuration";
}

TEST(CommandLine, ReadsAFileAndLetsFlagsWin) {
  std::string path = std::filesystem::temp_directory_path() / "millrace_cli_XXXXXX";
  const int fd = mkstemp(path.data());
  ASSERT_GE(fd, 0);
  close(fd);
  std::ofstream(path) << "[server]\nshards = 2\npin = false\n[limits]\ndecoders = 9\n";
  const Environment variables{{"MILLRACE_SERVER_SHARDS", "3"}, {"MILLRACE_LIMITS_DECODERS", "8"}};
  const auto parsed = parse({"serve", "--config", path.c_str(), "--shards", "4"}, variables);
  ASSERT_TRUE(parsed) << parsed.error().text;
  EXPECT_EQ(parsed->config.server.shards, 4U);
  EXPECT_EQ(parsed->config.limits.decoders, 8U);
  EXPECT_FALSE(parsed->config.server.pin);
  std::ofstream(path) << "[server]\n\nshards = \"2\"\n";
  const auto wrong = parse({"serve", "--config", path.c_str()});
  ASSERT_FALSE(wrong);
  EXPECT_EQ(wrong.error().exit_code, 78);
  EXPECT_TRUE(wrong.error().text.starts_with("millrace: " + path + ":3: server.shards is \"2\""));
  std::filesystem::remove(path);
}

TEST(CommandLine, OnlyChecks) {
  const auto right = parse({"serve", "--check-config", "--shards", "4"});
  ASSERT_TRUE(right);
  EXPECT_EQ(right->verb, Verb::kCheckConfig);
  EXPECT_EQ(right->config.server.shards, 4U);
  EXPECT_TRUE(right->output.ends_with('\n'));
  EXPECT_FALSE(parse({"serve", "--check-config"}, {{"MILLRACE_SERVER_SHARDS", "x"}}));
}

TEST(CommandLine, SeesTheProcessesEnvironment) {
  ASSERT_EQ(setenv("MILLRACE_TEST_ENVIRONMENT", "a=b", 1), 0);
  const Environment variables = process_environment();
  unsetenv("MILLRACE_TEST_ENVIRONMENT");
  ASSERT_TRUE(variables.contains("MILLRACE_TEST_ENVIRONMENT"));
  EXPECT_EQ(variables.at("MILLRACE_TEST_ENVIRONMENT"), "a=b");
}

// --- check ---------------------------------------------------------------------------------------

TEST(CommandLineCheck, TakesTheConfigurationOfServe) {
  const auto parsed = parse(
      {"check", "--max-connections", "5000", "--shards=3", "--nats", "nats://127.0.0.1:4222"},
      {{"MILLRACE_SERVER_CONNTRACK_EXEMPT", "true"}, {"MILLRACE_SERVER_ON_LOW_LIMITS", "lower"}});
  ASSERT_TRUE(parsed) << parsed.error().text;
  EXPECT_EQ(parsed->verb, Verb::kCheck);
  EXPECT_EQ(parsed->config.server.max_connections, 5'000U);
  EXPECT_EQ(parsed->config.server.shards, 3U);
  EXPECT_EQ(parsed->config.broker.kind, BrokerKind::kNats);
  EXPECT_TRUE(parsed->config.server.conntrack_exempt);
  EXPECT_EQ(parsed->config.server.on_low_limits, LowLimits::kLower);
  EXPECT_EQ(parsed->check.output, CheckOutput::kTable);
  EXPECT_EQ(parsed->check.root, "/");
  EXPECT_EQ(parsed->output, "");
}

TEST(CommandLineCheck, HasFlagsOfItsOwn) {
  EXPECT_EQ(parse({"check", "--json"})->check.output, CheckOutput::kJson);
  EXPECT_EQ(parse({"check", "--emit", "sysctl"})->check.output, CheckOutput::kSysctl);
  EXPECT_EQ(parse({"check", "--root", "/tmp/x"})->check.root, "/tmp/x");
  EXPECT_TRUE(has(usage({"check", "--emit", "systemd"}), "allowed: sysctl"));
  EXPECT_TRUE(has(usage({"check", "--emit", "sysctl", "--json"}), "exclude each other"));
  EXPECT_TRUE(has(usage({"check", "--emit", "sysctl", "--emit", "sysctl"}), "more than once"));
  EXPECT_TRUE(has(usage({"check", "--root", "/a", "--root", "/b"}), "more than once"));
  for (const char* flag : {"--emit", "--root", "--config", "--shards"}) {
    EXPECT_TRUE(has(usage({"check", flag}), "needs a value")) << flag;
    EXPECT_TRUE(has(usage({"check", flag, "--json"}), "needs a value")) << flag;
    EXPECT_TRUE(has(usage({"check", flag}), "see millrace check --help")) << flag;
  }
  EXPECT_TRUE(has(usage({"check", "--json=1"}), "--json takes no value"));
  EXPECT_TRUE(has(usage({"check", "--jsn"}), "--json"));
  EXPECT_TRUE(has(usage({"check", "--jsn"}), "see millrace check --help"));
  EXPECT_TRUE(has(usage({"serve", "--json"}), "unknown flag"));
  EXPECT_TRUE(has(usage({"check", "--check-config"}), "unknown flag"));
  EXPECT_TRUE(has(usage({"check", "more"}), "behind check"));
  EXPECT_TRUE(has(usage({"chek"}), "check"));
  EXPECT_EQ(parse({"check", "--config", "/nonexistent.toml"}).error().exit_code, 78);
}

}  // namespace
}  // namespace millrace
