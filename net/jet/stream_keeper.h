// The streams of the recoverable namespaces, as one shard sees them: made or checked at the start,
// known by epoch, and looked at again and again, because a stream can be deleted and made anew
// under everybody's feet.
//
// Every shard of every node does this; all of it can be done twice. One question a stream is out at
// a time: who wants to know is told by the next one that begins, however many they are.
//
// Owner: the shard's JetBroker; on the shard's thread.
#pragma once

#include <boost/unordered/unordered_flat_set.hpp>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "core/base/hash.h"
#include "core/base/random.h"
#include "core/hub/broker.h"
#include "core/metrics/shard_metrics.h"
#include "core/time/timer_wheel.h"
#include "net/jet/jet_json.h"
#include "net/jet/stream_plan.h"
#include "net/nats/nats_port.h"

namespace millrace {

class StreamEvents {
 public:
  // What is known of the stream is fresh: as of `told`.
  virtual void on_stream_told(std::uint32_t stream, Instant now) = 0;
  // It has another epoch than before: what was is gone.
  virtual void on_stream_reborn(std::uint32_t stream, Instant now) = 0;
  // Messages may have been lost on their way: a leader was elected.
  virtual void on_stream_suspect(std::uint32_t stream, Instant now) = 0;

 protected:
  ~StreamEvents() = default;
};

// What the leader said last. Its numbers hold at the moment when it was asked or later.
struct KeptStream {
  JetNamespace settings;
  StreamPlan plan;
  Epoch epoch;  // none: not known yet
  std::uint64_t first = 0;
  std::uint64_t last = 0;
  std::uint64_t per_subject = 0;  // so many messages of each are kept
  std::uint64_t asked = 0;        // how many questions have begun
  std::uint64_t told = 0;         // the last one that was answered
  // Subjects of marks (jet_names.h); not all if `more_marks`.
  boost::unordered_flat_set<std::string, BytesHash, std::equal_to<>> marks;
  bool more_marks = false;

  [[nodiscard]] bool marked(Bytes subject) const { return more_marks || marks.contains(subject); }
};

class StreamKeeper final : private NatsAsker, private NatsListener, private TimerHandler {
 public:
  // How often `created` is verified, and how long an answer may take.
  static constexpr Duration kCheckEvery = seconds(40);
  static constexpr Duration kPatience = seconds(2);
  static constexpr Duration kRetry = milliseconds(500);
  // A person has to do something first.
  static constexpr Duration kRefusedRetry = seconds(5);
  // nats-server 2.9 stores nothing for a while in a stream that is made at once after its deletion.
  static constexpr Duration kMakeAgain = seconds(2);

  // All but the namespaces must outlive it; the port is not drained after it is gone.
  StreamKeeper(NatsPort& port, const std::vector<JetNamespace>& namespaces, StreamEvents& events,
               TimerWheel& timers, Random& random, ShardMetrics& metrics);
  ~StreamKeeper();
  StreamKeeper(const StreamKeeper&) = delete;
  StreamKeeper& operator=(const StreamKeeper&) = delete;

  [[nodiscard]] std::size_t size() const { return streams_.size(); }
  [[nodiscard]] const KeptStream& at(std::uint32_t stream) const { return *streams_[stream]; }
  // The stream of a namespace; size() if it has none.
  [[nodiscard]] std::uint32_t find(Bytes name_space) const;

  // Asks, or will when the question that is out is answered. Once `told` has reached what this
  // returns, the answer is to a question that began now or later.
  std::uint64_t want(std::uint32_t stream, Instant now);

  void on_up(Instant now);

  [[nodiscard]] BrokerStatus status() const;

 private:
  enum class Step : std::uint8_t { kNone, kInfo, kCreate, kMark, kUpdate };

  struct Entry : KeptStream {
    Step step = Step::kNone;
    bool again = false;   // somebody wants to know what is after the question that is out
    bool judged = false;  // its configuration, in this life
    bool ready = false;
    Instant due{};         // when to ask next
    Instant make_after{};  // when it may be made
    std::string cause = "has not been looked at yet";
  };

  void on_nats_answer(std::uint64_t token, NatsAnswered how, const NatsMessageView* reply,
                      Instant now) override;
  void on_nats_message(NatsSubscriptionId id, const NatsMessageView& message, Instant now) override;
  void on_timer(Timer& timer, Instant now) override;

  void begin(std::uint32_t stream, Instant now);
  void ask(std::uint32_t stream, Step step, Instant now);
  void take_answer(std::uint32_t stream, Step step, const JetAnswer& answer, Instant now);
  void take_info(std::uint32_t stream, const JetStreamInfo& info, Instant now);
  bool fits(Entry& entry, std::uint32_t stream, const JetStreamInfo& info, Instant now);
  void take_error(std::uint32_t stream, Step step, const JetError& error, Instant now);
  void missing(Entry& entry, std::uint32_t stream, Instant now);
  void fail(Entry& entry, std::string cause, Duration retry, Instant now);
  void set_timer();

  NatsPort& port_;
  StreamEvents& events_;
  TimerWheel& timers_;
  Random& random_;
  ShardMetrics& metrics_;
  std::vector<std::unique_ptr<Entry>> streams_;
  std::vector<NatsSubscriptionId> advisories_;  // by stream
  JsonValidator validator_;
  Timer timer_;
};

}  // namespace millrace
