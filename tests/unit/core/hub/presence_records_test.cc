#include "core/hub/presence_records.h"

#include <gtest/gtest.h>

namespace millrace {
namespace {

TEST(PresenceText, KeepsEachPartAsItIs) {
  const PresenceText all("client", "{\"a\":1}", "[2]");
  EXPECT_EQ(all.client(), "client");
  EXPECT_EQ(all.conn_info(), "{\"a\":1}");
  EXPECT_EQ(all.chan_info(), "[2]");
  const PresenceText none("", "", "");
  EXPECT_EQ(none.client(), "");
  EXPECT_EQ(none.conn_info(), "");
  EXPECT_EQ(none.chan_info(), "");
  const PresenceText last("", "", std::string(100'000, 'x'));
  EXPECT_EQ(last.conn_info(), "");
  EXPECT_EQ(last.chan_info().size(), 100'000U);
  const PresenceText zeros(Bytes("\0a", 2), Bytes("\0", 1), "");
  EXPECT_EQ(zeros.client(), Bytes("\0a", 2));
  EXPECT_EQ(zeros.conn_info(), Bytes("\0", 1));
}

TEST(PresenceMember, ShowsItsUserAndItsText) {
  PresenceChannel channel("room", 5);
  PresenceUser user(channel, "alice", 1);
  PresenceUser nobody(channel, "", 2);
  PresenceMember member(user, PresenceText("c1", "1", "2"), 3);
  EXPECT_EQ(member.info(), (ClientInfo{"alice", "c1", "1", "2"}));
  member.user = &nobody;
  EXPECT_EQ(member.info(), (ClientInfo{"", "c1", "1", "2"}));
}

TEST(PresenceRecords, AreSmall) {
  EXPECT_LE(sizeof(PresenceMember), 80U);
  EXPECT_LE(sizeof(PresenceUser), 48U);
  EXPECT_LE(sizeof(PresenceChannel), 192U);
}

}  // namespace
}  // namespace millrace
