#include "tests/support/fossil_apply.h"

#include <cstdint>

namespace millrace {
namespace {

class Patch {
 public:
  explicit Patch(Bytes left) : left_(left) {}

  [[nodiscard]] bool ended() const { return left_.empty(); }
  bool eat(char c) {
    if (!left_.starts_with(c)) return false;
    left_.remove_prefix(1);
    return true;
  }
  std::optional<std::uint32_t> number() {
    constexpr Bytes kDigits = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ_abcdefghijklmnopqrstuvwxyz~";
    const Bytes digits = left_.substr(0, left_.find_first_not_of(kDigits));
    if (digits.empty() || digits.size() > 6 || (digits.size() > 1 && digits[0] == '0')) {
      return std::nullopt;
    }
    std::uint64_t number = 0;
    for (const char digit : digits) number = number * 64 + kDigits.find(digit);
    if (number > UINT32_MAX) return std::nullopt;
    left_.remove_prefix(digits.size());
    return static_cast<std::uint32_t>(number);
  }
  std::optional<Bytes> bytes(std::size_t size) {
    if (size > left_.size()) return std::nullopt;
    const Bytes taken = left_.substr(0, size);
    left_.remove_prefix(size);
    return taken;
  }

 private:
  Bytes left_;
};

std::uint32_t sum_of(Bytes bytes) {
  std::uint32_t sum = 0;
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    sum += std::uint32_t{static_cast<unsigned char>(bytes[i])} << (24 - 8 * (i % 4));
  }
  return sum;
}

// Copies or inserts `size` bytes; false if the command is wrong.
bool take_bytes(Patch& patch, Bytes from, std::size_t size, std::string& out) {
  if (size == 0) return false;
  if (patch.eat(':')) {
    const auto inserted = patch.bytes(size);
    if (!inserted) return false;
    out.append(*inserted);
    return true;
  }
  if (!patch.eat('@')) return false;
  const auto begin = patch.number();
  if (!begin || !patch.eat(',') || *begin > from.size() || size > from.size() - *begin)
    return false;
  out.append(from.substr(*begin, size));
  return true;
}

}  // namespace

std::optional<std::string> apply_fossil_delta(Bytes from, Bytes bytes) {
  Patch patch(bytes);
  const auto size = patch.number();
  if (!size || !patch.eat('\n')) return std::nullopt;
  std::string out;
  while (true) {
    const auto number = patch.number();
    if (!number) return std::nullopt;
    if (patch.eat(';')) {
      const bool right = *number == sum_of(out) && out.size() == *size && patch.ended();
      return right ? std::optional(out) : std::nullopt;
    }
    if (!take_bytes(patch, from, *number, out) || out.size() > *size) return std::nullopt;
  }
}

}  // namespace millrace
