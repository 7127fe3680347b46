// A hub between a broker that does what a test says, and a sink that writes down what it gets.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "core/hub/hub.h"
#include "tests/support/plain_broker.h"

namespace millrace {

using Ids = std::multiset<SubscriberId>;

// Confirms interest, and answers questions, at once or when told; writes down what it is told.
class ScriptedBroker final : public PlainBroker {
 public:
  struct Question {
    std::string channel;
    HistoryQuery query;
    StreamOptions options;
    RequestToken token = 0;
  };

  bool add_interest(Bytes channel, InterestToken token) override {
    calls.push_back("+" + std::string(channel));
    CHECK(!interest.contains(std::string(channel)));
    CHECK(tokens.insert(token).second);  // never one twice
    interest[std::string(channel)] = token;
    return at_once;
  }
  void remove_interest(Bytes channel) override {
    calls.push_back("-" + std::string(channel));
    CHECK_EQ(interest.erase(std::string(channel)), 1U);
  }
  void publish(const Publication& publication, const StreamOptions&, RequestToken token,
               Instant) override {
    calls.push_back("!" + std::string(publication.channel) + "/" + std::to_string(token));
  }
  void read_history(Bytes channel, const HistoryQuery& query, const StreamOptions& options,
                    RequestToken token, Instant) override {
    CHECK(interest.contains(std::string(channel)));
    questions.push_back({std::string(channel), query, options, token});
    if (answer) answer(questions.back());
  }
  void read_presence(Bytes channel, bool counts_only, RequestToken token, Instant) override {
    calls.push_back((counts_only ? "#" : "@") + std::string(channel) + "/" + std::to_string(token));
  }
  void add_member(Bytes channel, const ClientInfo& member, const PresenceOptions&,
                  Instant) override {
    CHECK(interest.contains(std::string(channel)));
    CHECK(members.emplace(std::string(channel), std::string(member.client)).second);
  }
  void remove_member(Bytes channel, Bytes client, Instant) override {
    CHECK_EQ(members.erase({std::string(channel), std::string(client)}), 1U);
  }

  bool at_once = true;
  std::function<void(const Question&)> answer;  // from inside the question
  std::map<std::string, InterestToken> interest;
  std::set<InterestToken> tokens;
  std::vector<std::string> calls;
  std::vector<Question> questions;
  std::set<std::pair<std::string, std::string>> members;  // channel, client
};

class SinkLog final : public DeliverySink {
 public:
  struct Answer {
    std::uint32_t ticket = 0;
    std::string channel;
    SubscribeOutcome outcome;  // its publications are gone
    std::vector<std::string> publications;
  };

  void deliver(const Publication& publication, Bytes base,
               std::span<const Subscriber> to) override {
    Ids& got = seen[std::string(publication.data)];
    for (const Subscriber& each : to) {
      if (each.joining) continue;
      got.insert(each.id);
      if (each.held) held.insert(each.id);
      if (each.delta && each.based) patched[std::string(publication.data)].insert(each.id);
    }
    bases[std::string(publication.data)] = base;
    info = std::string(publication.info.user) + "/" + std::string(publication.info.client);
  }
  void deliver_presence(Bytes, std::span<const PresenceChange> changes,
                        std::span<const Subscriber> to) override {
    for (const Subscriber& each : to) {
      if (!each.joining && each.announce) told_presence[each.id] += changes.size();
    }
  }
  void subscribed(SubscriberId who, Bytes channel, std::uint32_t ticket,
                  const SubscribeOutcome& outcome) override {
    seen["live"].insert(who);
    tickets[who] = ticket;
    Answer answer{ticket, std::string(channel), outcome, {}};
    for (const KeptPublication& each : outcome.publications) {
      answer.publications.emplace_back(each.data);
    }
    answer.outcome.publications = {};
    answers[who].push_back(answer);
  }
  ClientInfo member(SubscriberId who, Bytes) override {
    client = "client" + std::to_string(who);
    return {.client = client};
  }
  void published(RequestToken token, PublishOutcome outcome, const StreamPosition&) override {
    outcomes[token] = outcome;
  }
  void history(RequestToken token, const HistoryPage& page) override { tops[token] = page.top; }
  void presence(RequestToken token, const PresencePage& page) override {
    counts[token] = page.counts;
  }
  void lost(SubscriberId who, Bytes channel, bool server_side) override {
    losses.insert({who, std::string(channel)});
    if (server_side) lost_of_server.insert(who);
    if (when_lost) when_lost(who);
  }
  Ids take(const std::string& what) {
    const auto found = seen.extract(what);
    return found.empty() ? Ids() : found.mapped();
  }
  std::set<std::pair<SubscriberId, std::string>> take_losses() { return std::exchange(losses, {}); }

  std::map<std::string, Ids> seen, patched;
  std::map<std::string, std::string> bases;  // by data
  std::string info;                          // of the last publication
  Ids held;
  std::map<SubscriberId, std::uint32_t> tickets;  // the latest
  std::map<SubscriberId, std::vector<Answer>> answers;
  std::map<SubscriberId, std::size_t> told_presence;
  std::map<RequestToken, PublishOutcome> outcomes;
  std::map<RequestToken, StreamPosition> tops;
  std::map<RequestToken, PresenceCounts> counts;
  std::set<std::pair<SubscriberId, std::string>> losses;
  Ids lost_of_server;
  std::function<void(SubscriberId)> when_lost;
  std::string client;
};

struct HubWorld {
  explicit HubWorld(const HubLimits& limits = {}) : hub(sink, metrics, limits) {
    hub.set_broker(broker);
  }
  ~HubWorld() {
    hub.validate();
    for (SubscriberId who = 0; who < 64; ++who) drop(who);
    CHECK(broker.interest.empty());
    CHECK(broker.members.empty());
  }
  Hub::Subscribe subscribe(SubscriberId who, Bytes channel, std::uint32_t ticket = 0) {
    return hub.subscribe(who, channel, {.ticket = ticket}, Instant{});
  }
  bool unsubscribe(SubscriberId who, Bytes channel) {
    return hub.unsubscribe(who, channel, Instant{});
  }
  void drop(SubscriberId who) { hub.drop(who, Instant{}); }
  void confirm(const std::string& channel) {
    hub.on_interest_ready(channel, broker.interest.at(channel));
  }
  Ids publish(Bytes channel) {
    hub.on_publication({.channel = channel, .data = "data"});
    return sink.take("data");
  }

  ScriptedBroker broker;
  SinkLog sink;
  ShardMetrics metrics;
  Hub hub;
};

}  // namespace millrace
