// What a JetStream server answers, as values. It comes from a peer: what is not as expected is
// nothing, never an assertion. Pure but for the validator's buffers.
//
// Views in what is read live as long as the answer's bytes.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "core/base/bytes.h"
#include "proto/json_text.h"

namespace millrace {

// `error` of an answer.
struct JetError {
  std::uint32_t code = 0;      // as HTTP has them: 404, 503
  std::uint32_t err_code = 0;  // the server's own
  std::string text;
};
inline constexpr std::uint32_t kJetNameInUse = 10'058;
inline constexpr std::uint32_t kJetNotFound = 404;

// STREAM.CREATE, .UPDATE and .INFO.
struct JetStreamInfo {
  std::string created;  // RFC 3339, as the server wrote it
  Bytes config;         // an object
  std::uint64_t first = 0;
  std::uint64_t last = 0;
  // Of the subjects that were asked for, those that have a message; not all if `more`.
  std::vector<std::string> subjects;
  std::vector<std::uint64_t> counts;  // of messages, in the same order
  bool more = false;
};

// STREAM.MSG.GET.
struct JetStoredMessage {
  std::uint64_t sequence = 0;
  std::int64_t time = 0;  // seconds since 1970
  std::string headers;    // as on the wire: "NATS/1.0\r\nName: value\r\n\r\n"
  std::string data;
};

// What a stream says of a publication.
struct JetAck {
  std::string stream;
  std::uint64_t sequence = 0;
  bool duplicate = false;
};

// One answer: an error, or what was asked for, or (neither) nothing that one can read.
class JetAnswer {
 public:
  // `validator` and `text` must outlive it.
  JetAnswer(JsonValidator& validator, Bytes text);

  [[nodiscard]] const std::optional<JetError>& error() const { return error_; }
  [[nodiscard]] std::optional<JetStreamInfo> stream_info() const;
  [[nodiscard]] std::optional<JetStoredMessage> message() const;
  [[nodiscard]] std::optional<JetAck> ack() const;
  // Of a mark: the last sequence that was taken out.
  [[nodiscard]] std::optional<std::uint64_t> removed_until() const;
  // Of a purge.
  [[nodiscard]] bool success() const;

 private:
  Bytes object_;
  std::optional<JetError> error_;
};

// The value of a member of an object, trimmed; empty if there is none. REQUIRES: `object` was
// accepted by JsonValidator and begins with '{'.
Bytes jet_member(Bytes object, Bytes name);
std::optional<std::uint64_t> jet_number(Bytes value);
std::string jet_text(Bytes value);
bool jet_true(Bytes value);
// The texts of an array.
std::vector<std::string> jet_texts(Bytes array);

// "2026-11-24T03:02:52.5Z" -> seconds since 1970; nothing for another form.
std::optional<std::int64_t> jet_time(Bytes text);

// The value of a header of a stored message; empty if there is none.
Bytes jet_header(Bytes headers, Bytes name);

}  // namespace millrace
