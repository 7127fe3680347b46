// Applies a patch in Fossil's delta format, strictly, for tests. Written apart from
// proto/fossil_delta.
#pragma once

#include <optional>
#include <string>

#include "core/base/bytes.h"

namespace millrace {

// Nothing unless the patch is one that a maker with care makes: no number with a leading zero, no
// command without bytes, every byte inside, the size and the checksum those of the result, and
// nothing behind them.
std::optional<std::string> apply_fossil_delta(Bytes from, Bytes patch);

}  // namespace millrace
