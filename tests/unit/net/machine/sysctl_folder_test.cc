// The folder sysctl/ is what the code makes; MILLRACE_TEST_WRITE_DOCS=1 makes it anew.
#include "net/machine/sysctl_folder.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>

#include "net/machine/sysctl_settings.h"
#include "net/server/config.h"

namespace millrace {
namespace {

std::string folder() { return std::string(MILLRACE_SOURCE_DIR) + "/sysctl/"; }

std::string text_of(const std::string& path) {
  std::ifstream file(path);
  EXPECT_TRUE(file) << path;
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}

std::vector<FolderFile> made() { return sysctl_folder(Config().limits.kernel_send_buffer); }

TEST(SysctlFolder, IsTheOneInTheTree) {
  for (const FolderFile& file : made()) {
    const std::string path = folder() + file.path;
    if (std::getenv("MILLRACE_TEST_WRITE_DOCS") != nullptr) {
      std::filesystem::create_directories(std::filesystem::path(path).parent_path());
      std::ofstream(path) << file.text;
    }
    EXPECT_TRUE(text_of(path) == file.text)
        << path << " is not what net/machine/sysctl_folder.cc makes; run this test again with "
        << "MILLRACE_TEST_WRITE_DOCS=1 in the environment and look at the difference";
  }
}

TEST(SysctlFolder, HoldsNothingElse) {
  std::set<std::string> known{"millrace.service", "notrack.nft"};
  for (const FolderFile& file : made()) known.insert(file.path);
  for (const auto& entry : std::filesystem::recursive_directory_iterator(folder())) {
    if (!entry.is_regular_file()) continue;
    const std::string path = entry.path().string().substr(folder().size());
    EXPECT_TRUE(known.contains(path)) << path;
  }
}

// Written by hand, but its numbers follow from ours.
TEST(SysctlFolder, TheUnitHasTheNumbersOfTheFolder) {
  const std::string unit = text_of(folder() + "millrace.service");
  const std::string descriptors = std::to_string(recommended_descriptors(kFolderConnections));
  EXPECT_NE(unit.find("\nLimitNOFILE=" + descriptors + "\n"), std::string::npos);
  for (const FolderFile& file : made()) {
    if (file.path == "10-files.conf") {
      EXPECT_NE(file.text.find("fs.nr_open = " + descriptors + "\n"), std::string::npos);
    }
  }
  const std::size_t stop = unit.find("\nTimeoutStopSec=");
  ASSERT_NE(stop, std::string::npos);
  EXPECT_GT(seconds(std::stoi(unit.substr(stop + 16))), Config().limits.drain_timeout);
  for (const char* line :
       {"Type=exec", "KillSignal=SIGTERM", "LimitMEMLOCK=infinity", "NoNewPrivileges=yes",
        "ProtectSystem=strict", "CapabilityBoundingSet=",
        "SystemCallFilter=@system-service io_uring_setup io_uring_enter io_uring_register"}) {
    EXPECT_NE(unit.find("\n" + std::string(line) + "\n"), std::string::npos) << line;
  }
}

TEST(SysctlFolder, EverySettingHasALineInTheReadme) {
  const std::string readme = text_of(folder() + "README.md");
  for (const SysctlSetting& setting : sysctl_settings({.connections = kFolderConnections})) {
    EXPECT_NE(readme.find("| `" + std::string(setting.name) + "` | "), std::string::npos);
  }
}

}  // namespace
}  // namespace millrace
