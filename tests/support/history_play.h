// Random life of many streams, in a StreamStore and in the model beside it: whatever is asked, both
// say the same. Readers go and come back to where they were, and compare with what was published.
//
// Choices has `std::uint32_t below(std::uint32_t bound)`: a generator's, or a fuzzer's bytes.
#pragma once

#include <array>
#include <map>
#include <string>
#include <vector>

#include "core/base/random.h"
#include "core/hub/stream_store.h"
#include "tests/support/history_model.h"

namespace millrace {

struct HistoryPlayOptions {
  StreamStoreLimits limits = {};
  std::uint32_t channels = 12;
  // The sweeper comes by at every moment when something is due, so that what is evicted is known to
  // the last byte. Without it, what is too old waits until somebody asks.
  bool prompt = true;
};

template <typename Choices>
class HistoryPlay {
 public:
  HistoryPlay(const HistoryPlayOptions& options, Choices& choices)
      : options_(options), choices_(choices), model_(options.limits) {
    for (std::uint32_t i = 0; i < options.channels; ++i) {
      channels_.push_back({.name = "channel" + std::to_string(i)});
      channels_.back().options = draw_options();
    }
    readers_.resize(std::size_t{options.channels} * 2);
    for (std::uint32_t i = 0; i < readers_.size(); ++i) readers_[i].channel = i % options.channels;
  }

