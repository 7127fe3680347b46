// Base64 as tokens and keys have it: the URL's alphabet without padding (RFC 7515 section 2), and
// the plain one with padding (RFC 4648 section 4) for `b64info` and `b64data`. Pure.
//
// Strict: each sequence of bytes has exactly one text. No whitespace, no foreign letters, no bits
// behind the end, so that nobody can change a token's text and keep its meaning.
#pragma once

#include <string>

#include "core/base/bytes.h"

namespace millrace {

// Sets `out` to the bytes; false, and `out` is of no use, if `text` isn't base64url.
[[nodiscard]] bool decode_base64url(Bytes text, std::string& out);
[[nodiscard]] bool decode_base64(Bytes text, std::string& out);

std::string encode_base64url(Bytes bytes);
std::string encode_base64(Bytes bytes);

}  // namespace millrace
