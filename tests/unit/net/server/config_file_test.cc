#include "net/server/config_file.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <random>

#include "core/base/assert.h"
#include "net/server/config_key_text.h"
#include "net/server/configuration_page.h"

namespace millrace {
namespace {

// The error's text; "" if there is none.
std::string error_of(std::string_view text) {
  const auto parsed = parse_config_text(text, "a.toml");
  return parsed ? "" : parsed.error().text;
}

bool begins(const std::string& text, std::string_view with) { return text.starts_with(with); }

class ConfigFile : public testing::Test {
 protected:
  ConfigFile() {
    std::string pattern = std::filesystem::temp_directory_path() / "millrace_config_XXXXXX";
    CHECK(mkdtemp(pattern.data()) != nullptr);
    folder_ = pattern;
  }
  ~ConfigFile() override { std::filesystem::remove_all(folder_); }

  std::string write(const std::string& text) {
    const std::string path = folder_ / "millrace.toml";
    std::ofstream(path, std::ios::binary) << text;
    return path;
  }

  std::filesystem::path folder_;
};

TEST_F(ConfigFile, GivesSettingsInTheFilesOrder) {
  const auto parsed = parse_config_text(
      "[limits]\nqueue_size = \"2MiB\"\n\n[server]\nshards = 2\npin = false\n"
      "[namespaces.game]\ninterest = \"prefix\"\n[namespaces.chat]\n",
      "a.toml");
  ASSERT_TRUE(parsed) << parsed.error().text;
  std::vector<std::string> found;
  for (const FileSetting& one : parsed->settings) {
    found.push_back((one.key != nullptr ? full_name(*one.key) : "-") + " " + one.name_space + " " +
                    one.source.place);
    EXPECT_EQ(one.source.rank, SourceRank::kFile);
  }
  const std::vector<std::string> expected{"limits.queue_size  a.toml:2",
                                          "server.shards  a.toml:5",
                                          "server.pin  a.toml:6",
                                          "- game a.toml:7",
                                          "namespaces.NAME.interest game a.toml:8",
                                          "- chat a.toml:9"};
  EXPECT_EQ(found, expected);
  EXPECT_EQ(parsed->settings[0].value, RawValue(std::string("2MiB")));
  EXPECT_EQ(parsed->settings[1].value, RawValue(std::int64_t{2}));
  EXPECT_EQ(parsed->settings[2].value, RawValue(false));
}

TEST_F(ConfigFile, TakesEverySpellingOfATable) {
  EXPECT_EQ(error_of("server.shards = 2\n"), "");
  EXPECT_EQ(error_of("server = { shards = 2 }\n"), "");
  EXPECT_EQ(error_of("[server]\n\"shards\" = 2\n"), "");
  EXPECT_EQ(error_of(""), "");
  EXPECT_EQ(error_of("# nothing\n"), "");
  EXPECT_EQ(error_of("\xef\xbb\xbf[server]\r\nshards = 2\r\n"), "") << "as Windows writes it";
}

TEST_F(ConfigFile, NamesTheNearestKey) {
  EXPECT_EQ(error_of("[server]\n\nshard = 2\n"),
            "a.toml:3: unknown key \"shard\" in [server]; the nearest known one is server.shards");
  EXPECT_EQ(error_of("[server]\nmessage_size = 2\n"),
            "a.toml:2: unknown key \"message_size\" in [server]; the nearest known one is "
            "limits.message_size");
  EXPECT_EQ(error_of("[namespaces.game]\ninterst = 2\n"),
            "a.toml:2: unknown key \"interst\" in [namespaces.game]; the nearest known one is "
            "namespaces.NAME.interest");
  EXPECT_EQ(error_of("[sever]\nshards = 2\n"),
            "a.toml:1: unknown section [sever]; the nearest known one is [server]");
  EXPECT_EQ(error_of("[namespace.game]\n"),
            "a.toml:1: unknown section [namespace]; the nearest known one is [namespaces]");
  EXPECT_EQ(error_of("shardz = 2\n"),
            "a.toml:1: unknown key \"shardz\"; the nearest known one is server.shards");
  EXPECT_EQ(error_of("shards = 2\n"),
            "a.toml:1: key \"shards\" stands outside of its section; write it below [server]");
}

TEST_F(ConfigFile, TellsTheFirstOfManyErrors) {
  EXPECT_TRUE(begins(error_of("[server]\nzzz = 1\naaa = 1\n[api]\naaa = 1\n"), "a.toml:2: "));
  EXPECT_TRUE(begins(error_of("[zzz]\n[server]\naaa = 1\n"), "a.toml:1: "));
}

TEST_F(ConfigFile, RefusesInsecure) {
  EXPECT_EQ(error_of("\ninsecure = true\n"),
            "a.toml:2: insecure can't be set in a file; use the flag --insecure or "
            "MILLRACE_INSECURE=true");
}

TEST_F(ConfigFile, RefusesWhatIsNoSection) {
  EXPECT_TRUE(begins(error_of("server = 1\n"), "a.toml:1: [server] is a section, not a whole"));
  EXPECT_TRUE(begins(error_of("[[server]]\nshards = 1\n"), "a.toml:1: [server] is a section"));
  EXPECT_TRUE(begins(error_of("namespaces = [\"game\"]\n"), "a.toml:1: [namespaces] is a section"));
  EXPECT_TRUE(begins(error_of("[namespaces]\ninterest = \"prefix\"\n"),
                     "a.toml:2: namespaces.interest is a text, not a namespace; write it below "
                     "[namespaces.NAME]"));
}

TEST_F(ConfigFile, ChecksNamesOfNamespaces) {
  const auto with = [](const std::string& name) {
    return error_of("[namespaces.\"" + name + "\"]\n");
  };
  for (const char* good : {"default", "game", "a", "A-b_9", "9", "-", "millrace2"}) {
    EXPECT_EQ(with(good), "") << good;
  }
  for (const char* bad : {"", "_x", "millrace", "a.b", "a:b", "a b", "*", ">", "\\u00e9", "a\\n"}) {
    EXPECT_TRUE(begins(with(bad), "a.toml:1: namespace ")) << bad << ": " << with(bad);
    EXPECT_EQ(with(bad).find('\n'), std::string::npos);
  }
  EXPECT_EQ(with(std::string(kMaxNamespaceName - 1, 'n')), "");
  EXPECT_EQ(with(std::string(kMaxNamespaceName, 'n')), "");
  EXPECT_NE(with(std::string(kMaxNamespaceName + 1, 'n')), "");
}

TEST_F(ConfigFile, BoundsTheNumberOfNamespaces) {
  std::string text;
  for (std::size_t i = 0; i + 1 < kMaxNamespaces; ++i) {
    text += "[namespaces.n" + std::to_string(i) + "]\n";
  }
  EXPECT_EQ(error_of(text), "");
  text += "[namespaces.last]\n";
  EXPECT_EQ(error_of(text), "");
  text += "[namespaces.more]\n";
  EXPECT_NE(error_of(text).find("more than 256 namespaces"), std::string::npos);
}

TEST_F(ConfigFile, NamesTheTypeThatNoKeyTakes) {
  for (const auto& [text, what] : std::vector<std::pair<std::string, std::string>>{
           {"1.5", "a number with a fraction"},
           {"1979-05-27", "a date"},
           {"07:32:00", "a time of day"},
           {"1979-05-27T07:32:00Z", "a date and time"},
           {"{ a = 1 }", "a table"},
           {"[1, 2]", "a list with something else than texts in it"},
           {"[\"a\", [\"b\"]]", "a list with something else than texts in it"}}) {
    const auto parsed = parse_config_text("[server]\nshards = " + text + "\n", "a.toml");
    ASSERT_TRUE(parsed) << parsed.error().text;
    const auto* other = std::get_if<OtherValue>(&parsed->settings.at(0).value);
    ASSERT_NE(other, nullptr) << text;
    EXPECT_EQ(other->what, what);
  }
}

TEST_F(ConfigFile, SaysInWhichLineItIsNotToml) {
  for (const auto& [text, line] :
       std::vector<std::pair<std::string, int>>{{"[server\n", 1},
                                                {"[server]\nshards 4\n", 2},
                                                {"[server]\n\nshards =\n", 3},
                                                {"[server]\nshards = 4\nshards = 5\n", 3},
                                                {"[server]\n[server]\n", 2},
                                                {"[server]\nlisten = [\"a\" \"b\"]\n", 2},
                                                {"[server]\nadmin = \"a\n\"\n", 2},
                                                {"[server]\nlog_level = info\n", 2},
                                                {"[server]\nshards = 99999999999999999999\n", 2},
                                                {"[server]\n# \xff\n", 2}}) {
    const std::string error = error_of(text);
    EXPECT_TRUE(begins(error, "a.toml:" + std::to_string(line) + ": not TOML: ")) << error;
    EXPECT_EQ(error.find('\n'), std::string::npos) << error;
  }
  EXPECT_NE(error_of(std::string_view("[server]\n\0", 10)), "");
  std::string deep = "[server]\nlisten = ";
  EXPECT_NE(error_of(deep.append(100'000, '[')), "");
}

TEST_F(ConfigFile, TellsNoSecretThatIsNotToml) {
  for (const char* text :
       {"[api]\nkey = hunter2hunter2hunter2\n", "[api]\nkey = thunter2hunter2\n",
        "[api]\nkey = fhunter2hunter2\n", "[api]\nkey = \"hunter2hunter2\n",
        "[api]\nkey = hunter2\"\n", "[api]\nkey hunter2hunter2\n", "[api]\nkey: hunter2hunter2\n",
        "[api]\nkey = \"\"hunter2hunter2\"\"\n", "[api]\nkey = 'hunter2hunter2\n",
        "[api]\nkey = \"hunter2\"hunter2\n", "[api]\nkee = \"hunter2hunter2\"\n",
        "[apy]\nkey = \"hunter2hunter2\"\n", "api = \"hunter2\"\n", "key = \"hunter2\"\n"}) {
    EXPECT_NE(error_of(text), "") << text;
    EXPECT_EQ(error_of(text).find("unter2"), std::string::npos) << error_of(text);
    EXPECT_EQ(error_of(text).find("saw"), std::string::npos) << error_of(text);
  }
  const std::string digits = error_of("[api]\nkey = 31415926535897932384626\n");
  EXPECT_NE(digits, "");
  EXPECT_EQ(digits.find("31415"), std::string::npos) << digits;
  const std::string hex = error_of("[api]\nkey = 31415926f35897932384626\n");
  EXPECT_EQ(hex.find("31415"), std::string::npos) << hex;
}

// Any bytes give settings or one line, never a crash.
TEST_F(ConfigFile, SurvivesMutations) {
  std::mt19937 random(20'240'607);
  const std::string good = default_file();
  const std::string_view alphabet = "[]{}\"'=.,#\n\r\\ue+-_0129abz:T\t ";
  int errors = 0;
  for (int turn = 0; turn < 3'000; ++turn) {
    std::string text = good;
    for (unsigned edit = 0; edit <= turn % 4U; ++edit) {
      const std::size_t at = random() % text.size();
      const std::size_t count = std::min<std::size_t>(random() % 8, text.size() - at);
      switch (random() % 4) {
        case 0:
          text.erase(at, count);
          break;
        case 1:
          text[at] = static_cast<char>(random());
          break;
        case 2:
          text.insert(at, 1 + count, alphabet[random() % alphabet.size()]);
          break;
        case 3:
          text.insert(at, text.substr(random() % text.size(), count * 4));
          break;
      }
      if (text.empty()) text = "x";
    }
    const std::string error = error_of(text);
    if (error.empty()) continue;
    ++errors;
    EXPECT_TRUE(begins(error, "a.toml:")) << error;
    EXPECT_EQ(error.find('\n'), std::string::npos) << error;
  }
  EXPECT_GT(errors, 1'000);
}

TEST_F(ConfigFile, TakesSectionsInsideSections) {
  const auto read = parse_config_text("[proxy]\nrequests = 7\n[proxy.rpc]\non = true\n", "f");
  ASSERT_TRUE(read) << read.error().text;
  ASSERT_EQ(read->settings.size(), 2U);
  EXPECT_EQ(read->settings[1].key, find_key("proxy.rpc", "on"));
  for (const char* wrong : {"[proxy.rpx]\non = true\n", "[proxy.rpc]\nof = true\n",
                            "[server.rpc]\non = true\n", "[proxy]\nrpc = true\n"}) {
    const auto refused = parse_config_text(wrong, "f");
    ASSERT_FALSE(refused) << wrong;
    EXPECT_NE(refused.error().text.find("the nearest known one is"), std::string::npos);
  }
}

TEST_F(ConfigFile, ReadsAFile) {
  const auto text = read_config_file(write("[server]\n"));
  ASSERT_TRUE(text) << text.error().text;
  EXPECT_EQ(*text, "[server]\n");
  EXPECT_EQ(*read_config_file(write("")), "");
}

TEST_F(ConfigFile, ReadsUpToItsLimit) {
  for (const std::size_t size : {kMaxConfigFile - 1, kMaxConfigFile}) {
    const auto text = read_config_file(write(std::string(size, '#')));
    ASSERT_TRUE(text) << text.error().text;
    EXPECT_EQ(text->size(), size);
  }
  const auto text = read_config_file(write(std::string(kMaxConfigFile + 1, '#')));
  ASSERT_FALSE(text);
  EXPECT_NE(text.error().text.find("larger than 1MiB"), std::string::npos);
  EXPECT_FALSE(read_config_file("/dev/zero")) << "it never ends";
}

TEST_F(ConfigFile, SaysWhyItCannotRead) {
  const auto missing = read_config_file(folder_ / "none.toml");
  ASSERT_FALSE(missing);
  EXPECT_NE(missing.error().text.find("none.toml: No such file"), std::string::npos);
  const auto folder = read_config_file(folder_);
  ASSERT_FALSE(folder);
  EXPECT_NE(folder.error().text.find("it is a directory"), std::string::npos);
  const auto nameless = read_config_file("");
  ASSERT_FALSE(nameless);
  EXPECT_NE(nameless.error().text.find("no name"), std::string::npos);
  const auto odd = read_config_file("/no\n/such");
  ASSERT_FALSE(odd);
  EXPECT_EQ(odd.error().text.find('\n'), std::string::npos);
}

}  // namespace
}  // namespace millrace
