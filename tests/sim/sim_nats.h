// A NATS server and the shards' links to it, in memory: under the NatsBroker that ships.
//
// Each link is a BrokerLink with the guarantees of net/nats/broker_link.h. A message reaches every
// link that has a matching subscription at the server, in the server's order, unless a fault drops
// it, brings it twice, or the connection is lost while it is on its way; each of these is noted, so
// that a hole or a duplicate at a client has an explanation or is a finding.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "net/nats/broker_link.h"
#include "net/nats/nats_options.h"
#include "tests/sim/sim_ring.h"

namespace millrace::sim {

class SimLink;

class SimNats {
 public:
  explicit SimNats(Machinery machinery) : m_(machinery) {}

  std::unique_ptr<BrokerLink> connect(std::size_t shard, const NatsOptions& options, Waker& waker);
  // From anybody; reaches all links.
  void publish(const NatsPost& post);
  // Every link comes back, and nothing is lost from now on.
  void calm();

  // Messages by what became of them, on their way to a shard.
  [[nodiscard]] bool lost(std::size_t shard, const std::string& data) const {
    return lost_.contains({shard, data});
  }
  [[nodiscard]] std::uint64_t duplicates(std::size_t shard, const std::string& data) const;
  [[nodiscard]] std::uint64_t dropped(std::size_t shard) const;
  [[nodiscard]] std::uint64_t disconnects(std::size_t shard) const;

 private:
  friend class SimLink;

  Machinery m_;
  std::map<std::size_t, SimLink*> links_;  // by shard; the brokers own them
  std::set<std::pair<std::size_t, std::string>> lost_;
  std::map<std::pair<std::size_t, std::string>, std::uint64_t> duplicates_;
};

class SimLink final : public BrokerLink {
 public:
  SimLink(SimNats& server, std::size_t shard, const NatsOptions& options, Waker& waker);
  ~SimLink() override;

  bool send(NatsRequest& request) override;
  bool take_answer(NatsAnswer& answer) override;
  bool take_note(std::string&) override { return false; }
  NatsInbox& inbox() override { return inbox_; }
  bool waiting() const override { return inbox_.waiting() || !answers_.empty(); }
  bool up() const override { return up_; }
  std::uint64_t lives() const override { return lives_; }
  NatsLinkCause cause() const override { return NatsLinkCause::kLost; }
  std::uint64_t dropped() const override { return inbox_.dropped() + dropped_; }

 private:
  friend class SimNats;

  void work();
  void take_batch(std::size_t most);
  NatsAnswer carry_out(const NatsRequest& request);
  void disconnect();
  void reconnect();
  void carry(const NatsPost& post);
  void push(std::uint64_t life, NatsSubscriptionId to, const NatsPost& post);
  // Behind what is on its way already.
  Duration in_order(Duration late, Instant& last);
  Duration delay();
  [[nodiscard]] std::string name() const { return "link " + std::to_string(shard_); }

  SimNats& server_;
  const std::size_t shard_;
  Waker& waker_;
  NatsInbox inbox_;
  const std::size_t lane_;
  std::deque<NatsRequest> requests_;
  std::deque<NatsAnswer> answers_;
  // What is wanted; live at the server while up.
  std::map<std::uint32_t, std::pair<std::string, NatsSubscriptionId>> subscriptions_;
  std::size_t unanswered_ = 0;
  Instant last_message_{};
  Instant last_answer_{};
  bool up_ = false;
  bool working_ = false;
  std::uint64_t lives_ = 0;
  std::uint64_t dropped_ = 0;
  std::uint64_t disconnects_ = 0;
  // Events that come after the link is gone find this empty.
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace millrace::sim
