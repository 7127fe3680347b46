// The URL of a NATS server: nats://[user:password@|token@]host[:port], or tls:// for one that is
// spoken to encrypted only. Pure.
#pragma once

#include <string>

#include "core/base/bytes.h"
#include "core/base/result.h"

namespace millrace {

inline constexpr std::size_t kMaxNatsUrl = 512;  // bytes
inline constexpr Bytes kNatsTlsScheme = "tls://";

// nats.c finds out about a bad URL only on its own thread, after the start; so it is checked here.
Result<void> check_nats_url(Bytes url);

// Whether it names a user or holds a token.
bool has_user(Bytes url);

// The URL without what stands before the host, for logs and causes: credentials never appear there.
std::string masked_nats_url(Bytes url);

}  // namespace millrace
