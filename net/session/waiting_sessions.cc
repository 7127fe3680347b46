#include "net/session/waiting_sessions.h"

#include <utility>

#include "core/base/assert.h"

namespace millrace {

bool WaitingSessions::may_verify() {
  if (verified_ >= kVerificationsATurn || (!serving_ && !in_line_.empty())) return false;
  ++verified_;
  return true;
}

WaitingSessions::Kept* WaitingSessions::room_for(ConnId id, std::size_t bytes) {
  Kept& kept = kept_[id.pack()];
  if (kept.frames.size() >= kMaxFrames || bytes > kMaxBytes - kept.bytes) return nullptr;
  kept.bytes += bytes;
  return &kept;
}

bool WaitingSessions::keep(ConnId id, Bytes frame) {
  Kept* const kept = room_for(id, frame.size());
  if (kept != nullptr) kept->frames.emplace_back(frame);
  return kept != nullptr;
}

bool WaitingSessions::keep_first(ConnId id, Bytes rest) {
  Kept* const kept = room_for(id, rest.size());
  if (kept != nullptr) kept->frames.emplace_front(rest);
  return kept != nullptr;
}

std::optional<std::string> WaitingSessions::take_first(ConnId id) {
  const auto found = kept_.find(id.pack());
  if (found == kept_.end() || found->second.frames.empty()) return std::nullopt;
  Kept& kept = found->second;
  std::string frame = std::move(kept.frames.front());
  kept.frames.pop_front();
  kept.bytes -= frame.size();
  if (kept.frames.empty()) kept_.erase(found);
  return frame;
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
