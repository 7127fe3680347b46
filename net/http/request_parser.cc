#include "net/http/request_parser.h"

#include <algorithm>
#include <array>
#include <boost/asio/buffer.hpp>
#include <boost/beast/http/basic_parser.hpp>
#include <limits>

namespace millrace {

namespace {

namespace beast_http = boost::beast::http;
using BeastError = boost::beast::error_code;
using BeastString = boost::beast::string_view;

Bytes to_bytes(BeastString text) { return {text.data(), text.size()}; }

// Beast's parser with the fields left where they are: its ready-made request_parser copies each.
// Of a body it is told nothing, so that its callbacks for bodies can't be reached.
class HeadReader final : public beast_http::basic_parser<true> {
 public:
  explicit HeadReader(HttpRequest& request) : request_(request) {
    header_limit(std::numeric_limits<std::uint32_t>::max());  // ours was checked before
    skip(true);
  }

 private:
  void on_request_impl(beast_http::verb, BeastString method, BeastString target, int version,
                       BeastError&) override {
    request_.method = to_bytes(method);
    request_.target = to_bytes(target);
    request_.version = static_cast<unsigned>(version);
  }
  void on_field_impl(beast_http::field, BeastString name, BeastString value, BeastError&) override {
    request_.fields.push_back({to_bytes(name), to_bytes(value)});
  }
  void on_header_impl(BeastError&) override {}
  void on_finish_impl(BeastError&) override {}

  void on_response_impl(int, BeastString, int, BeastError&) override { CHECK(false); }
  void on_body_init_impl(const boost::optional<std::uint64_t>&, BeastError&) override {
    CHECK(false);
  }
  std::size_t on_body_impl(BeastString, BeastError&) override {
    CHECK(false);
    return 0;
  }
  void on_chunk_header_impl(std::uint64_t, BeastString, BeastError&) override { CHECK(false); }
  std::size_t on_chunk_body_impl(std::uint64_t, BeastString, BeastError&) override {
    CHECK(false);
    return 0;
  }

  HttpRequest& request_;
};

void split_query(Bytes path_and_query, HttpRequest& request) {
  const std::size_t mark = path_and_query.find('?');
  request.path = path_and_query.substr(0, mark);
  if (mark != Bytes::npos) request.query = path_and_query.substr(mark + 1);
  if (request.path.empty()) request.path = "/";
}

std::optional<HttpRefusal> split_absolute_target(HttpRequest& request) {
  const std::size_t scheme_end = request.target.find("://");
  if (scheme_end == Bytes::npos) {
    return HttpRefusal{400, "the target is neither a path nor a URL; begin it with '/'"};
  }
  constexpr std::array<Bytes, 4> kSchemes{"http", "https", "ws", "wss"};
  const Bytes scheme = request.target.substr(0, scheme_end);
  if (std::none_of(kSchemes.begin(), kSchemes.end(),
                   [scheme](Bytes known) { return equals_ignoring_case(scheme, known); })) {
    return HttpRefusal{400, "the target's scheme is none of http, https, ws, wss"};
  }
  const Bytes behind = request.target.substr(scheme_end + 3);
  const Bytes authority = behind.substr(0, behind.find_first_of("/?"));
  if (authority.empty()) return HttpRefusal{400, "the target names no host"};
  if (authority.find('@') != Bytes::npos) {
    return HttpRefusal{400, "the target holds user information; send it in a field"};
  }
  // RFC 9112 section 3.2.2 has clients send both alike; one that doesn't wants us and a proxy to
  // disagree on whom it asks.
  const std::optional<Bytes> host = request.field("Host");
  if (host && !equals_ignoring_case(*host, authority)) {
    return HttpRefusal{400, "the target's host and the Host field differ"};
  }
  split_query(behind.substr(authority.size()), request);
  return std::nullopt;
}

// The four forms of RFC 9112 section 3.2.
std::optional<HttpRefusal> split_target(HttpRequest& request) {
  const Bytes target = request.target;
  if (target.find('#') != Bytes::npos) {
    return HttpRefusal{400, "the target holds a fragment; those stay with the client"};
  }
  if (std::any_of(target.begin(), target.end(), [](char c) { return c < 0x21 || c > 0x7e; })) {
    return HttpRefusal{400, "the target holds a byte beyond ASCII; percent-encode it"};
  }
  if (target.front() == '/') {
    split_query(target, request);
    return std::nullopt;
  }
  if (request.method == "CONNECT" || (target == "*" && request.method == "OPTIONS")) {
    request.path = target;
    return std::nullopt;
  }
  return split_absolute_target(request);
}

// Reads a head that HeadCheck let pass.
std::optional<HttpRefusal> read_head(Bytes head, bool has_host, HttpRequest& request) {
  request = {};
  HeadReader reader(request);
  BeastError error;
  reader.put(boost::asio::const_buffer(head.data(), head.size()), error);
  if (error) return HttpRefusal{400, "the head is not HTTP: " + error.message()};
  if (!reader.is_header_done()) return HttpRefusal{400, "the head is not HTTP"};
  if (request.version >= 11 && !has_host) {
    return HttpRefusal{400, "Host is missing, and HTTP/1.1 requires it"};
  }
  if (auto refusal = split_target(request)) return refusal;
  // RFC 9110 section 10.1.1: an expectation in an HTTP/1.0 request is ignored.
  if (request.version >= 11 && request.count("Expect") != 0) {
    return HttpRefusal{417, "Expect is not supported; send the body without waiting"};
  }
  request.keep_alive = request.version >= 11 && !request.list_has("Connection", "close");
  return std::nullopt;
}

std::optional<unsigned> hex_digit(char c) {
  if (c >= '0' && c <= '9') return static_cast<unsigned>(c - '0');
  if (c >= 'a' && c <= 'f') return static_cast<unsigned>(c - 'a') + 10;
  if (c >= 'A' && c <= 'F') return static_cast<unsigned>(c - 'A') + 10;
  return std::nullopt;
}

std::optional<std::string> decode_form(Bytes text) {
  std::string decoded;
  decoded.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      decoded.push_back(text[i] == '+' ? ' ' : text[i]);
      continue;
    }
    if (text.size() - i < 3) return std::nullopt;
    const std::optional<unsigned> high = hex_digit(text[i + 1]);
    const std::optional<unsigned> low = hex_digit(text[i + 2]);
    if (!high || !low) return std::nullopt;
    decoded.push_back(static_cast<char>(*high * 16 + *low));
    i += 2;
  }
  return decoded;
}

}  // namespace

