#include "net/server/config_loader.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "core/base/assert.h"
#include "net/server/config_file.h"
#include "net/server/config_key_text.h"

namespace millrace {
namespace {

// Three values of each key that differ from its default and from each other where that can be.
struct Values {
  std::string file;
  std::string environment;
  std::string flag;
};

Values values_of(const ConfigKey& key) {
  if (key.name == "stream_replicas") return {"2", "3", "4"};
  if (key.name == "history_bytes") return {"5MiB", "6MiB", "7MiB"};
  switch (key.kind) {
    case ValueKind::kBool:
      return {"false", "true", "true"};
    case ValueKind::kCount:
    case ValueKind::kCountOrAuto:
      return {"11", "12", "13"};
    case ValueKind::kPowerOfTwo:
      return {"16", "32", "64"};
    case ValueKind::kSize:
      return {"5KiB", "6KiB", "7KiB"};
    case ValueKind::kDuration:
      return {"3s", "4s", "6s"};
    case ValueKind::kWholeSeconds:
      return {"31s", "32s", "33s"};
    case ValueKind::kChoice: {
      const auto choices = choices_of(key);
      return {std::string(choices.back()), std::string(choices.front()),
              std::string(choices[choices.size() / 2])};
    }
    case ValueKind::kAddress:
    case ValueKind::kAddressList:
      return {"127.0.0.1:11", "127.0.0.1:12", "[::1]:13"};
    case ValueKind::kOriginList:
      return {"http://file", "http://env,http://env2", "http://flag"};
    case ValueKind::kNetworkList:
      return {"10.1.0.0/16", "10.2.0.0/16,::1", "10.3.0.0/16"};
    case ValueKind::kUrlList:
      return {"nats://file:1", "nats://env:1,nats://env:2", "nats://flag:1"};
    case ValueKind::kSubjectPrefix:
      return {"file", "env", "flag"};
    case ValueKind::kSecret:
      return {"key-of-the-file-0", "key-of-the-environment-0", ""};
    case ValueKind::kText:
    case ValueKind::kPattern:
      return {"file-*", "env?", ""};
    case ValueKind::kPath:
      return {"/file", "env/file", ""};
    case ValueKind::kPathList:
      return {"/file", "/env,/env2", ""};
    case ValueKind::kFieldList:
      return {"File", "Env,Env2", ""};
    case ValueKind::kAudience:
      return {};
  }
  return {};
}

class ConfigLoader : public testing::Test {
 protected:
  ConfigLoader() {
    std::string pattern = std::filesystem::temp_directory_path() / "millrace_loader_XXXXXX";
    CHECK(mkdtemp(pattern.data()) != nullptr);
    folder_ = pattern;
  }
  ~ConfigLoader() override { std::filesystem::remove_all(folder_); }

  std::string write(const std::string& text) {
    const std::string path = folder_ / "millrace.toml";
    std::ofstream(path, std::ios::binary) << text;
    return path;
  }

  // A file with one key, and what else that key needs to be right.
  std::string file_with(const ConfigKey& key, const std::string& value) {
    std::string text = "[" + std::string(key.section) + "]\n" + std::string(key.name) + " = " +
                       toml_text(key, value) + "\n";
    if (key.kind == ValueKind::kChoice && key.name == "kind") {
      text += "nats = [\"nats://any:1\"]\n";
    }
    if (key.section.starts_with("proxy.") && key.name == "on") {
      text += "[broker]\nnats = [\"nats://any:1\"]\n";
    }
    if (key.name == "queue_size") text += "publication_size = \"1KiB\"\n";
    return write(text);
  }

  static FlagValues flag(std::string_view name, const std::vector<std::string>& texts) {
    const ConfigKey* key = find_flag(name);
    CHECK(key != nullptr);
    return {key, texts};
  }

  static std::string error_of(const ConfigSources& sources) {
    const auto loaded = load_config(sources);
    return loaded ? "" : loaded.error().text;
  }

