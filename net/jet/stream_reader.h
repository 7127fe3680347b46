// Questions about one channel of a stream, each of several requests to JetStream: where it stands,
// and what is between two places of it, with a proof that nothing is missing.
//
//   top:   STREAM.INFO (one for all who ask at a time), then MSG.GET last_by_subj: the leader's
//   read:  DIRECT.GET next_by_subj, one request a message; MSG.GET where a replica lags; then the
//          proof
//
// The proof (docs/HISTORY.md): all after `since` is there if `since` or anything before it is still
// kept, because the oldest goes first; or if nothing of it can have gone: the stream begins at most
// at since + 1, the channel keeps less than it may, and no mark tells of a removal behind `since`.
// Only the leader's word counts in it, and it is asked after the last message was read.
//
// A request without an answer is made again until the question's deadline.
//
// Owner: the shard's JetBroker; on the shard's thread. Limits: kMaxOpen questions, the rest are
// refused; kMaxAsked requests out at a time, the rest wait in line.
#pragma once

#include <cstdint>
#include <deque>
#include <string>
#include <vector>

#include "core/mem/slab.h"
#include "core/time/timer_wheel.h"
#include "net/jet/jet_payloads.h"
#include "net/jet/stream_keeper.h"
#include "net/nats/nats_port.h"

namespace millrace {

// A publication as the stream has it.
struct JetPublication {
  std::uint64_t offset = 0;
  std::int64_t time = 0;  // seconds since 1970; 0: not known
  OwnedBytes data;
  OwnedBytes info;  // packed

  [[nodiscard]] std::size_t bytes() const { return data.size() + info.size(); }
};

struct TopAnswer {
  bool ok = false;  // false: nobody answered in time
  Epoch epoch;
  std::uint64_t last = 0;  // of the stream, before `top` was asked for
  std::uint64_t first = 0;
  std::uint64_t top = 0;   // of the channel; 0: nothing of it is kept
  bool unchanged = false;  // nothing is behind what the asker knows; `top` was not asked for
};

struct ReadQuestion {
  std::uint32_t stream = 0;
  std::string channel;
  std::uint64_t since = 0;           // exclusive
  std::uint64_t until = UINT64_MAX;  // inclusive; not above since: nothing is read
  bool was_stored = false;           // `until` is known to have been, in this channel
  std::uint32_t most = 0;            // publications
  std::size_t most_bytes = 0;
  bool newest = false;  // of more than `most`, the last ones
  bool prove = false;
};

struct ReadAnswer {
  bool ok = false;
  Epoch epoch;  // at the end
  std::vector<JetPublication> publications;
  bool all = false;       // up to `until`, and not cut by the limits
  bool complete = false;  // proven: nothing after `since` is missing
};

class StreamReaderEvents {
 public:
  // Once for each question that was taken and not forgotten.
  virtual void on_top(std::uint64_t token, const TopAnswer& answer, Instant now) = 0;
  virtual void on_read(std::uint64_t token, ReadAnswer answer, Instant now) = 0;

 protected:
  ~StreamReaderEvents() = default;
};

class StreamReader final : private NatsAsker, private TimerHandler {
 public:
  static constexpr std::uint32_t kMaxOpen = 16'384;
  static constexpr std::uint32_t kMaxAsked = 512;
  static constexpr Duration kPatience = milliseconds(1'500);  // of one request
  static constexpr Duration kRetry = milliseconds(100);

  // All must outlive it; the port is not drained after it is gone.
  StreamReader(NatsPort& port, StreamKeeper& keeper, JetPayloads& payloads,
               StreamReaderEvents& events, TimerWheel& timers, ShardMetrics& metrics);
  ~StreamReader();
  StreamReader(const StreamReader&) = delete;
  StreamReader& operator=(const StreamReader&) = delete;

  // What the asker knows: nothing of the channel is behind `sure` in `epoch`, so a stream that has
  // not grown since needs no second request. Nothing: refused for want of room.
  [[nodiscard]] std::optional<SlotId> top(std::uint32_t stream, Bytes channel, const Epoch& epoch,
                                          std::uint64_t sure, std::uint64_t token, Instant until,
                                          Instant now);
  [[nodiscard]] std::optional<SlotId> read(ReadQuestion question, std::uint64_t token,
                                           Instant until, Instant now);
  // The asker wants no answer any more; no effect if it has it.
  void forget(SlotId id);

  // The keeper has news.
  void on_stream_told(std::uint32_t stream, Instant now);

  [[nodiscard]] std::uint32_t open() const { return ops_.size(); }

 private:
  enum class Step : std::uint8_t {
    kInfo,        // waits for the keeper
    kTop,         // the rest ask: the leader for the last message
    kNext,        // any replica for the next one
    kNextLeader,  // the leader for the same
    kCount,       // how many of the channel are kept
    kMark,        // the channel's mark
    kMarkAll,     // the namespace's
    kRetained,    // whether `since` is kept
    kOldest,      // the oldest that is
  };
  struct Op : Timer {
    std::uint64_t token = 0;
    SlotId id;
    Step step = Step::kInfo;
    bool is_top = false;
    bool waits = false;  // in line
    bool asked = false;
    std::uint64_t ticket = 0;  // the keeper's
    NatsQuestionId request = 0;
    Instant until{};
    Epoch epoch;             // at the begin, of a read; the asker's, of a top
    std::uint64_t sure = 0;  // of a top
    std::uint64_t seen = 0;  // messages, those that nobody gets included
    std::uint64_t next = 0;  // where to read on
    std::size_t bytes = 0;
    std::string subject;
    ReadQuestion question;
    TopAnswer top;
    ReadAnswer read;
  };

  void on_nats_answer(std::uint64_t token, NatsAnswered how, const NatsMessageView* reply,
                      Instant now) override;
  void on_timer(Timer& timer, Instant now) override;

  std::optional<SlotId> open(Op*& op, std::uint32_t stream, Bytes channel, std::uint64_t token,
                             Instant until);
  void enter(Op& op, Step step, Instant now);
  void wait_for_info(Op& op, Instant now);
  void request(Op& op, Instant now);
  [[nodiscard]] NatsPost post_of(const Op& op) const;
  void pump(Instant now);
  void retry(Op& op, Instant now);
  void take_info(Op& op, Instant now);
  void take_direct(Op& op, const NatsMessageView& reply, Instant now);
  void take_leader(Op& op, const NatsMessageView& reply, Instant now);
  void take_stored(Op& op, const JetStoredMessage& stored, Instant now);
  void take_none(Op& op, Instant now);
  void add(Op& op, std::uint64_t offset, std::int64_t time, Bytes payload, Bytes info);
  void next_message(Op& op, std::uint64_t sequence, Instant now);
  void end_of_messages(Op& op, bool all, Instant now);
  void prove(Op& op, Instant now);
  void take_count(Op& op, const JetStreamInfo& info, Instant now);
  void prove_by_marks(Op& op, Instant now);
  void prove_by_mark_of_all(Op& op, Instant now);
  void prove_by_rest(Op& op, Instant now);
  void finish(Op& op, bool ok, Instant now);
  void release(Op& op);

  NatsPort& port_;
  StreamKeeper& keeper_;
  JetPayloads& payloads_;
  StreamReaderEvents& events_;
  TimerWheel& timers_;
  ShardMetrics& metrics_;
  Slab<Op> ops_{kMaxOpen};
  std::deque<SlotId> line_;
  std::uint32_t asked_ = 0;
  std::vector<std::vector<SlotId>> waiting_;  // for the keeper, by stream
};

}  // namespace millrace
