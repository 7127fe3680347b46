// A stream through a FrameDecoder in one go or cut into reads.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "net/ws/frame_decoder.h"

namespace millrace {

struct Decoded {
  std::vector<std::string> lines;  // those of frame_events.h
  bool goes_on = true;
  bool at_rest = true;
};

// The first read has `first` bytes, all others have `piece`. Expects that an ended decoder stays
// so, and that reasons of violations fit into a close frame.
Decoded decode_frames(Bytes stream, const FrameLimits& limits, std::size_t first,
                      std::size_t piece);
// In one read.
Decoded decode_frames(Bytes stream, const FrameLimits& limits = {});

// Expects the same of the stream cut in two at every offset, and in reads of 1, 2, 3, 5 and 7.
void expect_same_however_cut(Bytes stream, const FrameLimits& limits);

}  // namespace millrace
