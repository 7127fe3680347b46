#include "net/session/session_walk.h"

#include <gtest/gtest.h>

#include "net/session/session.h"
#include "tests/support/session_world.h"

namespace millrace {
namespace {

class Visitor final : public SessionVisitor {
 public:
  Visitor(std::vector<std::string>& log, bool ends) : log_(log), ends_(ends) {}
  void visit(Session& session, Instant now) override {
    log_.emplace_back(session.identity().user());
    if (ends_) session.dismiss(4000, "bye", now);
  }
  void done(Instant) override { log_.emplace_back("done"); }

 private:
  std::vector<std::string>& log_;
  const bool ends_;
};

class SessionWalkTest : public ::testing::Test {
 protected:
  SessionWalk& walk() { return world_.shard().desk().walk(); }
  bool add(std::optional<std::string> user, bool ends = false) {
    set_this_shard(ShardId{0});
    return walk().add(std::move(user), std::make_unique<Visitor>(log_, ends));
  }

  SessionWorld world_;
  std::vector<std::string> log_;
};

using Log = std::vector<std::string>;

TEST_F(SessionWalkTest, VisitsAllOrThoseOfAUser) {
  world_.open_as("ann");
  world_.open_as("ben");
  world_.open_as("ann");
  world_.connect();  // HTTP is no session
  ASSERT_TRUE(add("ann"));
  world_.turn();
  EXPECT_EQ(log_, (Log{"ann", "ann", "done"}));
  log_.clear();
  ASSERT_TRUE(add(std::nullopt));
  world_.turn();
  EXPECT_EQ(log_, (Log{"ann", "ben", "ann", "done"}));
  EXPECT_EQ(walk().visitors(), 0U);
  EXPECT_FALSE(walk().ready());
}

TEST_F(SessionWalkTest, WhoEndsASessionIsTheLastToSeeIt) {
  const FileSlot ann = world_.open_as("ann");
  ASSERT_TRUE(add("ann", true));
  ASSERT_TRUE(add("ann"));
  world_.turn();
  EXPECT_EQ(log_, (Log{"ann", "done", "done"}));
  EXPECT_EQ(world_.heard(ann), "4000 bye");
}

TEST_F(SessionWalkTest, WithoutSessionsItIsDoneToo) {
  ASSERT_TRUE(add("ann"));
  ASSERT_TRUE(add(std::nullopt));
  world_.turn();
  EXPECT_EQ(log_, (Log{"done", "done"}));
}

TEST_F(SessionWalkTest, HasALimit) {
  for (std::size_t i = 0; i < SessionWalk::kMaxVisitors; ++i) ASSERT_TRUE(add("ann"));
  EXPECT_FALSE(add("ann"));
  world_.turn();
  EXPECT_TRUE(add("ann"));
  world_.turn();
}

}  // namespace
}  // namespace millrace
