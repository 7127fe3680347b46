#include "net/session/waiting_sessions.h"

#include <utility>

#include "core/base/assert.h"

namespace millrace {

bool WaitingSessions::may_verify() {
  if (verified_ >= kVerificationsATurn || (!serving_ && !in_line_.empty())) return false;
  ++verified_;
  return true;
}

bool WaitingSessions::keep(ConnId id, Bytes frame) {
  Kept& kept = kept_[id.pack()];
  if (kept.frames.size() >= kMaxFrames || frame.size() > kMaxBytes - kept.bytes) return false;
  kept.frames.emplace_back(frame);
  kept.bytes += frame.size();
  return true;
}

std::vector<std::string> WaitingSessions::take(ConnId id) {
  const auto found = kept_.find(id.pack());
  if (found == kept_.end()) return {};
  std::vector<std::string> frames = std::move(found->second.frames);
  kept_.erase(found);
  return frames;
}

void WaitingSessions::forget(ConnId id) {
  kept_.erase(id.pack());
  questions_.erase(id.pack());
}

void WaitingSessions::note_question(ConnId id, std::uint32_t ticket) {
  CHECK(questions_.emplace(id.pack(), ticket).second);
}

bool WaitingSessions::end_question(ConnId id, std::uint32_t ticket) {
  const auto found = questions_.find(id.pack());
  if (found == questions_.end() || found->second != ticket) return false;
  questions_.erase(found);
  return true;
}

void WaitingSessions::drain(Instant now) {
  // Those only that are there now: each goes on once.
  for (std::size_t left = ready_.size(); left > 0; --left) {
    const ConnId id = ready_.front();
    ready_.pop_front();
    resumer_.resume(id, now);
  }
  // Those further back are not even looked at: there may be thousands.
  serving_ = true;
  while (!in_line_.empty() && verified_ < kVerificationsATurn) {
    const ConnId id = in_line_.front();
    in_line_.pop_front();
    resumer_.resume(id, now);
  }
  serving_ = false;
  verified_ = 0;
}

}  // namespace millrace
