#include "proto/json_text.h"

#include <simdjson.h>

#include <cstdint>

#include "core/base/assert.h"

namespace millrace {
namespace {

namespace ondemand = simdjson::ondemand;

bool is_whitespace(char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; }

// Where the next '"' or '\\' is, or npos.
std::size_t quote_or_backslash(Bytes text, std::size_t at) {
  while (at < text.size() && text[at] != '"' && text[at] != '\\') ++at;
  return at < text.size() ? at : Bytes::npos;
}

bool is_digit(char c) { return c >= '0' && c <= '9'; }

std::size_t digits(Bytes text, std::size_t at) {
  while (at < text.size() && is_digit(text[at])) ++at;
  return at;
}

// RFC 8259 section 6.
bool is_number(Bytes text) {
  std::size_t at = text.starts_with('-') ? 1 : 0;
  const std::size_t int_end = digits(text, at);
  if (int_end == at || (text[at] == '0' && int_end != at + 1)) return false;
  at = int_end;
  if (at < text.size() && text[at] == '.') {
    const std::size_t end = digits(text, at + 1);
    if (end == at + 1) return false;
    at = end;
  }
  if (at < text.size() && (text[at] == 'e' || text[at] == 'E')) {
    ++at;
    if (at < text.size() && (text[at] == '+' || text[at] == '-')) ++at;
    const std::size_t end = digits(text, at);
    if (end == at) return false;
    at = end;
  }
  return at == text.size();
}

// Four hexadecimal digits at the start of `text`, or -1.
std::int32_t hex4(Bytes text) {
  if (text.size() < 4) return -1;
  std::int32_t value = 0;
  for (const char c : text.substr(0, 4)) {
    std::int32_t digit = 0;
    if (is_digit(c)) {
      digit = c - '0';
    } else if (c >= 'a' && c <= 'f') {
      digit = c - 'a' + 10;
    } else if (c >= 'A' && c <= 'F') {
      digit = c - 'A' + 10;
    } else {
      return -1;
    }
    value = value * 16 + digit;
  }
  return value;
}

void append_utf8(std::string& out, std::int32_t point) {
  const auto put = [&out](std::int32_t byte) { out.push_back(static_cast<char>(byte)); };
  if (point < 0x80) {
    put(point);
  } else if (point < 0x800) {
    put(0xc0 | (point >> 6));
    put(0x80 | (point & 0x3f));
  } else if (point < 0x10000) {
    put(0xe0 | (point >> 12));
    put(0x80 | ((point >> 6) & 0x3f));
    put(0x80 | (point & 0x3f));
  } else {
    put(0xf0 | (point >> 18));
    put(0x80 | ((point >> 12) & 0x3f));
    put(0x80 | ((point >> 6) & 0x3f));
    put(0x80 | (point & 0x3f));
  }
}

// The character of the \u escape(s) whose first digit is at the start of `text`. Returns how many
// bytes of `text` they take, 0 if they are wrong.
std::size_t append_u_escape(std::string& out, Bytes text) {
  const std::int32_t unit = hex4(text);
  if (unit < 0 || (unit >= 0xdc00 && unit <= 0xdfff)) return 0;
  if (unit < 0xd800 || unit > 0xdfff) {
    append_utf8(out, unit);
    return 4;
  }
  if (text.substr(4, 2) != "\\u") return 0;
  const std::int32_t low = hex4(text.substr(6));
  if (low < 0xdc00 || low > 0xdfff) return 0;
  append_utf8(out, 0x10000 + ((unit - 0xd800) << 10) + (low - 0xdc00));
  return 10;
}

}  // namespace

Bytes json_trim(Bytes text) {
  while (!text.empty() && is_whitespace(text.front())) text.remove_prefix(1);
  while (!text.empty() && is_whitespace(text.back())) text.remove_suffix(1);
  return text;
}

bool append_json_unescaped(std::string& out, Bytes inner) {
  constexpr Bytes kShort = "\"\\/bfnrt";
  constexpr Bytes kShortMeans = "\"\\/\b\f\n\r\t";
  std::size_t at = 0;
  while (true) {
    const std::size_t escape = inner.find('\\', at);
    out.append(inner.substr(at, escape == Bytes::npos ? Bytes::npos : escape - at));
    if (escape == Bytes::npos) return true;
    if (escape + 1 == inner.size()) return false;
    const char kind = inner[escape + 1];
    at = escape + 2;
    if (kind == 'u') {
      const std::size_t used = append_u_escape(out, inner.substr(at));
      if (used == 0) return false;
      at += used;
      continue;
    }
    const std::size_t which = kShort.find(kind);
    if (which == Bytes::npos) return false;
    out.push_back(kShortMeans[which]);
  }
}

struct JsonValidator::State {
  ondemand::parser parser;
  std::string padded;
  std::string unescaped;

