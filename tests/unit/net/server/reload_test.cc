#include "net/server/reload.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "core/base/assert.h"
#include "core/base/log.h"
#include "net/server/config_key_text.h"
#include "net/server/config_keys.h"
#include "tests/unit/net/auth/token_test_keys.h"

namespace millrace {
namespace {

using Names = std::vector<std::string>;

// --- What changes --------------------------------------------------------------------------------

TEST(ReloadPlanTest, ChangesNothingThatIsTheSame) {
  Config config;
  config.namespaces["game"].presence = true;
  const auto plan = plan_reload(config, config);
  ASSERT_TRUE(plan);
  EXPECT_EQ(plan->config, config);
  EXPECT_TRUE(plan->changed.empty());
  EXPECT_TRUE(plan->needs_restart.empty());
}

TEST(ReloadPlanTest, TakesWhatCanChange) {
  Config next;
  next.server.allowed_origins = {"https://example.org"};
  next.server.log_level = LogLevel::kWarn;
  next.api.key = "0123456789abcdef";
  next.token.hmac_secret = "secret-one";
  next.token.hmac_previous_secret = "secret-two";
  next.token.public_keys = {"/a.pem"};
  next.token.jwks = "/jwks.json";
  next.token.audience = "aud";
  next.token.issuer = "iss";
  const auto plan = plan_reload(Config{}, next);
  ASSERT_TRUE(plan);
  EXPECT_EQ(plan->config, next);
  EXPECT_EQ(plan->changed,
            (Names{"server.allowed_origins", "server.log_level", "api.key", "token.hmac_secret",
                   "token.hmac_previous_secret", "token.public_keys", "token.jwks",
                   "token.audience", "token.issuer"}));
  EXPECT_TRUE(plan->needs_restart.empty());
}

TEST(ReloadPlanTest, NamesWhatNeedsARestart) {
  Config next;
  next.server.shards = 3;
  next.server.allow_anonymous = true;
  next.limits.queue_size = 2 * 1024 * 1024;
  next.insecure = true;
  const auto plan = plan_reload(Config{}, next);
  ASSERT_TRUE(plan);
  EXPECT_EQ(plan->config, Config{}) << "it stays as it was";
  EXPECT_TRUE(plan->changed.empty());
  EXPECT_EQ(plan->needs_restart,
            (Names{"server.shards", "server.allow_anonymous", "limits.queue_size", "insecure"}));
}

// No key is forgotten: each is one of the two.
TEST(ReloadPlanTest, KnowsEveryKey) {
  std::size_t reloading = 0;
  for (const ConfigKey& key : config_keys()) {
    if (key.reloads) ++reloading;
    const bool may = key.section == "token" || key.section == "namespaces" ||
                     key.section.starts_with("proxy") || key.name == "log_level" ||
                     key.name == "allowed_origins" || key.name == "key";
    if (key.reloads) {
      EXPECT_TRUE(may) << full_name(key);
    }
  }
  EXPECT_EQ(reloading, 54U);
}

TEST(ReloadPlanTest, MakesChangesAndEndsNamespaces) {
  Config running;
  running.namespaces["gone"];
  running.namespaces["same"].presence = true;
  running.namespaces["game"].presence = true;
  Config next;
  next.namespaces["same"].presence = true;
  next.namespaces["game"].allow_publish = {.clients = true};
  next.namespaces["new"].payload = PayloadKind::kBinary;
  const auto plan = plan_reload(running, next);
  ASSERT_TRUE(plan);
  EXPECT_EQ(plan->config.namespaces, next.namespaces);
  EXPECT_EQ(plan->changed,
            (Names{"namespaces.game.presence", "namespaces.game.allow_publish",
                   "namespaces.gone (gone)", "namespaces.new (new)", "namespaces.new.payload"}));
}

TEST(ReloadPlanTest, KeepsTheInterestOfTheStart) {
  Config running;
  running.namespaces["game"];
  Config next;
  next.namespaces["game"].interest = InterestMode::kPrefix;
  next.namespaces["new"].interest = InterestMode::kPrefix;
  const auto plan = plan_reload(running, next);
  ASSERT_TRUE(plan);
  EXPECT_EQ(plan->config.namespaces.at("game").interest, InterestMode::kChannel);
  EXPECT_EQ(plan->config.namespaces.at("new").interest, InterestMode::kChannel);
  EXPECT_EQ(plan->needs_restart, (Names{"namespaces.game.interest", "namespaces.new.interest"}));
}

// Streams and subscriptions outlive a table, also one that is gone for a while.
TEST(ReloadPlanTest, KeepsTheKindOfPayloads) {
  Config start;
  start.namespaces["bytes"].payload = PayloadKind::kBinary;
  start.namespaces["game"];
  PayloadKinds kinds(start);
  Config swapped;
  swapped.namespaces["bytes"];
  swapped.namespaces["game"].payload = PayloadKind::kBinary;
  const auto plan = plan_reload(start, swapped, kinds);
  ASSERT_TRUE(plan);
  EXPECT_EQ(plan->config, start);
  EXPECT_EQ(plan->needs_restart, (Names{"namespaces.bytes.payload", "namespaces.game.payload"}));

  const auto gone = plan_reload(start, Config{}, kinds);
  ASSERT_TRUE(gone);
  kinds.keep(gone->config);
  swapped.namespaces["new"].payload = PayloadKind::kBinary;
  const auto back = plan_reload(gone->config, swapped, kinds);
  ASSERT_TRUE(back);
  EXPECT_EQ(back->config.namespaces.at("bytes").payload, PayloadKind::kBinary);
  EXPECT_EQ(back->config.namespaces.at("game").payload, PayloadKind::kJson);
  EXPECT_EQ(back->config.namespaces.at("new").payload, PayloadKind::kBinary);
  kinds.keep(back->config);
  EXPECT_EQ(kinds.find("new"), PayloadKind::kBinary);
  EXPECT_EQ(kinds.find("unheard"), std::nullopt);
}

// What they have is not what the new file says: it is judged with what they have.
TEST(ReloadPlanTest, JudgesTheKeptKindAgainstTheRest) {
  Config start;
  start.namespaces["bytes"].payload = PayloadKind::kBinary;
  Config next;
  next.namespaces["bytes"].history_size = 10;
  next.namespaces["bytes"].history_ttl = seconds(10);
  next.namespaces["bytes"].delta = true;
  const auto plan = plan_reload(start, next, PayloadKinds(start));
  ASSERT_FALSE(plan);
  EXPECT_TRUE(plan.error().text.starts_with("namespaces.bytes.delta is true, but payload is"));
}

// Under --insecure every name has been in use.
TEST(ReloadPlanTest, UnheardNamesAreOfTheDefaultsKindUnderInsecure) {
  Config start;
  start.insecure = true;
  EXPECT_EQ(PayloadKinds(start).find("any"), PayloadKind::kJson);
  Config next = start;
  next.namespaces["any"].payload = PayloadKind::kBinary;
  const auto plan = plan_reload(start, next, PayloadKinds(start));
  ASSERT_TRUE(plan);
  EXPECT_EQ(plan->config.namespaces.at("any").payload, PayloadKind::kJson);
  EXPECT_EQ(plan->needs_restart, Names{"namespaces.any.payload"});
  start.namespaces["default"].payload = PayloadKind::kBinary;
  EXPECT_EQ(PayloadKinds(start).find("any"), PayloadKind::kBinary);
}

// The new file is right by itself, but what it counts on does not change before a restart.
TEST(ReloadPlanTest, ChecksNamespacesAgainstWhatRuns) {
  Config running;
  Config next;
  next.limits.position_check = seconds(1);
  next.namespaces["game"].history_size = 1;
  next.namespaces["game"].history_ttl = seconds(1);
  next.namespaces["game"].history_meta_ttl = seconds(10);
  const auto plan = plan_reload(running, next);
  ASSERT_FALSE(plan);
  EXPECT_TRUE(plan.error().text.starts_with(
      "namespaces.game.history_meta_ttl is 10s and limits.position_check 40s"))
      << plan.error().text;
  running.limits.position_check = seconds(1);
  EXPECT_TRUE(plan_reload(running, next));
}

// --- The box -------------------------------------------------------------------------------------

std::shared_ptr<const Reloadable> one() { return std::make_shared<const Reloadable>(); }

TEST(ReloadBoxTest, HandsOverTheLatest) {
  ReloadBox box;
  EXPECT_FALSE(box.full());
  EXPECT_EQ(box.take(), nullptr);
  const auto first = one();
  const auto second = one();
  box.put(first);
  EXPECT_TRUE(box.full());
  box.put(second);
  EXPECT_EQ(first.use_count(), 1) << "nobody will take it any more";
  EXPECT_EQ(box.take(), second);
  EXPECT_FALSE(box.full());
  EXPECT_EQ(box.take(), nullptr);
}

TEST(ReloadBoxTest, EndsWhatNobodyTook) {
  const auto value = one();
  {
    ReloadBox box;
    box.put(value);
    EXPECT_EQ(value.use_count(), 2);
  }
  EXPECT_EQ(value.use_count(), 1);
}

// --- All of it -----------------------------------------------------------------------------------

class ReloaderTest : public testing::Test {
 protected:
  ReloaderTest() {
    std::string pattern = std::filesystem::temp_directory_path() / "millrace_reload_XXXXXX";
    CHECK(mkdtemp(pattern.data()) != nullptr);
    folder_ = pattern;
  }
  ~ReloaderTest() override {
    std::filesystem::remove_all(folder_);
    CHECK(set_log_level("info"));
  }

