#include "tests/kernel61/needs.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <fstream>
#include <sstream>

namespace millrace::kernel61 {
namespace {

namespace fs = std::filesystem;

// The names in all of the product.
const std::set<std::string>& used_names() {
  static const std::set<std::string> used = [] {
    std::set<std::string> all;
    for (const char* room : {"core", "proto", "net"}) {
      const fs::path root = fs::path(MILLRACE_SOURCE_DIR) / room;
      for (const fs::directory_entry& entry : fs::recursive_directory_iterator(root)) {
        const fs::path& path = entry.path();
        if (path.extension() != ".cc" && path.extension() != ".h") continue;
        std::ostringstream text;
        text << std::ifstream(path).rdbuf();
        all.merge(kernel_names(text.str()));
      }
    }
    return all;
  }();
  return used;
}

std::string joined(const std::vector<std::string>& lines) {
  std::string text;
  for (const std::string& line : lines) text += line + '\n';
  return text;
}

TEST(KernelNeeds, TheProductUsesNothingNewerThanDebian12) {
  EXPECT_TRUE(used_names().contains("io_uring_prep_recv_multishot")) << "nothing was read";
  EXPECT_EQ(joined(check_names(used_names(), kernel_needs())), "");
}

TEST(KernelNeeds, TheTableHasNoRowTooMany) {
  for (const KernelNeed& need : kernel_needs()) {
    EXPECT_TRUE(used_names().contains(std::string(need.name)))
        << need.name << " is used nowhere; take its row away";
    EXPECT_EQ(std::count_if(kernel_needs().begin(), kernel_needs().end(),
                            [&need](const KernelNeed& row) { return row.name == need.name; }),
              1)
        << need.name;
  }
}

TEST(KernelNeeds, FindsNamesInCodeOnly) {
  const char* source =
      "// IORING_OP_BIND is only talked about\n"
      "const char* text = \"IORING_OP_LISTEN\";\n"
      "io_uring_prep_cmd_sock(sqe, SOCKET_URING_OP_SETSOCKOPT, fd, SOL_SOCKET, SO_PASSPIDFD);\n"
      "flags|=IORING_SETUP_NO_SQARRAY;syscall(SYS_futex_wait);my_io_uring_x(kMSG_X, kIP_Y);\n";
  const std::set<std::string> found = {"IORING_SETUP_NO_SQARRAY", "SOCKET_URING_OP_SETSOCKOPT",
                                       "SO_PASSPIDFD", "SYS_futex_wait", "io_uring_prep_cmd_sock"};
  EXPECT_EQ(kernel_names(source), found);
  EXPECT_TRUE(kernel_names("").empty());
}

TEST(KernelNeeds, ANameThatIsNotInTheTableIsFound) {
  const std::string text =
      joined(check_names({"IORING_RECVSEND_BUNDLE", "IORING_OP_RECV"}, kernel_needs()));
  EXPECT_EQ(text.find("IORING_RECVSEND_BUNDLE is not in the table"), 0U) << text;
  EXPECT_EQ(std::count(text.begin(), text.end(), '\n'), 1) << text;
}

TEST(KernelNeeds, SixOneIsTheLastThatPasses) {
  constexpr std::array kTable = {KernelNeed{"A", {5, 19}}, KernelNeed{"B", {6, 1}},
                                 KernelNeed{"C", {6, 2}}, KernelNeed{"D", {7, 0}}};
  EXPECT_EQ(joined(check_names({"A", "B", "C", "D"}, kTable)),
            "C exists since Linux 6.2, and millrace runs on 6.1; do without it\n"
            "D exists since Linux 7.0, and millrace runs on 6.1; do without it\n");
}

}  // namespace
}  // namespace millrace::kernel61
