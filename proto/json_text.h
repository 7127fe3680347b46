// One JSON text: is it well-formed, and where are its parts.
//
// JsonValidator answers the first question for the whole text, with simdjson. The functions and
// JsonMembers below it answer the second one, and only for a text that it has accepted: they look
// for ends, they don't check. So every part is a view of the very bytes that were sent.
//
// Numbers are checked by RFC 8259's grammar, not by range: 1e400 and a 30-digit integer are JSON,
// and what they mean is the application's business. simdjson's DOM would refuse both, which is why
// its On-Demand interface walks here. An escaped lone surrogate is refused although the grammar has
// it: it is no character, and clients whose strings are UTF-8 can't read it.
//
// Limits: kMaxJsonDepth.
#pragma once

#include <cstddef>
#include <memory>
#include <string>

#include "core/base/bytes.h"

namespace millrace {

// Arrays and objects inside each other, the outermost one counted.
inline constexpr std::size_t kMaxJsonDepth = 64;

// Owner: one per shard and use. Keeps buffers as big as the biggest text it has seen.
class JsonValidator {
 public:
  JsonValidator();
  ~JsonValidator();
  JsonValidator(const JsonValidator&) = delete;
  JsonValidator& operator=(const JsonValidator&) = delete;

  // True if `text` is one JSON value of any kind in UTF-8, with whitespace around it at most, and
  // no deeper than kMaxJsonDepth. No byte order mark.
  [[nodiscard]] bool valid(Bytes text);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

// `text` without JSON's whitespace at its ends.
Bytes json_trim(Bytes text);

// Appends the characters of `inner`, a string without its quotes, to `out`. False if an escape is
// none of JSON's or names a lone surrogate; `out` then holds a part.
[[nodiscard]] bool append_json_unescaped(std::string& out, Bytes inner);

// The members of an object in the order they were sent, duplicates included.
//
// REQUIRES: `object` was accepted by JsonValidator (alone or as a part), is trimmed and begins with
// '{'. It must stay where it is while the parts are used.
class JsonMembers {
 public:
  explicit JsonMembers(Bytes object);

  // Goes to the next member; false behind the last one.
  bool next();

  [[nodiscard]] Bytes key() const { return key_; }      // without its quotes, escapes as sent
  [[nodiscard]] Bytes value() const { return value_; }  // as sent, trimmed; strings with quotes

 private:
  [[nodiscard]] std::size_t value_end(std::size_t begin) const;
  [[nodiscard]] std::size_t string_end(std::size_t begin) const;
  [[nodiscard]] std::size_t container_end(std::size_t begin) const;
  [[nodiscard]] std::size_t skip_whitespace(std::size_t at) const;

  Bytes object_;
  std::size_t at_ = 1;
  Bytes key_;
  Bytes value_;
};

}  // namespace millrace
