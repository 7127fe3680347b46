#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "net/ws/frame_decoder.h"
#include "tests/support/client_frames.h"
#include "tests/support/frame_events.h"

namespace millrace {
namespace {

TEST(DecoderPool, LendsUpToItsLimit) {
  for (const std::uint32_t limit : {0U, 1U, 3U}) {
    DecoderPool pool(limit);
    std::vector<FrameDecoder*> lent;
    for (std::uint32_t i = 0; i < limit; ++i) {
      EXPECT_EQ(pool.lent(), i);
      lent.push_back(pool.lend());
      ASSERT_NE(lent.back(), nullptr);
    }
    EXPECT_EQ(pool.lend(), nullptr);
    EXPECT_EQ(pool.lent(), limit);
    for (FrameDecoder* decoder : lent) pool.give_back(decoder);
    EXPECT_EQ(pool.lent(), 0U);
  }
}

TEST(DecoderPool, LendsTheSameDecoderAgainWithNothingLeftInIt) {
  DecoderPool pool(1);
  FrameEvents events;
  FrameDecoder* const first = pool.lend();
  EXPECT_TRUE(first->feed(client_frame(Opcode::kText, "secret of another", false), {}, events));
  pool.give_back(first);
  FrameDecoder* const second = pool.lend();
  EXPECT_EQ(second, first);
  EXPECT_TRUE(second->feed(client_frame(Opcode::kText, "mine"), {}, events));
  EXPECT_EQ(events.lines, std::vector<std::string>{"text mine"});
  pool.give_back(second);
}

TEST(DecoderPoolDeathTest, WrongUseIsCaught) {
  EXPECT_DEATH(static_cast<void>(DecoderPool(1).lend()), "CHECK");
  EXPECT_DEATH(DecoderPool(1).give_back(nullptr), "CHECK");
}

}  // namespace
}  // namespace millrace