  bool value_ok(ondemand::value value, std::size_t depth);
  bool scalar_ok(ondemand::value value);
  bool string_ok(const char* after_quote);
};

// simdjson's first pass has found where the string ends, that it is UTF-8 and that no control
// character is in it; the escapes are left.
bool JsonValidator::State::string_ok(const char* after_quote) {
  const Bytes rest(after_quote,
                   static_cast<std::size_t>(padded.data() + padded.size() - after_quote));
  std::size_t end = quote_or_backslash(rest, 0);
  if (end != Bytes::npos && rest[end] == '"') return true;
  while (end != Bytes::npos && rest[end] == '\\') end = quote_or_backslash(rest, end + 2);
  if (end == Bytes::npos) return false;
  unescaped.clear();
  unescaped.reserve(end);
  return append_json_unescaped(unescaped, rest.substr(0, end));
}

bool JsonValidator::State::scalar_ok(ondemand::value value) {
  const Bytes token = json_trim(value.raw_json_token());
  if (token.empty()) return false;
  if (token[0] == '"') {
    ondemand::raw_json_string raw;
    // Taking the string moves the walk past it. Left alone, it would be skipped by a routine that
    // takes a colon behind it for granted.
    if (value.get_raw_json_string().get(raw) != simdjson::SUCCESS) return false;
    return string_ok(raw.raw());
  }
  return token == "true" || token == "false" || token == "null" || is_number(token);
}

bool JsonValidator::State::value_ok(ondemand::value value, std::size_t depth) {
  ondemand::json_type type{};
  if (value.type().get(type) != simdjson::SUCCESS) return false;
  const bool array = type == ondemand::json_type::array;
  if (!array && type != ondemand::json_type::object) return scalar_ok(value);
  if (depth == kMaxJsonDepth) return false;
  if (array) {
    ondemand::array items;
    if (value.get_array().get(items) != simdjson::SUCCESS) return false;
    for (auto item : items) {
      ondemand::value inner;
      if (item.get(inner) != simdjson::SUCCESS || !value_ok(inner, depth + 1)) return false;
    }
    return true;
  }
  ondemand::object members;
  if (value.get_object().get(members) != simdjson::SUCCESS) return false;
  for (simdjson::simdjson_result<ondemand::field> member : members) {
    ondemand::raw_json_string key;
    ondemand::value inner;
    if (member.key().get(key) != simdjson::SUCCESS || !string_ok(key.raw())) return false;
    if (member.value().get(inner) != simdjson::SUCCESS || !value_ok(inner, depth + 1)) return false;
  }
  return true;
}

JsonValidator::JsonValidator() : state_(std::make_unique<State>()) {}
JsonValidator::~JsonValidator() = default;

bool JsonValidator::valid(Bytes text) {
  // The brackets give scalars and containers the same way in, and a second value shows as a second
  // element or as something behind the end. In front, they keep newer versions of simdjson from
  // skipping a byte order mark, which RFC 8259 section 8.1 doesn't have.
  std::string& padded = state_->padded;
  padded.clear();
  padded.reserve(text.size() + 2 + simdjson::SIMDJSON_PADDING);  // else push_back() doubles it
  padded.push_back('[');
  padded.append(text);
  padded.push_back(']');
  const std::size_t size = padded.size();
  padded.append(simdjson::SIMDJSON_PADDING, '\0');

  ondemand::document document;
  ondemand::array outer;
  if (state_->parser.iterate(padded.data(), size, padded.size()).get(document) !=
          simdjson::SUCCESS ||
      document.get_array().get(outer) != simdjson::SUCCESS) {
    return false;
  }
  std::size_t count = 0;
  for (auto item : outer) {
    ondemand::value value;
    if (item.get(value) != simdjson::SUCCESS || ++count > 1) return false;
    if (!state_->value_ok(value, 0)) return false;
  }
  const bool ended = document.current_location().error() == simdjson::OUT_OF_BOUNDS;
  return count == 1 && ended;
}

JsonMembers::JsonMembers(Bytes object) : object_(object) {
  CHECK(object.size() >= 2 && object.front() == '{' && object.back() == '}');
}

bool JsonMembers::next() {
  at_ = skip_whitespace(at_);
  if (object_[at_] == ',') at_ = skip_whitespace(at_ + 1);
  if (object_[at_] == '}') return false;
  const std::size_t key_end = string_end(at_);
  key_ = object_.substr(at_ + 1, key_end - at_ - 2);
  const std::size_t colon = skip_whitespace(key_end);
  CHECK_EQ(object_[colon], ':');
  const std::size_t begin = skip_whitespace(colon + 1);
  at_ = value_end(begin);
  value_ = object_.substr(begin, at_ - begin);
  return true;
}

std::size_t JsonMembers::skip_whitespace(std::size_t at) const {
  while (at < object_.size() && is_whitespace(object_[at])) ++at;
  CHECK_LT(at, object_.size());
  return at;
}

std::size_t JsonMembers::value_end(std::size_t begin) const {
  if (object_[begin] == '"') return string_end(begin);
  if (object_[begin] == '{' || object_[begin] == '[') return container_end(begin);
  std::size_t at = begin;
  while (object_[at] != ',' && object_[at] != '}' && !is_whitespace(object_[at])) {
    ++at;
    CHECK_LT(at, object_.size());
  }
  return at;
}

std::size_t JsonMembers::string_end(std::size_t begin) const {
  CHECK_EQ(object_[begin], '"');
  std::size_t at = quote_or_backslash(object_, begin + 1);
  while (at != Bytes::npos && object_[at] == '\\') at = quote_or_backslash(object_, at + 2);
  CHECK_NE(at, Bytes::npos);
  return at + 1;
}

std::size_t JsonMembers::container_end(std::size_t begin) const {
  std::size_t depth = 0;
  std::size_t at = begin;
  while (true) {
    CHECK_LT(at, object_.size());
    const char c = object_[at];
    if (c == '"') {
      at = string_end(at);
      continue;
    }
    ++at;
    if (c == '{' || c == '[') ++depth;
    if ((c == '}' || c == ']') && --depth == 0) return at;
  }
}

}  // namespace millrace
