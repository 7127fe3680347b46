// What the streams of recoverable namespaces are called at NATS, and their subjects. Pure.
//
// A stream stores what is published on its namespace's subjects, and republishes it to
// `millrace.out.` in front of them, where shards listen. Beside them it stores marks: a mark says
// up to where the publications of a channel (or of all) have been taken out, so that nobody who
// was before it is told that nothing is missing (docs/decisions/0009-what-a-zero-means.md).
#pragma once

#include <optional>
#include <string>

#include "core/base/bytes.h"

namespace millrace {

// "MILLRACE_<prefix>_<namespace>" or "MILLRACE_<namespace>"; bytes outside [A-Za-z0-9-] of either
// are '=' and two hexadecimal digits, so that two never share a name.
std::string jet_stream_name(Bytes prefix, Bytes name_space);

// Where what is published on the namespace's subjects goes, in the server's words: source and
// destination ("p.millrace.out.$1" for the one token of `default`).
std::string jet_republish_source(Bytes prefix, Bytes name_space);
std::string jet_republish_destination(Bytes prefix, Bytes name_space);

// What shards subscribe to: of one channel, or of all of a namespace.
std::string jet_out_subject(Bytes prefix, Bytes channel);
std::string jet_out_wildcard(Bytes prefix, Bytes name_space);
// The channel of such a subject; nothing for another spelling.
std::optional<std::string> jet_out_channel(Bytes prefix, Bytes subject);

std::string jet_mark_subject(Bytes prefix, Bytes channel);
std::string jet_mark_all_subject(Bytes prefix, Bytes name_space);
std::string jet_mark_wildcard(Bytes prefix, Bytes name_space);

}  // namespace millrace
