// A request's head as somebody reads it who knows RFC 9112 by heart and forgives nothing.
//
// It shares no code with net/http on purpose: what our parser accepts must look the same to it.
#pragma once

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "core/base/assert.h"
#include "net/http/request_parser.h"

namespace millrace {

// Lines end in CR LF, and there is no other control byte but a tab.
inline bool head_is_clean(Bytes head) {
  for (std::size_t i = 0; i < head.size(); ++i) {
    const auto byte = static_cast<unsigned char>(head[i]);
    if (head[i] == '\r' && head.substr(i + 1, 1) != "\n") return false;
    if (head[i] == '\n' && (i == 0 || head[i - 1] != '\r')) return false;
    if (head[i] != '\r' && head[i] != '\n' && head[i] != '\t' && byte < 0x20) return false;
    if (byte == 0x7f) return false;
  }
  return true;
}

class HeadModel {
 public:
  explicit HeadModel(Bytes raw) {
    if (raw.starts_with("\r\n")) raw.remove_prefix(2);
    const std::size_t end = raw.find("\r\n\r\n");
    CHECK_NE(end, Bytes::npos);
    body_ = raw.substr(end + 4);
    Bytes head = raw.substr(0, end + 2);
    CHECK(head_is_clean(head));
    const std::size_t line_end = head.find("\r\n");
    request_line(head.substr(0, line_end));
    head.remove_prefix(line_end + 2);
    while (!head.empty()) {
      const std::size_t next = head.find("\r\n");
      field_line(head.substr(0, next));
      head.remove_prefix(next + 2);
    }
  }

  [[nodiscard]] Bytes method() const { return method_; }
  [[nodiscard]] Bytes target() const { return target_; }
  [[nodiscard]] Bytes version() const { return version_; }
  [[nodiscard]] Bytes body() const { return body_; }
  [[nodiscard]] const std::vector<std::pair<std::string, Bytes>>& fields() const { return fields_; }

  // The values of a field by its name in lower case.
  [[nodiscard]] std::vector<Bytes> values(Bytes name) const {
    std::vector<Bytes> found;
    for (const auto& [each, value] : fields_) {
      if (each == name) found.push_back(value);
    }
    return found;
  }
  // Whether a list, over all fields of that name, holds the token; both in lower case.
  [[nodiscard]] bool lists(Bytes name, Bytes token) const {
    for (const Bytes value : values(name)) {
      std::string rest = lower(value) + ",";
      while (!rest.empty()) {
        const std::size_t comma = rest.find(',');
        if (trimmed(Bytes(rest).substr(0, comma)) == token) return true;
        rest.erase(0, comma + 1);
      }
    }
    return false;
  }

  static std::string lower(Bytes text) {
    std::string out(text);
    for (char& c : out) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
    return out;
  }

 private:
  static Bytes trimmed(Bytes text) {
    const std::size_t first = text.find_first_not_of(" \t");
    if (first == Bytes::npos) return {};
    return text.substr(first, text.find_last_not_of(" \t") - first + 1);
  }

  void request_line(Bytes line) {
    const std::size_t first = line.find(' ');
    CHECK(first != Bytes::npos && first != 0);
    const std::size_t second = line.find(' ', first + 1);
    CHECK(second != Bytes::npos && second != first + 1);
    method_ = line.substr(0, first);
    target_ = line.substr(first + 1, second - first - 1);
    version_ = line.substr(second + 1);
    CHECK(version_ == "HTTP/1.0" || version_ == "HTTP/1.1");
  }

  void field_line(Bytes line) {
    constexpr Bytes kToken =
        "!#$%&'*+-.^_`|~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    const std::size_t colon = line.find(':');
    CHECK(colon != Bytes::npos && colon != 0);
    const Bytes name = line.substr(0, colon);
    CHECK_EQ(name.find_first_not_of(kToken), Bytes::npos);
    fields_.emplace_back(lower(name), trimmed(line.substr(colon + 1)));
  }

  Bytes method_;
  Bytes target_;
  Bytes version_;
  std::vector<std::pair<std::string, Bytes>> fields_;  // names in lower case
  Bytes body_;                                         // all that stands behind the head
};

// What was accepted says what the model reads, and bears no mark of smuggling.
inline void check_against_model(const HttpRequest& request, Bytes raw, const HttpLimits& limits) {
  const HeadModel model(raw);
  CHECK_LE(raw.size() - model.body().size(), limits.head_bytes);
  CHECK_LE(model.target().size(), limits.target_bytes);
  CHECK_LE(model.fields().size(), limits.fields);
  CHECK_LE(model.body().size(), limits.body_bytes);
  CHECK_EQ(request.method, model.method());
  CHECK_EQ(request.target, model.target());
  CHECK_EQ(request.version == 11, model.version() == "HTTP/1.1");
  CHECK_EQ(request.body, model.body());
  CHECK_EQ(request.fields.size(), model.fields().size());
  for (std::size_t i = 0; i < request.fields.size(); ++i) {
    CHECK_EQ(HeadModel::lower(request.fields[i].name), model.fields()[i].first);
    CHECK_EQ(request.fields[i].value, model.fields()[i].second);
  }
  CHECK(model.values("transfer-encoding").empty());
  CHECK_LE(model.values("host").size(), 1U);
  CHECK(request.version < 11 || model.values("host").size() == 1);
  const std::vector<Bytes> lengths = model.values("content-length");
  CHECK_LE(lengths.size(), 1U);
  if (lengths.empty()) {
    CHECK(model.body().empty());
  } else {
    const std::string digits = std::to_string(model.body().size());
    CHECK(lengths[0].ends_with(digits));
    CHECK_EQ(lengths[0].substr(0, lengths[0].size() - digits.size()).find_first_not_of('0'),
             Bytes::npos);
  }
}

// RFC 6455 section 4.2.1, for a request that got a 101.
inline void check_handshake(Bytes raw) {
  const HeadModel model(raw);
  CHECK_EQ(model.method(), "GET");
  CHECK_EQ(model.version(), "HTTP/1.1");
  CHECK(model.body().empty());
  CHECK(model.lists("upgrade", "websocket"));
  CHECK(model.lists("connection", "upgrade"));
  CHECK_EQ(model.values("host").size(), 1U);
  CHECK(!model.values("host")[0].empty());
  CHECK(model.values("sec-websocket-version") == std::vector<Bytes>{"13"});
  CHECK_EQ(model.values("sec-websocket-key").size(), 1U);
  CHECK_EQ(model.values("sec-websocket-key")[0].size(), 24U);
  CHECK_LE(model.values("origin").size(), 1U);
}

}  // namespace millrace
