// Strict reading of JSON where a name may stand once and a value has one type: a token's header and
// claims, and a set of keys. Pure but for the buffers.
//
// All of it takes texts that JsonValidator has accepted (proto/json_text.h).
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "core/base/bytes.h"

namespace millrace {

// The members of one object. Keeps its buffers for the next one.
class JsonObject {
 public:
  // False if it isn't an object, has more than `most` members, or one name twice: two readers could
  // see two things. REQUIRES: `text` was accepted by JsonValidator; it must stay where it is.
  [[nodiscard]] bool read(Bytes text, std::size_t most);

  // The value as it was sent; nothing if there is no such member.
  [[nodiscard]] std::optional<Bytes> find(Bytes name) const;

  [[nodiscard]] std::size_t size() const { return count_; }
  [[nodiscard]] Bytes name(std::size_t i) const { return members_[i].name; }
  [[nodiscard]] Bytes value(std::size_t i) const { return members_[i].value; }

 private:
  struct Member {
    std::string name;  // unescaped
    Bytes value;
  };
  std::vector<Member> members_;  // the first count_ are this object's
  std::size_t count_ = 0;
};

// The elements of an array, as they were sent.
//
// REQUIRES: `array` was accepted by JsonValidator, is trimmed and begins with '['.
class JsonElements {
 public:
  explicit JsonElements(Bytes array);

  // Goes to the next element; false behind the last one.
  bool next();
  [[nodiscard]] Bytes value() const { return value_; }

 private:
  [[nodiscard]] std::size_t value_end(std::size_t begin) const;

  Bytes array_;
  std::size_t at_ = 1;
  Bytes value_;
};

// Each is nothing if the value is of another type.
std::optional<std::string> json_string(Bytes value);
std::optional<bool> json_bool(Bytes value);

// A NumericDate (RFC 7519 section 2): seconds of the calendar, not negative, not behind the year
// 9999, which also finds milliseconds. A fraction is cut, or raised to the next whole second.
inline constexpr std::int64_t kLatestTokenTime = 253'402'300'799;
enum class Fraction : std::uint8_t { kCut, kRaise };
std::optional<std::int64_t> json_time(Bytes value, Fraction fraction);

// Any value, without the line breaks between its parts: frames are lines. Empty for null.
std::string json_one_line(Bytes value);

}  // namespace millrace
