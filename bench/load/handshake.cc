#include "bench/load/handshake.h"

#include <algorithm>
#include <cctype>
#include <charconv>

namespace millrace::load {
namespace {

// RFC 6455 section 1.3.
constexpr Bytes kKey = "dGhlIHNhbXBsZSBub25jZQ==";
constexpr Bytes kAccept = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=";

bool equal_letters(Bytes a, Bytes b) {
  return a.size() == b.size() && std::equal(a.begin(), a.end(), b.begin(), [](char x, char y) {
           return std::tolower(static_cast<unsigned char>(x)) ==
                  std::tolower(static_cast<unsigned char>(y));
         });
}

Bytes trimmed(Bytes text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

template <typename T>
bool whole_number(Bytes text, T& number) {
  const char* const end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, number);
  return error == std::errc() && stop == end;
}

void take_field(Bytes line, HttpHead& head) {
  const std::size_t colon = line.find(':');
  if (colon == Bytes::npos) return;
  const Bytes name = line.substr(0, colon);
  const Bytes value = trimmed(line.substr(colon + 1));
  if (equal_letters(name, "sec-websocket-accept")) {
    head.accepted = value == kAccept;
  } else if (equal_letters(name, "retry-after")) {
    std::uint32_t seconds = 0;
    if (whole_number(value, seconds)) head.retry_after = seconds;
  } else if (equal_letters(name, "content-length")) {
    if (!whole_number(value, head.content_length)) head.content_length = 0;
  } else if (equal_letters(name, "connection")) {
    head.keep_alive = !equal_letters(value, "close");
  }
}

}  // namespace

std::string upgrade_request(Bytes host, Bytes path, Bytes protocol, Bytes origin) {
  std::string text = "GET ";
  text.append(path).append(" HTTP/1.1\r\nHost: ").append(host);
  text.append("\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n");
  text.append("Sec-WebSocket-Key: ").append(kKey).append("\r\n");
  if (!protocol.empty()) text.append("Sec-WebSocket-Protocol: ").append(protocol).append("\r\n");
  if (!origin.empty()) text.append("Origin: ").append(origin).append("\r\n");
  return text.append("\r\n");
}

std::string post_request(Bytes host, Bytes path, Bytes api_key, Bytes body) {
  std::string text = "POST ";
  text.append(path).append(" HTTP/1.1\r\nHost: ").append(host);
  text.append("\r\nContent-Type: application/json\r\nX-API-Key: ").append(api_key);
  text.append("\r\nContent-Length: ").append(std::to_string(body.size()));
  return text.append("\r\n\r\n").append(body);
}

HeadOutcome read_head(Bytes bytes, HttpHead& head) {
  constexpr Bytes kEnd = "\r\n\r\n";
  constexpr Bytes kVersion = "HTTP/1.1 ";
  const std::size_t end = bytes.find(kEnd);
  if (!bytes.starts_with(kVersion.substr(0, bytes.size()))) return HeadOutcome::kWrong;
  if (end == Bytes::npos) {
    return bytes.size() > kMaxHead ? HeadOutcome::kWrong : HeadOutcome::kNotWhole;
  }
  if (end > kMaxHead) return HeadOutcome::kWrong;
  head = HttpHead();
  head.size = end + kEnd.size();
  Bytes lines = bytes.substr(0, end);
  if (!whole_number(lines.substr(kVersion.size(), 3), head.status)) return HeadOutcome::kWrong;
  for (std::size_t next = lines.find("\r\n"); next != Bytes::npos; next = lines.find("\r\n")) {
    lines.remove_prefix(next + 2);
    take_field(lines.substr(0, lines.find("\r\n")), head);
  }
  return HeadOutcome::kWhole;
}

}  // namespace millrace::load
