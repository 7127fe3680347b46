// A limit for each of many keys, exact across threads: connections of an address.
//
// The second thing that shards share, beside Quota, and only where it is asked for: an address has
// connections on every shard, and an accept can't wait for another shard to count them. Lock-free:
// a thread that is stopped anywhere in here keeps no other from going on. Bounded: the cells are
// made once; why it is built so is told in docs/decisions/0008-connections-of-an-address.md.
//
// Owner: whoever holds the server together. Any thread's.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>

namespace millrace {

class KeyedQuota {
 public:
  // A key lives within so many cells of where its hash says; with those full it is refused.
  static constexpr std::size_t kWindow = 64;
  // The most that can be held of one key.
  static constexpr std::uint32_t kMostUnits = (1U << 30) - 1;

  // Where a unit is held; what try_take() gave and give_back() takes.
  using Cell = std::uint32_t;

  // At most `limit` units of each key, for up to `keys` different keys at once.
  // REQUIRES: 0 < limit <= kMostUnits, keys > 0.
  KeyedQuota(std::uint32_t limit, std::size_t keys);
  KeyedQuota(const KeyedQuota&) = delete;
  KeyedQuota& operator=(const KeyedQuota&) = delete;

  // One more unit of the key, or nothing: it has them all, or no cell is left for it.
  [[nodiscard]] std::optional<Cell> try_take(std::uint64_t key);
  // REQUIRES: the cell came from try_take() and was not given back since.
  void give_back(Cell cell);

  [[nodiscard]] std::uint32_t limit() const { return limit_; }
  // How many units of the key are held. Exact only while no other thread takes or gives.
  [[nodiscard]] std::uint32_t taken(std::uint64_t key) const;
  // How many cells are in use. O(cells): tests only.
  [[nodiscard]] std::size_t cells_used() const;

 private:
  // A cell's control word is its state, its count, and a version that each claim raises, so that a
  // word that was read names one tenancy of the cell for ever.
  enum class State : std::uint8_t {
    kFree,
    kClaimed,    // one thread writes the key; the others look past it
    kTentative,  // the key may have another cell: not counted, anyone may free it
    kSettled,    // the only cell of its key
  };
  struct Control {
    State state = State::kFree;
    std::uint32_t version = 0;
    std::uint32_t count = 0;

    static Control of(std::uint64_t word);
    [[nodiscard]] std::uint64_t word() const;
  };
  struct Slot {
    std::atomic<std::uint64_t> control{0};
    std::atomic<std::uint64_t> key{0};
  };
  // What a cell said at one moment.
  struct Seen {
    std::uint64_t word = 0;
    Control control;
    std::uint64_t key = 0;  // of a cell that is tentative or settled
  };
  enum class Step : std::uint8_t { kTaken, kRefused, kAgain };

  [[nodiscard]] Seen look(const Slot& slot) const;
  [[nodiscard]] Step take_from(Slot& slot, Seen seen) const;
  // Any settled cell of the key but `mine`; frees the tentative ones on the way.
  [[nodiscard]] std::optional<Cell> find_settled(std::uint64_t key, std::size_t home, Cell mine,
                                                 std::optional<Cell>& free) const;
  [[nodiscard]] Step settle_in(Cell cell, std::uint64_t key, std::size_t home);
  [[nodiscard]] std::size_t home_of(std::uint64_t key) const;

  const std::uint32_t limit_;
  const std::size_t cells_;  // a power of two
  const std::unique_ptr<Slot[]> slots_;
};

}  // namespace millrace
