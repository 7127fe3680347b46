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
};

class Oracle {
 public:
  Oracle(std::size_t shards, const SimNats* nats) : nats_(nats), logs_(shards) {}

  // A payload that nobody published before. `publisher` names who sends in order.
  std::string published(const std::string& channel, std::uint64_t publisher, std::size_t padding);
  void outcome(std::uint64_t id, bool accepted);
  [[nodiscard]] std::uint64_t last_id() const { return publications_.size(); }
  static std::uint64_t id_of(Bytes payload);

  // The hub of `shard` is handed this.
  void logged(std::size_t shard, const Publication& publication);
  [[nodiscard]] std::size_t log_size(std::size_t shard, const std::string& channel) const;

  // A client got this; checks that it was published there, as it is.
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
  using Log = std::vector<std::uint64_t>;

  [[nodiscard]] const Log& log(std::size_t shard, const std::string& channel) const;
  [[nodiscard]] bool fits(const Period& period, const Log& log, std::size_t at_least,
                          std::size_t at_most) const;
  void check_end(const Period& period, std::size_t at_least) const;
  void check_duplicates(std::size_t shard, const std::string& channel, const Log& log) const;
  void check_order(std::size_t shard, const std::string& channel, const Log& log) const;
  void check_agreement(const std::string& channel) const;

  const SimNats* nats_;
  std::vector<Known> publications_;  // by id - 1
  std::vector<std::map<std::string, Log>> logs_;
  std::uint64_t deliveries_ = 0;
  mutable std::uint64_t duplicates_ = 0;
  mutable std::set<std::pair<std::size_t, std::uint64_t>> holes_;  // shard, id
};

}  // namespace millrace::sim
