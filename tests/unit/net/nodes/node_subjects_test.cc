#include "net/nodes/node_subjects.h"

#include <gtest/gtest.h>

#include <string>

namespace millrace {
namespace {

TEST(NodeSubjects, StandBehindThePrefix) {
  Random random(1);
  const NodeId id = NodeId::random(random);
  EXPECT_EQ(all_nodes_subject("", "heartbeat"), "millrace.node.all.heartbeat");
  EXPECT_EQ(all_nodes_subject("eu.a", "hello"), "eu.a.millrace.node.all.hello");
  EXPECT_EQ(node_subject("eu", id, "presence"),
            "eu.millrace.node." + std::string(id.text()) + ".presence");
}

TEST(NodeSubjects, AnInboxIsWhatClientsOfNatsMake) {
  EXPECT_TRUE(is_inbox("_INBOX.0123456789abcdef.1f"));
  EXPECT_TRUE(is_inbox("_INBOX.AbZ9_-.x"));
  for (const Bytes bad :
       {Bytes(""), Bytes("_INBOX"), Bytes("_INBOX."), Bytes("lobby"), Bytes("x._INBOX.a"),
        Bytes("_INBOX.a."), Bytes("_INBOX.a..b"), Bytes("_INBOX.*"), Bytes("_INBOX.>"),
        Bytes("_INBOX.a b"), Bytes("_INBOX.a\r\nPUB x 0"), Bytes("_INBOX.\xff"),
        Bytes("_INBOX.a\0b", 10)}) {
    EXPECT_FALSE(is_inbox(bad)) << bad;
  }
  EXPECT_TRUE(is_inbox("_INBOX." + std::string(249, 'a')));
  EXPECT_FALSE(is_inbox("_INBOX." + std::string(250, 'a')));
}

}  // namespace
}  // namespace millrace
