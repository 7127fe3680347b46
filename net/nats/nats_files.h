// The files that [broker] names, judged before anybody is served: nats.c would find a wrong one
// only on its own thread, after the start, and say little.
//
// For the start's thread. Reads, and keeps nothing. Errors name the key, the file and a fix, and
// hold nothing of what is in a file. Limit: kMaxNatsFile of each.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "core/base/result.h"
#include "net/nats/nats_security.h"

namespace millrace {

inline constexpr std::size_t kMaxNatsFile = 64 * 1024;  // bytes; a CA bundle of one's own fits

// Warnings: secrets that others on the machine may read or change.
Result<std::vector<std::string>> check_nats_files(const NatsSecurity& security);

// The public key of the user whose seed is in the file; nullopt if there is none.
std::optional<std::string> read_nkey(const std::string& path);

}  // namespace millrace
