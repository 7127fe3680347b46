#include "net/nodes/presence_news.h"

#include <utility>

#include "core/base/assert.h"
#include "core/hub/channel_name.h"
#include "net/nats/subject.h"
#include "net/nodes/node_subjects.h"

namespace millrace {

PresenceNewsDesk::PresenceNewsDesk(NatsPort& port, BrokerEvents& events, ShardMetrics& metrics)
    : port_(port),
      events_(events),
      metrics_(metrics),
      stem_(all_nodes_subject(port.options().subject_prefix, "presence")),
      prefix_namespaces_(port.options().prefix_namespaces.begin(),
                         port.options().prefix_namespaces.end()) {}

bool PresenceNewsDesk::wide(Bytes channel) const {
  return prefix_namespaces_.contains(channel_namespace(channel));
}

NatsSubscriptionId PresenceNewsDesk::subscribe(std::string subject) {
  ++metrics_.nats_subscriptions;
  return port_.subscribe(std::move(subject), *this);
}

void PresenceNewsDesk::want(Bytes channel) {
  if (wanted_.contains(channel)) return;
  if (!wide(channel)) {
    wanted_.emplace(channel, subscribe(channel_to_subject(stem_, channel)));
    return;
  }
  const Bytes name_space = channel_namespace(channel);
  const auto [place, is_new] = wildcards_.try_emplace(std::string(name_space));
  if (is_new) place->second.subscription = subscribe(namespace_wildcard(stem_, name_space));
  ++place->second.channels;
  wanted_.emplace(channel, place->second.subscription);
}

void PresenceNewsDesk::want_no_more(Bytes channel) {
  const auto found = wanted_.find(channel);
  if (found == wanted_.end()) return;
  const NatsSubscriptionId subscription = found->second;
  wanted_.erase(found);
  if (wide(channel)) {
    const auto wildcard = wildcards_.find(channel_namespace(channel));
    CHECK(wildcard != wildcards_.end());
    if (--wildcard->second.channels > 0) return;
    wildcards_.erase(wildcard);
  }
  --metrics_.nats_subscriptions;
  port_.unsubscribe(subscription);
}

void PresenceNewsDesk::tell(Bytes channel, std::span<const PresenceChange> changes) {
  std::size_t left_out = 0;
  NatsPost post{channel_to_subject(stem_, channel), presence_news_json(changes, left_out)};
  if (port_.publish(std::move(post), this)) {
    ++on_the_way_;
  } else {
    left_out = changes.size();
  }
  metrics_.presence_changes_dropped_total += left_out;
}

void PresenceNewsDesk::on_nats_posted(std::uint64_t /*token*/, bool /*accepted*/, Instant /*now*/) {
  CHECK_GT(on_the_way_, 0U);
  --on_the_way_;
}

void PresenceNewsDesk::on_nats_message(NatsSubscriptionId /*id*/, const NatsMessageView& message,
                                       Instant /*now*/) {
  const auto channel = subject_to_channel(stem_, message.subject());
  const auto changes = channel ? reader_.news(message.data()) : std::nullopt;
  if (!changes) {
    ++metrics_.node_messages_dropped_total;
    return;
  }
  if (!changes->empty() && wanted_.contains(*channel)) {
    events_.on_presence_changes(*channel, *changes);
  }
}

}  // namespace millrace
