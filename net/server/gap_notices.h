// After an outage of NATS: subscribers of at-most-once channels whose namespace wants it
// (`on_gap = "notify"`) are told that they may have missed something, by the end of their
// subscription with 2500, upon which SDKs subscribe again; who was subscribed by the server is
// disconnected, and comes back.
//
// Paced, because each of them comes back with a subscribe: kNoticesAStep a kStep. Who subscribes to
// a channel after the outage and before the walk has come to it may be told too, for nothing.
//
// Owner: the shard; on its thread.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/hub/hub.h"
#include "core/metrics/shard_metrics.h"
#include "core/time/timer_wheel.h"
#include "net/nats/nats_port.h"
#include "net/session/session_settings.h"

namespace millrace {

class GapNotices final : public NatsFollower, private TimerHandler {
 public:
  static constexpr Duration kStep = milliseconds(20);
  static constexpr std::size_t kNoticesAStep = 400;
  static constexpr std::uint32_t kSlotsAStep = 10'000;

  // All must outlive it.
  GapNotices(Hub& hub, TimerWheel& timers, const SessionSettings& settings, ShardMetrics& metrics)
      : hub_(hub), timers_(timers), settings_(settings), metrics_(metrics) {}
  ~GapNotices() { timers_.cancel(timer_); }
  GapNotices(const GapNotices&) = delete;
  GapNotices& operator=(const GapNotices&) = delete;

  // NatsFollower. A gap while one is told of: the walk begins anew.
  void on_nats_up(Instant now) override;
  void on_nats_down(Instant /*now*/) override {}

  // Some are not told yet.
  [[nodiscard]] bool telling() const { return timer_.armed(); }

 private:
  void on_timer(Timer& timer, Instant now) override;
  // How many were told of at most `most`.
  std::size_t tell(std::size_t most, Instant now);
  void look_at_next();

  Hub& hub_;
  TimerWheel& timers_;
  const SessionSettings& settings_;
  ShardMetrics& metrics_;
  Timer timer_;
  InterestToken until_ = 0;
  std::uint32_t slot_ = 0;  // the next to look at
  std::string channel_;     // of those who are told now
  std::vector<SubscriberId> missed_;
};

}  // namespace millrace
