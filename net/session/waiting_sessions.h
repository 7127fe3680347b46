// Sessions that can't go on: their token waits for its turn, their channels for the broker, or a
// question for the answer of the one before it. What they send meanwhile is kept, and handled when
// they go on, in order.
//
// Verifying a token takes up to a fraction of a millisecond (docs/TOKENS.md), so at most
// kVerificationsATurn are done in one turn of the loop; who comes later waits for one of the next,
// behind those who wait already, and everybody else is served in between.
//
// Owner: the sessions of a shard share one. Limit: kMaxFrames and kMaxBytes kept for a session.
#pragma once

#include <boost/unordered/unordered_flat_map.hpp>
#include <deque>
#include <optional>
#include <string>

#include "core/base/bytes.h"
#include "core/base/ids.h"
#include "core/shard/reactor.h"

namespace millrace {

// Goes on with a session; nothing happens if it is gone.
class SessionResumer {
 public:
  virtual void resume(ConnId id, Instant now) = 0;

 protected:
  ~SessionResumer() = default;
};

class WaitingSessions final : public InboundSource {
 public:
  static constexpr std::uint32_t kVerificationsATurn = 64;
  static constexpr std::size_t kMaxFrames = 256;
  static constexpr std::size_t kMaxBytes = 256 * 1024;

  explicit WaitingSessions(SessionResumer& resumer) : resumer_(resumer) {}

  // True if one more token may be verified in this turn; otherwise verify_later().
  [[nodiscard]] bool may_verify();

  // Keeps a frame behind those that are kept. False at the limit.
  [[nodiscard]] bool keep(ConnId id, Bytes frame);
  // Keeps the rest of the frame that is being handled, in front of them. The same.
  [[nodiscard]] bool keep_first(ConnId id, Bytes rest);
  // The oldest, which is kept no longer; nothing if there is none.
  [[nodiscard]] std::optional<std::string> take_first(ConnId id);
  void forget(ConnId id);
  // A question of it is on its way to the broker; `ticket` names it. REQUIRES: no other is.
  void note_question(ConnId id, std::uint32_t ticket);
  // True if that one was, and is answered now.
  [[nodiscard]] bool end_question(ConnId id, std::uint32_t ticket);
  // Goes on with it in this turn or the next.
  void resume_later(ConnId id) { ready_.push_back(id); }
  // The same when its turn has come.
  void verify_later(ConnId id) { in_line_.push_back(id); }

  // InboundSource.
  void drain(Instant now) override;
  [[nodiscard]] bool ready() const override { return !ready_.empty() || !in_line_.empty(); }

  [[nodiscard]] std::size_t size() const { return kept_.size(); }

 private:
  struct Kept {
    std::deque<std::string> frames;
    std::size_t bytes = 0;
  };

  // Where the next frame of `id` may be kept; nullptr at the limit.
  Kept* room_for(ConnId id, std::size_t bytes);

  SessionResumer& resumer_;
  boost::unordered_flat_map<std::uint64_t, Kept> kept_;                // by ConnId
  boost::unordered_flat_map<std::uint64_t, std::uint32_t> questions_;  // tickets, the same
  std::deque<ConnId> ready_;
  std::deque<ConnId> in_line_;  // to verify a token
  std::uint32_t verified_ = 0;  // in this turn
  bool serving_ = false;        // those in line
};

}  // namespace millrace
