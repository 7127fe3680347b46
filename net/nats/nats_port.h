// A shard's way to NATS: one connection, shared by all that the shard does there. Subscriptions,
// each with who listens; publications; and questions with one answer each.
//
//   broker, application's proxy, server API, nodes, streams -> NatsPort -> BrokerLink -> nats.c
//
// It knows no channel: subjects are whole here. What stands behind it is the link (broker_link.h),
// so a simulator or a test plays NATS.
//
// Owner: the shard; made, used and destroyed on its thread. Listeners, posters and askers must
// outlive the port, or unsubscribe() and forget() before they go. Nothing here blocks; nobody is
// called from inside a call of its own, but from drain() and timers.
//
// Limits: the options' lane, in requests and bytes: what finds it full is refused and counted; a
// subscription is never refused but waits for room. kMaxQuestions out at a time.
#pragma once

#include <boost/unordered/unordered_flat_map.hpp>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/base/random.h"
#include "core/base/result.h"
#include "core/base/shard_check.h"
#include "core/hub/broker.h"
#include "core/mem/sparse_slots.h"
#include "core/metrics/shard_metrics.h"
#include "core/shard/reactor.h"
#include "net/nats/broker_link.h"
#include "net/nats/nats_message.h"
#include "net/nats/nats_options.h"

namespace millrace {

// Who gets the messages of a subscription.
class NatsListener {
 public:
  virtual void on_nats_message(NatsSubscriptionId id, const NatsMessageView& message,
                               Instant now) = 0;
  // Once after subscribe(), when the server has it: what is published from now on arrives.
  virtual void on_nats_subscribed(NatsSubscriptionId /*id*/, Instant /*now*/) {}

 protected:
  ~NatsListener() = default;
};

// Who wants to know that the server has its publication.
class NatsPoster {
 public:
  // Once for each that publish() took with a poster. Accepted: the server has processed it; else
  // it may have.
  virtual void on_nats_posted(std::uint64_t token, bool accepted, Instant now) = 0;

 protected:
  ~NatsPoster() = default;
};

enum class NatsAnswered : std::uint8_t {
  kReply,
  kNoResponders,  // nobody is subscribed: told at once
  kTimeout,
  kLost,  // the connection was, or the server refused; the question may have been heard
};

// Who asks.
class NatsAsker {
 public:
  // Once for each question that ask() took and forget() did not end. `reply` is there for kReply.
  virtual void on_nats_answer(std::uint64_t token, NatsAnswered how, const NatsMessageView* reply,
                              Instant now) = 0;

 protected:
  ~NatsAsker() = default;
};

// Who wants to know when the connection comes and goes.
class NatsFollower {
 public:
  // A new life: all is subscribed. What was published between two lives may not have arrived.
  virtual void on_nats_up(Instant now) = 0;
  virtual void on_nats_down(Instant now) = 0;

 protected:
  ~NatsFollower() = default;
};

// Names a question; 0: none, it was refused.
using NatsQuestionId = std::uint64_t;

class NatsPort final : public InboundSource, private TimerHandler, private NatsListener {
 public:
  static constexpr std::size_t kMaxQuestions = 65'536;

  // Never fails for want of a server: the link keeps trying and status() says so. With
  // `wait_connected_ms` > 0 the caller is kept until connected or that long.
  static Result<std::unique_ptr<NatsPort>> make(const NatsOptions& options, Waker& waker,
                                                TimerWheel& timers, Random& random,
                                                ShardMetrics& metrics);
  // Over any link.
  NatsPort(const NatsOptions& options, std::unique_ptr<BrokerLink> link, TimerWheel& timers,
           Random& random, ShardMetrics& metrics);
  ~NatsPort();
  NatsPort(const NatsPort&) = delete;
  NatsPort& operator=(const NatsPort&) = delete;

  [[nodiscard]] const NatsOptions& options() const { return options_; }
  [[nodiscard]] bool up() const { return link_->up(); }
  // How many times the connection has come up.
  [[nodiscard]] std::uint64_t lives() const { return link_->lives(); }
  // Of an outage; none if it is up, or nobody has looked yet.
  [[nodiscard]] Duration away(Instant now) const {
    return link_->up() || was_up_ || !drained_ ? Duration{} : now - away_since_;
  }

