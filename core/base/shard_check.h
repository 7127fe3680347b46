// Which shard this thread is, and a member that says "I belong to that shard".
//
// An object that must stay on its shard holds a ShardCheck and calls verify() where it is entered.
// The thread-local is set by the shard at its start (and by nobody in unit tests, where every
// thread is kNoShard and all objects made on it agree).
#pragma once

#include <cstdint>

#include "core/base/assert.h"
#include "core/base/ids.h"

namespace millrace {

inline constexpr std::uint16_t kNoShard = 0xffff;

namespace internal {
inline thread_local std::uint16_t current_shard = kNoShard;
}

inline ShardId this_shard() { return ShardId{internal::current_shard}; }
inline void set_this_shard(ShardId id) { internal::current_shard = id.value; }

class ShardCheck {
 public:
  ShardCheck() : owner_(internal::current_shard) {}
  void verify() const { CHECK_EQ(owner_, internal::current_shard); }

 private:
  std::uint16_t owner_;
};

}  // namespace millrace
