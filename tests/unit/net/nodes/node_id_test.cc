#include "net/nodes/node_id.h"

#include <gtest/gtest.h>

#include <string>

namespace millrace {
namespace {

TEST(NodeId, IsItsText) {
  Random random(7);
  const NodeId id = NodeId::random(random);
  EXPECT_FALSE(id.none());
  EXPECT_EQ(id.text().size(), NodeId::kBytes);
  EXPECT_EQ(NodeId::parse(id.text()), id);
  EXPECT_NE(NodeId::random(random), id);
}

TEST(NodeId, NoneHasNoText) {
  EXPECT_TRUE(NodeId().none());
  EXPECT_EQ(NodeId().text(), "");
  EXPECT_EQ(NodeId::parse(""), std::nullopt);
}

TEST(NodeId, NothingElseIsOne) {
  Random random(7);
  const std::string good(NodeId::random(random).text());
  EXPECT_FALSE(NodeId::parse(good.substr(1)));
  EXPECT_FALSE(NodeId::parse(good + "0"));
  for (std::size_t at = 0; at < good.size(); ++at) {
    for (const char c : {'.', '*', '>', ' ', '\r', '\n', '\0', 'A', 'g', '=', '\xff'}) {
      std::string bad = good;
      bad[at] = c;
      EXPECT_FALSE(NodeId::parse(bad)) << at << " " << c;
    }
  }
  std::string moved = good;
  std::swap(moved[7], moved[8]);
  EXPECT_FALSE(NodeId::parse(moved));
}

}  // namespace
}  // namespace millrace
