// Coming back to a channel: what was missed, or that it can't be told.
#include <gtest/gtest.h>

#include "net/session/session.h"
#include "tests/support/fossil_apply.h"
#include "tests/support/session_world.h"

namespace millrace {
namespace {

using World = SessionWorld;

class SessionRecovery : public testing::Test {
 protected:
  SessionRecovery() : publisher_(world_.open_as("bert")), file_(world_.open_as("anna")) {
    epoch_ = World::value_of(world_.ask(file_, World::subscribe(2, "kept:1")), "epoch");
    EXPECT_EQ(epoch_.size(), Epoch::kLetters);
    leave();
  }
  void leave() { world_.ask(file_, R"({"id":3,"unsubscribe":{"channel":"kept:1"}})"); }
  void publish(int from, int to) {
    for (int n = from; n <= to; ++n) {
      world_.ask(publisher_, World::publish(2, "kept:1", std::to_string(n)));
    }
  }
  std::string back(const std::string& epoch, int offset, const std::string& more = "") {
    const std::string reply =
        world_.ask(file_, World::subscribe(4, "kept:1",
                                           R"(,"recover":true,"epoch":")" + epoch +
                                               R"(","offset":)" + std::to_string(offset) + more));
    leave();
    return reply;
  }

  World world_;
  FileSlot publisher_;
  FileSlot file_;
  std::string epoch_;
};

TEST_F(SessionRecovery, NothingMissedIsRecovered) {
  EXPECT_TRUE(holds(back(epoch_, 0), R"("recovered":true)"));
  publish(1, 2);
  const std::string reply = back(epoch_, 2);
  EXPECT_TRUE(holds(reply, R"("recovered":true,"offset":2)")) << reply;
  EXPECT_FALSE(holds(reply, "publications"));
}

TEST_F(SessionRecovery, AllThatIsKeptComesBackAndNoMore) {
  publish(1, World::kKept + 2);  // 3 to 7 are kept
  const std::string all = back(epoch_, 2);
  for (int n = 3; n <= 7; ++n) EXPECT_TRUE(holds(all, R"({"data":)" + std::to_string(n))) << all;
  EXPECT_TRUE(holds(all, R"("recovered":true,"offset":2)")) << all;
  EXPECT_EQ(count_of(all, R"("data")"), 5U);
  const std::string one_too_old = back(epoch_, 1);
  EXPECT_FALSE(holds(one_too_old, "recovered\":true")) << one_too_old;
  EXPECT_FALSE(holds(one_too_old, "publications")) << "never a part";
  EXPECT_TRUE(holds(one_too_old, R"("offset":7)")) << one_too_old;
  EXPECT_TRUE(holds(one_too_old, R"("was_recovering":true)")) << one_too_old;
}

TEST_F(SessionRecovery, AnotherEpochOrAHigherOffsetIsNot) {
  publish(1, 2);
  for (const char* epoch : {"abcdefgh", "short", "not letters at all"}) {
    const std::string reply = back(epoch, 1);
    EXPECT_FALSE(holds(reply, R"("recovered":true)")) << reply;
    EXPECT_TRUE(holds(reply, R"("was_recovering":true)")) << reply;
    EXPECT_TRUE(holds(reply, epoch_)) << reply;
  }
  EXPECT_FALSE(holds(back(epoch_, 3), R"("recovered":true)"));
}

TEST_F(SessionRecovery, WhoWantsAllOrNothingIsToldSo) {
  publish(1, World::kKept + 2);
  EXPECT_TRUE(holds(back(epoch_, 1, R"(,"flag":2)"), R"("code":112)"));
  EXPECT_TRUE(holds(back("abcdefgh", 2, R"(,"flag":2)"), R"("code":112)"));
  EXPECT_TRUE(holds(back("nothing", 2, R"(,"flag":3)"), R"("code":112)"));
  EXPECT_EQ(world_.metrics().subscriptions, 0U);
  EXPECT_TRUE(holds(back(epoch_, 2, R"(,"flag":2)"), R"("recovered":true)"));
}

TEST_F(SessionRecovery, WhereNothingIsKeptNobodyRecovers) {
  EXPECT_EQ(world_.ask(file_, World::subscribe(5, "news",
                                               R"(,"recover":true,"recoverable":true,)"
                                               R"("positioned":true,"epoch":"abcdefgh")")),
            R"({"id":5,"subscribe":{}})");
}

TEST_F(SessionRecovery, PublicationsHaveOffsetsAndTheirPublisher) {
  world_.ask(file_, World::subscribe(4, "kept:1"));
  publish(1, 2);
  const std::string heard = world_.heard(file_);
  EXPECT_TRUE(holds(heard, R"("pub":{"data":1,"info":{"user":"bert",)")) << heard;
  EXPECT_TRUE(holds(heard, R"("offset":2})")) << heard;
}

// --- the stream is lost --------------------------------------------------------------------------

// Of two streams the one that was used longer ago is dropped for want of room. Who publishes to it
// again begins another one.
ClientShardOptions one_stream() {
  ClientShardOptions options = World::options();
  options.memory_broker.streams.streams = 1;
  auto& namespaces = options.sessions.namespaces.by_name;
  namespaces["mixed"] = namespaces["kept"];
  namespaces["mixed"].recoverable = false;
  return options;
}

TEST(SessionPositions, ALostStreamEndsSubscriptionsThatWerePromisedToBeTold) {
  World world(one_stream());
  const FileSlot publisher = world.open_as("bert");
  const FileSlot client = world.open_as("anna");
  const FileSlot by_server = world.open_with(World::lasting("carl", R"(,"channels":["kept:1"])"));
  world.ask(client, World::subscribe(2, "kept:1"));
  world.ask(publisher, World::publish(2, "kept:1", "1"));
  static_cast<void>(world.heard(client));
  static_cast<void>(world.heard(by_server));
  world.ask(publisher, World::publish(3, "kept:2", "1"));
  EXPECT_EQ(world.ask(publisher, World::publish(4, "kept:1", "2")), R"({"id":4,"publish":{}})");
  EXPECT_EQ(world.heard(client), R"({"push":{"channel":"kept:1","unsubscribe":)"
                                 R"({"code":2500,"reason":"insufficient state"}}})");
  EXPECT_EQ(world.heard(by_server), "3010 insufficient state");
  const std::string again = world.ask(client, World::subscribe(5, "kept:1"));
  EXPECT_TRUE(holds(again, R"("offset":1)")) << again;
}

// A check finds it without a publication.
TEST(SessionPositions, AreCheckedFromTimeToTime) {
  World world(one_stream());
  const FileSlot client = world.open_as("anna");
  world.ask(client, World::subscribe(2, "kept:1"));
  world.ask(client, World::publish(3, "kept:2", "1"));  // kept:1 is dropped
  std::string heard;
  for (int i = 0; i < 45 && !holds(heard, "2500"); ++i) {
    world.advance(seconds(1));
    const std::string now = world.heard(client);
    if (now == "{}") world.send_text(client, "{}");
    heard += now;
  }
  EXPECT_TRUE(holds(heard, R"("unsubscribe":{"code":2500,)")) << heard;
}

// Whose own publication ends its subscription: others get it with all that was known of it.
TEST(SessionPositions, APublisherThatIsLostKeepsItsNameForOthers) {
  World world(one_stream());
  const FileSlot plain = world.open_as("carl");
  world.ask(plain, World::subscribe(2, "mixed:1"));
  const FileSlot publisher = world.open_websocket();
  const std::string id = World::value_of(
      world.ask(publisher, World::connect(World::lasting("anna", R"(,"info":{"conn":1})"))),
      "client");
  const std::string token = World::lasting(
      "anna", R"(,"channel":"mixed:1","info":{"seat":"a text of more than a few bytes"})");
  world.ask(publisher,
            World::subscribe(2, "mixed:1", R"(,"recoverable":true)" + World::with_token(token)));
  const FileSlot other = world.open_as("dora");
  world.ask(other, World::subscribe(2, "mixed:1", R"(,"recoverable":true)"));
  world.ask(other, World::publish(3, "kept:2", "1"));  // mixed:1 is dropped
  const std::string own = world.ask(publisher, World::publish(4, "mixed:1", "2"));
  EXPECT_TRUE(holds(own, R"("unsubscribe":{"code":2500,)")) << own;
  EXPECT_TRUE(holds(own, R"({"id":4,"publish":{}})")) << own;
  EXPECT_TRUE(holds(world.heard(other), "2500"));
  EXPECT_EQ(world.heard(plain),
            R"({"push":{"channel":"mixed:1","pub":{"data":2,"info":{"user":"anna","client":")" +
                id + R"(","conn_info":{"conn":1},"chan_info":{"seat":"a text of more than a few )" +
                R"(bytes"}},"offset":1}}})");
}

