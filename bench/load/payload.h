// What our publications carry: {"seq":7,"at":1234,"by":2,"pad":"xxx"}. `seq` counts from 1 for each
// publisher and channel, `at` is the time it was due (this machine's monotonic clock, ns), `by` the
// publisher among those of the channel, absent if it is 0. Publications of others need no more than
// `"seq":` for the order to be checked. Pure.
#pragma once

#include <cstdint>
#include <string>

#include "core/base/bytes.h"
#include "core/time/instant.h"

namespace millrace::load {

struct Marks {
  std::uint32_t seq = 0;  // 0: not a publication of ours
  std::uint32_t by = 0;
  Instant at = Instant::never();  // never: it does not say
};

inline constexpr std::size_t kLeastPayload = 64;  // bytes; the largest marks fit

// Appends a payload of exactly `size` bytes. REQUIRES: size >= kLeastPayload.
void append_payload(std::string& out, const Marks& marks, std::size_t size);
// The marks of the first payload in a text; seq is 0 if there is none.
[[nodiscard]] Marks find_marks(Bytes text);

}  // namespace millrace::load
