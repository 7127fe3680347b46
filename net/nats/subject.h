// Channel <-> NATS subject, one to one. Pure.
//
// The first ':' of a channel is the first '.' of its subject; bytes outside [A-Za-z0-9_.-] are
// written as
// '=' and two upper-case hexadecimal digits, '=' itself too; an optional prefix of tokens stands in
// front. nats.c and nats-server do not validate subjects: a CR LF in a name would inject protocol
// lines. Only what this file makes reaches them.
#pragma once

#include <optional>
#include <string>

#include "core/base/bytes.h"

namespace millrace {

// "" or "tokens.joined.by.dots": each of [A-Za-z0-9_-]+, none beginning with '_', at most 64 bytes
// in all, the first not `millrace`.
bool subject_prefix_valid(Bytes prefix);

// REQUIRES: check_channel_name(channel) == kOk.
std::string channel_to_subject(Bytes prefix, Bytes channel);

// The channel of a subject, or nullopt if it is not exactly what channel_to_subject() would have
// made of that channel: another spelling, another prefix, a reserved name.
std::optional<std::string> subject_to_channel(Bytes prefix, Bytes subject);

// A subject of the server's own: "prefix.millrace.rest". REQUIRES: `rest` is tokens of
// [A-Za-z0-9_-], joined by dots; a last `*` or `>` where it is subscribed to.
std::string own_subject(Bytes prefix, Bytes rest);

// The one wildcard subject that covers a namespace: "prefix.ns.>" or, for `default`, "prefix.*".
std::string namespace_wildcard(Bytes prefix, Bytes name_space);

}  // namespace millrace