  std::string write(const std::string& name, const std::string& text) {
    const std::string path = folder_ / name;
    std::ofstream(path, std::ios::binary) << text;
    return path;
  }

  // As a start with that file.
  Reloader start(const std::string& text, Environment environment = {}) {
    ConfigSources sources;
    sources.file = write("millrace.toml", text);
    sources.environment = std::move(environment);
    const auto config = load_config(sources);
    CHECK(config.ok());
    return {*config, sources};
  }

  std::filesystem::path folder_;
};

TEST_F(ReloaderTest, ReadsTheFileAgain) {
  Reloader reloader = start("[namespaces.game]\n");
  write("millrace.toml", "[namespaces.game]\npresence = true\n[server]\nshards = 3\n");
  const auto made = reloader.reload();
  ASSERT_NE(made, nullptr);
  EXPECT_TRUE(made->namespaces.by_name.at("game").presence.members);
  EXPECT_EQ(reloader.running().server.shards, 0U);
}

TEST_F(ReloaderTest, KeepsWhatIsOnAnError) {
  Reloader reloader = start("[api]\nkey = \"0123456789abcdef\"\n");
  const Config before = reloader.running();
  const char* const kWrong[] = {"[api]\nkey = \"short\"\n", "[nothing]\n", "not toml",
                                "[namespaces.a]\nrecover = true\n",
                                "[token]\npublic_keys = [\"/does/not/exist\"]\n"};
  for (const char* text : kWrong) {
    write("millrace.toml", text);
    EXPECT_EQ(reloader.reload(), nullptr) << text;
    EXPECT_EQ(reloader.running(), before) << text;
  }
  std::filesystem::remove(folder_ / "millrace.toml");
  EXPECT_EQ(reloader.reload(), nullptr);
  write("millrace.toml", "");
  const auto made = reloader.reload();
  ASSERT_NE(made, nullptr);
  EXPECT_EQ(made->api_key, "");
}

TEST_F(ReloaderTest, KeepsTheEnvironmentAboveTheFile) {
  Reloader reloader = start("[api]\nkey = \"key-of-the-file-0\"\n",
                            {{"MILLRACE_API_KEY", "key-of-the-environment"}});
  write("millrace.toml", "[api]\nkey = \"another-of-the-file\"\n");
  const auto made = reloader.reload();
  ASSERT_NE(made, nullptr);
  EXPECT_EQ(made->api_key, "key-of-the-environment");
}

TEST_F(ReloaderTest, ReadsKeysAgainUnderTheSameName) {
  using enum TokenAlgorithm;
  const std::string pem = write("key.pem", test::public_pem(test::key_for(kEs256)));
  Reloader reloader = start("[token]\npublic_keys = [\"" + pem + "\"]\n");
  write("key.pem", test::public_pem(test::key_for(kEdDsa)));
  testing::internal::CaptureStderr();
  const auto made = reloader.reload();
  const std::string log = testing::internal::GetCapturedStderr();
  EXPECT_NE(log.find("no setting changes; the files of token keys were read again: 1 key in all\n"),
            std::string::npos)
      << log;
  ASSERT_NE(made, nullptr);
  ASSERT_EQ(made->token_keys->all().size(), 1U);
  EXPECT_TRUE(made->token_keys->all()[0].is_for(kEdDsa));
  EXPECT_FALSE(made->token_keys->all()[0].is_for(kEs256));
  write("key.pem", "no key at all");
  EXPECT_EQ(reloader.reload(), nullptr) << "the keys stay as they were";
}

TEST_F(ReloaderTest, SaysThatASetOfKeysWasReadAgainAndOnlyIfThereIsOne) {
  using enum TokenAlgorithm;
  const auto reloaded = [](Reloader& reloader) {
    testing::internal::CaptureStderr();
    EXPECT_NE(reloader.reload(), nullptr);
    return testing::internal::GetCapturedStderr();
  };
  const std::string secret = "[token]\nhmac_secret = \"" + std::string(32, 's') + "\"\n";
  Reloader without = start(secret);
  EXPECT_TRUE(reloaded(without).ends_with("read again; no setting changes\n"));
  const auto key = [](const std::string& kid) {
    return R"({"kty":"oct","kid":")" + kid + R"(","k":")" + std::string(43, 'A') + "\"}";
  };
  const std::string set = write("keys.json", R"({"keys":[)" + key("a") + "]}");
  Reloader reloader = start(secret + "jwks = \"" + set + "\"\n");
  write("keys.json", R"({"keys":[)" + key("a") + "," + key("b") + "]}");
  const std::string log = reloaded(reloader);
  EXPECT_TRUE(
      log.ends_with("no setting changes; the files of token keys were read again: 3 "
                    "keys in all\n"))
      << log;
}

TEST_F(ReloaderTest, TellsNothingSecret) {
  const std::string secret = "hunter2-hunter2-hunter2-hunter2-hunter2";
  Reloader reloader = start("");
  write("millrace.toml", "[token]\nhmac_secret = \"" + secret + "\"\n[api]\nkey = \"" + secret +
                             "\"\n[server]\nlog_level = \"debug\"\n");
  testing::internal::CaptureStderr();
  EXPECT_NE(reloader.reload(), nullptr);
  write("millrace.toml", "[token]\nhmac_secret = \"" + secret + " x\"\n");
  EXPECT_EQ(reloader.reload(), nullptr);
  const std::string log = testing::internal::GetCapturedStderr();
  EXPECT_NE(log.find("token.hmac_secret"), std::string::npos) << log;
  EXPECT_EQ(log.find("hunter2"), std::string::npos) << log;
}

}  // namespace
}  // namespace millrace
