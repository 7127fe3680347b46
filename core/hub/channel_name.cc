#include "core/hub/channel_name.h"

#include "core/base/utf8.h"

namespace millrace {
namespace {

constexpr char kBoundary = ':';

// Walks the tokens of what follows the boundary; they become tokens of the subject.
ChannelNameError check_tokens(Bytes rest) {
  std::size_t tokens = 1;  // the namespace
  while (true) {
    const std::size_t dot = rest.find('.');
    if (dot == 0 || rest.empty()) return ChannelNameError::kEmptyToken;
    ++tokens;
    if (dot == Bytes::npos) break;
    rest.remove_prefix(dot + 1);
  }
  return tokens > kMaxChannelTokens ? ChannelNameError::kTooManyTokens : ChannelNameError::kOk;
}

}  // namespace

ChannelNameError check_channel_name(Bytes name) {
  if (name.empty()) return ChannelNameError::kEmpty;
  if (name.size() > kMaxChannelName) return ChannelNameError::kTooLong;
  if (!utf8_valid(name)) return ChannelNameError::kNotUtf8;
  const std::size_t boundary = name.find(kBoundary);
  const Bytes first = name.substr(0, boundary);
  if (first.empty()) return ChannelNameError::kEmptyToken;
  if (first.find('.') != Bytes::npos) return ChannelNameError::kDotBeforeBoundary;
  if (first == "millrace" || first.front() == '_') return ChannelNameError::kReserved;
  if (boundary == Bytes::npos) return ChannelNameError::kOk;
  // Its subject would be none of those that the namespace's wildcard covers (net/nats/subject.h).
  if (first == kDefaultNamespace) return ChannelNameError::kReserved;
  return check_tokens(name.substr(boundary + 1));
}

Bytes channel_name_error_text(ChannelNameError error) {
  switch (error) {
    case ChannelNameError::kOk:
      return "the channel name is valid";
    case ChannelNameError::kEmpty:
      return "the channel name is empty; give it at least one character";
    case ChannelNameError::kTooLong:
      return "the channel name is longer than 255 bytes; shorten it";
    case ChannelNameError::kNotUtf8:
      return "the channel name is not UTF-8; encode it as UTF-8";
    case ChannelNameError::kDotBeforeBoundary:
      return "the channel name has a '.' with no ':' before it; write namespace:name";
    case ChannelNameError::kEmptyToken:
      return "the channel name has nothing before or after a ':' or '.'; fill or remove that part";
    case ChannelNameError::kReserved:
      return "the channel name begins with 'millrace', '_' or 'default:', which are reserved; "
             "choose another beginning";
    case ChannelNameError::kTooManyTokens:
      return "the channel name has more than 16 parts between dots; use fewer";
  }
  return {};
}

Bytes channel_namespace(Bytes name) {
  const std::size_t boundary = name.find(kBoundary);
  return boundary == Bytes::npos ? kDefaultNamespace : name.substr(0, boundary);
}

}  // namespace millrace