  // What `key` is after loading, as text; secrets too.
  static std::string loaded_value(const ConfigKey& key, const ConfigSources& sources) {
    auto loaded = load_config(sources);
    EXPECT_TRUE(loaded) << loaded.error().text;
    if (!loaded) return {};
    const Target target{.config = &*loaded, .name_space = nullptr};
    if (key.kind == ValueKind::kSecret) return *std::get<std::string*>(key.slot(target));
    return value_text(key, target);
  }

  std::filesystem::path folder_;
};

TEST_F(ConfigLoader, HasTheDefaultsOfTheContract) {
  const auto loaded = load_config({});
  ASSERT_TRUE(loaded);
  EXPECT_EQ(*loaded, Config{});
  const Config config;
  EXPECT_EQ(to_string(config.server.listen.at(0)), "0.0.0.0:8000");
  EXPECT_EQ(to_string(config.server.listen.at(1)), "[::]:8000");
  EXPECT_EQ(to_string(config.server.admin), "127.0.0.1:8001");
  EXPECT_EQ(config.server.shards, 0U);
  EXPECT_EQ(config.server.max_connections, 0U);
  EXPECT_TRUE(config.server.allowed_origins.empty());
  EXPECT_TRUE(config.server.pin);
  EXPECT_EQ(config.broker.kind, BrokerKind::kMemory);
  EXPECT_FALSE(config.broker.require);
  EXPECT_EQ(config.api.key, "");
  EXPECT_EQ(config.limits.message_size, 65'536U);
  EXPECT_EQ(config.limits.publication_size, 1'048'576U);
  EXPECT_EQ(config.limits.queue_size, 1'048'576U);
  EXPECT_EQ(config.limits.write_timeout, seconds(10));
  EXPECT_EQ(config.limits.handshake_timeout, seconds(10));
  EXPECT_EQ(config.limits.stale_timeout, seconds(10));
  EXPECT_EQ(config.limits.ping_interval, seconds(25));
  EXPECT_EQ(config.limits.pong_timeout, seconds(8));
  EXPECT_EQ(config.limits.close_timeout, seconds(5));
  EXPECT_EQ(config.limits.drain_timeout, seconds(5));
  EXPECT_EQ(config.limits.channels_per_connection, 128U);
  EXPECT_EQ(config.limits.channels_per_shard, 1'048'576U);
  EXPECT_EQ(config.limits.recv_buffers, 1024U);
  EXPECT_EQ(config.limits.recv_buffer_size, 4096U);
  EXPECT_EQ(config.limits.decoders, 1024U);
  EXPECT_EQ(config.limits.kernel_send_buffer, 131'072U);
  EXPECT_TRUE(config.namespaces.empty());
  EXPECT_FALSE(config.insecure);
}

// Every key from every source, and the later source wins.
TEST_F(ConfigLoader, TakesEveryKeyFromEverySource) {
  for (const ConfigKey& key : config_keys()) {
    if (is_namespace_key(key) || !is_file_key(key)) continue;
    SCOPED_TRACE(full_name(key));
    const Values values = values_of(key);
    ConfigSources sources;
    // So that a value of each kind stands alone: what must fit together has tests of its own.
    if (key.name == "queue_size") sources.environment["MILLRACE_LIMITS_PUBLICATION_SIZE"] = "1KiB";
    if (key.name == "commands_burst") {
      sources.environment["MILLRACE_LIMITS_CHANNELS_PER_CONNECTION"] = "5";
    }
    if (key.section == "token") sources.environment["MILLRACE_INSECURE"] = "1";
    if (key.name == "hmac_previous_secret") {
      sources.environment["MILLRACE_TOKEN_HMAC_SECRET"] = "secret-of-today";
    }
    sources.file = file_with(key, values.file);
    EXPECT_EQ(loaded_value(key, sources), values.file);
    sources.environment[environment_name(key)] = values.environment;
    EXPECT_EQ(loaded_value(key, sources), values.environment);
    if (key.flag.empty()) continue;
    sources.flags.push_back({&key, {values.flag}});
    EXPECT_EQ(loaded_value(key, sources), values.flag);
    sources.environment.clear();
    EXPECT_EQ(loaded_value(key, sources), values.flag);
    sources.file.reset();
    const bool needs_urls = key.name == "kind" && values.flag == "nats";
    if (needs_urls) sources.environment["MILLRACE_BROKER_NATS"] = "nats://any:1";
    EXPECT_EQ(loaded_value(key, sources), values.flag);
  }
}

TEST_F(ConfigLoader, TakesInsecureFromTheEnvironmentAndAsAFlag) {
  EXPECT_TRUE(load_config({.environment = {{"MILLRACE_INSECURE", "true"}}})->insecure);
  EXPECT_TRUE(load_config({.environment = {{"MILLRACE_INSECURE", "1"}}})->insecure);
  EXPECT_FALSE(load_config({.environment = {{"MILLRACE_INSECURE", "false"}}})->insecure);
  EXPECT_TRUE(load_config({.environment = {{"MILLRACE_INSECURE", "0"}},
                           .flags = {flag("--insecure", {"true"})}})
                  ->insecure);
  EXPECT_NE(error_of({.environment = {{"MILLRACE_INSECURE", ""}}}), "");
}

TEST_F(ConfigLoader, TakesNamespacesFromTheFile) {
  const auto loaded = load_config({.file = write("[namespaces.game]\ninterest = \"prefix\"\n"
                                                 "payload = \"json\"\n[namespaces.default]\n")});
  ASSERT_TRUE(loaded) << loaded.error().text;
  ASSERT_EQ(loaded->namespaces.size(), 2U);
  EXPECT_EQ(loaded->namespaces.at("game").interest, InterestMode::kPrefix);
  EXPECT_EQ(loaded->namespaces.at("default").interest, InterestMode::kChannel);
  EXPECT_NE(error_of({.file = write("[namespaces.game]\npayload = \"xml\"\n")})
                .find("millrace.toml:2: namespaces.NAME.payload is \"xml\""),
            std::string::npos);
}

TEST_F(ConfigLoader, ReplacesListsAndJoinsFlags) {
  const auto loaded =
      load_config({.file = write("[server]\nlisten = [\"127.0.0.1:1\", \"127.0.0.1:2\"]\n"),
                   .flags = {flag("--listen", {"[::1]:3", "127.0.0.1:4,127.0.0.1:5"})}});
  ASSERT_TRUE(loaded);
  ASSERT_EQ(loaded->server.listen.size(), 3U);
  EXPECT_EQ(to_string(loaded->server.listen[0]), "[::1]:3");
  EXPECT_EQ(to_string(loaded->server.listen[2]), "127.0.0.1:5");
}

TEST_F(ConfigLoader, ReadsTheFileThatTheEnvironmentNames) {
  const std::string path = write("[server]\nshards = 3\n");
  EXPECT_EQ(load_config({.environment = {{"MILLRACE_CONFIG", path}}})->server.shards, 3U);
  EXPECT_NE(error_of({.environment = {{"MILLRACE_CONFIG", "/none.toml"}}}), "");
  EXPECT_NE(error_of({.environment = {{"MILLRACE_CONFIG", ""}}}), "");
  EXPECT_EQ(error_of({.file = path, .environment = {{"MILLRACE_CONFIG", "/none.toml"}}}), "")
      << "the flag wins";
}

TEST_F(ConfigLoader, NamesTheNearestVariable) {
  EXPECT_EQ(error_of({.environment = {{"MILLRACE_SERVER_LISTN", "hunter2"}}}),
            "unknown variable MILLRACE_SERVER_LISTN; the nearest known one is "
            "MILLRACE_SERVER_LISTEN; unset it if it isn't meant for millrace");
  EXPECT_NE(error_of({.environment = {{"MILLRACE_CONFG", "x"}}}).find("MILLRACE_CONFIG"),
            std::string::npos);
  EXPECT_NE(error_of({.environment = {{"MILLRACE_", "x"}}}), "");
  EXPECT_NE(error_of({.environment = {{"MILLRACE_NAMESPACES_GAME_INTEREST", "prefix"}}})
                .find("in the file only"),
            std::string::npos);
  EXPECT_EQ(error_of({.environment = {{"MILLRACE_BIN", "x"},
                                      {"MILLRACE_BUILD", "x"},
                                      {"MILLRACE_TEST_ANY", "x"},
                                      {"MILLRACES", "x"},
                                      {"millrace_server_listen", "x"},
                                      {"PATH", "x"}}}),
            "");
}

TEST_F(ConfigLoader, ChecksValuesThatALaterSourceReplaces) {
  const std::string error = error_of({.file = write("[server]\n\nshards = 1025\n"),
                                      .environment = {{"MILLRACE_SERVER_SHARDS", "4"}}});
  EXPECT_NE(error.find("millrace.toml:3: server.shards is 1025"), std::string::npos) << error;
}

TEST_F(ConfigLoader, TellsFlagsFromConfiguration) {
  const auto by_flag = load_config({.flags = {flag("--shards", {"1025"})}});
  ASSERT_FALSE(by_flag);
  EXPECT_TRUE(by_flag.error().in_flags);
  const auto by_variable = load_config({.environment = {{"MILLRACE_SERVER_SHARDS", "1025"}}});
  ASSERT_FALSE(by_variable);
  EXPECT_FALSE(by_variable.error().in_flags);
  EXPECT_TRUE(by_variable.error().text.starts_with("MILLRACE_SERVER_SHARDS: "));
}

TEST_F(ConfigLoader, AsksAnApplicationOverNatsOnly) {
  const std::string file = "[proxy.rpc]\non = true\n";
  const auto refused = load_config({.file = write(file)});
  ASSERT_FALSE(refused);
  EXPECT_NE(refused.error().text.find("millrace.toml:2: proxy asks the application, but"),
            std::string::npos)
      << refused.error().text;
  EXPECT_TRUE(load_config({.file = write(file + "[broker]\nnats = [\"nats://any:1\"]\n")}));
  EXPECT_TRUE(load_config({.environment = {{"MILLRACE_PROXY_RPC_ON", "true"},
                                           {"MILLRACE_BROKER_NATS", "nats://any:1"}}}));
}

TEST_F(ConfigLoader, UrlsImplyNats) {
  const auto kind = [](const ConfigSources& sources) {
    const auto loaded = load_config(sources);
    EXPECT_TRUE(loaded) << loaded.error().text;
    return loaded ? loaded->broker.kind : BrokerKind::kMemory;
  };
  EXPECT_EQ(kind({.flags = {flag("--nats", {"nats://a:1"})}}), BrokerKind::kNats);
  EXPECT_EQ(kind({.environment = {{"MILLRACE_BROKER_NATS", "nats://a:1"}}}), BrokerKind::kNats);
  EXPECT_EQ(kind({.file = write("[broker]\nnats = [\"nats://a:1\"]\n")}), BrokerKind::kNats);
  EXPECT_EQ(kind({.file = write("[broker]\nkind = \"memory\"\n"),
                  .flags = {flag("--nats", {"nats://a:1"})}}),
            BrokerKind::kNats)
      << "the flag is later than the file's kind";
  EXPECT_EQ(kind({.file = write("[broker]\nkind = \"nats\"\nnats = [\"nats://a:1\"]\n"),
                  .flags = {flag("--broker", {"memory"})}}),
            BrokerKind::kMemory);
  EXPECT_EQ(kind({.file = write("[broker]\nkind = \"memory\"\nnats = []\n")}), BrokerKind::kMemory);
}

TEST_F(ConfigLoader, RefusesABrokerThatContradictsItself) {
  const auto both = load_config(
      {.flags = {flag("--broker", {"memory"}), flag("--nats", {"nats://u:hunter2@a:1"})}});
  ASSERT_FALSE(both);
  EXPECT_TRUE(both.error().in_flags);
  EXPECT_EQ(both.error().text.find("hunter2"), std::string::npos);
  const auto none = load_config({.environment = {{"MILLRACE_BROKER_KIND", "nats"}}});
  ASSERT_FALSE(none);
  EXPECT_FALSE(none.error().in_flags);
  EXPECT_NE(none.error().text.find("names no server"), std::string::npos);
}

TEST_F(ConfigLoader, WhatSecuresNatsFitsTogether) {
  const auto refused = [this](const std::string& keys) {
    return error_of({.file = write("[broker]\nnats = [\"nats://a:1\"]\n" + keys)});
  };
  EXPECT_EQ(refused("tls = true\ntls_ca = \"ca.pem\"\ncredentials = \"a.creds\"\n"), "");
  const std::string text = refused("tls_ca = \"ca.pem\"\n");
  EXPECT_NE(text.find(":3: broker.tls_ca is set, but the connection is not"), std::string::npos)
      << text;
  EXPECT_NE(refused("credentials = \"a\"\nnkey_seed = \"b\"\n"), "");
  EXPECT_EQ(error_of({.file = write("[broker]\ntls_ca = \"ca.pem\"\n")}), "")
      << "without NATS it means nothing";
}

TEST_F(ConfigLoader, KeepsThePongBelowThePing) {
  const auto with = [](const std::string& ping, const std::string& pong) {
    return error_of({.environment = {{"MILLRACE_LIMITS_PING_INTERVAL", ping},
                                     {"MILLRACE_LIMITS_PONG_TIMEOUT", pong}}});
  };
  EXPECT_EQ(with("5s", "4999ms"), "");
  EXPECT_NE(with("5s", "5s").find("MILLRACE_LIMITS_P"), std::string::npos);
  EXPECT_NE(with("5s", "5001ms"), "");
  const std::string error = error_of({.file = write("[limits]\nping_interval = \"8s\"\n")});
  EXPECT_NE(error.find("millrace.toml:2: limits.pong_timeout is 8s and limits.ping_interval 8s"),
            std::string::npos)
      << error;
}

TEST_F(ConfigLoader, KeepsTheQueueAboveThePublication) {
  const auto with = [](const std::string& queue) {
    return error_of({.environment = {{"MILLRACE_LIMITS_PUBLICATION_SIZE", "2MiB"},
                                     {"MILLRACE_LIMITS_QUEUE_SIZE", queue}}});
  };
  EXPECT_NE(with("2097151B"), "");
  EXPECT_EQ(with("2MiB"), "");
  EXPECT_EQ(with("2097153B"), "");
}

TEST_F(ConfigLoader, GivesTheAdminAPortOfItsOwn) {
  const auto with = [](const std::string& listen, const std::string& admin) {
    const auto loaded =
        load_config({.flags = {flag("--listen", {listen}), flag("--admin", {admin})}});
    EXPECT_TRUE(loaded.ok() || loaded.error().in_flags);
    return loaded.ok();
  };
  EXPECT_FALSE(with("127.0.0.1:8000", "127.0.0.1:8000"));
  EXPECT_FALSE(with("0.0.0.0:8000", "127.0.0.1:8000"));
  EXPECT_FALSE(with("[::1]:9,0.0.0.0:8000", "127.0.0.1:8000"));
  EXPECT_TRUE(with("127.0.0.1:8000", "127.0.0.1:8001"));
  EXPECT_TRUE(with("[::]:8000", "127.0.0.1:8000"));
  EXPECT_TRUE(with("127.0.0.1:0", "127.0.0.1:0")) << "the kernel picks two";
}

}  // namespace
}  // namespace millrace
