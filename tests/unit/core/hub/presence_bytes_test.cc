#include "core/hub/presence_bytes.h"

#include <gtest/gtest.h>

namespace millrace {
namespace {

const std::vector<ClientInfo> kMembers{{"u", "c", "{}", "[]"}, {}, {.client = "d"}};

TEST(PresenceBytes, BringMembersBack) {
  const OwnedBytes packed = pack_members(kMembers);
  EXPECT_EQ(unpack_members(packed), kMembers);
  EXPECT_TRUE(pack_members({}).empty());
  EXPECT_TRUE(unpack_members({}).empty());
}

TEST(PresenceBytes, BringChangesBack) {
  const std::vector<PresenceChange> changes{{true, kMembers[0]}, {false, kMembers[2]}};
  const OwnedBytes packed = pack_changes(changes);
  const std::vector<PresenceChange> back = unpack_changes(packed);
  ASSERT_EQ(back.size(), 2U);
  EXPECT_TRUE(back[0].joined);
  EXPECT_FALSE(back[1].joined);
  EXPECT_EQ(back[0].member, kMembers[0]);
  EXPECT_EQ(back[1].member, kMembers[2]);
}

}  // namespace
}  // namespace millrace
