// Which channel names there are. Pure.
//
// A channel is at most kMaxChannelName bytes of UTF-8. The part before its first ':' is its
// namespace; a name without ':' is in the namespace `default`. So that channels and NATS subjects
// map one to one (net/nats/subject.h), a name holds no '.' before its first ':', nor any if it has
// no ':'; no token between dots is empty; the first token is not `millrace` and does not begin with
// '_'. Nor does a name begin with `default:`: that namespace is the names without a boundary, and
// its NATS wildcard ("*") would not bring `default.x`.
#pragma once

#include <cstddef>
#include <cstdint>

#include "core/base/bytes.h"

namespace millrace {

inline constexpr std::size_t kMaxChannelName = 255;   // bytes
inline constexpr std::size_t kMaxChannelTokens = 16;  // of its subject, the namespace's included
inline constexpr Bytes kDefaultNamespace = "default";

enum class ChannelNameError : std::uint8_t {
  kOk,
  kEmpty,
  kTooLong,
  kNotUtf8,
  kDotBeforeBoundary,
  kEmptyToken,
  kReserved,
  kTooManyTokens,
};

ChannelNameError check_channel_name(Bytes name);
Bytes channel_name_error_text(ChannelNameError error);

// The namespace of a valid name.
Bytes channel_namespace(Bytes name);

}  // namespace millrace
