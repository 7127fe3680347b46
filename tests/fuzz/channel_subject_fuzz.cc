// Channel names, NATS subjects, and the mapping between them.
//
// It is one to one, makes nothing that NATS could take for protocol or for a wildcard, and the
// wildcard of a namespace covers that namespace and no other.
#include <string>
#include <vector>

#include "core/base/assert.h"
#include "core/base/utf8.h"
#include "core/hub/channel_name.h"
#include "net/nats/subject.h"
#include "tests/fuzz/fuzz_input.h"

namespace millrace {
namespace {

std::vector<Bytes> split(Bytes text, char separator) {
  std::vector<Bytes> parts;
  while (true) {
    const std::size_t at = text.find(separator);
    parts.push_back(text.substr(0, at));
    if (at == Bytes::npos) return parts;
    text.remove_prefix(at + 1);
  }
}

// What a nats-server does with a wildcard.
bool matches(Bytes wildcard, Bytes subject) {
  const std::vector<Bytes> wanted = split(wildcard, '.');
  const std::vector<Bytes> given = split(subject, '.');
  for (std::size_t i = 0; i < wanted.size(); ++i) {
    if (wanted[i] == ">") return given.size() > i;
    if (i == given.size() || (wanted[i] != "*" && wanted[i] != given[i])) return false;
  }
  return wanted.size() == given.size();
}

// The rules at the head of channel_name.h, written a second time.
bool model_allows(Bytes name) {
  if (name.empty() || name.size() > 255 || !utf8_valid(name)) return false;
  const std::size_t colon = name.find(':');
  const Bytes name_space = name.substr(0, colon);
  std::vector<Bytes> tokens{name_space};
  if (colon != Bytes::npos) {
    for (const Bytes token : split(name.substr(colon + 1), '.')) tokens.push_back(token);
  }
  for (const Bytes token : tokens) {
    if (token.empty()) return false;
  }
  return tokens.size() <= 16 && name_space.find('.') == Bytes::npos && name_space != "millrace" &&
         name_space[0] != '_' && !(colon != Bytes::npos && name_space == "default");
}

void check_alphabet(Bytes subject) {
  constexpr Bytes kAlphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-.=";
  CHECK_EQ(subject.find_first_not_of(kAlphabet), Bytes::npos);
  for (const Bytes token : split(subject, '.')) CHECK(!token.empty());
}

void try_channels(Bytes prefix, Bytes name, Bytes other) {
  CHECK(!channel_name_error_text(check_channel_name(name)).empty());
  CHECK_EQ(check_channel_name(name) == ChannelNameError::kOk, model_allows(name));
  if (!model_allows(name)) return;
  const std::string subject = channel_to_subject(prefix, name);
  check_alphabet(subject);
  CHECK_LE(subject.size(), prefix.size() + 1 + 3 * kMaxChannelName);
  CHECK(!subject.starts_with("_") && !subject.starts_with("millrace."));
  CHECK(subject_to_channel(prefix, subject) == name);
  if (!model_allows(other)) return;
  const std::string second = channel_to_subject(prefix, other);
  CHECK_EQ(subject == second, name == other);
  const bool same_namespace = channel_namespace(name) == channel_namespace(other);
  CHECK_EQ(matches(namespace_wildcard(prefix, channel_namespace(name)), second), same_namespace);
}

void try_subject(Bytes prefix, Bytes subject) {
  const std::optional<std::string> channel = subject_to_channel(prefix, subject);
  if (!channel) return;
  CHECK(model_allows(*channel));
  CHECK_EQ(channel_to_subject(prefix, *channel), subject);
}

}  // namespace
}  // namespace millrace

// A prefix, two names and a subject, a zero byte between each and the next.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using millrace::Bytes;
  millrace::FuzzInput input(data, size);
  std::vector<Bytes> parts = millrace::split(input.rest(), '\0');
  parts.resize(4);
  const Bytes prefix = millrace::subject_prefix_valid(parts[0]) ? parts[0] : Bytes();
  if (!prefix.empty()) millrace::check_alphabet(prefix);
  millrace::try_channels(prefix, parts[1], parts[2]);
  millrace::try_channels(prefix, parts[2], parts[1]);
  millrace::try_subject(prefix, parts[3]);
  return 0;
}