// --- delta ---------------------------------------------------------------------------------------

std::string unquoted(const std::string& push) {
  std::string text;
  const std::size_t at = push.find(R"("data":")") + 8;
  for (std::size_t i = at; push[i] != '"'; ++i) {
    if (push[i] == '\\') ++i;
    text.push_back(push[i] == 'n' && push[i - 1] == '\\' ? '\n' : push[i]);
  }
  return text;
}

TEST(SessionDelta, TwoSubscribersGetTheSamePatchAndOthersTheWhole) {
  World world;
  const FileSlot publisher = world.open_as("bert");
  std::vector<FileSlot> patched;
  for (int i = 0; i < 2; ++i) {
    patched.push_back(world.open_as("anna"));
    const std::string reply =
        world.ask(patched.back(), World::subscribe(2, "delta:1", R"(,"delta":"fossil")"));
    EXPECT_TRUE(holds(reply, R"("delta":true)")) << reply;
  }
  const FileSlot plain = world.open_as("carl");
  world.ask(plain, World::subscribe(2, "delta:1"));
  const std::string long_text(300, 'x');
  const std::string first = R"({"text":")" + long_text + R"(","n":1})";
  const std::string second = R"({"text":")" + long_text + R"(","n":2})";
  world.ask(publisher, World::publish(3, "delta:1", first));
  std::vector<std::string> bases;
  for (const FileSlot file : patched) {
    const std::string heard = world.heard(file);
    EXPECT_FALSE(holds(heard, R"("delta":true)")) << "the first is whole";
    bases.push_back(unquoted(heard));
    EXPECT_EQ(bases.back(), first);
  }
  EXPECT_TRUE(holds(world.heard(plain), first));
  const std::uint64_t encodes = world.metrics().encodes_total;
  world.ask(publisher, World::publish(4, "delta:1", second));
  EXPECT_EQ(world.metrics().encodes_total, encodes + 2) << "one of a patch, one of the whole";
  for (const FileSlot file : patched) {
    const std::string heard = world.heard(file);
    EXPECT_TRUE(holds(heard, R"("delta":true)")) << heard;
    EXPECT_LT(heard.size(), 300U);
    EXPECT_EQ(apply_fossil_delta(bases[0], unquoted(heard)), second);
  }
  EXPECT_TRUE(holds(world.heard(plain), second));
}

// The first it gets is whole, though others are patched.
TEST(SessionDelta, WhoComesLaterBeginsWithTheWhole) {
  World world;
  const FileSlot publisher = world.open_as("bert");
  const FileSlot early = world.open_as("anna");
  world.ask(early, World::subscribe(2, "delta:1", R"(,"delta":"fossil")"));
  const std::string text = "\"" + std::string(200, 'y') + "\"";
  world.ask(publisher, World::publish(3, "delta:1", text));
  const FileSlot late = world.open_as("anna");
  world.ask(late, World::subscribe(2, "delta:1", R"(,"delta":"fossil")"));
  world.ask(publisher, World::publish(4, "delta:1", text));
  EXPECT_TRUE(holds(world.heard(early), R"("delta":true)"));
  const std::string heard = world.heard(late);
  EXPECT_EQ(unquoted(heard).size(), 202U) << heard;
  EXPECT_FALSE(holds(heard, R"("delta":true)"));
}

}  // namespace
}  // namespace millrace
