// Tops and lives: what the leader says, and when it is asked.
#include <algorithm>
#include <utility>

#include "core/base/assert.h"
#include "net/jet/jet_broker.h"
#include "net/jet/jet_names.h"

namespace millrace {

// --- one channel ---------------------------------------------------------------------------------

void JetBroker::check(ChannelTrack& track, Instant now) {
  if (track.check) return;
  // Of what is not known yet nothing is sure.
  const bool known = track.state != State::kNew;
  track.check = reader_.top(track.stream, track.channel, known ? track.epoch : Epoch(), track.sure,
                            token_of(Asker::kCheck, track.id), now + kAnswerPatience, now);
  // Without room for it the questions wait for their time's end.
}

void JetBroker::on_check(ChannelTrack& track, const TopAnswer& answer, Instant now) {
  const SlotId id = track.id;
  track.check.reset();
  track.doubted = false;
  if (std::exchange(track.doubt_out, false)) --doubts_out_;
  pump_doubts(now);
  if (!answer.ok) {
    for (const SlotId each : std::exchange(track.askers, {})) refuse(each);
    return;
  }
  if (track.epoch != keeper_.at(track.stream).epoch) renew(track, now);
  if (tracks_.find(id) == nullptr) return;
  // Begun in one life and ended in another.
  if (answer.epoch != track.epoch) return check(track, now);
  take_top(track, answer, now);
  ChannelTrack* left = tracks_.find(id);
  if (left != nullptr) serve(*left, now);
}

void JetBroker::take_top(ChannelTrack& track, const TopAnswer& answer, Instant now) {
  track.checked = true;
  track.checked_at = now;
  if (track.state == State::kFilling) {
    track.expected = std::max(track.expected, answer.top);
    return;
  }
  if (track.state == State::kNew) {
    track.state = State::kLive;
    track.last = answer.top;
    track.sure = std::max(answer.top, answer.last);
    track.empty = answer.top == 0;
    return cache_.reset(track.window, track.empty ? track.sure : answer.top);
  }
  if (answer.unchanged) return;
  if (answer.top > track.sure) {
    track.expected = answer.top;
    late_.emplace_back(now + kGrace, track.id);
    return set_timer();
  }
  if (answer.top > 0) {
    track.sure = std::max(track.sure, answer.last);
    return;
  }
  // Nothing is kept. What was published behind `sure` and went again was never seen here.
  const std::string& prefix = port_.options().subject_prefix;
  const KeptStream& stream = keeper_.at(track.stream);
  const bool nothing_went = answer.first <= track.sure + 1 &&
                            !stream.marked(jet_mark_subject(prefix, track.channel)) &&
                            !stream.marked(jet_mark_all_subject(prefix, stream.settings.name));
  if (answer.last <= track.sure || nothing_went) {
    track.sure = std::max(track.sure, answer.last);
    track.empty = true;
    return;
  }
  track.empty = true;
  fill(track, answer.last, true, now);
}

// Answers who waits, if what is known is good enough; else sees to it that it becomes so.
void JetBroker::serve(ChannelTrack& track, Instant now) {
  if (track.askers.empty() || track.state == State::kFilling) return;
  if (track.expected > track.sure) return;  // late(), or what comes by, tells
  track.expected = 0;
  const bool fresh = track.checked && track.state == State::kLive &&
                     now - track.checked_at <= kCheckLife && !track.doubted;
  if (!fresh) return check(track, now);
  const SlotId id = track.id;
  for (const SlotId each : std::exchange(track.askers, {})) {
    ChannelTrack* left = tracks_.find(id);
    Question* question = questions_.find(each);
    if (question == nullptr) continue;
    if (left == nullptr) {
      ask_alone(each, now);
    } else {
      answer_from(each, view_of(*left, question->options, now), now);
    }
  }
}

// What the leader has, and what should have come by meanwhile.
void JetBroker::look_at_late(Instant now) {
  while (!late_.empty() && late_.front().first <= now) {
    const SlotId id = late_.front().second;
    late_.pop_front();
    ChannelTrack* track = tracks_.find(id);
    if (track == nullptr || track->state != State::kLive) continue;
    const std::uint64_t expected = std::exchange(track->expected, 0);
    if (expected > track->sure) {
      fill(*track, expected, false, now);
    } else {
      serve(*track, now);
    }
  }
}

// --- doubts --------------------------------------------------------------------------------------

void JetBroker::doubt(ChannelTrack& track) {
  if (std::exchange(track.doubted, true)) return;
  doubts_.push_back(track.id);
}

void JetBroker::pump_doubts(Instant now) {
  while (doubts_out_ < kDoubtsOut && !doubts_.empty()) {
    const SlotId id = doubts_.front();
    doubts_.pop_front();
    ChannelTrack* track = tracks_.find(id);
    if (track == nullptr || !track->doubted || track->doubt_out) continue;
    if (track->state == State::kNew) {
      track->doubted = false;  // nobody relies on it
      continue;
    }
    // One that is out may have been answered before what raised the doubt.
    if (track->check) reader_.forget(*std::exchange(track->check, std::nullopt));
    track->doubt_out = true;
    ++doubts_out_;
    check(*track, now);
    if (track->check) continue;
    track->doubted = track->doubt_out = false;  // no room; the next check of positions finds it
    --doubts_out_;
    return;
  }
}

void JetBroker::on_nats_up(Instant now) {
  keeper_.on_up(now);
  tracks_.for_each([this](SlotId, ChannelTrack& track) { doubt(track); });
  pump_doubts(now);
}

void JetBroker::on_stream_suspect(std::uint32_t stream, Instant now) {
  tracks_.for_each([&](SlotId, ChannelTrack& track) {
    if (track.stream == stream) doubt(track);
  });
  pump_doubts(now);
}

// --- lives ---------------------------------------------------------------------------------------

void JetBroker::on_stream_told(std::uint32_t stream, Instant now) {
  reader_.on_stream_told(stream, now);
  const std::uint64_t told = keeper_.at(stream).told;
  for (const SlotId id : std::exchange(suspects_, {})) {
    ChannelTrack* track = tracks_.find(id);
    if (track == nullptr || track->filling == nullptr || track->filling->life == 0) continue;
    if (track->stream != stream || track->filling->life > told) {
      suspects_.push_back(id);
    } else if (track->epoch == keeper_.at(stream).epoch) {
      on_same_life(*track, now);
    } else {
      renew(*track, now);
    }
  }
}

void JetBroker::on_stream_reborn(std::uint32_t stream, Instant now) {
  tracks_.for_each([&](SlotId id, const ChannelTrack& track) {
    if (track.stream == stream) renewals_.push_back(id);
  });
  renew_some(now);
  renew_at_ = now + kRenewPause;
  set_timer();
}

void JetBroker::renew_some(Instant now) {
  for (std::uint32_t i = 0; i < kRenewStep && !renewals_.empty(); ++i) {
    ChannelTrack* track = tracks_.find(renewals_.front());
    renewals_.pop_front();
    if (track != nullptr) renew(*track, now);
  }
}

// What was known is of another life. May end the track: who is told may have been the last one.
void JetBroker::renew(ChannelTrack& track, Instant now) {
  const Epoch& epoch = keeper_.at(track.stream).epoch;
  if (track.epoch == epoch) return;
  const bool first = track.epoch.none();
  track.epoch = epoch;
  if (first) return;
  // What is held is of either life, and nobody can tell of which.
  if (track.filling != nullptr) static_cast<void>(end_filling(track));
  track.state = State::kNew;
  track.empty = track.checked = false;
  track.last = track.sure = track.told = track.expected = 0;
  cache_.reset(track.window, 0);
  const std::string channel = track.channel;
  const SlotId id = track.id;
  events_.on_position(channel, {0, epoch});
  ChannelTrack* left = tracks_.find(id);
  if (left != nullptr && !left->askers.empty()) check(*left, now);
}

// --- time ----------------------------------------------------------------------------------------

void JetBroker::on_timer(Timer& /*timer*/, Instant now) {
  now_ = now;
  look_at_late(now);
  while (!ends_.empty() && ends_.front().first <= now) {
    const SlotId id = ends_.front().second;
    ends_.pop_front();
    if (questions_.find(id) != nullptr) refuse(id);
  }
  if (!renewals_.empty() && renew_at_ <= now) {
    renew_some(now);
    renew_at_ = now + kRenewPause;
  }
  set_timer();
}

void JetBroker::set_timer() {
  Instant due = Instant::never();
  if (!late_.empty()) due = std::min(due, late_.front().first);
  if (!ends_.empty()) due = std::min(due, ends_.front().first);
  if (!renewals_.empty()) due = std::min(due, renew_at_);
  if (due == Instant::never()) return timers_.cancel(timer_);
  if (!timer_.armed() || timer_.deadline() != due) timers_.arm(timer_, due, *this);
}

}  // namespace millrace
