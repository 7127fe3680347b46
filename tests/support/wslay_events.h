// The second opinion on a stream of client frames: wslay's own event API, which shares no code of
// ours. The lines are those of frame_events.h.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "core/base/bytes.h"

namespace millrace {

// What wslay makes of the whole stream, messages over `message_bytes` refused. Ends without a line
// where wslay sees a violation.
std::vector<std::string> wslay_events(Bytes stream, std::size_t message_bytes);

}  // namespace millrace
