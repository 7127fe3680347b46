// How fast a shard closes connections whose tokens have expired: tokens that were made together
// expire together, and all who come back would come back at once.
//
//   if (pace.ask(now) > now) ask again then; else close it
//
// Of each kWindow the first kAtOnce are closed; the others get a time in one of the windows that
// follow, as many in each. Pure; time is an argument. Owner: the sessions of a shard share one.
#pragma once

#include <cstdint>

#include "core/time/instant.h"

namespace millrace {

class ExpiryPace {
 public:
  static constexpr std::uint32_t kAtOnce = 500;
  static constexpr Duration kWindow = milliseconds(100);

  // `now`: this one is closed now. Later: when it has to ask again.
  [[nodiscard]] Instant ask(Instant now) {
    if (now >= end_) {
      end_ = now + kWindow;
      closed_ = 0;
      waiting_ = 0;
    }
    if (closed_ < kAtOnce) {
      ++closed_;
      return now;
    }
    return end_ + kWindow * (waiting_++ / kAtOnce);
  }

 private:
  Instant end_{};  // of the window
  std::uint32_t closed_ = 0;
  std::uint32_t waiting_ = 0;  // were told to ask later
};

}  // namespace millrace
