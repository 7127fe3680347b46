#include "net/jet/jet_names.h"

#include <algorithm>

#include "core/hub/channel_name.h"
#include "net/nats/subject.h"

namespace millrace {
namespace {

constexpr Bytes kHexDigits = "0123456789ABCDEF";

bool plain(char c) {
  return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-';
}

std::string name_part(Bytes text) {
  std::string out;
  for (const char c : text) {
    if (plain(c)) {
      out.push_back(c);
      continue;
    }
    const auto byte = static_cast<unsigned char>(c);
    out.push_back('=');
    out.push_back(kHexDigits[byte >> 4]);
    out.push_back(kHexDigits[byte & 0xf]);
  }
  return out;
}

// The namespace as one token of a subject.
std::string namespace_token(Bytes name_space) {
  if (name_space == kDefaultNamespace) return std::string(kDefaultNamespace);
  const std::string wildcard = namespace_wildcard({}, name_space);
  return wildcard.substr(0, wildcard.size() - Bytes(".>").size());
}

std::string mark_root(Bytes prefix, Bytes name_space) {
  return own_subject(prefix, "mark." + namespace_token(name_space));
}

}  // namespace

std::string jet_stream_name(Bytes prefix, Bytes name_space) {
  std::string name = "MILLRACE_";
  if (!prefix.empty()) name += name_part(prefix) + '_';
  return name + name_part(name_space);
}

std::string jet_republish_source(Bytes prefix, Bytes name_space) {
  return namespace_wildcard(prefix, name_space);
}

std::string jet_republish_destination(Bytes prefix, Bytes name_space) {
  if (name_space == kDefaultNamespace) return own_subject(prefix, "out.$1");
  return jet_out_wildcard(prefix, name_space);
}

std::string jet_out_subject(Bytes prefix, Bytes channel) {
  return own_subject(prefix, "out." + channel_to_subject({}, channel));
}

std::string jet_out_wildcard(Bytes prefix, Bytes name_space) {
  return own_subject(prefix, "out." + namespace_wildcard({}, name_space));
}

std::optional<std::string> jet_out_channel(Bytes prefix, Bytes subject) {
  const std::string root = own_subject(prefix, "out.");
  if (!subject.starts_with(root)) return std::nullopt;
  return subject_to_channel({}, subject.substr(root.size()));
}

std::string jet_mark_subject(Bytes prefix, Bytes channel) {
  return mark_root(prefix, channel_namespace(channel)) + ".c." + channel_to_subject({}, channel);
}

std::string jet_mark_all_subject(Bytes prefix, Bytes name_space) {
  return mark_root(prefix, name_space) + ".all";
}

std::string jet_mark_wildcard(Bytes prefix, Bytes name_space) {
  return mark_root(prefix, name_space) + ".>";
}

}  // namespace millrace
