#include "net/server/drain_pace.h"

#include <utility>

namespace millrace {

DrainPace::DrainPace(std::size_t count, Instant start, Instant end) : left_(count), end_(end) {
  spread(start);
}

void DrainPace::spread(Instant now) {
  next_ = now;
  gap_ = left_ == 0 ? end_ - now : (end_ - now) / static_cast<std::int64_t>(left_);
}

std::size_t DrainPace::due(Instant now) {
  if (now >= end_) return std::exchange(left_, 0);
  if (now - next_ > kLate) spread(now - kLate);
  std::size_t count = 0;
  while (left_ > 0 && next_ <= now) {
    ++count;
    --left_;
    next_ = next_ + gap_;
  }
  return count;
}

}  // namespace millrace
