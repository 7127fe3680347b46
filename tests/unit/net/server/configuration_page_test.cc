#include "net/server/configuration_page.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <sstream>
#include <string>

#include "net/server/config_file.h"
#include "net/server/config_key_text.h"

namespace millrace {
namespace {

const std::string kPath = std::string(MILLRACE_SOURCE_DIR) + "/docs/CONFIGURATION.md";

TEST(ConfigurationPage, IsTheOneInDocs) {
  if (std::getenv("MILLRACE_TEST_WRITE_DOCS") != nullptr) {
    std::ofstream(kPath) << configuration_page();
  }
  std::ifstream file(kPath);
  ASSERT_TRUE(file) << kPath;
  std::stringstream text;
  text << file.rdbuf();
  EXPECT_TRUE(text.str() == configuration_page())
      << kPath << " is not what configuration_page() makes; run this test again with "
      << "MILLRACE_TEST_WRITE_DOCS=1 in the environment and look at the difference";
}

TEST(ConfigurationPage, HasEveryKey) {
  const std::string page = configuration_page();
  for (const ConfigKey& key : config_keys()) {
    EXPECT_NE(page.find("| `" + std::string(key.name) + "` |"), std::string::npos) << key.name;
    const std::string variable = environment_name(key);
    EXPECT_NE(page.find(variable), std::string::npos) << variable;
    EXPECT_NE(page.find(key.flag), std::string::npos) << key.flag;
  }
}

TEST(ConfigurationPage, ShowsAFileWithEveryDefault) {
  const auto parsed = parse_config_text(default_file(), "default.toml");
  ASSERT_TRUE(parsed) << parsed.error().text;
  Config config;
  NamespaceConfig name_space;
  std::size_t keys = 0;
  for (const FileSetting& setting : parsed->settings) {
    if (setting.key == nullptr) continue;
    ++keys;
    const auto done = assign_value(*setting.key, setting.value, setting.source,
                                   {.config = &config, .name_space = &name_space});
    EXPECT_TRUE(done) << done.error().text;
  }
  EXPECT_EQ(config, Config{});
  EXPECT_EQ(name_space, NamespaceConfig{});
  EXPECT_EQ(keys + 5, config_keys().size()) << "all but three secrets, --insecure and --join";
}

}  // namespace
}  // namespace millrace
