#include "net/server/config_key_text.h"

#include <gtest/gtest.h>

#include "core/base/assert.h"

namespace millrace {
namespace {

const ConfigKey& key(std::string_view section, std::string_view name) {
  const ConfigKey* found = find_key(section, name);
  CHECK(found != nullptr);
  return *found;
}

TEST(ConfigKeyText, NamesKeys) {
  EXPECT_EQ(full_name(key("server", "max_connections")), "server.max_connections");
  EXPECT_EQ(full_name(key("namespaces", "interest")), "namespaces.NAME.interest");
  EXPECT_EQ(full_name(key("", "insecure")), "insecure");
  EXPECT_EQ(environment_name(key("server", "max_connections")), "MILLRACE_SERVER_MAX_CONNECTIONS");
  EXPECT_EQ(environment_name(key("api", "key")), "MILLRACE_API_KEY");
  EXPECT_EQ(environment_name(key("", "insecure")), "MILLRACE_INSECURE");
  EXPECT_EQ(environment_name(key("namespaces", "interest")), "");
}

TEST(ConfigKeyText, SaysWhatIsAllowed) {
  EXPECT_EQ(allowed_text(key("server", "shards")), "a whole number from 0 to 1024");
  EXPECT_EQ(allowed_text(key("server", "pin")), "true or false");
  EXPECT_EQ(allowed_text(key("server", "log_level")), "one of debug, info, warn, error");
  EXPECT_EQ(allowed_text(key("broker", "kind")), "memory or nats");
  EXPECT_EQ(allowed_text(key("limits", "recv_buffers")), "a power of two from 1 to 32768");
  EXPECT_EQ(allowed_text(key("limits", "message_size")),
            "a size from 1KiB to 16MiB (units B, KiB, MiB, GiB)");
  EXPECT_EQ(allowed_text(key("limits", "ping_interval")),
            "whole seconds from 1s to 1h (units ms, s, m, h)");
  for (const ConfigKey& one : config_keys()) EXPECT_FALSE(allowed_text(one).empty());
}

TEST(ConfigKeyText, SplitsLists) {
  using Items = std::vector<std::string>;
  EXPECT_EQ(split_list(""), Items{});
  EXPECT_EQ(split_list(" \t"), Items{});
  EXPECT_EQ(split_list("a"), Items{"a"});
  EXPECT_EQ(split_list(" a , b\t"), (Items{"a", "b"}));
  EXPECT_EQ(split_list("a,"), (Items{"a", ""})) << "an empty item is an error, not nothing";
  EXPECT_EQ(split_list(","), (Items{"", ""}));
}

TEST(ConfigKeyText, WritesToml) {
  EXPECT_EQ(toml_text(key("server", "shards"), "4"), "4");
  EXPECT_EQ(toml_text(key("server", "pin"), "true"), "true");
  EXPECT_EQ(toml_text(key("server", "max_connections"), "auto"), "\"auto\"");
  EXPECT_EQ(toml_text(key("server", "max_connections"), "7"), "7");
  EXPECT_EQ(toml_text(key("server", "listen"), "a,b"), "[\"a\", \"b\"]");
  EXPECT_EQ(toml_text(key("broker", "nats"), ""), "[]");
  EXPECT_EQ(toml_text(key("limits", "queue_size"), "1MiB"), "\"1MiB\"");
}

TEST(ConfigKeyText, WritesValues) {
  Config config;
  NamespaceConfig name_space;
  const Target target{.config = &config, .name_space = &name_space};
  EXPECT_EQ(value_text(key("server", "listen"), target), "0.0.0.0:8000,[::]:8000");
  EXPECT_EQ(value_text(key("server", "max_connections"), target), "auto");
  config.server.max_connections = 5;
  EXPECT_EQ(value_text(key("server", "max_connections"), target), "5");
  EXPECT_EQ(value_text(key("server", "shards"), target), "0");
  EXPECT_EQ(value_text(key("limits", "kernel_send_buffer"), target), "128KiB");
  EXPECT_EQ(value_text(key("limits", "pong_timeout"), target), "8s");
  EXPECT_EQ(value_text(key("namespaces", "interest"), target), "channel");
  config.api.key = "a-secret-of-the-operator";
  EXPECT_EQ(value_text(key("api", "key"), target), "") << "a secret is never told";
}

}  // namespace
}  // namespace millrace
