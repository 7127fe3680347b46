#include "proto/fossil_delta.h"

#include <algorithm>
#include <bit>
#include <cstdint>
#include <cstring>
#include <vector>

#include "core/base/assert.h"

namespace millrace {
namespace {

// What is indexed of the old payload: each block that begins at a multiple of its size. Whatever
// both have in common for twice the size, less one, is found.
constexpr std::size_t kBlock = 8;
// Blocks with one hash that are tried for a place in the new payload.
constexpr std::size_t kMaxProbes = 4;
// A copy that is as long is taken without a look for a longer one.
constexpr std::size_t kGoodCopy = 64;
// How far behind the end of a copy its going on is looked for.
constexpr std::size_t kLookAhead = 16;
// Bytes that may be compared, for each byte of both payloads. What is left then is inserted.
constexpr std::size_t kComparedPerByte = 32;
constexpr unsigned kBitsPerDigit = 6;

void append_base64(std::string& out, std::uint32_t number) {
  constexpr Bytes kDigits = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ_abcdefghijklmnopqrstuvwxyz~";
  char digits[6];
  char* begin = std::end(digits);
  do {
    *--begin = kDigits[number & 63U];
    number >>= kBitsPerDigit;
  } while (number != 0);
  out.append(begin, std::end(digits));
}

std::size_t base64_digits(std::size_t number) {
  return number == 0 ? 1 : (std::bit_width(number) + kBitsPerDigit - 1) / kBitsPerDigit;
}

// The sum of the payload's big-endian words, the last one filled up with zeros.
std::uint32_t checksum(Bytes bytes) {
  std::uint32_t sum = 0;
  std::size_t at = 0;
  for (; at + 4 <= bytes.size(); at += 4) {
    std::uint32_t word = 0;
    std::memcpy(&word, bytes.data() + at, sizeof(word));
    sum += std::endian::native == std::endian::little ? __builtin_bswap32(word) : word;
  }
  for (unsigned shift = 24; at < bytes.size(); ++at, shift -= 8) {
    sum += std::uint32_t{static_cast<unsigned char>(bytes[at])} << shift;
  }
  return sum;
}

std::uint64_t block_at(Bytes bytes, std::size_t at) {
  std::uint64_t block = 0;
  std::memcpy(&block, bytes.data() + at, sizeof(block));
  return block;
}

// How many bytes are the same from the start on.
std::size_t common_length(Bytes a, Bytes b) {
  const std::size_t most = std::min(a.size(), b.size());
  std::size_t same = 0;
  while (same + kBlock <= most && block_at(a, same) == block_at(b, same)) same += kBlock;
  while (same < most && a[same] == b[same]) ++same;
  return same;
}

// Where the blocks of the old payload are, by their bytes.
class BlockIndex {
 public:
  explicit BlockIndex(Bytes bytes) : next_(bytes.size() / kBlock) {
    const std::size_t heads = std::bit_ceil(std::max<std::size_t>(next_.size(), 2));
    heads_.resize(heads);
    shift_ = static_cast<unsigned>(64 - std::countr_zero(heads));
    // Backwards, so that a chain begins with the first of its blocks.
    for (std::size_t i = next_.size(); i > 0; --i) {
      std::uint32_t& head = heads_[slot(block_at(bytes, (i - 1) * kBlock))];
      next_[i - 1] = head;
      head = static_cast<std::uint32_t>(i);
    }
  }

  // Candidates are counted from 1; 0 ends them.
  [[nodiscard]] std::uint32_t first(std::uint64_t block) const { return heads_[slot(block)]; }
  [[nodiscard]] std::uint32_t after(std::uint32_t candidate) const { return next_[candidate - 1]; }
  [[nodiscard]] static std::size_t place(std::uint32_t candidate) {
    return (candidate - 1) * kBlock;
  }

 private:
  [[nodiscard]] std::size_t slot(std::uint64_t block) const {
    return static_cast<std::size_t>((block * 0x9e3779b97f4a7c15U) >> shift_);
  }

  std::vector<std::uint32_t> heads_;
  std::vector<std::uint32_t> next_;
  unsigned shift_ = 0;
};

// `size` bytes at `from` of the old payload are those at `to` of the new one.
struct Copy {
  std::size_t from = 0;
  std::size_t to = 0;
  std::size_t size = 0;

  // Whether it takes less room than the bytes it stands for. Beside its numbers and marks it may
  // split an insertion, which then has two heads.
  [[nodiscard]] bool worth_it() const {
    constexpr std::size_t kMarks = 2;
    constexpr std::size_t kInsertHead = 3;
    return size > base64_digits(size) + base64_digits(from) + kMarks + kInsertHead;
  }
};

class DeltaMaker {
 public:
  DeltaMaker(Bytes from, Bytes to, std::string& out)
      : from_(from),
        to_(to),
        out_(out),
        compares_left_(kComparedPerByte * (from.size() + to.size())) {}

