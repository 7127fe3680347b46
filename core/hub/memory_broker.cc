#include "core/hub/memory_broker.h"

#include <algorithm>
#include <utility>

#include "core/base/assert.h"
#include "core/base/mutant.h"

namespace millrace {

MemoryBroker::MemoryBroker(Mailbox& mailbox, std::size_t client_shards, BrokerEvents& events,
                           ShardMetrics& metrics, TimerWheel& timers, Random& random,
                           const MemoryBrokerLimits& limits)
    : mailbox_(mailbox),
      client_shards_(client_shards),
      events_(events),
      metrics_(metrics),
      timers_(timers),
      streams_(limits.streams, random, metrics),
      presence_(limits.presence, metrics),
      bytes_sent_(client_shards),
      bytes_taken_(client_shards) {
  CHECK_GT(client_shards, 0U);
  CHECK_LE(client_shards, mailbox.shards());
}

MemoryBroker::~MemoryBroker() {
  timers_.cancel(sweep_);
  timers_.cancel(announcement_);
}

ShardId MemoryBroker::owner_of(Bytes channel) const {
  return ShardId{static_cast<std::uint16_t>(hash_bytes(channel) % client_shards_)};
}

bool MemoryBroker::on_message(ShardId from, Message& message, Instant now) {
  return on_publication_message(from, message, now) || on_interest_message(from, message) ||
         on_history_message(from, message, now) || on_presence_message(from, message, now);
}

void MemoryBroker::on_timer(Timer& timer, Instant now) {
  if (&timer == &sweep_) {
    sweep(now);
  } else {
    CHECK(&timer == &announcement_);
    announce(now);
  }
}

// --- interest ------------------------------------------------------------------------------------

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
  if (added) {
    owned_.add(channel, shard);
  } else {
    owned_.remove(channel, shard);
  }
}

bool MemoryBroker::on_interest_message(ShardId from, Message& message) {
  if (auto* change = std::get_if<InterestChange>(&message)) {
    change_interest(from, change->channel, change->added);
    if (change->added) mailbox_.send(from, InterestAck{std::move(change->channel), change->token});
    return true;
  }
  if (auto* ack = std::get_if<InterestAck>(&message)) {
    events_.on_interest_ready(ack->channel, ack->token);
    return true;
  }
  return false;
}

// --- publications --------------------------------------------------------------------------------

void MemoryBroker::publish(const Publication& publication, const StreamOptions& options,
                           RequestToken token, Instant now) {
  const ShardId owner = owner_of(publication.channel);
  if (owner == mailbox_.self()) {
    const StreamPosition position = accept(publication, options, now);
    events_.on_published(token, PublishOutcome::kAccepted, position);
    return;
  }
  Message request = PublishRequest{OwnedBytes(publication.channel),
                                   OwnedBytes(publication.data),
                                   pack_client_info(publication.info),
                                   options,
                                   token,
                                   publication.skips_history};
  if (mailbox_.try_send(owner, request)) return;
  ++metrics_.mailbox_refused_total;
  ++metrics_.broker_publish_failures_total;
  events_.on_published(token, PublishOutcome::kUnavailable, {});
}

StreamPosition MemoryBroker::accept(const Publication& publication, const StreamOptions& options,
                                    Instant now) {
  Publication accepted = publication;
  accepted.position = {};
  if (options.kept() && publication.skips_history) {
    // Only who is there gets it.
  } else if (options.kept()) {
    accepted.position =
        streams_.append(publication.channel, publication.data, publication.info, options, now);
    accepted.previous = accepted.position.offset - 1;
    plan_sweep(now);
  } else {
    // The namespace keeps nothing any more. Who comes back when it does again has missed this one,
    // and another epoch tells.
    streams_.forget(publication.channel);
  }
  ++metrics_.broker_published_total;
  spread(accepted);
  return accepted.position;
}

// This shard itself comes last: what its hub does then may change who has interest.
void MemoryBroker::spread(const Publication& publication) {
  const auto shards = owned_.wanted_by(publication.channel);
  if (shards.empty()) return;
  bool wanted_here = false;
  OwnedBytes info;
  if (shards.size() > 1 || shards.front() != mailbox_.self()) {
    info = pack_client_info(publication.info);
  }
  for (const ShardId shard : shards) {
    if (shard == mailbox_.self()) {
      wanted_here = true;
    } else {
      send_delivery(shard, publication, info);
    }
  }
  if (wanted_here) events_.on_publication(publication);
}

void MemoryBroker::send_delivery(ShardId shard, const Publication& publication,
                                 const OwnedBytes& info) {
  Message delivery = Delivery{OwnedBytes(publication.channel), OwnedBytes(publication.data), info,
                              publication.position};
  if (mailbox_.try_send(shard, delivery)) return;
  ++metrics_.mailbox_refused_total;
  ++metrics_.broker_dropped_full_total;
}

bool MemoryBroker::on_publication_message(ShardId from, Message& message, Instant now) {
  if (auto* delivery = std::get_if<Delivery>(&message)) {
    const std::uint64_t offset = delivery->position.offset;
    events_.on_publication({delivery->channel, delivery->data, unpack_client_info(delivery->info),
                            delivery->position, offset == 0 ? 0 : offset - 1});
    return true;
  }
  if (auto* request = std::get_if<PublishRequest>(&message)) {
    const StreamPosition position = accept({.channel = request->channel,
                                            .data = request->data,
                                            .info = unpack_client_info(request->info),
                                            .skips_history = request->skips_history},
                                           request->options, now);
    if (mutated(Mutant::kForgottenAcknowledgement)) return true;
    mailbox_.send(from, PublishAck{request->token, position});
    return true;
  }
  if (auto* ack = std::get_if<PublishAck>(&message)) {
    events_.on_published(ack->token, PublishOutcome::kAccepted, ack->position);
    return true;
  }
  return false;
}

}  // namespace millrace
