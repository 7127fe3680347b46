#include "net/session/namespace_settings.h"

#include <algorithm>

#include "core/hub/channel_name.h"

namespace millrace {

namespace {

// Behind the character that begins at `at`.
std::size_t next_character(Bytes text, std::size_t at) {
  do {
    ++at;
  } while (at < text.size() && (static_cast<unsigned char>(text[at]) & 0xc0U) == 0x80U);
  return at;
}

// Of a name without a boundary it is all.
Bytes behind_boundary(Bytes channel) {
  const std::size_t boundary = channel.find(':');
  return boundary == Bytes::npos ? channel : channel.substr(boundary + 1);
}

}  // namespace

bool matches(Bytes pattern, Bytes text) {
  std::size_t p = 0;
  std::size_t t = 0;
  // Where the last `*` stands, and up to where it reaches. An earlier one never needs another try:
  // what stands between the two was found as early as can be.
  std::size_t star = Bytes::npos;
  std::size_t reach = 0;
  while (t < text.size()) {
    if (p < pattern.size() && pattern[p] == '*') {
      star = p++;
      reach = t;
    } else if (p < pattern.size() && pattern[p] == '?') {
      ++p;
      t = next_character(text, t);
    } else if (p < pattern.size() && pattern[p] == text[t]) {
      ++p;
      ++t;
    } else if (star != Bytes::npos) {
      p = star + 1;
      t = reach = next_character(text, reach);
    } else {
      return false;
    }
  }
  const std::size_t rest = pattern.find_first_not_of('*', p);
  return p >= pattern.size() || rest == Bytes::npos;
}

bool NamespaceSettings::allows_name(Bytes channel) const {
  if (channel.size() > name_bytes) return false;
  const auto is_ascii = [](char c) { return static_cast<unsigned char>(c) < 0x80; };
  if (name_ascii && !std::all_of(channel.begin(), channel.end(), is_ascii)) return false;
  return name_pattern.empty() || matches(name_pattern, behind_boundary(channel));
}

const NamespaceSettings* NamespaceTable::find(Bytes channel, bool insecure) const {
  static const NamespaceSettings kBuiltIn;
  auto found = by_name.find(channel_namespace(channel));
  if (found != by_name.end()) return &found->second;
  if (!insecure) return nullptr;
  if (others) return &*others;
  found = by_name.find(kDefaultNamespace);
  return found != by_name.end() ? &found->second : &kBuiltIn;
}

}  // namespace millrace
