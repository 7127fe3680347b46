// The body of POST /api/revoke, which tokens are good no longer:
//
//   {"user":"ann"}                      ann's that were issued until now, this second included
//   {"user":"ann","issued_before":T}    ann's that were issued before T
//   {"token_id":"6b1f.."}               the one with this `jti`
//   {"issued_before":T}                 everybody's that were issued before T
//
// With a user or a token id, "expire_at" is the second when the last of those tokens is over anyway
// and the server may forget about them; left out, it remembers until it ends. Pure.
#pragma once

#include <cstdint>
#include <string>

#include "core/base/bytes.h"
#include "core/base/result.h"
#include "net/auth/revocations.h"
#include "proto/json_text.h"

namespace millrace {

// `now` is a second of the calendar. The error says what is wrong with the body.
Result<Revocation> read_revoke_request(JsonValidator& validator, Bytes body, std::int64_t now);

// The body that means this revocation, times and all. What it is read from again is the same.
std::string revoke_request(const Revocation& revocation);

}  // namespace millrace
