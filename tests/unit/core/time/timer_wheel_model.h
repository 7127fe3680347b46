// A timer wheel and a multimap from tick to timer, as simple as can be, side by side: whatever is
// armed, moved, cancelled or destroyed, inside handlers too, both must agree on what fires.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <random>
#include <vector>

#include "core/time/timer_wheel.h"

namespace millrace {

inline constexpr Instant kStart{1'000'000'007};  // not on a tick

inline Instant tick_at_or_after(Instant at) {
  constexpr std::int64_t kTickNs = TimerWheel::kTick.ns;
  return Instant{(at.ns + kTickNs - 1) / kTickNs * kTickNs};
}

class TimerWheelModel : public TimerHandler {
 public:
  explicit TimerWheelModel(std::uint64_t seed) : random_(seed), wheel_(kStart) {
    owners_.resize(kTimers);
  }
  ~TimerWheelModel() {
    for (auto& owner : owners_) {
      if (owner != nullptr) wheel_.cancel(owner->timer);
    }
  }

  void run(int operations) {
    for (int i = 0; i < operations && !testing::Test::HasFailure(); ++i) {
      step();
      if (i % 16 == 0) wheel_.validate();
      check_next_deadline();
    }
  }

  [[nodiscard]] std::uint64_t fired() const { return fired_; }

 private:
  static constexpr std::size_t kTimers = 300;

  struct Owner {
    Timer timer;
    std::size_t number;
    bool in_model = false;
    std::uint64_t armed_in = 0;  // the advance() during or after which it was armed
    std::multimap<Instant, Owner*>::iterator at;
  };

  std::uint64_t below(std::uint64_t limit) { return random_() % limit; }

  // Spans of all sizes, so that each level is used; some lie in the past.
  Duration random_span(int max_bits) {
    const std::uint64_t bits = below(static_cast<std::uint64_t>(max_bits));
    return nanoseconds(static_cast<std::int64_t>(below(std::uint64_t{1} << bits)));
  }

  void step() {
    const std::uint64_t dice = below(100);
    if (dice < 55) {
      arm(below(kTimers));
    } else if (dice < 75) {
      drop(below(kTimers), below(2) == 0);
    } else if (dice < 97) {
      advance(now_ + random_span(34));  // up to 17 s
    } else {
      advance(now_ + random_span(44));  // up to 5 hours
    }
    if (below(5'000) == 0) advance(now_ + random_span(57));  // years
  }

  // When the wheel has to fire it: a past deadline counts as now.
  [[nodiscard]] Instant due(Instant deadline) const {
    return deadline <= now_ ? now_ : tick_at_or_after(deadline);
  }

  void arm(std::size_t number) {
    auto& owner = owners_[number];
    if (owner == nullptr) {
      owner = std::make_unique<Owner>();
      owner->number = number;
    }
    const Instant deadline =
        below(20) == 0 ? now_ - random_span(30) : now_ + random_span(below(10) == 0 ? 58 : 36);
    forget(*owner);
    wheel_.arm(owner->timer, deadline, *this);
    owner->at = model_.emplace(due(deadline), owner.get());
    owner->in_model = true;
    owner->armed_in = advances_;
  }

  void drop(std::size_t number, bool destroy) {
    auto& owner = owners_[number];
    if (owner == nullptr) return;
    ASSERT_EQ(owner->timer.armed(), owner->in_model);
    wheel_.cancel(owner->timer);
    forget(*owner);
    if (destroy) owner.reset();
  }

  void forget(Owner& owner) {
    if (owner.in_model) model_.erase(owner.at);
    owner.in_model = false;
  }

  void advance(Instant to) {
    now_ = to;
    ++advances_;
    last_due_ = Instant{};
    const std::uint64_t before = fired_;
    const std::size_t count = wheel_.advance(to);
    ASSERT_EQ(count, fired_ - before);
    for (const auto& [due, owner] : model_) {
      if (due > now_) break;
      ASSERT_EQ(owner->armed_in, advances_) << "missed the timer due at " << due.ns;
    }
    ASSERT_EQ(model_.size(), wheel_.size());
  }

  void on_timer(Timer& timer, Instant now) override {
    ++fired_;
    const auto found = std::find_if(owners_.begin(), owners_.end(), [&](const auto& owner) {
      return owner != nullptr && &owner->timer == &timer;
    });
    ASSERT_NE(found, owners_.end());
    Owner& owner = **found;
    ASSERT_TRUE(owner.in_model) << "fired without being armed";
    ASSERT_FALSE(timer.armed());
    ASSERT_EQ(now, now_);
    ASSERT_LE(owner.at->first, now) << "early";
    ASSERT_LT(owner.armed_in, advances_) << "fired in the advance() that armed it";
    ASSERT_GE(owner.at->first, last_due_) << "out of order";
    last_due_ = owner.at->first;
    forget(owner);
    const std::uint64_t dice = below(10);
    if (dice < 2) arm(owner.number);
    if (dice == 2) arm(below(kTimers));
    if (dice == 3) drop(owner.number, /*destroy=*/true);
    if (dice == 4) drop(below(kTimers), below(2) == 0);
    check_next_deadline();
  }

  void check_next_deadline() {
    if (model_.empty()) {
      EXPECT_EQ(wheel_.next_deadline(), Instant::never());
    } else {
      EXPECT_LE(wheel_.next_deadline(), std::max(now_, model_.begin()->first));
    }
  }

  std::mt19937_64 random_;
  TimerWheel wheel_;
  Instant now_ = kStart;
  Instant last_due_{};
  std::uint64_t advances_ = 1;
  std::uint64_t fired_ = 0;
  std::vector<std::unique_ptr<Owner>> owners_;
  std::multimap<Instant, Owner*> model_;
};

}  // namespace millrace
