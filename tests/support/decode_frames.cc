#include "tests/support/decode_frames.h"

#include <gtest/gtest.h>

#include "core/base/utf8.h"
#include "tests/support/frame_events.h"

namespace millrace {

Decoded decode_frames(Bytes stream, const FrameLimits& limits, std::size_t first,
                      std::size_t piece) {
  FrameDecoder decoder;
  FrameEvents events;
  Decoded decoded;
  for (std::size_t size = first; !stream.empty(); size = piece) {
    // A copy of its own, so that a sanitizer sees a view that outlives the call.
    const std::string read(stream.substr(0, size));
    stream.remove_prefix(read.size());
    const bool goes_on = decoder.feed(read, limits, events);
    EXPECT_TRUE(decoded.goes_on || !goes_on) << "an ended decoder went on";
    decoded.goes_on = goes_on;
  }
  decoded.lines = events.lines;
  decoded.at_rest = decoder.at_rest();
  for (const std::string& reason : events.reasons) {
    EXPECT_FALSE(reason.empty());
    EXPECT_LE(reason.size(), 123U);
    EXPECT_TRUE(utf8_valid(reason));
  }
  return decoded;
}

Decoded decode_frames(Bytes stream, const FrameLimits& limits) {
  return decode_frames(stream, limits, stream.size(), stream.size());
}

void expect_same_however_cut(Bytes stream, const FrameLimits& limits) {
  const Decoded whole = decode_frames(stream, limits);
  const auto expect_same = [&](std::size_t first, std::size_t piece) {
    const Decoded cut = decode_frames(stream, limits, first, piece);
    EXPECT_EQ(cut.lines, whole.lines) << first << " bytes, then by " << piece;
    EXPECT_EQ(cut.goes_on, whole.goes_on);
    EXPECT_TRUE(!whole.goes_on || cut.at_rest == whole.at_rest);
  };
  for (std::size_t at = 1; at < stream.size(); ++at) expect_same(at, stream.size());
  for (const std::size_t piece : {1, 2, 3, 5, 7}) expect_same(piece, piece);
}

}  // namespace millrace
