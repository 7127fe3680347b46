// Our own publications to streams: acknowledged by the stream's leader, made again until they are,
// and known by their message id, so that the stream takes each once.
//
// One of a channel is out at a time, and the next ones of it wait: so what is made again can't be
// overtaken. An election may take longer than anybody waits; then the answer is "unavailable", and
// the stream may have it nevertheless.
//
// Owner: the shard's JetBroker; on the shard's thread. Limits: kMaxJobs, kMaxBytes; what finds them
// full is refused at once.
#pragma once

#include <boost/unordered/unordered_flat_map.hpp>
#include <cstdint>
#include <string>

#include "core/base/hash.h"
#include "core/base/random.h"
#include "core/hub/broker.h"
#include "core/mem/slab.h"
#include "core/metrics/shard_metrics.h"
#include "core/time/timer_wheel.h"
#include "net/nats/nats_port.h"
#include "proto/json_text.h"

namespace millrace {

class PublisherEvents {
 public:
  // Once for each publication that was taken. `sequence` is there if it is accepted.
  virtual void on_stored(RequestToken token, std::uint32_t stream, PublishOutcome outcome,
                         std::uint64_t sequence) = 0;

 protected:
  ~PublisherEvents() = default;
};

class JetPublisher final : private NatsAsker, private TimerHandler {
 public:
  static constexpr std::uint32_t kMaxJobs = 16'384;
  static constexpr std::size_t kMaxBytes = std::size_t{16} * 1024 * 1024;
  static constexpr Duration kPatience = seconds(10);    // of a publication
  static constexpr Duration kAckPatience = seconds(2);  // of one attempt
  static constexpr Duration kFirstRetry = milliseconds(100);
  static constexpr Duration kLastRetry = seconds(1);

  // All must outlive it; the port is not drained after it is gone.
  JetPublisher(NatsPort& port, PublisherEvents& events, TimerWheel& timers, Random& random,
               ShardMetrics& metrics);
  ~JetPublisher();
  JetPublisher(const JetPublisher&) = delete;
  JetPublisher& operator=(const JetPublisher&) = delete;

  // False: there is no room, and nobody is called. `name` is the stream's.
  [[nodiscard]] bool publish(std::uint32_t stream, Bytes name, Bytes subject, Bytes data,
                             const ClientInfo& info, RequestToken token, Instant now);

  [[nodiscard]] std::uint32_t open() const { return jobs_.size(); }

 private:
  // Its timer is the next attempt's or its end, whichever is earlier.
  struct Job : Timer {
    SlotId id;
    SlotId previous;  // of the same subject; generation 0: none
    SlotId next;
    std::uint32_t stream = 0;
    RequestToken token = 0;
    std::string name;  // of the stream
    std::string subject;
    std::string data;
    std::string info;
    std::string message_id;
    Instant until{};
    Duration retry = kFirstRetry;
    NatsQuestionId request = 0;
  };
  struct Line {
    SlotId last;
  };

  void on_nats_answer(std::uint64_t token, NatsAnswered how, const NatsMessageView* reply,
                      Instant now) override;
  void on_timer(Timer& timer, Instant now) override;

  void attempt(Job& job, Instant now);
  void try_again(Job& job, Instant now);
  void settle(Job& job, PublishOutcome outcome, std::uint64_t sequence, Instant now);
  [[nodiscard]] static std::size_t bytes_of(const Job& job) {
    return job.data.size() + job.info.size();
  }

  NatsPort& port_;
  PublisherEvents& events_;
  TimerWheel& timers_;
  Random& random_;
  ShardMetrics& metrics_;
  JsonValidator validator_;
  Slab<Job> jobs_{kMaxJobs};
  boost::unordered_flat_map<std::string, Line, BytesHash, std::equal_to<>> lines_;  // by subject
  std::size_t bytes_ = 0;
};

}  // namespace millrace
