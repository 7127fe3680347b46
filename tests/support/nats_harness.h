// What tests of the NATS side share: a client that is not ours, and a shard reduced to its loop.
#pragma once

#include <gtest/gtest.h>
#include <nats/nats.h>

#include <chrono>
#include <functional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "core/base/assert.h"
#include "core/hub/broker.h"
#include "core/metrics/shard_metrics.h"
#include "core/ring/ring.h"
#include "core/shard/waker.h"
#include "core/time/clock.h"
#include "net/nats/nats_broker.h"

namespace millrace {

// Nothing sleeps in these tests, so nothing is woken.
class NoRing final : public Ring {
 public:
  void submit(const Op& /*op*/) override {}
  std::size_t reap(std::span<CompletionEvent> /*out*/) override { return 0; }
  void wait(Duration /*timeout*/) override {}
  void wake() override {}
  void provide_buffer(BufferId /*id*/) override {}
  [[nodiscard]] const RingStats& stats() const override { return stats_; }

 private:
  RingStats stats_;
};

inline bool eventually(const std::function<bool()>& holds, int within_ms = 10'000) {
  const auto end = std::chrono::steady_clock::now() + std::chrono::milliseconds(within_ms);
  while (!holds()) {
    if (std::chrono::steady_clock::now() > end) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  return true;
}

struct SeenMessage {
  std::string subject;
  std::string data;
  bool operator==(const SeenMessage&) const = default;
};

// Any NATS client: an application's, say.
class NatsClient {
 public:
  explicit NatsClient(const std::string& url) {
    CHECK_EQ(natsConnection_ConnectTo(&connection_, url.c_str()), NATS_OK);
  }
  ~NatsClient() {
    if (subscription_ != nullptr) natsSubscription_Destroy(subscription_);
    natsConnection_Destroy(connection_);
  }
  NatsClient(const NatsClient&) = delete;
  NatsClient& operator=(const NatsClient&) = delete;

  void publish(const std::string& subject, const std::string& data) {
    CHECK_EQ(natsConnection_Publish(connection_, subject.c_str(), data.data(),
                                    static_cast<int>(data.size())),
             NATS_OK);
  }
  // What was published before has been processed by the server.
  void flush() { CHECK_EQ(natsConnection_FlushTimeout(connection_, 10'000), NATS_OK); }
  void publish_now(const std::string& subject, const std::string& data) {
    publish(subject, data);
    flush();
  }
  // Once.
  void subscribe(const std::string& subject) {
    CHECK_EQ(natsConnection_SubscribeSync(&subscription_, connection_, subject.c_str()), NATS_OK);
    flush();
  }
  // What has arrived until there has been nothing more for `quiet_ms`.
  std::vector<SeenMessage> received(int quiet_ms = 100) {
    std::vector<SeenMessage> seen;
    natsMsg* message = nullptr;
    while (natsSubscription_NextMsg(&message, subscription_, quiet_ms) == NATS_OK) {
      seen.push_back({natsMsg_GetSubject(message),
                      std::string(natsMsg_GetData(message),
                                  static_cast<std::size_t>(natsMsg_GetDataLength(message)))});
      natsMsg_Destroy(message);
    }
    return seen;
  }

 private:
  natsConnection* connection_ = nullptr;
  natsSubscription* subscription_ = nullptr;
};

// A shard with a NATS broker and a hub that writes down what it is told.
class BrokerShard final : public BrokerEvents {
 public:
  struct Settled {
    RequestToken token;
    PublishOutcome outcome;
    bool operator==(const Settled&) const = default;
  };
  struct Ready {
    std::string channel;
    InterestToken token;
    bool operator==(const Ready&) const = default;
  };

  explicit BrokerShard(const NatsOptions& options) : waker_(ring_) {
    auto made = NatsPort::make(options, waker_, timers_, random_, metrics);
    if (!made) ADD_FAILURE() << made.error().text;
    port_ = std::move(*made);
    broker_ = std::make_unique<NatsBroker>(*port_, *this, metrics);
  }

  void on_position(Bytes, const StreamPosition&) override {}
  void on_publication(const Publication& publication) override {
    publications.push_back({std::string(publication.channel), std::string(publication.data)});
  }
  void on_interest_ready(Bytes channel, InterestToken token) override {
    ready.push_back({std::string(channel), token});
  }
  void on_presence_changes(Bytes, std::span<const PresenceChange>) override {}
  void on_history(RequestToken, const HistoryPage&) override {}
  void on_presence(RequestToken, const PresencePage&) override {}
  void on_published(RequestToken token, PublishOutcome outcome,
                    const StreamPosition& /*position*/) override {
    settled.push_back({token, outcome});
  }

  // One turn; remembers the longest.
  void turn() {
    const Instant begin = clock_.now();
    timers_.advance(begin);
    port_->drain(begin);
    note_duration(begin);
  }
  // Turns until it holds.
  bool until(const std::function<bool()>& holds, int within_ms = 10'000) {
    return eventually(
        [&] {
          turn();
          return holds();
        },
        within_ms);
  }
  bool until_up(int within_ms = 10'000) {
    return until([&] { return metrics.broker_ready == 1; }, within_ms);
  }
  void turns_for(int ms) {
    static_cast<void>(until([] { return false; }, ms));
  }

  bool add(Bytes channel) {
    const Instant begin = clock_.now();
    const bool at_once = broker_->add_interest(channel, ++last_interest);
    note_duration(begin);
    return at_once;
  }
  // Adds it and turns until it is live.
  void add_live(Bytes channel) {
    if (add(channel)) return;
    const Ready wanted{std::string(channel), last_interest};
    const std::size_t before = ready.size();
    CHECK(until([&] { return ready.size() > before && ready.back() == wanted; }));
  }
  RequestToken publish(Bytes channel, Bytes data) {
    const Instant begin = clock_.now();
    broker_->publish(Publication{.channel = channel, .data = data}, {}, ++last_publish, begin);
    note_duration(begin);
    return last_publish;
  }
  bool publish_accepted(Bytes channel, Bytes data) {
    const Settled wanted{publish(channel, data), PublishOutcome::kAccepted};
    return until([&] { return !settled.empty() && settled.back().token == wanted.token; }) &&
           settled.back() == wanted;
  }

  NatsBroker& broker() { return *broker_; }
  NatsPort& port() { return *port_; }
  void destroy() {
    broker_.reset();
    port_.reset();
  }

  ShardMetrics metrics;
  std::vector<SeenMessage> publications;  // by channel
  std::vector<Ready> ready;
  std::vector<Settled> settled;
  InterestToken last_interest = 0;
  RequestToken last_publish = 0;
  Duration longest{};  // call of the broker's

 private:
  void note_duration(Instant begin) { longest = std::max(longest, clock_.now() - begin); }

  MonotonicClock clock_;
  NoRing ring_;
  Waker waker_;
  TimerWheel timers_{clock_.now()};
  Random random_{1};
  std::unique_ptr<NatsPort> port_;
  std::unique_ptr<NatsBroker> broker_;
};

}  // namespace millrace
