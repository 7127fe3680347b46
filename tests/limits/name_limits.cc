// Names and texts that people and peers choose: channels, namespaces, origins, URLs, numbers.
#include <limits>

#include "core/base/log.h"
#include "core/hub/channel_name.h"
#include "net/nats/nats_url.h"
#include "net/nats/subject.h"
#include "net/server/duration_size.h"
#include "net/server/error_text.h"
#include "net/server/listen_address.h"
#include "net/server/origin.h"
#include "tests/limits/limit.h"

namespace millrace {
namespace {

std::string channel(const std::string& name) {
  switch (check_channel_name(name)) {
    case ChannelNameError::kOk:
      return "";
    case ChannelNameError::kTooLong:
      return "too long";
    case ChannelNameError::kTooManyTokens:
      return "too many tokens";
    case ChannelNameError::kEmpty:
    case ChannelNameError::kNotUtf8:
    case ChannelNameError::kDotBeforeBoundary:
    case ChannelNameError::kEmptyToken:
    case ChannelNameError::kReserved:
      break;
  }
  return "another error";
}

// Four bytes a character, so that a limit on characters would be found.
std::string wide_name(std::uint64_t bytes) {
  std::string name;
  while (name.size() + 4 <= bytes) name += "\xf0\x9f\x8e\xb2";
  return name + std::string(bytes - name.size(), 'x');
}

std::string name_of_tokens(std::uint64_t tokens) {
  std::string name = "game:a";
  for (std::uint64_t i = 2; i < tokens; ++i) name += ".a";
  return name;
}

std::string padded(std::uint64_t size, const std::string& begin) {
  return begin + std::string(size - begin.size(), 'x');
}

Limits limits_of_names() {
  return {
      {.name = "name of a channel",
       .covers = {"channel_name.h:kMaxChannelName"},
       .value = kMaxChannelName,
       .unit = "bytes",
       .refusal = "too long",
       .attempt = [](auto n) { return channel(wide_name(n)); }},
      {.name = "tokens of a channel's subject",
       .covers = {"channel_name.h:kMaxChannelTokens"},
       .value = kMaxChannelTokens,
       .unit = "tokens",
       .refusal = "too many tokens",
       .attempt = [](auto n) { return channel(name_of_tokens(n)); }},
      {.name = "prefix of subjects",
       .covers = {"subject.cc:kMaxPrefix"},
       .value = 64,
       .unit = "bytes",
       .refusal = "refused",
       .attempt = [](auto n) { return unless(subject_prefix_valid(padded(n, "a")), "refused"); }},
      {.name = "origin in the configuration",
       .covers = {"origin.h:kMaxOrigin"},
       .value = kMaxOrigin,
       .unit = "bytes",
       .refusal = "refused",
       .attempt = [](auto n) { return unless(is_origin(padded(n - 4, "") + "://a"), "refused"); }},
      {.name = "host of an origin",
       .covers = {"origin.cc:kMaxHost"},
       .value = 253,
       .unit = "bytes",
       .refusal = "refused",
       .attempt = [](auto n) { return unless(is_origin("http://" + padded(n, "")), "refused"); }},
      {.name = "URL of a NATS server",
       .covers = {"nats_url.h:kMaxNatsUrl"},
       .value = kMaxNatsUrl,
       .unit = "bytes",
       .refusal = "refused",
       .attempt =
           [](auto n) { return unless(check_nats_url(padded(n, "nats://")).ok(), "refused"); }},
      {.name = "quoted text in an error",
       .covers = {"error_text.h:kMaxQuoted"},
       .value = kMaxQuoted,
       .unit = "bytes",
       .refusal = "cut",
       .attempt =
           [](auto n) {
             const std::string text(n, 'x');
             return unless(printable(text) == text, "cut");
           }},
      {.name = "message in the log",
       .covers = {"log.h:kMaxLogText"},
       .value = kMaxLogText,
       .unit = "bytes",
       .refusal = "cut",
       .attempt =
           [](auto n) {
             const std::string text(n, 'x');
             return unless(log_escaped(text) == text, "cut");
           }},
  };
}

Limits limits_of_numbers() {
  constexpr auto kMost = static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max());
  return {
      {.name = "size as a text",
       .covers = {},
       .value = kMost,
       .unit = "bytes",
       .refusal = "refused",
       .attempt =
           [](auto n) {
             return unless(parse_size(std::to_string(n) + "B").has_value(), "refused");
           }},
      {.name = "duration as a text",
       .covers = {},
       .value = kMost / 1'000'000,
       .unit = "ms",
       .refusal = "refused",
       .attempt =
           [](auto n) {
             return unless(parse_duration(std::to_string(n) + "ms").has_value(), "refused");
           }},
      {.name = "port",
       .covers = {},
       .value = 65'535,
       .unit = "",
       .refusal = "refused",
       .attempt =
           [](auto n) {
             const auto address = parse_listen_address("127.0.0.1:" + std::to_string(n));
             return unless(address.has_value(), "refused");
           }},
  };
}

}  // namespace

Limits name_limits() {
  Limits all = limits_of_names();
  for (Limit& limit : limits_of_numbers()) all.push_back(std::move(limit));
  return all;
}

}  // namespace millrace