  // False once the patch is as long as the payload.
  bool make() {
    append_base64(out_, static_cast<std::uint32_t>(to_.size()));
    out_.push_back('\n');
    const Copy head = whole_characters({0, 0, common_length(from_, to_)});
    if (head.worth_it()) put(head);
    const Copy tail = whole_characters(common_tail());
    if (!find_copies(tail.worth_it() ? tail.to : to_.size())) return false;
    if (tail.worth_it()) put(tail);
    insert_until(to_.size());
    append_base64(out_, checksum(to_));
    out_.push_back(';');
    return pays();
  }

 private:
  [[nodiscard]] bool pays() const { return out_.size() < to_.size(); }

  // Of what is not written yet, at the ends of both.
  [[nodiscard]] Copy common_tail() const {
    const std::size_t most = std::min(from_.size(), to_.size() - done_);
    std::size_t size = 0;
    while (size < most && from_[from_.size() - size - 1] == to_[to_.size() - size - 1]) ++size;
    return {from_.size() - size, to_.size() - size, size};
  }

  // True if a character of the new payload begins there, or nothing is left to insert.
  [[nodiscard]] bool between_characters(std::size_t at) const {
    return at == 0 || at == to_.size() || (static_cast<unsigned char>(to_[at]) & 0xc0U) != 0x80U;
  }
  // What is left of the copy if the insertions around it are to be characters.
  [[nodiscard]] Copy whole_characters(Copy copy) const {
    while (copy.size > 0 && !between_characters(copy.to)) {
      ++copy.from;
      ++copy.to;
      --copy.size;
    }
    while (copy.size > 0 && !between_characters(copy.to + copy.size)) --copy.size;
    return copy;
  }

  // Copies for what is not written yet, as far as `end`.
  bool find_copies(std::size_t end) {
    if (end < done_ + kBlock || from_.size() < kBlock) return true;
    const BlockIndex index(from_);
    std::size_t at = done_;
    while (at + kBlock <= end && compares_left_ > 0) {
      const Copy copy = best_copy(index, at, end);
      if (!copy.worth_it()) {
        ++at;
        // What is inserted alone would be too long already.
        if (out_.size() + (at - done_) >= to_.size()) return false;
        continue;
      }
      put(copy);
      at = done_;
      if (!pays()) return false;
    }
    return true;
  }

  Copy best_copy(const BlockIndex& index, std::size_t at, std::size_t end) {
    Copy best;
    try_beside(at, at == done_ ? kLookAhead : 0, end, best);
    std::uint32_t candidate = index.first(block_at(to_, at));
    for (std::size_t probes = 0; probes < kMaxProbes; ++probes) {
      if (candidate == 0 || best.size >= kGoodCopy) break;
      try_copy(BlockIndex::place(candidate), at, end, best);
      candidate = index.after(candidate);
    }
    return best;
  }

  // Where the last copy would have gone on, had what lies between not changed. A look ahead keeps
  // a number that has changed from being found in some other row, with a part of what follows.
  void try_beside(std::size_t at, std::size_t ahead, std::size_t end, Copy& best) {
    const std::size_t beside = copied_from_ + (at - done_);
    for (std::size_t i = 0; i <= ahead && best.size < kGoodCopy; ++i) {
      if (beside + i + kBlock > from_.size() || at + i + kBlock > end) return;
      try_copy(beside + i, at + i, end, best);
    }
  }

  void try_copy(std::size_t from, std::size_t at, std::size_t end, Copy& best) {
    compares_left_ -= std::min(compares_left_, kBlock);
    if (block_at(from_, from) != block_at(to_, at)) return;
    Copy copy{from, at, common_length(from_.substr(from), to_.substr(at, end - at))};
    while (copy.from > 0 && copy.to > done_ && from_[copy.from - 1] == to_[copy.to - 1]) {
      --copy.from;
      --copy.to;
      ++copy.size;
    }
    compares_left_ -= std::min(compares_left_, copy.size);
    copy = whole_characters(copy);
    if (copy.size > best.size) best = copy;
  }

  void put(const Copy& copy) {
    insert_until(copy.to);
    append_base64(out_, static_cast<std::uint32_t>(copy.size));
    out_.push_back('@');
    append_base64(out_, static_cast<std::uint32_t>(copy.from));
    out_.push_back(',');
    done_ = copy.to + copy.size;
    copied_from_ = copy.from + copy.size;
  }

  void insert_until(std::size_t end) {
    CHECK_LE(done_, end);
    if (done_ == end) return;
    append_base64(out_, static_cast<std::uint32_t>(end - done_));
    out_.push_back(':');
    out_.append(to_.substr(done_, end - done_));
    copied_from_ += end - done_;
    done_ = end;
  }

  const Bytes from_;
  const Bytes to_;
  std::string& out_;
  std::size_t compares_left_;
  std::size_t done_ = 0;         // bytes of the new payload that are written
  std::size_t copied_from_ = 0;  // where the old payload stands beside that
};

}  // namespace

bool make_fossil_delta(Bytes from, Bytes to, std::string& out) {
  out.clear();
  if (from.empty() || from.size() > kMaxFossilInput || to.size() > kMaxFossilInput) return false;
  out.reserve(to.size());
  if (DeltaMaker(from, to, out).make()) return true;
  out.clear();
  return false;
}

}  // namespace millrace
