// Makes the Nth allocation of this program fail: malloc and its relatives are replaced for the
// whole process, shared libraries included, and operator new goes through them as libstdc++'s does.
//
// Only what happens on the arming thread while a Watched lives is counted and can fail, and nothing
// of it while a Suspended lives: harness code allocates as it likes.
//
// One thread arms at a time.
#pragma once

#include <cstdint>

namespace millrace {

class AllocFaults {
 public:
  enum class Which : std::uint8_t {
    kAll,     // operator new too
    kDirect,  // only who calls malloc: C libraries
  };
  struct Plan {
    Which which = Which::kAll;
    std::uint64_t first = 0;  // 1-based; 0: none
    std::uint64_t count = 1;  // how many in a row
  };

  // Begins to count anew.
  static void arm(const Plan& plan);
  // Since the last arm(): calls that the plan's `which` counts, and those of them that failed.
  static std::uint64_t calls();
  static std::uint64_t failed();
  // Those that failed without operator new.
  static std::uint64_t failed_directly();
  // Allocations of the process that are not freed. A sanitizer's library makes some of its own, and
  // sees leaks itself.
#if defined(MILLRACE_SANITIZED)
  static constexpr bool kCountsLive = false;
#else
  static constexpr bool kCountsLive = true;
#endif
  static std::int64_t live();

  class Watched {
   public:
    Watched();
    ~Watched();
    Watched(const Watched&) = delete;
    Watched& operator=(const Watched&) = delete;
  };
  class Suspended {
   public:
    Suspended();
    ~Suspended();
    Suspended(const Suspended&) = delete;
    Suspended& operator=(const Suspended&) = delete;
  };
};

}  // namespace millrace
