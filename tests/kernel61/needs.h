// What millrace asks of the kernel and since which Linux each exists, so that nothing newer than
// Debian 12's 6.1 slips in unseen. Pure, as in tests/tidy: from a source's text to what is wrong.
//
// It sees names, so it knows every operation, flag and option that the code spells out, and no
// number; tests/kernel61/as_linux_6_1.cc and ./dev kernel61 judge what really reaches the kernel.
#pragma once

#include <compare>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace millrace::kernel61 {

struct LinuxVersion {
  int major = 0;
  int minor = 0;
  auto operator<=>(const LinuxVersion&) const = default;
};

inline constexpr LinuxVersion kOldestSupported{6, 1};

struct KernelNeed {
  std::string_view name;
  LinuxVersion since;
};

// Every name that the product may use, each once.
[[nodiscard]] std::span<const KernelNeed> kernel_needs();

// The names in a C++ source that stand for something of the kernel's: io_uring's and its
// library's, socket options, flags of messages, sockets, mappings and eventfds, system calls.
// Comments and literals don't count.
[[nodiscard]] std::set<std::string> kernel_names(std::string_view source);

// What is wrong with these names, ready to print.
[[nodiscard]] std::vector<std::string> check_names(const std::set<std::string>& names,
                                                   std::span<const KernelNeed> table);

}  // namespace millrace::kernel61
