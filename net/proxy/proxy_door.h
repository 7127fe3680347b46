// The way to the application over NATS: each question is a request on `millrace.proxy.METHOD`, and
// what comes back is read and handed to who asked.
//
//   Session -> ask() -> CircuitBreaker -> NatsPort -> the application's servers, a queue group
//           <- on_application_answer() <- ReplyReader <- its reply, none in time, or no responders
//
// Nothing here waits: who asked goes on with its loop, and a slow application delays its askers
// alone. A question has one answer: the application's, or kUnavailable after the tries that
// retry_plan.h allows. Bad replies are counted, logged (a line a method in kLogInterval, without
// anything of the reply) and answered as unavailable.
//
// Owner: the shard. Limits: ProxySettings::requests questions out at once, kMaxBodyBytes of their
// bodies; who comes beyond is refused at once. The port must outlive it.
#pragma once

#include <array>
#include <boost/unordered/unordered_flat_map.hpp>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "core/base/random.h"
#include "core/limit/log_limiter.h"
#include "core/metrics/shard_metrics.h"
#include "core/time/timer_wheel.h"
#include "net/nats/nats_port.h"
#include "net/proxy/circuit_breaker.h"
#include "net/proxy/proxy_settings.h"
#include "net/proxy/reply_reader.h"
#include "net/session/application.h"

namespace millrace {

// Where questions come from, and by what subjects.
struct ProxyOrigin {
  std::string subject_prefix = {};
  std::string node = {};  // its name; empty: not told
};

class ProxyDoor final : public ApplicationDoor, private NatsAsker, private TimerHandler {
 public:
  static constexpr std::size_t kMaxBodyBytes = 32 * 1024 * 1024;
  static constexpr Duration kLogInterval = seconds(10);

  // All must outlive it.
  ProxyDoor(NatsPort& port, ProxyOrigin origin, ApplicationListener& listener, TimerWheel& timers,
            Random& random, ShardMetrics& metrics);
  ~ProxyDoor();  // who asked has gone or is not called any more
  ProxyDoor(const ProxyDoor&) = delete;
  ProxyDoor& operator=(const ProxyDoor&) = delete;

  // From now on; what is out keeps its patience.
  void use(const ProxySettings& settings);
  // The breakers as of now go into the metrics.
  void count();

  // ApplicationDoor.
  [[nodiscard]] bool asks(ProxyMethod method) const override { return settings_.of(method).on; }
  [[nodiscard]] std::uint64_t ask(const ApplicationQuestion& question, Instant now) override;
  void forget(std::uint64_t ticket) override;
  void tell(const ApplicationQuestion& message, Instant now) override;
  [[nodiscard]] const std::vector<std::string>& headers() const override {
    return settings_.headers;
  }

  [[nodiscard]] std::size_t out() const { return asked_.size(); }

 private:
  struct Asked {
    ProxyMethod method = ProxyMethod::kRpc;
    bool flat = false;
    bool trial = false;  // of the breaker
    std::uint32_t tries = 0;
    ProxyOutcome cause = ProxyOutcome::kLost;  // why the last of them failed
    ConnId who;
    NatsQuestionId question = 0;  // 0: it waits for its next try
    Instant began{};
    Instant retry{};  // then
    NatsPost post;    // kept for the next try
  };

  void on_nats_answer(std::uint64_t token, NatsAnswered how, const NatsMessageView* reply,
                      Instant now) override;
  void on_timer(Timer& timer, Instant now) override;

  // Sends it, or plans the next try; the reason why neither could be.
  [[nodiscard]] std::optional<ProxyOutcome> attempt(std::uint64_t ticket, Asked& asked,
                                                    Instant now);
  // `cause`: why the last one failed.
  [[nodiscard]] bool plan_retry(std::uint64_t ticket, Asked& asked, ProxyOutcome cause,
                                Instant now);
  void take_reply(Asked& asked, Bytes text, ApplicationAnswer& answer, Instant now);
  void finish(std::uint64_t ticket, ProxyOutcome outcome, ApplicationAnswer& answer, Instant now);
  void erase(std::uint64_t ticket);
  void count(ProxyMethod method, ProxyOutcome outcome);
  void set_timer();
  [[nodiscard]] NatsPost post_of(const ApplicationQuestion& question) const;
  [[nodiscard]] CircuitBreaker& breaker(ProxyMethod method) {
    return breakers_[static_cast<std::size_t>(method)];
  }
  [[nodiscard]] BreakerLimits breaker_limits() const {
    return {settings_.breaker_failures, settings_.breaker_pause};
  }

  NatsPort& port_;
  const ProxyOrigin origin_;
  ApplicationListener& listener_;
  TimerWheel& timers_;
  Random& random_;
  ShardMetrics& metrics_;
  ProxySettings settings_;
  std::array<CircuitBreaker, kProxyMethods> breakers_;
  std::vector<LogLimiter> logs_;  // by method
  ReplyReader reader_;
  boost::unordered_flat_map<std::uint64_t, Asked> asked_;  // by ticket
  std::multimap<Instant, std::uint64_t> retries_;
  Timer timer_;
  std::uint64_t last_ticket_ = 0;
  std::size_t body_bytes_ = 0;
};

}  // namespace millrace
