#include "net/server/config_keys.h"

#include <gtest/gtest.h>

#include <set>
#include <string>

#include "net/server/config_key_text.h"
#include "net/server/config_value.h"

namespace millrace {
namespace {

TEST(ConfigKeys, HaveNamesOfTheirOwn) {
  std::set<std::string> names;
  std::set<std::string> variables;
  std::set<std::string_view> flags;
  std::string_view section = config_keys().front().section;
  std::set<std::string_view> sections{section};
  for (const ConfigKey& key : config_keys()) {
    EXPECT_TRUE(names.insert(full_name(key)).second) << full_name(key);
    const std::string variable = environment_name(key);
    if (!variable.empty()) {
      EXPECT_TRUE(variables.insert(variable).second) << variable;
    }
    if (!key.flag.empty()) {
      EXPECT_TRUE(flags.insert(key.flag).second) << key.flag;
    }
    if (key.section != section) {
      EXPECT_TRUE(sections.insert(key.section).second) << "not together: " << key.section;
      section = key.section;
    }
  }
}

TEST(ConfigKeys, AreFoundByTheirNames) {
  for (const ConfigKey& key : config_keys()) {
    EXPECT_EQ(find_key(key.section, key.name), &key);
    if (!key.flag.empty()) {
      EXPECT_EQ(find_flag(key.flag), &key);
    }
  }
  EXPECT_EQ(find_key("server", "kind"), nullptr);
  EXPECT_EQ(find_key("", "shards"), nullptr);
  EXPECT_EQ(find_flag(""), nullptr);
  EXPECT_EQ(find_flag("--migrate"), nullptr);
}

TEST(ConfigKeys, ExplainThemselves) {
  for (const ConfigKey& key : config_keys()) {
    EXPECT_FALSE(key.help.empty()) << full_name(key);
    EXPECT_TRUE(key.help.ends_with('.')) << full_name(key);
    EXPECT_EQ(key.help.find('|'), std::string_view::npos) << "it stands in a table of markdown";
    EXPECT_LE(key.min, key.max) << full_name(key);
    const bool flag_with_value = !key.flag.empty() && key.kind != ValueKind::kBool;
    EXPECT_EQ(flag_with_value, !key.flag_value.empty()) << full_name(key);
  }
}

// What documentation and errors show has to work.
TEST(ConfigKeys, HaveExamplesAndDefaultsThatAreAllowed) {
  for (const ConfigKey& key : config_keys()) {
    if (key.kind == ValueKind::kSecret) continue;
    Config config;
    NamespaceConfig name_space;
    const Target target{.config = &config, .name_space = &name_space};
    const std::string value = value_text(key, target);
    for (const std::string& text : {std::string(key.example), value}) {
      const RawValue raw = raw_from_texts(key, {text});
      EXPECT_TRUE(assign_value(key, raw, {}, target)) << full_name(key) << " = " << text;
    }
    EXPECT_EQ(config, Config{}) << full_name(key);
    EXPECT_EQ(name_space, NamespaceConfig{}) << full_name(key);
  }
}

}  // namespace
}  // namespace millrace
