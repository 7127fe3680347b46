// A shard's JetBroker over a JetStream that a test plays (jet_model.h), with a clock that it moves.
#pragma once

#include <gtest/gtest.h>

#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "core/time/clock.h"
#include "net/jet/jet_broker.h"
#include "tests/support/jet_model.h"
#include "tests/support/nats_harness.h"
#include "tests/support/played_link.h"

namespace millrace {

// What the hub was told, as texts: "a:x 1@5", "lost a:x 5", ...
class JetHub final : public BrokerEvents {
 public:
  void on_publication(const Publication& publication) override {
    std::string text = std::string(publication.channel) + " " + std::string(publication.data);
    if (publication.position.offset > 0) text += "@" + std::to_string(publication.position.offset);
    if (!publication.info.user.empty()) text += " by " + std::string(publication.info.user);
    heard.push_back(std::move(text));
    epoch = publication.position.epoch;
  }
  void on_position(Bytes channel, const StreamPosition& position) override {
    heard.push_back("lost " + std::string(channel) + " " + std::to_string(position.offset));
    if (on_lost) on_lost(channel);
  }
  void on_interest_ready(Bytes channel, InterestToken) override {
    heard.push_back("ready " + std::string(channel));
  }
  void on_presence_changes(Bytes, std::span<const PresenceChange>) override {}
  void on_presence(RequestToken, const PresencePage&) override {}
  void on_history(RequestToken token, const HistoryPage& page) override {
    std::string text = std::to_string(token) + ":";
    if (page.outcome == HistoryOutcome::kUnavailable) {
      text += " unavailable";
    } else {
      text += page.outcome == HistoryOutcome::kWrongEpoch ? " other epoch" : "";
      for (const KeptPublication& each : page.publications) text += " " + std::string(each.data);
      text += " top " + std::to_string(page.top.offset) + (page.complete ? " complete" : "");
      epoch = page.top.epoch;
    }
    answers.push_back(text);
  }
  void on_published(RequestToken token, PublishOutcome outcome,
                    const StreamPosition& position) override {
    const bool ok = outcome == PublishOutcome::kAccepted;
    answers.push_back(std::to_string(token) + ": " +
                      (ok ? "stored " + std::to_string(position.offset) : "failed"));
  }

  std::vector<std::string> take() { return std::exchange(heard, {}); }
  // The last answer; empty if there is none since the last call.
  std::string answer() {
    const std::string text = answers.empty() ? "" : answers.back();
    answers.clear();
    return text;
  }

  std::vector<std::string> heard;
  std::vector<std::string> answers;
  Epoch epoch;  // the last that came with anything
  std::function<void(Bytes)> on_lost;
};

// Everything is there at once: a server that is not far.
class JetLink final : public BrokerLink {
 public:
  explicit JetLink(Waker& waker)
      : model([this](const NatsPost& post) { bring(post); }),
        played_(waker, 65'536, 64 * 1'048'576) {}

  bool send(NatsRequest& request) override {
    NatsAnswer answer{.kind = request.kind,
                      .subscription = request.subscription,
                      .token = request.token,
                      .bytes = size_of(request.post),
                      .accepted = true};
    if (request.kind == NatsRequestKind::kSubscribe) {
      subscriptions_.emplace_back(request.post.subject, request.subscription);
    } else if (request.kind == NatsRequestKind::kUnsubscribe) {
      std::erase_if(subscriptions_, [&](const auto& each) {
        return each.second.index == request.subscription.index;
      });
    } else {
      publish(request.post);
    }
    played_.answers.push_back(answer);
    return true;
  }
  // From anybody.
  void publish(const NatsPost& post) {
    bring(post);
    if (const auto reply = model.handle(post)) bring(*reply);
  }
  void bring(const NatsPost& post) {
    for (const auto& [pattern, id] : subscriptions_) {
      if (subject_matches(pattern, post.subject) && !(loses && loses(post)))
        played_.bring(id, post);
    }
  }
  bool take_answer(NatsAnswer& answer) override { return played_.take_answer(answer); }
  bool take_note(std::string&) override { return false; }
  NatsInbox& inbox() override { return played_.inbox(); }
  [[nodiscard]] bool waiting() const override { return played_.waiting(); }
  [[nodiscard]] bool up() const override { return played_.up(); }
  [[nodiscard]] std::uint64_t lives() const override { return played_.lives(); }
  [[nodiscard]] NatsLinkCause cause() const override { return NatsLinkCause::kLost; }
  [[nodiscard]] std::uint64_t dropped() const override { return 0; }
  void come_up() { played_.come_up(); }
  void go_down() { played_.is_up = false; }

  JetModel model;
  std::function<bool(const NatsPost&)> loses;  // messages on their way to the shard

 private:
  PlayedLink played_;
  std::vector<std::pair<std::string, NatsSubscriptionId>> subscriptions_;
};

class JetWorld {
 public:
  static constexpr std::uint32_t kSize = 5;

