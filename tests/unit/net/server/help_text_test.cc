#include "net/server/help_text.h"

#include <gtest/gtest.h>

#include <sstream>

#include "net/server/config_keys.h"

namespace millrace {
namespace {

TEST(HelpText, ListsEveryFlag) {
  const std::string help = serve_help();
  for (const ConfigKey& key : config_keys()) {
    EXPECT_NE(help.find(key.flag), std::string::npos) << key.flag;
  }
  for (const char* flag : {"--config FILE", "--check-config", "--help"}) {
    EXPECT_NE(help.find(flag), std::string::npos) << flag;
  }
  EXPECT_NE(help.find("Default: 0.0.0.0:8000,[::]:8000."), std::string::npos);
}

TEST(HelpText, ListsEveryCommand) {
  for (const char* word : {"serve", "version", "--help", "64", "78", "74", "71", "69"}) {
    EXPECT_NE(program_help().find(word), std::string::npos) << word;
  }
}

TEST(HelpText, FitsATerminal) {
  for (const std::string& help : {program_help(), serve_help(), check_help()}) {
    EXPECT_TRUE(help.ends_with('\n'));
    std::istringstream lines(help);
    for (std::string line; std::getline(lines, line);) {
      EXPECT_LE(line.size(), 100U) << line;
      EXPECT_FALSE(line.ends_with(' ')) << line;
    }
  }
}

}  // namespace
}  // namespace millrace
