#include "net/ws/close_code.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <utility>

namespace millrace {
namespace {

TEST(CloseCode, ValidCodesAreThoseOfTheRegistry) {
  constexpr std::array<std::pair<int, int>, 3> kValid{{{1000, 1003}, {1007, 1014}, {3000, 4999}}};
  for (int code = 0; code <= 65535; ++code) {
    const bool expected = std::ranges::any_of(kValid, [code](const std::pair<int, int>& range) {
      return code >= range.first && code <= range.second;
    });
    EXPECT_EQ(close_code_valid_on_wire(static_cast<std::uint16_t>(code)), expected) << code;
  }
}

// The edges by hand, so that a mistake in the table above can't hide one in the code.
TEST(CloseCode, EdgesOfTheRanges) {
  for (const int code : {1000, 1003, 1007, 1011, 1012, 1013, 1014, 3000, 3999, 4000, 4999}) {
    EXPECT_TRUE(close_code_valid_on_wire(static_cast<std::uint16_t>(code))) << code;
  }
  for (const int code : {0, 1, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, 65535}) {
    EXPECT_FALSE(close_code_valid_on_wire(static_cast<std::uint16_t>(code))) << code;
  }
}

}  // namespace
}  // namespace millrace
