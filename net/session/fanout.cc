#include "net/session/fanout.h"

#include "core/base/assert.h"
#include "core/hub/hub_client.h"
#include "net/ws/frame_header.h"
#include "proto/push_encoder.h"

namespace millrace {

Fanout::Fanout(ConnectionTable& table, ShardMetrics& metrics, std::uint32_t max_publishes)
    : table_(table), metrics_(metrics), waiters_(max_publishes) {}

Fanout::~Fanout() {
  // Outcomes that will not come any more: the broker is gone before us.
  waiters_.for_each([this](SlotId id, Waiter&) { waiters_.release(id); });
}

void Fanout::deliver(const Publication& publication, std::span<const SubscriberId> to) {
  text_.clear();
  append_publication_push(text_, {publication.channel,
                                  publication.data,
                                  {publication.user, publication.client},
                                  publication.offset});
  const SharedBytes frame = make_frame(Opcode::kText, text_);
  ++metrics_.encodes_total;
  for (const SubscriberId subscriber : to) {
    Connection* connection = table_.find_index(subscriber);
    CHECK(connection != nullptr);
    if (connection->send(frame)) ++metrics_.deliveries_total;
  }
}

void Fanout::subscribed(SubscriberId who, std::uint32_t ticket) {
  Connection* connection = table_.find_index(who);
  CHECK(connection != nullptr);
  connection->protocol()->hub_client()->on_subscribed(ticket);
}

std::optional<PublishToken> Fanout::begin_publish(ConnId who, std::uint32_t ticket) {
  const auto [waiter, id] = waiters_.acquire(Waiter{who, ticket});
  if (waiter == nullptr) return std::nullopt;
  return id.pack();
}

void Fanout::published(PublishToken token, PublishOutcome outcome) {
  const SlotId id = SlotId::unpack(token);
  const Waiter* found = waiters_.find(id);
  CHECK(found != nullptr);  // a broker answers each token exactly once
  const Waiter waiter = *found;
  waiters_.release(id);
  Connection* connection = table_.find(waiter.who);
  if (connection == nullptr || connection->closing()) return;
  HubClient* client = connection->protocol()->hub_client();
  if (client != nullptr) {
    client->on_published(waiter.ticket, outcome == PublishOutcome::kAccepted);
  }
}

}  // namespace millrace
