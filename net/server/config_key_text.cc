#include "net/server/config_key_text.h"

#include <array>
#include <type_traits>

#include "core/base/assert.h"
#include "net/server/duration_size.h"

namespace millrace {
namespace {

std::string trimmed(std::string_view text) {
  constexpr std::string_view kBlanks = " \t";
  const std::size_t first = text.find_first_not_of(kBlanks);
  if (first == std::string_view::npos) return {};
  return std::string(text.substr(first, text.find_last_not_of(kBlanks) - first + 1));
}

std::string upper(std::string_view text) {
  std::string out(text);
  for (char& c : out) {
    if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
    if (c == '.') c = '_';
  }
  return out;
}

template <typename Items, typename ToText>
std::string joined(const Items& items, std::string_view separator, ToText to_text) {
  std::string out;
  for (const auto& item : items) {
    if (!out.empty()) out += separator;
    out += to_text(item);
  }
  return out;
}

std::string plain_text(std::string_view text) { return std::string(text); }

std::string choices_text(const std::vector<std::string_view>& choices) {
  if (choices.size() < 3) return joined(choices, " or ", plain_text);
  return "one of " + joined(choices, ", ", plain_text);
}

std::string from_to(std::string_view what, const std::string& min, const std::string& max) {
  return std::string(what) + " from " + min + " to " + max;
}

std::string number_text(const ConfigKey& key, std::int64_t value) {
  if (key.kind == ValueKind::kCountOrAuto && value == 0) return "auto";
  return key.kind == ValueKind::kSize ? size_text(value) : std::to_string(value);
}

std::string quoted_toml(std::string_view text) { return '"' + std::string(text) + '"'; }

// Bare in TOML, because it isn't a text there.
bool is_bare(const ConfigKey& key, std::string_view text) {
  switch (key.kind) {
    case ValueKind::kBool:
    case ValueKind::kCount:
    case ValueKind::kPowerOfTwo:
      return true;
    case ValueKind::kCountOrAuto:
      return text != "auto";
    case ValueKind::kSize:
    case ValueKind::kDuration:
    case ValueKind::kWholeSeconds:
    case ValueKind::kChoice:
    case ValueKind::kAddress:
    case ValueKind::kAddressList:
    case ValueKind::kOriginList:
    case ValueKind::kNetworkList:
    case ValueKind::kUrlList:
    case ValueKind::kSubjectPrefix:
    case ValueKind::kSecret:
    case ValueKind::kText:
    case ValueKind::kPath:
    case ValueKind::kPathList:
    case ValueKind::kFieldList:
    case ValueKind::kAudience:
    case ValueKind::kPattern:
      return false;
  }
  CHECK(false);
  return false;
}

std::string audience_text(const Audience& audience) {
  std::vector<std::string_view> words;
  if (audience.clients) words.emplace_back("client");
  if (audience.subscribers) words.emplace_back("subscriber");
  if (audience.anonymous) words.emplace_back("anonymous");
  return joined(words, ",", plain_text);
}

}  // namespace

bool is_list(ValueKind kind) {
  return kind == ValueKind::kAddressList || kind == ValueKind::kOriginList ||
         kind == ValueKind::kNetworkList || kind == ValueKind::kUrlList ||
         kind == ValueKind::kPathList || kind == ValueKind::kFieldList ||
         kind == ValueKind::kAudience;
}

bool is_namespace_key(const ConfigKey& key) { return key.section == kNamespacesSection; }

bool is_file_key(const ConfigKey& key) { return !key.section.empty(); }

std::vector<std::string_view> choices_of(const ConfigKey& key) {
  std::vector<std::string_view> choices;
  std::string_view rest = key.choices;
  while (!rest.empty()) {
    const std::size_t bar = rest.find('|');
    choices.push_back(rest.substr(0, bar));
    rest = bar == std::string_view::npos ? std::string_view() : rest.substr(bar + 1);
  }
  return choices;
}

std::vector<std::string> split_list(std::string_view text) {
  std::vector<std::string> items;
  if (trimmed(text).empty()) return items;
  while (true) {
    const std::size_t comma = text.find(',');
    items.push_back(trimmed(text.substr(0, comma)));
    if (comma == std::string_view::npos) return items;
    text.remove_prefix(comma + 1);
  }
}

std::string full_name(const ConfigKey& key) {
  if (!is_file_key(key)) return std::string(key.name);
  const std::string_view space = is_namespace_key(key) ? ".NAME." : ".";
  return std::string(key.section) + std::string(space) + std::string(key.name);
}

std::string environment_name(const ConfigKey& key) {
  if (is_namespace_key(key)) return {};
  const std::string prefix(kEnvironmentPrefix);
  if (!is_file_key(key)) return prefix + upper(key.name);
  return prefix + upper(key.section) + "_" + upper(key.name);
}

std::string allowed_text(const ConfigKey& key) {
  const std::string min = std::to_string(key.min);
  const std::string max = std::to_string(key.max);
  switch (key.kind) {
    case ValueKind::kBool:
      return "true or false";
    case ValueKind::kCount:
      return from_to("a whole number", min, max);
    case ValueKind::kCountOrAuto:
      return "auto or " + from_to("a whole number", min, max);
    case ValueKind::kPowerOfTwo:
      return from_to("a power of two", min, max);
    case ValueKind::kSize:
      return from_to("a size", size_text(key.min), size_text(key.max)) + " (units " +
             std::string(kSizeUnits) + ")";
    case ValueKind::kDuration:
    case ValueKind::kWholeSeconds:
      return from_to(key.kind == ValueKind::kDuration ? "a duration" : "whole seconds",
                     duration_text(milliseconds(key.min)), duration_text(milliseconds(key.max))) +
             " (units " + std::string(kDurationUnits) + ")";
    case ValueKind::kChoice:
      return choices_text(choices_of(key));
    case ValueKind::kAddress:
      return "a numeric ADDR:PORT, IPv6 in brackets";
    case ValueKind::kAddressList:
      return min + " to " + max + " numeric ADDR:PORT, IPv6 in brackets, each once";
    case ValueKind::kOriginList:
      return "at most " + max +
             " origins as browsers send them: SCHEME://HOST in lower case, :PORT only if it isn't "
             "the scheme's own; or *";
    case ValueKind::kNetworkList:
      return "at most " + max +
             " networks ADDRESS/BITS, or single addresses, each once, with no bit set beyond BITS";
    case ValueKind::kUrlList:
      return "at most " + max +
             " URLs nats://HOST:PORT or nats://USER:PASSWORD@HOST:PORT, or tls:// all of them, "
             "each "
             "once";
    case ValueKind::kSubjectPrefix:
      return "at most " + max +
             " characters: words of A-Z a-z 0-9 _ - joined by dots, none beginning with _, the "
             "first not millrace";
    case ValueKind::kSecret:
      return min + " to " + max + " printable ASCII characters without blanks";
    case ValueKind::kText:
      return "at most " + max + " printable ASCII characters without blanks";
    case ValueKind::kPath:
      return "the path of a file, at most " + max + " bytes";
    case ValueKind::kPathList:
      return "paths of at most " + max + " files, each once";
    case ValueKind::kFieldList:
      return "at most " + max + " names of HTTP header fields, of at most 64 bytes, each once";
    case ValueKind::kAudience:
      return "a list of " + joined(choices_of(key), ", ", plain_text) +
             ", with anonymous beside another one only";
    case ValueKind::kPattern:
      return "a pattern of at most " + max + " bytes without control characters";
  }
  CHECK(false);
  return {};
}

std::string toml_text(const ConfigKey& key, std::string_view text) {
  if (is_list(key.kind)) return "[" + joined(split_list(text), ", ", quoted_toml) + "]";
  return is_bare(key, text) ? std::string(text) : quoted_toml(text);
}

std::string value_text(const ConfigKey& key, Target target) {
  return std::visit(
      [&key](const auto* slot) -> std::string {
        using T = std::remove_cvref_t<decltype(*slot)>;
        if constexpr (std::is_same_v<T, bool>) {
          return *slot ? "true" : "false";
        } else if constexpr (std::is_integral_v<T>) {
          return number_text(key, static_cast<std::int64_t>(*slot));
        } else if constexpr (std::is_enum_v<T>) {
          return std::string(choices_of(key).at(static_cast<std::size_t>(*slot)));
        } else if constexpr (std::is_same_v<T, Duration>) {
          return duration_text(*slot);
        } else if constexpr (std::is_same_v<T, std::string>) {
          return key.kind == ValueKind::kSecret ? std::string() : *slot;
        } else if constexpr (std::is_same_v<T, std::vector<std::string>>) {
          return joined(*slot, ",", [](const std::string& item) { return item; });
        } else if constexpr (std::is_same_v<T, ListenAddress>) {
          return to_string(*slot);
        } else if constexpr (std::is_same_v<T, Audience>) {
          return audience_text(*slot);
        } else {
          return joined(*slot, ",", [](const ListenAddress& item) { return to_string(item); });
        }
      },
      key.slot(target));
}

bool same_value(const ConfigKey& key, Target a, Target b) {
  return std::visit(
      [](const auto* mine, const auto* other) {
        if constexpr (std::is_same_v<decltype(mine), decltype(other)>) {
          return *mine == *other;
        } else {
          return false;
        }
      },
      key.slot(a), key.slot(b));
}

}  // namespace millrace
