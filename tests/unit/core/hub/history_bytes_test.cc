#include "core/hub/history_bytes.h"

#include <gtest/gtest.h>

namespace millrace {
namespace {

TEST(HistoryBytes, BringBackWhatWasPacked) {
  const std::vector<KeptPublication> all{
      {.offset = 7, .data = "data"},
      {.offset = UINT64_MAX, .data = Bytes("\0\n", 2), .info = {"u", "c", "{}", "[]"}},
      {.offset = 1, .data = "", .info = {.client = "c"}},
  };
  const OwnedBytes packed = pack_publications(all);
  const std::vector<KeptPublication> back = unpack_publications(packed);
  ASSERT_EQ(back.size(), all.size());
  for (std::size_t i = 0; i < all.size(); ++i) {
    EXPECT_EQ(back[i].offset, all[i].offset);
    EXPECT_EQ(back[i].data, all[i].data);
    EXPECT_EQ(back[i].info, all[i].info);
  }
}

TEST(HistoryBytes, OfNothingAreNone) {
  EXPECT_TRUE(pack_publications({}).empty());
  EXPECT_TRUE(unpack_publications({}).empty());
}

}  // namespace
}  // namespace millrace
