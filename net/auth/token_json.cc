#include "net/auth/token_json.h"

#include <algorithm>
#include <charconv>
#include <cmath>

#include "core/base/assert.h"
#include "proto/json_text.h"

namespace millrace {
namespace {

constexpr Bytes kWhitespace = " \t\r\n";

// Behind the quote that ends the string beginning at `begin`.
std::size_t string_end(Bytes text, std::size_t begin) {
  std::size_t at = text.find_first_of("\"\\", begin + 1);
  while (at != Bytes::npos && text[at] == '\\') at = text.find_first_of("\"\\", at + 2);
  CHECK_NE(at, Bytes::npos);
  return at + 1;
}

}  // namespace

bool JsonObject::read(Bytes text, std::size_t most) {
  count_ = 0;
  text = json_trim(text);
  if (!text.starts_with('{')) return false;
  JsonMembers walk(text);
  while (walk.next()) {
    if (count_ == most) return false;
    if (members_.size() == count_) members_.emplace_back();
    Member& member = members_[count_];
    member.name.clear();
    if (!append_json_unescaped(member.name, walk.key())) return false;
    member.value = walk.value();
    if (find(member.name)) return false;
    ++count_;
  }
  return true;
}

std::optional<Bytes> JsonObject::find(Bytes name) const {
  for (std::size_t i = 0; i < count_; ++i) {
    if (members_[i].name == name) return members_[i].value;
  }
  return std::nullopt;
}

JsonElements::JsonElements(Bytes array) : array_(array) {
  CHECK(array.size() >= 2 && array.front() == '[' && array.back() == ']');
}

bool JsonElements::next() {
  at_ = array_.find_first_not_of(kWhitespace, at_);
  CHECK_NE(at_, Bytes::npos);
  if (array_[at_] == ',') at_ = array_.find_first_not_of(kWhitespace, at_ + 1);
  CHECK_NE(at_, Bytes::npos);
  if (array_[at_] == ']') return false;
  const std::size_t begin = at_;
  at_ = value_end(begin);
  value_ = json_trim(array_.substr(begin, at_ - begin));
  return true;
}

// At the ',' or ']' behind the value.
std::size_t JsonElements::value_end(std::size_t begin) const {
  std::size_t depth = 0;
  std::size_t at = begin;
  while (true) {
    CHECK_LT(at, array_.size());
    const char c = array_[at];
    if (c == '"') {
      at = string_end(array_, at);
      continue;
    }
    if (depth == 0 && (c == ',' || c == ']')) return at;
    if (c == '{' || c == '[') ++depth;
    if (c == '}' || c == ']') --depth;
    ++at;
  }
}

std::optional<std::string> json_string(Bytes value) {
  if (!value.starts_with('"')) return std::nullopt;
  CHECK(value.size() >= 2 && value.ends_with('"'));
  std::string out;
  if (!append_json_unescaped(out, value.substr(1, value.size() - 2))) return std::nullopt;
  return out;
}

std::optional<bool> json_bool(Bytes value) {
  if (value == "true") return true;
  if (value == "false") return false;
  return std::nullopt;
}

std::optional<std::int64_t> json_time(Bytes value, Fraction fraction) {
  if (value.empty() || value[0] < '0' || value[0] > '9') return std::nullopt;
  double number = 0;
  const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), number);
  if (error != std::errc() || end != value.data() + value.size()) return std::nullopt;
  number = fraction == Fraction::kCut ? std::floor(number) : std::ceil(number);
  if (!(number <= static_cast<double>(kLatestTokenTime))) return std::nullopt;
  return static_cast<std::int64_t>(number);
}

std::string json_one_line(Bytes value) {
  if (value == "null") return {};
  std::string line(value);
  // A string holds none of them: there they are escapes.
  line.erase(
      std::remove_if(line.begin(), line.end(), [](char c) { return c == '\r' || c == '\n'; }),
      line.end());
  return line;
}

}  // namespace millrace
