#include "net/jet/jet_json.h"

#include <charconv>
#include <utility>

#include "net/auth/base64url.h"

namespace millrace {
namespace {

// Days from 1970-01-01 of a date of the calendar (Howard Hinnant's algorithm).
std::int64_t days_of(std::int64_t year, std::int64_t month, std::int64_t day) {
  year -= month <= 2 ? 1 : 0;
  const std::int64_t era = (year >= 0 ? year : year - 399) / 400;
  const std::int64_t of_era = year - era * 400;
  const std::int64_t of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
  return era * 146'097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719'468;
}

std::optional<std::int64_t> digits(Bytes text, std::size_t at, std::size_t count) {
  std::int64_t value = 0;
  const char* const begin = text.data() + at;
  const auto read = std::from_chars(begin, begin + count, value);
  if (read.ec != std::errc() || read.ptr != begin + count || *begin == '-') return std::nullopt;
  return value;
}

Bytes quoted(Bytes value) {
  const bool text = value.size() >= 2 && value.front() == '"';
  return text ? value.substr(1, value.size() - 2) : Bytes();
}

}  // namespace

Bytes jet_member(Bytes object, Bytes name) {
  if (!object.starts_with('{')) return {};
  for (JsonMembers members(object); members.next();) {
    if (members.key() == name) return members.value();
  }
  return {};
}

std::optional<std::uint64_t> jet_number(Bytes value) {
  std::uint64_t number = 0;
  const char* const end = value.data() + value.size();
  const auto read = std::from_chars(value.data(), end, number);
  if (value.empty() || read.ec != std::errc() || read.ptr != end) return std::nullopt;
  return number;
}

std::string jet_text(Bytes value) {
  std::string text;
  if (!append_json_unescaped(text, quoted(value))) return {};
  return text;
}

bool jet_true(Bytes value) { return value == "true"; }

std::vector<std::string> jet_texts(Bytes array) {
  std::vector<std::string> texts;
  if (!array.starts_with('[')) return texts;
  std::size_t at = 0;
  while ((at = array.find('"', at)) != Bytes::npos) {
    std::size_t end = at + 1;
    while (end < array.size() && array[end] != '"') end += array[end] == '\\' ? 2 : 1;
    if (end >= array.size()) break;
    texts.push_back(jet_text(array.substr(at, end + 1 - at)));
    at = end + 1;
  }
  return texts;
}

std::optional<std::int64_t> jet_time(Bytes text) {
  constexpr Bytes kForm = "0000-00-00T00:00:00";
  if (text.size() <= kForm.size() || text.back() != 'Z') return std::nullopt;
  for (const std::size_t at : {4U, 7U, 10U, 13U, 16U}) {
    if (text[at] != kForm[at]) return std::nullopt;
  }
  const auto year = digits(text, 0, 4);
  const auto month = digits(text, 5, 2);
  const auto day = digits(text, 8, 2);
  const auto hour = digits(text, 11, 2);
  const auto minute = digits(text, 14, 2);
  const auto second = digits(text, 17, 2);
  if (!year || !month || !day || !hour || !minute || !second) return std::nullopt;
  return ((days_of(*year, *month, *day) * 24 + *hour) * 60 + *minute) * 60 + *second;
}

Bytes jet_header(Bytes headers, Bytes name) {
  constexpr Bytes kEnd = "\r\n";
  std::size_t at = headers.find(kEnd);  // the first line is the version
  while (at != Bytes::npos) {
    const std::size_t begin = at + kEnd.size();
    at = headers.find(kEnd, begin);
    const Bytes line = headers.substr(begin, at == Bytes::npos ? Bytes::npos : at - begin);
    if (!line.starts_with(name) || line.substr(name.size(), 1) != ":") continue;
    return json_trim(line.substr(name.size() + 1));
  }
  return {};
}

JetAnswer::JetAnswer(JsonValidator& validator, Bytes text) {
  const Bytes trimmed = json_trim(text);
  if (!trimmed.starts_with('{') || !validator.valid(text)) return;
  object_ = trimmed;
  const Bytes error = jet_member(object_, "error");
  if (!error.starts_with('{')) return;
  JetError made;
  made.code = static_cast<std::uint32_t>(jet_number(jet_member(error, "code")).value_or(0));
  made.err_code = static_cast<std::uint32_t>(jet_number(jet_member(error, "err_code")).value_or(0));
  made.text = jet_text(jet_member(error, "description"));
  error_ = std::move(made);
}

std::optional<JetStreamInfo> JetAnswer::stream_info() const {
  if (error_ || object_.empty()) return std::nullopt;
  const Bytes state = jet_member(object_, "state");
  const auto first = jet_number(jet_member(state, "first_seq"));
  const auto last = jet_number(jet_member(state, "last_seq"));
  JetStreamInfo info;
  info.created = jet_text(jet_member(object_, "created"));
  info.config = jet_member(object_, "config");
  if (!first || !last || info.created.empty() || !info.config.starts_with('{')) {
    return std::nullopt;
  }
  info.first = *first;
  info.last = *last;
  const Bytes subjects = jet_member(state, "subjects");
  if (subjects.starts_with('{')) {
    for (JsonMembers members(subjects); members.next();) {
      std::string subject;
      if (!append_json_unescaped(subject, members.key())) continue;
      info.subjects.push_back(std::move(subject));
      info.counts.push_back(jet_number(members.value()).value_or(0));
    }
  }
  const auto total = jet_number(jet_member(object_, "total"));
  info.more = total && *total > info.subjects.size();
  return info;
}

std::optional<JetStoredMessage> JetAnswer::message() const {
  if (error_) return std::nullopt;
  const Bytes message = jet_member(object_, "message");
  const auto sequence = jet_number(jet_member(message, "seq"));
  if (!sequence) return std::nullopt;
  JetStoredMessage stored;
  stored.sequence = *sequence;
  stored.time = jet_time(jet_text(jet_member(message, "time"))).value_or(0);
  const std::string headers = jet_text(jet_member(message, "hdrs"));
  const std::string data = jet_text(jet_member(message, "data"));
  if (!headers.empty() && !decode_base64(headers, stored.headers)) return std::nullopt;
  if (!data.empty() && !decode_base64(data, stored.data)) return std::nullopt;
  return stored;
}

std::optional<JetAck> JetAnswer::ack() const {
  if (error_) return std::nullopt;
  const auto sequence = jet_number(jet_member(object_, "seq"));
  std::string stream = jet_text(jet_member(object_, "stream"));
  if (!sequence || *sequence == 0 || stream.empty()) return std::nullopt;
  return JetAck{std::move(stream), *sequence, jet_true(jet_member(object_, "duplicate"))};
}

std::optional<std::uint64_t> JetAnswer::removed_until() const {
  return jet_number(jet_member(object_, "removed_until"));
}

bool JetAnswer::success() const { return !error_ && jet_true(jet_member(object_, "success")); }

}  // namespace millrace
