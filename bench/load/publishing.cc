#include "bench/load/publishing.h"

#include <utility>

#include "bench/load/client_text.h"
#include "bench/load/payload.h"
#include "core/base/assert.h"

namespace millrace::load {

void Publishing::begin(PublishOrder order) {
  CHECK(!active_);
  CHECK(!order.lanes.empty());
  order_ = std::move(order);
  if (order_.rate > 0) schedule_ = Schedule(order_.start, order_.rate);
  sent_ = 0;
  next_id_ = std::max(next_id_, kFirstPublishId);
  ready_.clear();
  for (std::uint64_t i = 0; order_.by_answer && i < order_.in_flight; ++i) {
    for (std::uint32_t lane = 0; lane < order_.lanes.size(); ++lane) ready_.push_back(lane);
  }
  active_ = true;
}

// How many a schedule stands for in all.
std::uint64_t Publishing::due_at_end() const {
  const std::uint64_t due =
      order_.end == Instant::never() ? UINT64_MAX : schedule_.due(order_.end - nanoseconds(1));
  return order_.count == 0 ? due : std::min(due, order_.count);
}

Instant Publishing::last_call() const {
  return order_.rate > 0 && order_.end != Instant::never() ? order_.end + kGrace : order_.end;
}

void Publishing::stop(Instant now) {
  if (!active_) return;
  active_ = false;
  more_ = false;
  if (order_.rate <= 0) return;
  const std::uint64_t due = std::min(due_at_end(), schedule_.due(now));
  if (due > sent_) report_.unsent += due - sent_;
}

void Publishing::run(Instant now) {
  more_ = false;
  blocked_ = false;
  if (!active_ || now < order_.start) return;
  if (order_.rate > 0) {
    run_open(now);
  } else {
    run_closed(now);
  }
  const bool all =
      order_.rate > 0 ? sent_ >= due_at_end() : order_.count != 0 && sent_ >= order_.count;
  if (all || now >= last_call()) stop(now);
}

void Publishing::run_open(Instant now) {
  const std::uint64_t due = std::min(schedule_.due(now), due_at_end());
  for (int i = 0; i < kBatch && sent_ < due; ++i) {
    const auto lane = static_cast<std::uint32_t>(sent_ % order_.lanes.size());
    blocked_ = unanswered_.size() >= kMaxUnanswered;
    if (blocked_) return;
    switch (path_.room(order_.lanes[lane].client)) {
      case PublishPath::Room::kYes:
        send(lane, schedule_.at(sent_));
        break;
      case PublishPath::Room::kLater:
        blocked_ = true;
        return;
      case PublishPath::Room::kNever:
        ++report_.unsent;
        ++sent_;
        break;
    }
  }
  more_ = sent_ < due;
}

bool Publishing::all_delivered_but(std::uint64_t in_flight, const Lane& lane) const {
  const std::uint64_t readers = shared_.channels.at(lane.channel).readers;
  const std::uint64_t expected = shared_.expected.load(std::memory_order_relaxed);
  const std::uint64_t delivered = shared_.delivered.load(std::memory_order_relaxed);
  return expected <= delivered + in_flight * readers;
}

void Publishing::run_closed(Instant now) {
  if (now >= order_.end) return;
  for (int i = 0; i < kBatch; ++i) {
    if (order_.count != 0 && sent_ >= order_.count) return;
    std::uint32_t lane = 0;
    if (order_.by_answer) {
      if (ready_.empty()) return;
      lane = ready_.front();
    } else {
      lane = static_cast<std::uint32_t>(sent_ % order_.lanes.size());
      if (!all_delivered_but(order_.in_flight - 1, order_.lanes[lane])) return;
    }
    const PublishPath::Room room = path_.room(order_.lanes[lane].client);
    if (room == PublishPath::Room::kLater) return;
    if (order_.by_answer) ready_.pop_front();
    if (room == PublishPath::Room::kNever) {
      ++report_.unsent;
      if (!order_.by_answer) return stop(now);
      continue;
    }
    send(lane, now);
  }
  more_ = true;
}

bool Publishing::has_room() const {
  if (!active_ || order_.rate > 0 || order_.by_answer) return false;
  if (order_.count != 0 && sent_ >= order_.count) return false;
  const Lane& lane = order_.lanes[sent_ % order_.lanes.size()];
  return path_.room(lane.client) != PublishPath::Room::kLater &&
         all_delivered_but(order_.in_flight - 1, lane);
}

void Publishing::send(std::uint32_t lane, Instant due) {
  const Lane& to = order_.lanes[lane];
  LoadChannel& channel = shared_.channels.at(to.channel);
  const std::uint32_t seq = ++channel.published[to.by];
  payload_.clear();
  append_payload(payload_, {.seq = seq, .by = to.by, .at = due}, shared_.options.size);
  shared_.expected.fetch_add(channel.readers, std::memory_order_relaxed);
  ++report_.published;
  ++sent_;
  const std::uint32_t id = next_id_++;
  if (path_.answers()) {
    unanswered_.emplace(id, Unanswered{lane, due});
  } else if (order_.by_answer) {
    ready_.push_back(lane);
  }
  path_.send(to.client, id, channel.name, payload_);
}

void Publishing::on_answer(std::uint32_t id, const std::string& error, Instant now) {
  const auto it = unanswered_.find(id);
  if (it == unanswered_.end()) return;
  const Unanswered answered = it->second;
  unanswered_.erase(it);
  if (error.empty()) {
    report_.publish_time.record(now - answered.due);
  } else {
    ++report_.publish_errors[error];
    const Lane& lane = order_.lanes[answered.lane];
    shared_.expected.fetch_sub(shared_.channels.at(lane.channel).readers,
                               std::memory_order_relaxed);
  }
  if (order_.by_answer && active_) ready_.push_back(answered.lane);
}

void Publishing::lost() {
  if (!unanswered_.empty()) report_.publish_errors["no answer"] += unanswered_.size();
  unanswered_.clear();
}

Instant Publishing::next_due(Instant now) const {
  if (!active_) return Instant::never();
  if (more_) return now;
  if (now < order_.start) return order_.start;
  if (order_.rate <= 0 || blocked_) return last_call();
  return std::min(schedule_.at(sent_), last_call());
}

}  // namespace millrace::load
