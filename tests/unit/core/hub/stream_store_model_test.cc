// a million random operations on streams, in the store and in a plain reference, equal.
#include <gtest/gtest.h>

#include "core/base/mutant.h"
#include "tests/support/history_play.h"

namespace millrace {
namespace {

class RandomChoices {
 public:
  explicit RandomChoices(std::uint64_t seed) : random_(seed) {}
  std::uint32_t below(std::uint32_t bound) {
    return static_cast<std::uint32_t>(random_.below(bound));
  }

 private:
  Random random_;
};

using Play = HistoryPlay<RandomChoices>;

void run(Play& play, int steps) {
  for (int i = 0; i < steps; ++i) ASSERT_EQ(play.step(), "");
  EXPECT_GT(play.recovered, 1'000U);
  EXPECT_GT(play.refused, 1'000U);
  EXPECT_GT(play.wrong_epochs, 100U);
  EXPECT_GT(play.full_pages, 50U);
}

TEST(StreamStoreModel, AMillionOperationsWithRoomForAll) {
  RandomChoices choices(1);
  Play play({.prompt = false}, choices);
  run(play, 400'000);
}

TEST(StreamStoreModel, TheOldestOfAllGoesFirst) {
  RandomChoices choices(2);
  Play play({.limits = {.publications = 60}}, choices);
  run(play, 200'000);
  EXPECT_GT(play.model().evicted, 2'000U);
}

TEST(StreamStoreModel, BytesAreBounded) {
  RandomChoices choices(3);
  Play play({.limits = {.bytes = 6'000, .page_bytes = 3'000}}, choices);
  run(play, 200'000);
  EXPECT_GT(play.model().evicted, 2'000U);
}

TEST(StreamStoreModel, StreamsAreBounded) {
  RandomChoices choices(4);
  Play play({.limits = {.publications = 200, .streams = 9}}, choices);
  run(play, 200'000);
  EXPECT_GT(play.model().streams_evicted, 2'000U);
}

// Built a second time, with faults (tests/CMakeLists.txt).
#ifdef MILLRACE_MUTANTS
TEST(StreamStoreModel, FindsAPublicationThatIsMissing) {
  active_mutant = Mutant::kLostPublication;
  RandomChoices choices(1);
  Play play({.prompt = false}, choices);
  std::string finding;
  for (int i = 0; i < 1'000 && finding.empty(); ++i) finding = play.step();
  active_mutant = Mutant::kNone;
  EXPECT_NE(finding, "");
}
#endif

}  // namespace
}  // namespace millrace