bool field_is(const HttpField& field, Bytes name) { return equals_ignoring_case(field.name, name); }

std::optional<Bytes> HttpRequest::field(Bytes name) const {
  const HttpField* found = nullptr;
  for (const HttpField& field : fields) {
    if (!field_is(field, name)) continue;
    if (found != nullptr) return std::nullopt;
    found = &field;
  }
  if (found == nullptr) return std::nullopt;
  return found->value;
}

std::size_t HttpRequest::count(Bytes name) const {
  return static_cast<std::size_t>(
      std::count_if(fields.begin(), fields.end(),
                    [name](const HttpField& field) { return field_is(field, name); }));
}

std::vector<Bytes> HttpRequest::list(Bytes name) const {
  std::vector<Bytes> elements;
  for (const HttpField& field : fields) {
    if (!field_is(field, name)) continue;
    for (std::size_t at = 0; at < field.value.size();) {
      const std::size_t comma = std::min(field.value.find(',', at), field.value.size());
      const Bytes element = trim_white_space(field.value.substr(at, comma - at));
      if (!element.empty()) elements.push_back(element);
      at = comma + 1;
    }
  }
  return elements;
}

bool HttpRequest::list_has(Bytes name, Bytes token) const {
  const std::vector<Bytes> elements = list(name);
  return std::any_of(elements.begin(), elements.end(),
                     [token](Bytes element) { return equals_ignoring_case(element, token); });
}

std::optional<std::string> HttpRequest::query_value(Bytes name) const {
  for (std::size_t at = 0; at < query.size();) {
    const std::size_t end = std::min(query.find('&', at), query.size());
    const Bytes pair = query.substr(at, end - at);
    const std::size_t equals = std::min(pair.find('='), pair.size());
    const std::optional<std::string> key = decode_form(pair.substr(0, equals));
    if (key && *key == name) return decode_form(pair.substr(std::min(equals + 1, pair.size())));
    at = end + 1;
  }
  return std::nullopt;
}

RequestParser::State RequestParser::feed(Bytes bytes) {
  CHECK(state_ == State::kNeedMore);
  if (begin_ != 0) {
    // A new string, because erasing would keep the room that a large body took.
    std::string(buffer_, begin_).swap(buffer_);
    begin_ = 0;
  }
  buffer_.append(bytes);
  return parse();
}

RequestParser::State RequestParser::next() {
  CHECK(state_ == State::kComplete);
  request_ = {};
  begin_ += request_bytes_;
  CHECK_LE(begin_, buffer_.size());
  request_bytes_ = 0;
  head_done_ = false;
  head_ = {};
  if (begin_ == buffer_.size()) {
    std::string().swap(buffer_);  // a connection between two requests owns no buffer
    begin_ = 0;
  }
  return parse();
}

RequestParser::State RequestParser::parse() {
  const Bytes bytes = Bytes(buffer_).substr(begin_);
  if (!head_done_) {
    switch (head_.scan(bytes, limits_)) {
      case HeadCheck::Verdict::kNeedMore:
        return state_ = State::kNeedMore;
      case HeadCheck::Verdict::kRefused:
        return refuse(head_.refusal());
      case HeadCheck::Verdict::kEnd:
        break;
    }
    request_bytes_ = head_.head_end() + head_.content_length();
  }
  // A head is read when it ends, to refuse it before its body comes, and again when a body that
  // came later is there: feed() moves the buffer that the views of a first reading point into.
  if (!head_done_ || bytes.size() >= request_bytes_) {
    const Bytes head = bytes.substr(head_.head_at(), head_.head_end() - head_.head_at());
    auto refusal = read_head(head, head_.has_host(), request_);
    if (refusal) return refuse(*std::move(refusal));
    head_done_ = true;
  }
  if (bytes.size() < request_bytes_) {
    request_ = {};
    return state_ = State::kNeedMore;
  }
  request_.body = bytes.substr(head_.head_end(), head_.content_length());
  return state_ = State::kComplete;
}

RequestParser::State RequestParser::refuse(HttpRefusal refusal) {
  refusal_ = std::move(refusal);
  request_ = {};
  std::string().swap(buffer_);
  begin_ = 0;
  return state_ = State::kRefused;
}

Bytes RequestParser::rest() const {
  CHECK(state_ == State::kComplete);
  return Bytes(buffer_).substr(begin_ + request_bytes_);
}

}  // namespace millrace
