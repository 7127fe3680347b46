#include "core/hub/memory_broker.h"

#include <algorithm>
#include <utility>

#include "core/base/assert.h"
#include "core/base/mutant.h"

namespace millrace {

MemoryBroker::MemoryBroker(Mailbox& mailbox, std::size_t client_shards, BrokerEvents& events,
                           ShardMetrics& metrics)
    : mailbox_(mailbox), client_shards_(client_shards), events_(events), metrics_(metrics) {
  CHECK_GT(client_shards, 0U);
  CHECK_LE(client_shards, mailbox.shards());
}

ShardId MemoryBroker::owner_of(Bytes channel) const {
  return ShardId{static_cast<std::uint16_t>(hash_bytes(channel) % client_shards_)};
}

bool MemoryBroker::add_interest(Bytes channel, InterestToken token) {
  const ShardId owner = owner_of(channel);
  if (owner == mailbox_.self()) {
    change_interest(owner, channel, true);
    return true;
  }
  mailbox_.send(owner, InterestChange{OwnedBytes(channel), token, true});
  return false;
}

void MemoryBroker::remove_interest(Bytes channel) {
  const ShardId owner = owner_of(channel);
  if (owner == mailbox_.self()) {
    change_interest(owner, channel, false);
  } else {
    mailbox_.send(owner, InterestChange{OwnedBytes(channel), 0, false});
  }
}

void MemoryBroker::change_interest(ShardId shard, Bytes channel, bool added) {
  auto it = owned_.find(channel);
  if (added) {
    if (it == owned_.end()) it = owned_.emplace(std::string(channel), std::vector<ShardId>()).first;
    CHECK(std::find(it->second.begin(), it->second.end(), shard) == it->second.end());
    it->second.push_back(shard);
    return;
  }
  CHECK(it != owned_.end());
  const auto removed = std::erase(it->second, shard);
  CHECK_EQ(removed, 1U);
  if (it->second.empty()) owned_.erase(it);
}

void MemoryBroker::publish(const Publication& publication, PublishToken token) {
  const ShardId owner = owner_of(publication.channel);
  if (owner == mailbox_.self()) {
    spread(publication);
    ++metrics_.broker_published_total;
    events_.on_published(token, PublishOutcome::kAccepted);
    return;
  }
  Message request =
      PublishRequest{OwnedBytes(publication.channel), OwnedBytes(publication.data),
                     OwnedBytes(publication.user), OwnedBytes(publication.client), token};
  if (mailbox_.try_send(owner, request)) return;
  ++metrics_.mailbox_refused_total;
  ++metrics_.broker_publish_failures_total;
  events_.on_published(token, PublishOutcome::kUnavailable);
}

void MemoryBroker::spread(const Publication& publication) {
  const auto it = owned_.find(publication.channel);
  if (it == owned_.end()) return;
  for (const ShardId shard : it->second) {
    if (shard == mailbox_.self()) {
      events_.on_publication(publication);
      continue;
    }
    Message delivery = Delivery{OwnedBytes(publication.channel), OwnedBytes(publication.data),
                                OwnedBytes(publication.user), OwnedBytes(publication.client)};
    if (!mailbox_.try_send(shard, delivery)) {
      ++metrics_.mailbox_refused_total;
      ++metrics_.broker_dropped_full_total;
    }
  }
}

bool MemoryBroker::on_message(ShardId from, Message& message) {
  if (auto* request = std::get_if<PublishRequest>(&message)) {
    spread({request->channel, request->data, request->user, request->client, 0});
    ++metrics_.broker_published_total;
    if (mutated(Mutant::kForgottenAcknowledgement)) return true;
    mailbox_.send(from, PublishAck{request->token});
    return true;
  }
  if (auto* ack = std::get_if<PublishAck>(&message)) {
    events_.on_published(ack->token, PublishOutcome::kAccepted);
    return true;
  }
  if (auto* change = std::get_if<InterestChange>(&message)) {
    change_interest(from, change->channel, change->added);
    if (change->added) mailbox_.send(from, InterestAck{std::move(change->channel), change->token});
    return true;
  }
  if (auto* ack = std::get_if<InterestAck>(&message)) {
    events_.on_interest_ready(ack->channel, ack->token);
    return true;
  }
  if (auto* delivery = std::get_if<Delivery>(&message)) {
    events_.on_publication(
        {delivery->channel, delivery->data, delivery->user, delivery->client, 0});
    return true;
  }
  return false;
}

}  // namespace millrace