  // What is wrong, or nothing.
  std::string step() {
    ++steps_;
    // Every moment is another one, or who is older would be anybody's choice.
    now_ = now_ + kMoment * (1 + (choices_.below(16) == 0 ? choices_.below(400) : 0));
    if (choices_.below(2'000) == 0) now_ = now_ + kMoment * choices_.below(200'000);
    if (options_.prompt) {
      while (store_.next_sweep() <= now_) store_.sweep(store_.next_sweep());
    }
    model_.pass(now_);
    act(choices_.below(100));
    if (steps_ % 4'096 == 0) store_.validate();
    if (steps_ % 16 == 0) compare_counters();
    return finding_.empty() ? finding_ : "step " + std::to_string(steps_) + ": " + finding_;
  }

  [[nodiscard]] const StreamStore& store() const { return store_; }
  [[nodiscard]] const HistoryModel& model() const { return model_; }
  [[nodiscard]] const ShardMetrics& metrics() const { return metrics_; }
  std::uint64_t recovered = 0;
  std::uint64_t refused = 0;
  std::uint64_t wrong_epochs = 0;
  std::uint64_t full_pages = 0;

 private:
  static constexpr Duration kMoment = nanoseconds(8);

  struct Place {
    std::string name;
    StreamOptions options = {};
  };
  // Who was somewhere and wants the rest.
  struct Reader {
    std::uint32_t channel = 0;
    bool was_there = false;
    StreamPosition position = {};
    std::uint64_t life = 0;
  };

  // No two spans leave the same rest when divided by a moment: so nothing is due at one time with
  // another.
  StreamOptions draw_options() {
    constexpr std::array<std::uint32_t, 5> kSizes{1, 2, 5, 16, 60};
    constexpr std::array<std::int64_t, 3> kAges{8 * 100 + 1, 8 * 3'000 + 2, 8 * 60'000 + 3};
    constexpr std::array<std::int64_t, 3> kMetaAges{8 * 50 + 4, 8 * 5'000 + 5, 8 * 300'000 + 6};
    return {.size = kSizes[choices_.below(5)],
            .age = nanoseconds(kAges[choices_.below(3)]),
            .meta_age = nanoseconds(kMetaAges[choices_.below(3)])};
  }

  void act(std::uint32_t choice) {
    const std::uint32_t channel = choices_.below(options_.channels);
    if (choice < 50) return publish(channels_[channel]);
    if (choice < 70) return come_back(readers_[choices_.below(2) * options_.channels + channel]);
    if (choice < 90) return ask(channels_[channel]);
    if (choice < 92) return remove(channels_[channel]);
    if (choice < 93) channels_[channel].options = draw_options();
    if (choice < 94) store_.sweep(now_);
  }

  void publish(const Place& place) {
    const std::string data(choices_.below(40), static_cast<char>('a' + choices_.below(26)));
    const std::string text = std::to_string(steps_) + data;
    ClientInfo info;
    if (choices_.below(3) == 0) info = {.user = "somebody", .client = text};
    const StreamPosition position = store_.append(place.name, text, info, place.options, now_);
    const auto expected =
        model_.publish(place.name, text, pack_client_info(info), place.options, now_);
    compare("publish", position, expected);
    if (journal_.size() <= expected.life) journal_.resize(expected.life + 1);
    journal_[expected.life].push_back(text);
    if (journal_[expected.life].size() != expected.offset) finding_ = "the model lost count";
  }

  // What it gets is everything since it was there, or it is told that it does not.
  void come_back(Reader& reader) {
    const Place& place = channels_[reader.channel];
    if (!reader.was_there) {
      reader.was_there = true;
      reader.position = store_.read(place.name, {}, place.options, now_).top;
      reader.life = model_.read(place.name, {}, place.options, now_).top.life;
      return;
    }
    const HistoryPage page =
        store_.read(place.name, {.since = reader.position, .limit = 300}, place.options, now_);
    const auto expected = model_.read(
        place.name,
        {.since = HistoryModel::Position{reader.position.offset, reader.life}, .limit = 300},
        place.options, now_);
    compare(page, expected);
    if (page.complete) {
      const std::vector<std::string>& all = journal(reader.life);
      std::uint64_t at = reader.position.offset;
      for (const KeptPublication& one : page.publications) {
        if (at >= all.size() || one.offset != at + 1 || one.data != all[at]) {
          finding_ = "a reader got something else than was published";
        }
        ++at;
      }
      if (at != all.size()) finding_ = "a reader was told that it has all, and has not";
      ++recovered;
    } else {
      ++refused;
    }
    reader.position = page.top;
    reader.life = expected.top.life;
  }

  void ask(const Place& place) {
    HistoryQuery query{.limit = draw_limit(), .reverse = choices_.below(3) == 0};
    HistoryModel::Query asked{.since = {}, .limit = query.limit, .reverse = query.reverse};
    if (choices_.below(3) > 0) {
      const Reader& reader = readers_[choices_.below(options_.channels * 2)];
      const bool any_epoch = choices_.below(2) == 0;
      query.since = {reader.position.offset + choices_.below(3),
                     any_epoch ? Epoch() : reader.position.epoch};
      if (choices_.below(20) == 0) query.since->offset = UINT64_MAX - choices_.below(2);
      asked.since = {query.since->offset, any_epoch ? 0 : reader.life};
    }
    const HistoryPage page = store_.read(place.name, query, place.options, now_);
    compare(page, model_.read(place.name, asked, place.options, now_));
  }

  std::uint32_t draw_limit() {
    constexpr std::array<std::uint32_t, 6> kLimits{0, 1, 2, 10, 300, UINT32_MAX};
    return kLimits[choices_.below(6)];
  }

  void remove(const Place& place) {
    compare("remove", store_.remove(place.name, now_), model_.remove(place.name, now_));
  }

  const std::vector<std::string>& journal(std::uint64_t life) {
    if (journal_.size() <= life) journal_.resize(life + 1);
    return journal_[life];
  }

  void compare(const char* what, const StreamPosition& got, const HistoryModel::Position& want) {
    if (got.offset != want.offset) {
      finding_ = std::string(what) + ": offset " + std::to_string(got.offset) + " instead of " +
                 std::to_string(want.offset);
    }
    if (got.epoch.none() != (want.life == 0)) finding_ = std::string(what) + ": no epoch";
    if (want.life == 0) return;
    const auto [known, is_new] = lives_.emplace(got.epoch.text(), want.life);
    if (known->second != want.life) finding_ = std::string(what) + ": the epoch of another life";
    if (is_new && !epochs_.emplace(want.life, got.epoch.text()).second) {
      finding_ = std::string(what) + ": another epoch in the same life";
    }
  }

  void compare(const HistoryPage& got, const HistoryModel::Page& want) {
    compare("read", got.top, want.top);
    if ((got.outcome == HistoryOutcome::kWrongEpoch) != want.wrong_epoch) finding_ = "outcome";
    wrong_epochs += want.wrong_epoch ? 1 : 0;
    full_pages += want.publications.size() > 10 ? 1 : 0;
    if (got.complete != want.complete) finding_ = "complete";
    std::vector<HistoryModel::Kept> publications;
    for (const KeptPublication& one : got.publications) {
      publications.push_back(
          {one.offset, std::string(one.data), pack_client_info(one.info), Instant{}});
    }
    if (publications != want.publications) {
      finding_ = std::to_string(publications.size()) + " publications, not those " +
                 std::to_string(want.publications.size()) + " that were expected";
    }
  }

  void compare_counters() {
    if (metrics_.history_streams != store_.streams() ||
        metrics_.history_publications != store_.publications() ||
        metrics_.history_bytes != store_.bytes()) {
      finding_ = "a gauge is wrong";
    }
    std::uint64_t evicted = 0;
    for (const std::uint64_t count : metrics_.history_evicted_total) evicted += count;
    if (evicted != model_.evicted) finding_ = "evicted";
    if (metrics_.history_streams_evicted_total != model_.streams_evicted) {
      finding_ = "streams evicted";
    }
    const bool equal = store_.publications() == model_.publications() &&
                       store_.bytes() == model_.bytes() && store_.streams() == model_.streams();
    const bool waiting =
        store_.publications() >= model_.publications() && store_.streams() >= model_.streams();
    const bool settled = options_.prompt && store_.next_sweep() > now_;
    if (settled ? !equal : !waiting) finding_ = "counts";
  }

  const HistoryPlayOptions options_;
  Choices& choices_;
  HistoryModel model_;
  Random random_{11};
  ShardMetrics metrics_;
  StreamStore store_{options_.limits, random_, metrics_};
  Instant now_{};
  std::uint64_t steps_ = 0;
  std::string finding_;
  std::vector<Place> channels_;
  std::vector<Reader> readers_;
  std::map<std::string, std::uint64_t, std::less<>> lives_;  // by epoch
  std::map<std::uint64_t, std::string> epochs_;              // by life
  std::vector<std::vector<std::string>> journal_;            // by life, all of it
};

}  // namespace millrace
