#include "net/session/fanout.h"

#include "core/base/assert.h"
#include "core/hub/hub_client.h"
#include "net/ws/frame_header.h"
#include "proto/fossil_delta.h"

namespace millrace {

Fanout::Fanout(ConnectionTable& table, ShardMetrics& metrics, const Encoders& encoders,
               std::uint32_t max_requests)
    : table_(table), metrics_(metrics), encoders_(encoders), waiters_(max_requests) {}

Fanout::~Fanout() {
  // Answers that will not come any more: the broker is gone before us.
  waiters_.for_each([this](SlotId id, Waiter&) { waiters_.release(id); });
}

// The frames of one publication, each made when somebody first wants it.
struct Fanout::Forms {
  static constexpr std::size_t kForms = 3;

  Fanout& fanout;
  const Publication& publication;
  Bytes base;
  std::array<std::array<SharedBytes, kForms>, std::tuple_size_v<Encoders>> frames = {};
  std::optional<bool> patched = std::nullopt;  // a patch is shorter

  const SharedBytes& frame_for(const Subscriber& subscriber) {
    DataForm form = subscriber.delta ? DataForm::kFull : DataForm::kPlain;
    if (subscriber.delta && subscriber.based && patch_pays()) form = DataForm::kPatch;
    SharedBytes& frame = frames[subscriber.format][static_cast<std::size_t>(form)];
    if (!frame) frame = encode(*fanout.encoders_[subscriber.format], form);
    return frame;
  }
  bool patch_pays() {
    if (!patched) {
      patched = !base.empty() && make_fossil_delta(base, publication.data, fanout.patch_);
    }
    return *patched;
  }
  SharedBytes encode(const Encoder& encoder, DataForm form) {
    fanout.text_.clear();
    const Bytes data = form == DataForm::kPatch ? Bytes(fanout.patch_) : publication.data;
    encoder.publication_push(fanout.text_, publication.channel,
                             {data, publication.info, publication.position.offset, form});
    ++fanout.metrics_.encodes_total;
    return make_frame(encoder.binary() ? Opcode::kBinary : Opcode::kText, fanout.text_);
  }
};

void Fanout::deliver(const Publication& publication, Bytes base, std::span<const Subscriber> to) {
  Forms forms{*this, publication, base};
  for (const Subscriber& subscriber : to) {
    if (subscriber.joining) continue;
    if (send(subscriber, forms.frame_for(subscriber))) ++metrics_.deliveries_total;
  }
}

void Fanout::deliver_presence(Bytes channel, std::span<const PresenceChange> changes,
                              std::span<const Subscriber> to) {
  std::array<SharedBytes, std::tuple_size_v<Encoders>> frames;
  for (const Subscriber& subscriber : to) {
    if (subscriber.joining || !subscriber.announce) continue;
    SharedBytes& frame = frames[subscriber.format];
    if (!frame) {
      const Encoder& encoder = *encoders_[subscriber.format];
      text_.clear();
      for (const PresenceChange& change : changes) {
        if (!text_.empty()) text_.append(encoder.separator());
        if (change.joined) {
          encoder.join_push(text_, channel, change.member);
        } else {
          encoder.leave_push(text_, channel, change.member);
        }
      }
      frame = make_frame(encoder.binary() ? Opcode::kBinary : Opcode::kText, text_);
    }
    if (send(subscriber, frame)) ++metrics_.presence_pushes_total;
  }
}

bool Fanout::send(const Subscriber& to, const SharedBytes& frame) {
  Connection* connection = table_.find_index(to.id);
  CHECK(connection != nullptr);
  if (!to.held) return connection->send(frame);
  connection->protocol()->hub_client()->on_held(frame);
  return true;
}

HubClient& Fanout::client_of(SubscriberId who) {
  Connection* connection = table_.find_index(who);
  CHECK(connection != nullptr);
  HubClient* client = connection->protocol()->hub_client();
  CHECK(client != nullptr);
  return *client;
}

void Fanout::subscribed(SubscriberId who, Bytes channel, std::uint32_t ticket,
                        const SubscribeOutcome& outcome) {
  client_of(who).on_subscribed(channel, ticket, outcome);
}

ClientInfo Fanout::member(SubscriberId who, Bytes channel) {
  return client_of(who).member(channel);
}

void Fanout::lost(SubscriberId who, Bytes channel, bool server_side) {
  client_of(who).on_lost(channel, server_side);
}

std::optional<RequestToken> Fanout::begin(ConnId who, std::uint32_t ticket, bool counts_only) {
  const auto [waiter, id] = waiters_.acquire(Waiter{who, ticket, counts_only, nullptr});
  if (waiter == nullptr) return std::nullopt;
  return id.pack();
}

std::optional<RequestToken> Fanout::begin(HubAsker& asker, std::uint64_t ticket) {
  const auto [waiter, id] = waiters_.acquire(Waiter{{}, ticket, false, &asker});
  if (waiter == nullptr) return std::nullopt;
  return id.pack();
}

HubClient* Fanout::take_waiter(RequestToken token, Waiter& waiter) {
  const SlotId id = SlotId::unpack(token);
  const Waiter* found = waiters_.find(id);
  CHECK(found != nullptr);  // a broker answers each token exactly once
  waiter = *found;
  waiters_.release(id);
  if (waiter.asker != nullptr) return nullptr;
  Connection* connection = table_.find(waiter.who);
  if (connection == nullptr || connection->closing()) return nullptr;
  return connection->protocol()->hub_client();
}

void Fanout::published(RequestToken token, PublishOutcome outcome, const StreamPosition& position) {
  Waiter waiter;
  HubClient* client = take_waiter(token, waiter);
  if (waiter.asker != nullptr) return waiter.asker->on_published(waiter.ticket, outcome, position);
  if (client != nullptr) {
    client->on_published(waiter.command(), outcome == PublishOutcome::kAccepted);
  }
}

void Fanout::history(RequestToken token, const HistoryPage& page) {
  Waiter waiter;
  HubClient* client = take_waiter(token, waiter);
  if (waiter.asker != nullptr) return waiter.asker->on_history(waiter.ticket, page);
  if (client != nullptr) client->on_history(waiter.command(), page);
}

void Fanout::presence(RequestToken token, const PresencePage& page) {
  Waiter waiter;
  HubClient* client = take_waiter(token, waiter);
  if (waiter.asker != nullptr) return waiter.asker->on_presence(waiter.ticket, page);
  if (client == nullptr) return;
  if (waiter.counts_only) {
    client->on_presence_counts(waiter.command(), page);
  } else {
    client->on_presence(waiter.command(), page);
  }
}

}  // namespace millrace
