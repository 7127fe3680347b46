// The broker in memory: shards of one process, no other node.
//
// A channel is owned by the shard that its name hashes to. The owner knows which shards have
// interest and gives every publication to each of them, so all shards see one order per channel.
//
//   publish on shard A -> [A's lane] -> owner -> [owner's lanes] -> every shard with interest
//                                         +----> acknowledgement to A
//
// May see core/shard (it is the relay between shards). Owner: the shard. Limits: the lanes'; a
// publication that finds a lane full is refused at its sender (error 100) or dropped and counted on
// its way to one shard.
#pragma once

#include <boost/unordered/unordered_flat_map.hpp>
#include <string>
#include <vector>

#include "core/base/hash.h"
#include "core/hub/broker.h"
#include "core/metrics/shard_metrics.h"
#include "core/shard/mailbox.h"

namespace millrace {

class MemoryBroker final : public Broker {
 public:
  // `client_shards` of the network's shards take part (the admin shard does not). All must outlive
  // it.
  MemoryBroker(Mailbox& mailbox, std::size_t client_shards, BrokerEvents& events,
               ShardMetrics& metrics);

  [[nodiscard]] bool add_interest(Bytes channel, InterestToken token) override;
  void remove_interest(Bytes channel) override;
  void publish(const Publication& publication, PublishToken token) override;
  [[nodiscard]] BrokerStatus status() const override { return {}; }

  // The messages of this broker; false if `message` is none of them.
  bool on_message(ShardId from, Message& message);

  // Channels that this shard owns and some shard has interest in.
  [[nodiscard]] std::size_t owned() const { return owned_.size(); }

 private:
  [[nodiscard]] ShardId owner_of(Bytes channel) const;
  void change_interest(ShardId shard, Bytes channel, bool added);
  void spread(const Publication& publication);

  Mailbox& mailbox_;
  const std::size_t client_shards_;
  BrokerEvents& events_;
  ShardMetrics& metrics_;
  // The shards with interest, by channel that this shard owns.
  boost::unordered_flat_map<std::string, std::vector<ShardId>, BytesHash, std::equal_to<>> owned_;
};

}  // namespace millrace