  // With a queue group exactly one of the group's members gets each message; empty: all do.
  NatsSubscriptionId subscribe(std::string subject, NatsListener& listener, std::string queue = {});
  // Its messages and its on_nats_subscribed() that are on their way reach nobody.
  void unsubscribe(NatsSubscriptionId id);
  // The server has it, or will have it when the connection comes up.
  [[nodiscard]] bool covered(NatsSubscriptionId id) const;

  // False: refused, and nobody is called: the connection is away or the lane full. Without a poster
  // nobody is told what became of it.
  [[nodiscard]] bool publish(NatsPost post, NatsPoster* poster = nullptr, std::uint64_t token = 0);
  // The reply subject is the port's. 0: refused, and nobody is called.
  [[nodiscard]] NatsQuestionId ask(NatsPost question, Duration patience, NatsAsker& asker,
                                   std::uint64_t token, Instant now);
  // The asker wants no answer any more; no effect if it has it.
  void forget(NatsQuestionId question);

  // Before the first turn; must outlive the port.
  void follow(NatsFollower& follower) { followers_.push_back(&follower); }

  [[nodiscard]] BrokerStatus status() const;

  // InboundSource.
  void drain(Instant now) override;
  [[nodiscard]] bool ready() const override;

 private:
  // One SUB.
  struct Slot {
    NatsListener* listener = nullptr;  // null: it is on its way out
    std::uint32_t generation = 0;
    bool sent = false;    // what the link was told last: subscribed
    bool live = false;    // the link has answered
    bool queued = false;  // on the list of those that found the lane full, and so not free yet
    std::string subject;  // until it is sent
    std::string queue;    // the same
  };
  struct Posted {
    NatsPoster* poster = nullptr;
    std::uint64_t token = 0;
  };
  struct Question {
    NatsAsker* asker = nullptr;
    std::uint64_t token = 0;
  };

  void on_nats_message(NatsSubscriptionId id, const NatsMessageView& message, Instant now) override;
  void on_timer(Timer& timer, Instant now) override;

  [[nodiscard]] bool has_room() const { return outstanding_ < options_.lane_requests; }
  void reconcile(std::uint32_t index);
  bool send_change(std::uint32_t index);
  void send_unsent();
  bool send_post(NatsPost post, std::uint64_t token);
  bool inbox_is_asked_for();
  void follow_link(Instant now);
  void take_answers(Instant now);
  void on_subscribed(NatsSubscriptionId id, Instant now);
  void on_posted(std::uint64_t token, bool accepted, Instant now);
  void take_messages(Instant now);
  void take_message(NatsInbound& inbound, Instant now);
  void end_question(NatsQuestionId id, NatsAnswered how, const NatsMessageView* reply, Instant now);
  void end_all_questions(Instant now);
  void note_end(Instant until, NatsQuestionId id);
  void set_timer();

  const NatsOptions options_;
  TimerWheel& timers_;
  ShardMetrics& metrics_;
  const ShardCheck shard_;

  SparseSlots<Slot> slots_;
  std::uint32_t last_generation_ = 0;  // of any slot, so that none needs to be remembered
  std::deque<std::uint32_t> unsent_;   // slots, each at most once

  boost::unordered_flat_map<std::uint64_t, Posted> posted_;  // by ticket
  std::uint64_t last_ticket_ = 0;

  boost::unordered_flat_map<NatsQuestionId, Question> questions_;
  // A heap of their ends in time, the earliest first; of some that are answered, too.
  std::vector<std::pair<Instant, NatsQuestionId>> ends_;
  NatsQuestionId last_question_ = 0;
  const std::string inbox_;  // in front of a question's id: `_INBOX.<random>.`
  std::optional<NatsSubscriptionId> inbox_subscription_;  // since the first question
  Timer timer_;

  std::size_t outstanding_ = 0;  // requests without an answer
  std::size_t outstanding_bytes_ = 0;
  std::vector<NatsInbound> messages_;  // taken from the inbox
  std::size_t next_message_ = 0;

  std::vector<NatsFollower*> followers_;
  bool was_up_ = false;
  std::uint64_t seen_lives_ = 0;
  std::uint64_t seen_dropped_ = 0;
  bool drained_ = false;  // the two below mean something
  Instant now_{};         // of the last drain
  Instant away_since_{};
  Duration outage_{};
  std::string note_;

  std::unique_ptr<BrokerLink> link_;  // last: it ends before what its inbox leads to
};

}  // namespace millrace
