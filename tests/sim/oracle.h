// The model: what was published, what each shard's hub was handed, and what each client must
// therefore have seen.
//
//   publisher --published()--> [id] --> broker --logged()--> hub --> client: a Period's `got`
//
// Rules, each a finding when broken:
//  - A hub is handed nothing that was not published, on another channel, or in a changed form.
//  - It is handed nothing twice, but what NATS was made to bring twice.
//  - What one publisher published on a channel comes in the order in which it was sent, and all
//    shards agree on the order of a channel.
//  - What a client gets between a subscribe reply and the end of the subscription is an unbroken
//    piece of its shard's log, begins no later than the reply, and ends no earlier than the
//    unsubscribe command; for who stays to the end it ends with the log.
//  - What was accepted after a subscribe reply of one who stays reaches the shard, unless NATS was
//    made to lose it, or a shard counted it as dropped (World compares the sums).
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "core/hub/broker.h"
#include "tests/sim/sim_nats.h"

namespace millrace::sim {

// Prints and aborts; the program's handler adds the seed.
[[noreturn]] void finding(const std::string& text);

// One subscription of one connection, as its client saw it.
struct Period {
  std::uint32_t command = 0;  // that asked for it
  std::string client;         // for people
  std::size_t shard = 0;
  std::string channel;
  std::uint64_t asked_at_id = 0;   // the last id when the command was sent
  std::size_t log_at_command = 0;  // length of the log then
  bool replied = false;
  std::uint64_t replied_at_id = 0;  // the last id when the reply came
  std::size_t log_at_reply = 0;
  bool leaving = false;  // an unsubscribe is on its way
  std::size_t log_at_leave = 0;
  std::vector<std::uint64_t> got;
  // Of a channel that keeps a stream (sim_client_streams.cc).
  bool recovers = false;  // it asked for what it missed
  bool forged = false;    // from where it never was
  bool whole = false;     // or for no subscription at all
  std::string from_epoch;
  std::uint64_t from_offset = 0;
  bool positioned = false;  // it is told of holes: no offset is left out
  bool recoverable = false;
  std::string epoch;
  std::uint64_t offset = 0;  // of the last publication it knows of
  // What it was told of others, by their ids: joined, or left.
  bool announced = false;
  std::map<std::string, bool> others;
};

class Oracle {
 public:
  Oracle(std::size_t shards, const SimNats* nats) : nats_(nats), logs_(shards) {}

  // A payload that nobody published before. `publisher` names who sends in order.
  std::string published(const std::string& channel, std::uint64_t publisher, std::size_t padding);
  void outcome(std::uint64_t id, bool accepted);
  [[nodiscard]] std::uint64_t last_id() const { return publications_.size(); }
  // Of a channel: those that were accepted, those that may have been, and who published one.
  [[nodiscard]] std::uint64_t accepted(const std::string& channel) const;
  [[nodiscard]] std::uint64_t not_refused(const std::string& channel) const;
  [[nodiscard]] std::uint64_t publisher_of(std::uint64_t id) const {
    return publications_.at(id - 1).publisher;
  }
  static std::uint64_t id_of(Bytes payload);

  // The hub of `shard` is handed this.
  void logged(std::size_t shard, const Publication& publication);
  [[nodiscard]] std::size_t log_size(std::size_t shard, const std::string& channel) const;

  // Of a payload that was published there, as it is; anything else is a finding.
  std::uint64_t known(const std::string& whom, const std::string& channel, Bytes payload);
  // A client got this, live.
  void received(Period& period, Bytes payload);
  // The unsubscribe reply came: all that the log held at the command has come before it.
  void left(const Period& period) const;
  // The connection ended: what came is unbroken.
  void broken_off(const Period& period) const { check_end(period, 0); }
  // Nothing is on its way any more, and the subscription is live.
  void stays(const Period& period) const;
  // At the end of a run.
  void finish() const;

  [[nodiscard]] std::uint64_t deliveries() const { return deliveries_; }
  [[nodiscard]] std::uint64_t explained_duplicates() const { return duplicates_; }
  [[nodiscard]] std::uint64_t explained_holes() const { return holes_.size(); }

 private:
  struct Known {
    std::string channel;
    std::string payload;
    std::uint64_t publisher = 0;
    bool accepted = false;
    bool refused = false;
  };
  struct Sums {
    std::uint64_t published = 0;
    std::uint64_t accepted = 0;
    std::uint64_t refused = 0;
  };
  using Log = std::vector<std::uint64_t>;

  [[nodiscard]] const Log& log(std::size_t shard, const std::string& channel) const;
  [[nodiscard]] bool fits(const Period& period, const Log& log, std::size_t at_least,
                          std::size_t at_most) const;
  void check_end(const Period& period, std::size_t at_least) const;
  void check_duplicates(std::size_t shard, const std::string& channel, const Log& log) const;
  void check_order(std::size_t shard, const std::string& channel, const Log& log) const;
  void check_agreement(const std::string& channel) const;

  const SimNats* nats_;
  std::vector<Known> publications_;   // by id - 1
  std::map<std::string, Sums> sums_;  // by channel
  std::vector<std::map<std::string, Log>> logs_;
  std::uint64_t deliveries_ = 0;
  mutable std::uint64_t duplicates_ = 0;
  mutable std::set<std::pair<std::size_t, std::uint64_t>> holes_;  // shard, id
};

}  // namespace millrace::sim
