// A NATS user's NKey: the public half of a seed, which the server is told beside a signature. Pure.
//
// A seed is base32 (RFC 4648, no padding) of two bytes of kind, 32 of secret and a CRC-16; a public
// key of one byte of kind, 32 and a CRC-16. The text of a seed is a secret.
#pragma once

#include <optional>
#include <string>

#include "core/base/bytes.h"

namespace millrace {

inline constexpr std::size_t kNkeySeedBytes = 58;  // of its text

// "U..." of "SU..."; nullopt if it is no user's seed or was mistyped.
std::optional<std::string> nkey_of_seed(Bytes seed);

}  // namespace millrace
