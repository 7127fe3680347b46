// What is missing or may be: closed from the stream before anything newer is shown, or told.
#include <algorithm>
#include <utility>

#include "core/base/assert.h"
#include "net/jet/jet_broker.h"

namespace millrace {

// Of one hole; what is more is lost.
constexpr std::uint32_t kMostFilled = 4'096;
constexpr std::size_t kMostFilledBytes = std::size_t{4} * 1024 * 1024;

void JetBroker::fill(ChannelTrack& track, std::uint64_t until, bool verify_only, Instant now) {
  CHECK(track.state == State::kLive);
  if (!verify_only) ++metrics_.stream_holes_total;
  track.state = State::kFilling;
  track.filling = std::make_unique<HoleFilling>();
  track.filling->until = until;
  ++filling_;
  if (filling_ > limits_.filling) {
    ++metrics_.stream_refused_total;
    return lose_hole(track, {}, now);
  }
  ReadQuestion question;
  question.stream = track.stream;
  question.channel = track.channel;
  question.since = track.sure;
  question.until = verify_only ? 0 : until;
  question.was_stored = !verify_only;
  question.most = kMostFilled;
  question.most_bytes = kMostFilledBytes;
  question.prove = true;
  track.filling->read =
      reader_.read(std::move(question), token_of(Asker::kFill, track.id), now + kFillPatience, now);
  if (!track.filling->read) lose_hole(track, {}, now);
}

// It has a number that came by already. So it came twice; or the stream was made anew.
void JetBroker::suspect_life(ChannelTrack& track, LiveMessage message, Instant now) {
  if (filling_ >= limits_.filling) {
    ++metrics_.stream_refused_total;
    return;
  }
  track.state = State::kFilling;
  track.filling = std::make_unique<HoleFilling>();
  track.filling->until = track.sure;
  ++filling_;
  track.filling->life = keeper_.want(track.stream, now);
  suspects_.push_back(track.id);
  hold(track, std::move(message), now);
}

void JetBroker::on_same_life(ChannelTrack& track, Instant now) {
  const SlotId id = track.id;
  std::deque<LiveMessage> held = end_filling(track);
  while (!held.empty() && held.front().sequence <= track.sure) {
    ++metrics_.publications_repeated_total;
    held.pop_front();
  }
  resume(id, std::move(held), now);
}

void JetBroker::hold(ChannelTrack& track, LiveMessage message, Instant now) {
  HoleFilling& filling = *track.filling;
  filling.bytes += message.bytes();
  held_bytes_ += message.bytes();
  filling.held.push_back(std::move(message));
  if (filling.held.size() <= limits_.held_messages && held_bytes_ <= limits_.held_bytes) return;
  ++metrics_.stream_refused_total;
  lose_hole(track, {}, now);
}

// What was held is its caller's now.
std::deque<LiveMessage> JetBroker::end_filling(ChannelTrack& track) {
  CHECK(track.filling != nullptr);
  const std::unique_ptr<HoleFilling> filling = std::move(track.filling);
  if (filling->read) reader_.forget(*filling->read);
  held_bytes_ -= filling->bytes;
  --filling_;
  track.state = State::kLive;
  return std::move(filling->held);
}

void JetBroker::on_fill(ChannelTrack& track, ReadAnswer answer, Instant now) {
  track.filling->read.reset();
  if (answer.ok && answer.epoch != track.epoch) return renew(track, now);
  if (!answer.ok || !answer.all || !answer.complete) {
    return lose_hole(track, std::move(answer.publications), now);
  }
  const SlotId id = track.id;
  const std::uint64_t until = track.filling->until;
  std::deque<LiveMessage> held = end_filling(track);
  metrics_.stream_filled_total += answer.publications.size();
  for (JetPublication& each : answer.publications) {
    ChannelTrack* left = tracks_.find(id);
    if (left == nullptr) return;
    pass_on(*left,
            {.sequence = each.offset, .data = std::move(each.data), .info = std::move(each.info)},
            now);
  }
  ChannelTrack* left = tracks_.find(id);
  if (left == nullptr) return;
  left->sure = std::max(left->sure, until);
  resume(id, std::move(held), now);
}

// What was between is gone for ever; what was found behind it is shown.
void JetBroker::lose_hole(ChannelTrack& track, std::vector<JetPublication> found, Instant now) {
  const SlotId id = track.id;
  const std::uint64_t until = track.filling->until;
  std::deque<LiveMessage> held = end_filling(track);
  lose(track, found.empty() ? until : found.front().offset - 1);
  for (JetPublication& each : found) {
    ChannelTrack* left = tracks_.find(id);
    if (left == nullptr) return;
    pass_on(*left,
            {.sequence = each.offset, .data = std::move(each.data), .info = std::move(each.info)},
            now);
  }
  ChannelTrack* left = tracks_.find(id);
  if (left == nullptr) return;
  left->sure = std::max(left->sure, until);
  resume(id, std::move(held), now);
}

// May end the track: who is told may have been the last one.
void JetBroker::lose(ChannelTrack& track, std::uint64_t position) {
  ++metrics_.stream_lost_total;
  track.last = track.sure = track.told = std::max(track.sure, position);
  cache_.reset(track.window, track.sure);
  const std::string channel = track.channel;
  events_.on_position(channel, {track.sure, track.epoch});
}

// What was held is as if it came now; another hole may be in it.
void JetBroker::resume(SlotId id, std::deque<LiveMessage> held, Instant now) {
  for (LiveMessage& message : held) {
    ChannelTrack* track = tracks_.find(id);
    if (track == nullptr) return;
    take(*track, std::move(message), now);
  }
  ChannelTrack* track = tracks_.find(id);
  if (track == nullptr || track->state != State::kLive) return;
  if (track->expected > track->sure) {
    late_.emplace_back(now + kGrace, id);
    return set_timer();
  }
  serve(*track, now);
}

}  // namespace millrace
