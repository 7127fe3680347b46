#include "net/http/head_check.h"

#include <algorithm>
#include <utility>

#include "core/base/assert.h"

namespace millrace {

namespace {

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

bool is_digit(char c) { return c >= '0' && c <= '9'; }

bool is_alnum(char c) { return is_digit(c) || (lower(c) >= 'a' && lower(c) <= 'z'); }

bool is_blank(char c) { return c == ' ' || c == '\t'; }

// CR and LF are not asked here: the line scan knows them.
bool is_control(char c) {
  const auto byte = static_cast<unsigned char>(c);
  return (byte < 0x20 && c != '\t') || byte == 0x7f;
}

// "HTTP/" DIGIT "." DIGIT: a version, if not one of ours.
bool is_http_version(Bytes text) {
  return text.size() == 8 && text.starts_with("HTTP/") && is_digit(text[5]) && text[6] == '.' &&
         is_digit(text[7]);
}

// RFC 3986's host characters, less the comma: a proxy that joins two Host fields makes one.
bool is_name_char(char c) { return is_alnum(c) || Bytes("-._~%!$&'()*+;=").find(c) != Bytes::npos; }

bool is_literal_char(char c) { return is_alnum(c) || Bytes("-._~:").find(c) != Bytes::npos; }

// uri-host [ ":" port ], RFC 9110 section 7.2. Empty is allowed there.
bool is_host(Bytes value) {
  if (value.starts_with('[')) {
    const std::size_t close = value.find(']');
    if (close == Bytes::npos || close == 1) return false;
    const Bytes literal = value.substr(1, close - 1);
    if (!std::all_of(literal.begin(), literal.end(), is_literal_char)) return false;
    value.remove_prefix(close + 1);
  } else {
    const auto end = std::find_if_not(value.begin(), value.end(), is_name_char);
    value.remove_prefix(static_cast<std::size_t>(end - value.begin()));
  }
  if (value.empty()) return true;
  return value.front() == ':' && std::all_of(value.begin() + 1, value.end(), is_digit);
}

}  // namespace

bool equals_ignoring_case(Bytes a, Bytes b) {
  return a.size() == b.size() && std::equal(a.begin(), a.end(), b.begin(),
                                            [](char x, char y) { return lower(x) == lower(y); });
}

Bytes trim_white_space(Bytes text) {
  while (!text.empty() && is_blank(text.front())) text.remove_prefix(1);
  while (!text.empty() && is_blank(text.back())) text.remove_suffix(1);
  return text;
}

HeadCheck::Verdict HeadCheck::scan(Bytes bytes, const HttpLimits& limits) {
  CHECK_LE(at_, bytes.size());
  CHECK(refusal_.reason.empty());
  const Bytes window = bytes.substr(0, limits.head_bytes);
  while (at_ < window.size()) {
    const char c = window[at_++];
    if (c == '\n') {
      if (!after_cr_) return refuse(400, "a line ends in a bare LF; end each with CR LF");
      after_cr_ = false;
      const Verdict verdict = end_line(window.substr(line_at_, at_ - 2 - line_at_), limits);
      if (verdict != Verdict::kNeedMore) return verdict;
      line_at_ = at_;
      continue;
    }
    if (after_cr_) return refuse(400, "a CR stands without its LF; end each line with CR LF");
    after_cr_ = c == '\r';
    if (after_cr_) continue;
    if (is_control(c)) {
      return refuse(400, "the head holds a control byte; is this TLS on a port without it?");
    }
    if (in_fields_) continue;
    if (c == ' ') {
      request_line_spaces_ = std::min<std::uint8_t>(request_line_spaces_ + 1, 2);
    } else if (request_line_spaces_ == 1 && ++target_bytes_ > limits.target_bytes) {
      return refuse(414, "the target is longer than " + std::to_string(limits.target_bytes) +
                             " bytes; send a shorter query");
    }
  }
  if (bytes.size() < limits.head_bytes) return Verdict::kNeedMore;
  return refuse(431, "the head is longer than " + std::to_string(limits.head_bytes) +
                         " bytes; send fewer or shorter fields");
}

HeadCheck::Verdict HeadCheck::end_line(Bytes line, const HttpLimits& limits) {
  if (in_fields_) return line.empty() ? Verdict::kEnd : check_field_line(line, limits);
  if (!line.empty()) {
    in_fields_ = true;
    return check_request_line(line);
  }
  // One empty line before a request is an old client's habit that RFC 9112 section 2.2 asks
  // servers to bear with. Two are not.
  if (head_at_ != 0) return refuse(400, "empty lines stand before the request line");
  head_at_ = at_;
  return Verdict::kNeedMore;
}

HeadCheck::Verdict HeadCheck::check_request_line(Bytes line) {
  // rfind's npos plus one is 0: a line without a space is compared whole.
  const Bytes version = line.substr(line.rfind(' ') + 1);
  if (is_http_version(version) && version != "HTTP/1.0" && version != "HTTP/1.1") {
    return refuse(505, std::string(version) + " is not spoken here; use HTTP/1.1");
  }
  return Verdict::kNeedMore;
}

HeadCheck::Verdict HeadCheck::check_field_line(Bytes line, const HttpLimits& limits) {
  if (is_blank(line.front())) {
    return refuse(400, "a field is folded over two lines; send each field on one");
  }
  if (++fields_ > limits.fields) {
    return refuse(431, "the head has more than " + std::to_string(limits.fields) + " fields");
  }
  const std::size_t colon = line.find(':');
  if (colon == Bytes::npos || colon == 0) {
    return refuse(400, "a field line has no name or no colon");
  }
  if (is_blank(line[colon - 1])) {
    return refuse(400, "white space stands between a field's name and its colon");
  }
  return check_field(line.substr(0, colon), trim_white_space(line.substr(colon + 1)), limits);
}

HeadCheck::Verdict HeadCheck::check_field(Bytes name, Bytes value, const HttpLimits& limits) {
  if (equals_ignoring_case(name, "Transfer-Encoding")) {
    return refuse(501, "Transfer-Encoding is not supported; send a Content-Length");
  }
  if (equals_ignoring_case(name, "Content-Length")) return check_content_length(value, limits);
  if (equals_ignoring_case(name, "Host")) {
    if (has_host_) return refuse(400, "Host is there more than once");
    if (!is_host(value)) return refuse(400, "Host is not a host with an optional port");
    has_host_ = true;
  }
  return Verdict::kNeedMore;
}

HeadCheck::Verdict HeadCheck::check_content_length(Bytes value, const HttpLimits& limits) {
  // Equal ones are refused too: RFC 9110 section 8.6 allows it, and no honest client sends two.
  if (content_length_) return refuse(400, "Content-Length is there more than once");
  if (value.empty() || !std::all_of(value.begin(), value.end(), is_digit)) {
    return refuse(400, "Content-Length is not a decimal number");
  }
  std::size_t length = 0;
  for (const char c : value) {
    const auto digit = static_cast<std::size_t>(c - '0');
    // As a division, because the sum could wrap around for a number of any length.
    if (digit > limits.body_bytes || length > (limits.body_bytes - digit) / 10) {
      return refuse(413, "the body is longer than " + std::to_string(limits.body_bytes) + " bytes");
    }
    length = length * 10 + digit;
  }
  content_length_ = length;
  return Verdict::kNeedMore;
}

HeadCheck::Verdict HeadCheck::refuse(unsigned status, std::string reason) {
  refusal_ = {status, std::move(reason)};
  return Verdict::kRefused;
}

}  // namespace millrace