  static std::vector<JetNamespace> namespaces() {
    const StreamOptions kept{kSize, seconds(300), seconds(3'600)};
    return {{.name = "a", .kept = kept},
            {.name = "w", .kept = kept, .prefix_interest = true},
            {.name = "default", .kept = kept}};
  }

  explicit JetWorld(const JetLimits& limits = {}, bool up = true, std::string prefix = {})
      : timers(now), waker_(ring_) {
    NatsOptions options;
    options.subject_prefix = std::move(prefix);
    auto made = std::make_unique<JetLink>(waker_);
    link = made.get();
    port = std::make_unique<NatsPort>(options, std::move(made), timers, random, metrics);
    broker = std::make_unique<JetBroker>(
        *port, namespaces(), JetBroker::Loan{hub, timers, calendar, random, metrics}, limits);
    if (up) {
      link->come_up();
      turn();
    }
  }
  ~JetWorld() {
    broker.reset();
    port.reset();
  }

  // Until nothing more happens.
  void turn() {
    do {
      port->drain(now);
    } while (port->ready());
  }
  void pass(Duration span) {
    for (const Instant end = now + span; now < end; turn()) {
      now = std::min(end, now + milliseconds(20));
      timers.advance(now);
    }
  }
  // As an application.
  void publish(const std::string& channel, const std::string& data) {
    const bool prefixed = !port->options().subject_prefix.empty();
    std::string subject = channel;
    std::replace(subject.begin(), subject.end(), ':', '.');
    if (prefixed) subject = port->options().subject_prefix + "." + subject;
    link->publish({.subject = subject, .data = data});
    turn();
  }
  // Stored, and lost on its way here.
  void publish_unheard(const std::string& channel, const std::string& data) {
    link->loses = [](const NatsPost& post) {
      return post.subject.find("millrace.out.") != std::string::npos;
    };
    publish(channel, data);
    link->loses = nullptr;
  }
  void listen(const std::string& channel) {
    if (broker->add_interest(channel, ++last_token)) return;
    turn();
  }
  // Without an offset: the position alone.
  std::string read(const std::string& channel, const HistoryQuery& query = {}) {
    ask(channel, query);
    return hub.answer();
  }
  void ask(const std::string& channel, const HistoryQuery& query = {}) {
    broker->read_history(channel, query, namespaces()[0].kept, 1, now);
    turn();
  }
  std::string recover(const std::string& channel, std::uint64_t since, std::uint32_t limit = 100) {
    return read(channel, {.since = StreamPosition{since, {}}, .limit = limit});
  }
  ModelStream& stream(const std::string& name = "MILLRACE_a") { return link->model.stream(name); }

  Instant now{1'000'000'000};
  TimerWheel timers;
  Random random{7};
  ShardMetrics metrics;
  ManualCalendar calendar;
  JetHub hub;
  JetLink* link = nullptr;
  std::unique_ptr<NatsPort> port;
  std::unique_ptr<JetBroker> broker;
  InterestToken last_token = 0;

 private:
  NoRing ring_;
  Waker waker_;
};

}  // namespace millrace
