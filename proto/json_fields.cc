#include "proto/json_fields.h"

#include <algorithm>
#include <charconv>
#include <iterator>

#include "core/base/assert.h"
#include "proto/json_text.h"

namespace millrace {
namespace {

template <typename Number>
bool parse_whole(Bytes text, Number& number) {
  const char* const end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, number);
  return error == std::errc() && stop == end;
}

}  // namespace

void JsonFieldReader::begin(std::size_t frame_bytes) {
  scratch_.clear();
  scratch_.reserve(frame_bytes);
  known_.clear();
  reason_.clear();
}

Bytes JsonFieldReader::key_text(Bytes key) {
  if (key.find('\\') == Bytes::npos) return key;
  key_scratch_.clear();
  CHECK(append_json_unescaped(key_scratch_, key));
  return key_scratch_;
}

Bytes JsonFieldReader::string_text(Bytes value) {
  const Bytes inner = value.substr(1, value.size() - 2);
  if (inner.find('\\') == Bytes::npos) return inner;
  const std::size_t begin = scratch_.size();
  const std::size_t room = scratch_.capacity();
  CHECK(append_json_unescaped(scratch_, inner));
  CHECK_EQ(scratch_.capacity(), room);
  return Bytes(scratch_).substr(begin);
}

Bytes JsonFieldReader::raw_text(Bytes value) {
  // A payload goes out again in a line of its own; CR stands between tokens only, LF not at all.
  if (value.find('\r') == Bytes::npos) return value;
  const std::size_t begin = scratch_.size();
  const std::size_t room = scratch_.capacity();
  std::copy_if(value.begin(), value.end(), std::back_inserter(scratch_),
               [](char c) { return c != '\r'; });
  CHECK_EQ(scratch_.capacity(), room);
  return Bytes(scratch_).substr(begin);
}

bool JsonFieldReader::read(Bytes object, std::span<JsonField> fields) {
  JsonMembers members(object);
  while (members.next()) {
    const Bytes key = key_text(members.key());
    const auto field = std::find_if(fields.begin(), fields.end(),
                                    [key](const JsonField& each) { return each.name == key; });
    if (field == fields.end()) continue;
    if (field->seen) {
      reason_.assign("a request has two of '").append(field->name).append("'");
      return false;
    }
    field->seen = true;
    if (!take(*field, members.value())) return false;
  }
  return true;
}

bool JsonFieldReader::bad_type(Bytes name, Bytes wanted) {
  reason_.assign("'").append(name).append("' must be ").append(wanted);
  return false;
}

bool JsonFieldReader::take(const JsonField& field, Bytes value) {
  if (const auto* string = std::get_if<JsonString>(&field.target)) {
    if (!value.starts_with('"')) return bad_type(field.name, "a string");
    *string->out = string_text(value);
  } else if (const auto* raw = std::get_if<JsonRaw>(&field.target)) {
    *raw->out = raw_text(value);
  } else if (const auto* present = std::get_if<JsonPresent>(&field.target)) {
    *present->out = true;
  } else if (bool* const* flag = std::get_if<bool*>(&field.target)) {
    if (value != "true" && value != "false") return bad_type(field.name, "true or false");
    **flag = value == "true";
  } else if (std::uint64_t* const* whole = std::get_if<std::uint64_t*>(&field.target)) {
    if (!parse_whole(value, **whole)) return bad_type(field.name, "an integer from 0 to 2^64-1");
  } else if (std::int32_t* const* number = std::get_if<std::int32_t*>(&field.target)) {
    if (!parse_whole(value, **number)) return bad_type(field.name, "an integer of 32 bits");
  } else if (const auto* position = std::get_if<JsonPosition>(&field.target)) {
    return take_position(field.name, value, *position->out);
  } else {
    return take_known(field.name, value, *std::get<JsonKnownSubscriptions>(field.target).out);
  }
  return true;
}

bool JsonFieldReader::take_position(Bytes name, Bytes value, std::optional<KnownPosition>& out) {
  if (!value.starts_with('{')) return bad_type(name, "an object");
  KnownPosition& position = out.emplace();
  JsonField fields[] = {{"offset", &position.offset}, {"epoch", JsonString{&position.epoch}}};
  return read(value, fields);
}

bool JsonFieldReader::take_known(Bytes name, Bytes value, std::span<const KnownSubscription>& out) {
  if (!value.starts_with('{')) return bad_type(name, "an object");
  known_.clear();
  JsonMembers members(value);
  while (members.next()) {
    if (known_.size() == kMaxKnownSubscriptions) return bad_type(name, "of at most 1024 channels");
    if (!members.value().starts_with('{')) return bad_type(name, "an object of objects");
    KnownSubscription& known = known_.emplace_back();
    // Not key_text(): it lives as long as the command.
    const Bytes quoted(members.key().data() - 1, members.key().size() + 2);
    known.channel = string_text(quoted);
    JsonField fields[] = {{"recover", &known.recover},
                          {"offset", &known.position.offset},
                          {"epoch", JsonString{&known.position.epoch}}};
    if (!read(members.value(), fields)) return false;
  }
  const auto name_of = [](const KnownSubscription& known) { return known.channel; };
  std::ranges::sort(known_, {}, name_of);
  if (std::ranges::adjacent_find(known_, {}, name_of) != known_.end()) {
    reason_.assign("'").append(name).append("' has a channel twice");
    return false;
  }
  out = known_;
  return true;
}

}  // namespace millrace
