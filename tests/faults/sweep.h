// How a test goes over all N: how many of them, and which one it is at when the program dies.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace millrace {

// The numbers 1 to `count`, or as many of them, spread evenly, as `most` times MILLRACE_TEST_SCALE
// allows. MILLRACE_FAULTS=all asks for every one; MILLRACE_FAULTS_AT=N for N alone.
std::vector<std::uint64_t> sweep(std::uint64_t count, std::uint64_t most);

// Told on stderr if a CHECK ends the program. Replaces what was said before.
void now_trying(const std::string& what);

}  // namespace millrace
