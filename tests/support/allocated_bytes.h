// Heap memory in use by what this thread has made with `new`, less what it has deleted.
//
// For tests of what an object holds. Compare two readings on one thread, with nothing else going
// on. It is counted as it is handed out: an allocator's own books count what it keeps for the next
// who asks as in use, too (glibc's, by thread), and would make each test depend on what ran before.
#pragma once

#include <cstdint>

namespace millrace {

[[nodiscard]] std::int64_t allocated_bytes();

}  // namespace millrace
