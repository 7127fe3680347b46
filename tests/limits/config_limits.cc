// The configuration file, and every end of every range: two rows for each key that has one, made
// from the table of keys.
#include <unistd.h>

#include <bit>
#include <filesystem>
#include <fstream>

#include "core/base/assert.h"
#include "net/server/config_file.h"
#include "net/server/config_key_text.h"
#include "net/server/config_keys.h"
#include "net/server/config_value.h"
#include "net/server/namespace_check.h"
#include "tests/limits/limit.h"

namespace millrace {
namespace {

std::string config_file(std::uint64_t bytes) {
  const std::string name = "millrace_limits_" + std::to_string(getpid()) + ".toml";
  const std::string path = std::filesystem::temp_directory_path() / name;
  std::ofstream(path, std::ios::binary) << std::string(bytes, '#');
  const auto text = read_config_file(path);
  std::filesystem::remove(path);
  if (text.ok()) CHECK_EQ(text->size(), bytes);
  return unless(text.ok(), "refused");
}

std::string parsed(const std::string& text) {
  return unless(parse_config_text(text, "millrace.toml").ok(), "refused");
}

std::string namespaces(std::uint64_t count) {
  std::string text;
  for (std::uint64_t i = 0; i < count; ++i) text += "[namespaces.n" + std::to_string(i) + "]\n";
  return parsed(text);
}

std::string meta_ttl(std::uint64_t n) {
  NamespaceConfig settings;
  settings.history_size = 1;
  settings.history_ttl = seconds(1);
  settings.history_meta_ttl = milliseconds(static_cast<std::int64_t>(n));
  return unless(!find_fault(settings, {BrokerKind::kMemory, seconds(40)}), "refused");
}

// How an error names a file whose path is `bytes` long.
std::string shown_path(std::uint64_t bytes) {
  const std::string path(bytes, 'p');
  const auto refused = parse_config_text("[nothing]", path);
  CHECK(!refused.ok());
  return unless(refused.error().text.starts_with(path + ":1: "), "cut");
}

// --- The ends of ranges --------------------------------------------------------------------------

// `n` different items.
std::vector<std::string> items(std::uint64_t n, const std::string& before,
                               const std::string& after) {
  std::vector<std::string> list;
  for (std::uint64_t i = 1; i <= n; ++i) list.push_back(before + std::to_string(i) + after);
  return list;
}

// The value of a key whose size, count or length is `n`; nothing for a key without a range.
std::optional<RawValue> value_of(ValueKind kind, std::int64_t n) {
  const auto count = static_cast<std::uint64_t>(std::max<std::int64_t>(n, 0));
  switch (kind) {
    case ValueKind::kCount:
    case ValueKind::kCountOrAuto:
    case ValueKind::kPowerOfTwo:
      return n;
    case ValueKind::kSize:
      return std::to_string(n) + "B";
    case ValueKind::kDuration:
    case ValueKind::kWholeSeconds:
      return std::to_string(n) + "ms";
    case ValueKind::kAddressList:
      return items(count, "127.0.0.1:", "");
    case ValueKind::kOriginList:
      return items(count, "http://host", "");
    case ValueKind::kNetworkList:
      return items(count, "fd00::", "");
    case ValueKind::kUrlList:
      return items(count, "nats://host:", "");
    case ValueKind::kPathList:
      return items(count, "/key", "");
    case ValueKind::kFieldList:
      return items(count, "Field", "");
    case ValueKind::kSubjectPrefix:
    case ValueKind::kSecret:
    case ValueKind::kText:
    case ValueKind::kPath:
    case ValueKind::kPattern:
      return std::string(count, 'x');
    case ValueKind::kAudience:
    case ValueKind::kBool:
    case ValueKind::kChoice:
    case ValueKind::kAddress:
      return std::nullopt;
  }
  return std::nullopt;
}

std::string unit_of(ValueKind kind) {
  switch (kind) {
    case ValueKind::kSize:
      return "bytes";
    case ValueKind::kDuration:
    case ValueKind::kWholeSeconds:
      return "ms";
    case ValueKind::kAddressList:
    case ValueKind::kOriginList:
    case ValueKind::kNetworkList:
    case ValueKind::kUrlList:
    case ValueKind::kPathList:
    case ValueKind::kFieldList:
      return "items";
    case ValueKind::kSubjectPrefix:
    case ValueKind::kSecret:
    case ValueKind::kText:
    case ValueKind::kPath:
    case ValueKind::kPattern:
      return "characters";
    case ValueKind::kAudience:
    case ValueKind::kCount:
    case ValueKind::kCountOrAuto:
    case ValueKind::kPowerOfTwo:
    case ValueKind::kBool:
    case ValueKind::kChoice:
    case ValueKind::kAddress:
      return "";
  }
  return "";
}

std::string assigned(const ConfigKey& key, std::int64_t n) {
  Config config;
  NamespaceConfig name_space;
  const auto done = assign_value(key, *value_of(key.kind, n), {SourceRank::kFile, "file:1"},
                                 {&config, &name_space});
  if (done.ok()) return "";
  // The error names the key, what is allowed, and an example.
  const std::string& text = done.error().text;
  const bool helps = text.find(full_name(key)) != std::string::npos &&
                     text.find(allowed_text(key)) != std::string::npos;
  return helps ? kKeyRefused : "an error that does not help: " + text;
}

// A power of two has its neighbours at half and at twice itself.
std::string assigned_power(const ConfigKey& key, std::uint64_t n) {
  return assigned(key, std::int64_t{1} << n);
}

Limit end_of_range(const ConfigKey& key, Edge edge) {
  const std::int64_t end = edge == Edge::kMost ? key.max : key.min;
  Limit limit{.name = full_name(key) + (edge == Edge::kMost ? ", at most" : ", at least"),
              .value = static_cast<std::uint64_t>(end),
              .unit = unit_of(key.kind),
              .refusal = kKeyRefused,
              .attempt = [&key](auto n) { return assigned(key, static_cast<std::int64_t>(n)); },
              .edge = edge,
              .step = key.kind == ValueKind::kWholeSeconds ? 1'000U : 1U};
  if (key.kind == ValueKind::kPowerOfTwo) {
    limit.value = static_cast<std::uint64_t>(std::countr_zero(static_cast<std::uint64_t>(end)));
    limit.unit = "as a power of two";
    limit.attempt = [&key](auto n) { return assigned_power(key, n); };
  }
  return limit;
}

}  // namespace

Limits config_limits() {
  Limits all{
      {.name = "configuration file",
       .covers = {"config_file.h:kMaxConfigFile"},
       .value = kMaxConfigFile,
       .unit = "bytes",
       .refusal = "refused",
       .attempt = config_file},
      {.name = "namespaces",
       .covers = {"config_keys.h:kMaxNamespaces"},
       .value = kMaxNamespaces,
       .unit = "namespaces",
       .refusal = "refused",
       .attempt = namespaces},
      {.name = "name of a namespace",
       .covers = {"config_keys.h:kMaxNamespaceName"},
       .value = kMaxNamespaceName,
       .unit = "bytes",
       .refusal = "refused",
       .attempt = [](auto n) { return parsed("[namespaces." + std::string(n, 'x') + "]"); }},
      {.name = "path of a file in an error",
       .covers = {"config_file.cc:kMaxPath"},
       .value = 4'096,
       .unit = "bytes",
       .refusal = "cut",
       .attempt = shown_path},
      {.name = "history_meta_ttl with a position_check of 40 s, at least",
       .covers = {"namespace_check.cc:kChecksInMetaTtl"},
       .value = 80'000,
       .unit = "ms",
       .refusal = "refused",
       .attempt = meta_ttl,
       .edge = Edge::kLeast},
  };
  for (const ConfigKey& key : config_keys()) {
    if (!value_of(key.kind, 1)) continue;
    all.push_back(end_of_range(key, Edge::kMost));
    // Nothing is below an empty list, text or count.
    const bool has_least = key.min > 0 && (key.kind != ValueKind::kPowerOfTwo || key.min > 1);
    if (has_least) all.push_back(end_of_range(key, Edge::kLeast));
  }
  return all;
}

}  // namespace millrace
