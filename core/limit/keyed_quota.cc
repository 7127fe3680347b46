#include "core/limit/keyed_quota.h"

#include <algorithm>
#include <bit>

#include "core/base/assert.h"
#include "core/base/hash.h"

namespace millrace {

namespace {

constexpr unsigned kVersionShift = 32;
constexpr unsigned kStateShift = 30;
constexpr KeyedQuota::Cell kNoCell = UINT32_MAX;

// Half of the cells stay free, so that a window is never full in practice.
std::size_t cells_for(std::size_t keys) {
  return std::bit_ceil(std::max(2 * keys, 2 * KeyedQuota::kWindow));
}

}  // namespace

// Sequentially consistent throughout: a thread writes its tentative cell and then looks at the
// others', and of two threads that do so at once at least one must see the other.

KeyedQuota::Control KeyedQuota::Control::of(std::uint64_t word) {
  return {static_cast<State>(word >> kStateShift & 3U),
          static_cast<std::uint32_t>(word >> kVersionShift),
          static_cast<std::uint32_t>(word) & kMostUnits};
}

std::uint64_t KeyedQuota::Control::word() const {
  return std::uint64_t{version} << kVersionShift |
         static_cast<std::uint64_t>(state) << kStateShift | count;
}

KeyedQuota::KeyedQuota(std::uint32_t limit, std::size_t keys)
    : limit_(limit), cells_(cells_for(keys)), slots_(std::make_unique<Slot[]>(cells_)) {
  CHECK_GT(limit, 0U);
  CHECK_LE(limit, kMostUnits);
  CHECK_GT(keys, 0U);
  CHECK_LT(cells_, std::size_t{kNoCell});
}

std::size_t KeyedQuota::home_of(std::uint64_t key) const {
  return hash_bytes({reinterpret_cast<const char*>(&key), sizeof(key)}) & (cells_ - 1);
}

KeyedQuota::Seen KeyedQuota::look(const Slot& slot) const {
  while (true) {
    Seen seen;
    seen.word = slot.control.load();
    seen.control = Control::of(seen.word);
    const State state = seen.control.state;
    if (state == State::kFree || state == State::kClaimed) return seen;
    seen.key = slot.key.load();
    // The key is that of the word if the cell has had no other tenant in between.
    const Control after = Control::of(slot.control.load());
    if (after.version == seen.control.version) return seen;
  }
}

KeyedQuota::Step KeyedQuota::take_from(Slot& slot, Seen seen) const {
  while (true) {
    if (seen.control.count >= limit_) return Step::kRefused;
    Control more = seen.control;
    ++more.count;
    if (slot.control.compare_exchange_strong(seen.word, more.word())) return Step::kTaken;
    const Control now = Control::of(seen.word);
    if (now.version != seen.control.version || now.state != State::kSettled) return Step::kAgain;
    seen.control = now;
  }
}

std::optional<KeyedQuota::Cell> KeyedQuota::find_settled(std::uint64_t key, std::size_t home,
                                                         Cell mine,
                                                         std::optional<Cell>& free) const {
  free.reset();
  for (std::size_t i = 0; i < kWindow; ++i) {
    const auto cell = static_cast<Cell>((home + i) & (cells_ - 1));
    if (cell == mine) continue;
    while (true) {
      const Seen seen = look(slots_[cell]);
      if (seen.control.state == State::kFree && !free) free = cell;
      if (seen.control.state < State::kTentative || seen.key != key) break;
      if (seen.control.state == State::kSettled) return cell;
      // Its thread may be stopped, so it is not waited for: it finds its cell gone and begins
      // again.
      std::uint64_t expected = seen.word;
      const Control gone{State::kFree, seen.control.version, 0};
      if (slots_[cell].control.compare_exchange_strong(expected, gone.word())) break;
    }
  }
  return std::nullopt;
}

// Two cells of a key are never both settled. Of two threads that try, one wrote its tentative cell
// later, and looks around after that: it finds the other's cell settled and gives up its own, or
// tentative and frees it, and then the other can't settle.
KeyedQuota::Step KeyedQuota::settle_in(Cell cell, std::uint64_t key, std::size_t home) {
  Slot& slot = slots_[cell];
  std::uint64_t word = slot.control.load();
  Control control = Control::of(word);
  if (control.state != State::kFree) return Step::kAgain;
  control = {State::kClaimed, control.version + 1, 0};
  if (!slot.control.compare_exchange_strong(word, control.word())) return Step::kAgain;
  slot.key.store(key);
  control.state = State::kTentative;
  slot.control.store(control.word());

  std::optional<Cell> free;
  word = control.word();
  const bool elsewhere = find_settled(key, home, cell, free).has_value();
  control = elsewhere ? Control{State::kFree, control.version, 0}
                      : Control{State::kSettled, control.version, 1};
  const bool mine = slot.control.compare_exchange_strong(word, control.word());
  return mine && !elsewhere ? Step::kTaken : Step::kAgain;
}

std::optional<KeyedQuota::Cell> KeyedQuota::try_take(std::uint64_t key) {
  const std::size_t home = home_of(key);
  while (true) {
    std::optional<Cell> free;
    std::optional<Cell> cell = find_settled(key, home, kNoCell, free);
    Step step = Step::kRefused;
    if (cell) {
      const Seen seen = look(slots_[*cell]);
      const bool still = seen.control.state == State::kSettled && seen.key == key;
      step = still ? take_from(slots_[*cell], seen) : Step::kAgain;
    } else if (free) {
      cell = free;
      step = settle_in(*cell, key, home);
    }
    if (step == Step::kTaken) return cell;
    if (step == Step::kRefused) return std::nullopt;
  }
}

void KeyedQuota::give_back(Cell cell) {
  CHECK_LT(cell, cells_);
  Slot& slot = slots_[cell];
  std::uint64_t word = slot.control.load();
  Control less;
  do {
    less = Control::of(word);
    CHECK(less.state == State::kSettled);
    CHECK_GT(less.count, 0U);
    --less.count;
    if (less.count == 0) less.state = State::kFree;
  } while (!slot.control.compare_exchange_weak(word, less.word()));
}

std::uint32_t KeyedQuota::taken(std::uint64_t key) const {
  std::optional<Cell> free;
  const auto cell = find_settled(key, home_of(key), kNoCell, free);
  return cell ? look(slots_[*cell]).control.count : 0;
}

std::size_t KeyedQuota::cells_used() const {
  std::size_t used = 0;
  for (std::size_t i = 0; i < cells_; ++i) {
    if (look(slots_[i]).control.state != State::kFree) ++used;
  }
  return used;
}

}  // namespace millrace
