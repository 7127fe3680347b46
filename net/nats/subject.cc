#include "net/nats/subject.h"

#include <algorithm>

#include "core/base/assert.h"
#include "core/hub/channel_name.h"

namespace millrace {
namespace {

constexpr std::size_t kMaxPrefix = 64;  // bytes
constexpr std::size_t kEscaped = 3;     // what a byte takes at most: "=3A"
constexpr Bytes kHexDigits = "0123456789ABCDEF";

bool alphanumeric(char c) {
  return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

bool token_character(char c) { return alphanumeric(c) || c == '_' || c == '-'; }

void append_escaped(std::string& out, Bytes text) {
  for (const char c : text) {
    if (token_character(c) || c == '.') {
      out.push_back(c);
    } else {
      const auto byte = static_cast<unsigned char>(c);
      out.push_back('=');
      out.push_back(kHexDigits[byte >> 4]);
      out.push_back(kHexDigits[byte & 0xf]);
    }
  }
}

// False if there is anything but subject characters and whole escapes.
bool append_unescaped(std::string& out, Bytes text) {
  for (std::size_t at = 0; at < text.size(); ++at) {
    if (token_character(text[at]) || text[at] == '.') {
      out.push_back(text[at]);
      continue;
    }
    if (text[at] != '=' || text.size() - at < kEscaped) return false;
    const std::size_t high = kHexDigits.find(text[at + 1]);
    const std::size_t low = kHexDigits.find(text[at + 2]);
    if (high == Bytes::npos || low == Bytes::npos) return false;
    out.push_back(static_cast<char>(high << 4 | low));
    at += kEscaped - 1;
  }
  return true;
}

std::string with_prefix(Bytes prefix) {
  std::string out(prefix);
  if (!out.empty()) out.push_back('.');
  return out;
}

}  // namespace

bool subject_prefix_valid(Bytes prefix) {
  if (prefix.size() > kMaxPrefix) return false;
  Bytes rest = prefix;
  while (!rest.empty()) {
    const std::size_t dot = rest.find('.');
    const Bytes token = rest.substr(0, dot);
    if (token.empty() || token.front() == '_') return false;
    if (!std::all_of(token.begin(), token.end(), token_character)) return false;
    if (token.data() == prefix.data() && token == "millrace") return false;
    if (dot == Bytes::npos) return true;
    rest.remove_prefix(dot + 1);
  }
  return prefix.empty();  // else it ended with a dot
}

std::string channel_to_subject(Bytes prefix, Bytes channel) {
  CHECK(check_channel_name(channel) == ChannelNameError::kOk);
  std::string subject = with_prefix(prefix);
  subject.reserve(subject.size() + kEscaped * channel.size());
  const std::size_t boundary = channel.find(':');
  append_escaped(subject, channel.substr(0, boundary));
  if (boundary != Bytes::npos) {
    subject.push_back('.');
    append_escaped(subject, channel.substr(boundary + 1));
  }
  return subject;
}

std::optional<std::string> subject_to_channel(Bytes prefix, Bytes subject) {
  Bytes rest = subject;
  if (!prefix.empty()) {
    if (!rest.starts_with(prefix) || rest.substr(prefix.size(), 1) != ".") return std::nullopt;
    rest.remove_prefix(prefix.size() + 1);
  }
  if (rest.size() > kEscaped * kMaxChannelName) return std::nullopt;
  const std::size_t dot = rest.find('.');
  std::string channel;
  if (!append_unescaped(channel, rest.substr(0, dot))) return std::nullopt;
  if (dot != Bytes::npos) {
    channel.push_back(':');
    if (!append_unescaped(channel, rest.substr(dot + 1))) return std::nullopt;
  }
  if (check_channel_name(channel) != ChannelNameError::kOk) return std::nullopt;
  // Escapes that nobody needed, an escaped ':' or '.': one spelling only, whatever the trick.
  if (channel_to_subject(prefix, channel) != subject) return std::nullopt;
  return channel;
}

std::string own_subject(Bytes prefix, Bytes rest) {
  std::string subject = with_prefix(prefix);
  subject += "millrace.";
  subject += rest;
  return subject;
}

std::string namespace_wildcard(Bytes prefix, Bytes name_space) {
  std::string subject = with_prefix(prefix);
  if (name_space == kDefaultNamespace) return subject + '*';
  append_escaped(subject, name_space);
  return subject + ".>";
}

}  // namespace millrace
