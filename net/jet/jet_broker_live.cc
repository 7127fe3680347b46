// What comes by on `millrace.out.`: one message after the other, each once.
#include <utility>

#include "core/base/assert.h"
#include "net/jet/info_header.h"
#include "net/jet/jet_broker.h"
#include "net/jet/jet_names.h"

namespace millrace {

void JetBroker::on_nats_message(NatsSubscriptionId /*id*/, const NatsMessageView& message,
                                Instant now) {
  now_ = now;
  ++metrics_.broker_received_total;
  const auto channel = jet_out_channel(port_.options().subject_prefix, message.subject());
  if (!channel) {
    ++metrics_.broker_dropped_subject_total;
    return;
  }
  ChannelTrack* track = find(*channel);
  if (track == nullptr) return;  // the namespace's wildcard brings what nobody here wants
  const Bytes until = message.header(kRemovedHeader);
  if (!until.empty()) return removed(*track, until);
  const auto sequence = jet_number(message.header("Nats-Sequence"));
  const auto previous = jet_number(message.header("Nats-Last-Sequence"));
  const bool ours = message.header("Nats-Stream") == keeper_.at(track->stream).plan.name;
  if (!ours || !sequence || *sequence == 0 || !previous || *previous >= *sequence) {
    ++metrics_.broker_dropped_subject_total;  // no stream has sent it
    return;
  }
  LiveMessage live;
  live.sequence = *sequence;
  live.previous = *previous;
  Bytes data;
  live.good = payloads_.take(*channel, message.data(), data);
  if (live.good) live.data = data;
  live.info = payloads_.info(message.header(kInfoHeader));
  take(*track, std::move(live), now);
}

void JetBroker::take(ChannelTrack& track, LiveMessage message, Instant now) {
  const SlotId id = track.id;
  const Epoch& epoch = keeper_.at(track.stream).epoch;
  if (track.epoch != epoch) renew(track, now);
  if (tracks_.find(id) == nullptr) return;  // who was told was the last one
  switch (track.state) {
    case State::kFilling:
      return hold(track, std::move(message), now);
    case State::kNew:
      if (epoch.none()) {
        // Nobody can have been told a position yet.
        if (!message.good) return;
        return events_.on_publication({.channel = track.channel,
                                       .data = message.data,
                                       .info = unpack_client_info(message.info)});
      }
      track.state = State::kLive;
      // Nothing is known of what was before, but that nothing is between it and this one.
      cache_.reset(track.window, message.previous == 0 ? message.sequence - 1 : message.previous);
      return pass_on(track, std::move(message), now);
    case State::kLive:
      return take_behind_all(track, std::move(message), now);
  }
}

void JetBroker::take_behind_all(ChannelTrack& track, LiveMessage message, Instant now) {
  const std::uint64_t previous = message.previous;
  if (message.sequence <= track.sure) {
    // The very same, or one of a new life that has its number.
    const CachedPublication* known = track.window.find(message.sequence);
    if (known != nullptr && known->data == message.data) {
      ++metrics_.publications_repeated_total;
      return;
    }
    return suspect_life(track, std::move(message), now);
  }
  const bool next = message.sequence == track.sure + 1;
  if (next || (previous > 0 && previous >= track.last && previous <= track.sure)) {
    return pass_on(track, std::move(message), now);
  }
  // Nothing, or something older than what came by, was kept when it was stored: what went may have
  // been nothing, or what we never saw.
  const bool unknown = previous <= track.sure;
  const SlotId id = track.id;
  fill(track, unknown ? message.sequence - 1 : previous, unknown, now);
  ChannelTrack* left = tracks_.find(id);
  if (left != nullptr) take(*left, std::move(message), now);
}

void JetBroker::pass_on(ChannelTrack& track, LiveMessage message, Instant now) {
  const SlotId id = track.id;
  track.last = track.sure = message.sequence;
  track.empty = false;
  if (!message.good) return;
  events_.on_publication({.channel = track.channel,
                          .data = message.data,
                          .info = unpack_client_info(message.info),
                          .position = {message.sequence, track.epoch}});
  ChannelTrack* left = tracks_.find(id);
  if (left == nullptr) return;
  const std::uint32_t most = keeper_.at(left->stream).settings.kept.size;
  cache_.add(left->window, message.sequence, std::move(message.data), std::move(message.info), most,
             now);
}

// Position and epoch stay; who was behind can't recover.
void JetBroker::removed(ChannelTrack& track, Bytes until) {
  const auto removed_until = jet_number(until);
  if (removed_until && *removed_until <= track.sure) cache_.raise(track.window, *removed_until);
}

}  // namespace millrace
