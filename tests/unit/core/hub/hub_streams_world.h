// A channel with a stream, and those who join it.
#pragma once

#include <gtest/gtest.h>

#include <optional>
#include <set>
#include <string>
#include <utility>

#include "tests/unit/core/hub/hub_world.h"

namespace millrace {

using Failure = SubscribeOutcome::Failure;
using Losses = std::set<std::pair<SubscriberId, std::string>>;

inline constexpr StreamOptions kKept{.size = 10, .age = seconds(60), .meta_age = seconds(3'600)};
inline constexpr PresenceOptions kTold{.members = true, .announce = true};
inline const Epoch kEpoch = Epoch::of_bits(1);
inline const Epoch kOther = Epoch::of_bits(2);

inline SubscribeOptions positioned(std::uint32_t ticket = 0) {
  return {.ticket = ticket, .positioned = true, .stream = kKept};
}

inline SubscribeOptions recovering(std::optional<StreamPosition> since) {
  SubscribeOptions options = positioned();
  options.recoverable = true;
  options.recovering = true;
  options.since = since;
  return options;
}

inline SubscribeOptions delta() {
  SubscribeOptions options = positioned();
  options.delta = true;
  return options;
}

inline HistoryPage top(std::uint64_t offset, Epoch epoch = kEpoch) {
  return {.top = {offset, epoch}};
}

class HubWithStreams : public testing::Test {
 protected:
  Hub::Subscribe subscribe(SubscriberId who, const SubscribeOptions& options, Bytes name = "a") {
    return world_.hub.subscribe(who, name, options, Instant{});
  }
  void answer(std::size_t question, const HistoryPage& page) {
    world_.hub.on_history(world_.broker.questions.at(question).token, page);
  }
  // Subscribes and answers.
  void join(SubscriberId who, const SubscribeOptions& options, const HistoryPage& page,
            Bytes name = "a") {
    ASSERT_EQ(subscribe(who, options, name), Hub::Subscribe::kPending);
    answer(world_.broker.questions.size() - 1, page);
  }
  void join(SubscriberId who, std::uint64_t offset = 0) { join(who, positioned(), top(offset)); }
  // Who gets it.
  Ids publish(std::uint64_t offset, std::optional<std::uint64_t> previous = std::nullopt,
              Epoch epoch = kEpoch) {
    const std::string data = std::to_string(offset);
    world_.hub.on_publication({.channel = "a",
                               .data = data,
                               .position = {offset, epoch},
                               .previous = previous.value_or(offset - 1)});
    return world_.sink.take(data);
  }
  const SinkLog::Answer& last_answer(SubscriberId who) { return sink_.answers.at(who).back(); }
  [[nodiscard]] std::size_t answers(SubscriberId who) const {
    const auto found = world_.sink.answers.find(who);
    return found == world_.sink.answers.end() ? 0 : found->second.size();
  }

  HubWorld world_{{.joins = 8}};
  SinkLog& sink_ = world_.sink;
  Hub& hub_ = world_.hub;
};

}  // namespace millrace
