#include "net/server/config_value.h"

#include <algorithm>
#include <bit>
#include <charconv>
#include <type_traits>

#include "core/base/assert.h"
#include "net/nats/nats_url.h"
#include "net/nats/subject.h"
#include "net/server/config_key_text.h"
#include "net/server/duration_size.h"
#include "net/server/error_text.h"
#include "net/server/origin.h"
#include "net/tcp/network.h"

namespace millrace {
namespace {

// Why a value was refused beyond what `allowed` says, and what of it may be shown.
struct Refusal {
  std::string found;
  std::string why = {};
};

// A value in the type of its slot, or why not.
template <typename T>
using Parsed = Result<T, Refusal>;

bool has_credentials(const std::vector<std::string>& items) {
  return std::any_of(items.begin(), items.end(),
                     [](const std::string& item) { return item.find('@') != std::string::npos; });
}

std::string found_list(const std::vector<std::string>& items) {
  if (has_credentials(items)) return "a list with credentials in it";
  return "a list of " + std::to_string(items.size());
}

// A key that stands where its path should: it may be the private one.
bool holds_pem(std::string_view text) { return text.find("-----BEGIN") != text.npos; }

// What was found, in words; nothing of a secret but its kind and length.
std::string found_text(const ConfigKey& key, const RawValue& raw) {
  const auto* words = std::get_if<std::string>(&raw);
  const bool secret = key.kind == ValueKind::kSecret || (words != nullptr && holds_pem(*words));
  if (const auto* other = std::get_if<OtherValue>(&raw)) return other->what;
  if (const auto* list = std::get_if<std::vector<std::string>>(&raw)) return found_list(*list);
  if (const auto* text = std::get_if<std::string>(&raw)) {
    if (secret) return "a text of " + std::to_string(text->size()) + " bytes (not shown)";
    return has_credentials({*text}) ? "a text with credentials in it" : in_quotes(*text);
  }
  if (const auto* flag = std::get_if<bool>(&raw)) return *flag ? "true" : "false";
  if (secret) return "a number (not shown)";
  return std::to_string(std::get<std::int64_t>(raw));
}

Parsed<std::int64_t> parse_number(const ConfigKey& key, const RawValue& raw) {
  const Refusal refused{found_text(key, raw)};
  std::optional<std::int64_t> number;
  if (const auto* text = std::get_if<std::string>(&raw)) {
    if (key.kind == ValueKind::kCountOrAuto && *text == "auto") return std::int64_t{0};
    if (key.kind == ValueKind::kSize) number = parse_size(*text);
  } else if (const auto* plain = std::get_if<std::int64_t>(&raw)) {
    if (key.kind == ValueKind::kSize) return Refusal{refused.found, "a number without a unit"};
    number = *plain;
  }
  if (!number || *number < key.min || *number > key.max) return refused;
  const bool power = std::has_single_bit(static_cast<std::uint64_t>(*number));
  if (key.kind == ValueKind::kPowerOfTwo && !power) return refused;
  return *number;
}

Parsed<Duration> parse_span(const ConfigKey& key, const RawValue& raw) {
  const Refusal refused{found_text(key, raw)};
  if (std::holds_alternative<std::int64_t>(raw)) {
    return Refusal{refused.found, "a number without a unit"};
  }
  const auto* text = std::get_if<std::string>(&raw);
  if (text == nullptr) return refused;
  const std::optional<Duration> span = parse_duration(*text);
  if (!span || *span < milliseconds(key.min) || *span > milliseconds(key.max)) return refused;
  const bool whole = span->ns % seconds(1).ns == 0;
  if (key.kind == ValueKind::kWholeSeconds && !whole) return refused;
  return *span;
}

Parsed<std::size_t> parse_choice(const ConfigKey& key, const RawValue& raw) {
  const auto* text = std::get_if<std::string>(&raw);
  if (text == nullptr) return Refusal{found_text(key, raw)};
  const std::vector<std::string_view> choices = choices_of(key);
  const auto found = std::find(choices.begin(), choices.end(), *text);
  if (found != choices.end()) return static_cast<std::size_t>(found - choices.begin());
  return Refusal{found_text(key, raw)};
}

Parsed<bool> parse_bool(const ConfigKey& key, const RawValue& raw) {
  if (const auto* flag = std::get_if<bool>(&raw)) return *flag;
  return Refusal{found_text(key, raw)};
}

bool has_controls(std::string_view text) {
  return std::any_of(text.begin(), text.end(),
                     [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; });
}

Parsed<std::string> parse_path(const std::string& text) {
  if (holds_pem(text)) {
    return Refusal{"a text of " + std::to_string(text.size()) + " bytes (not shown)",
                   "a key itself; write it into a file and name that"};
  }
  if (has_controls(text)) return Refusal{in_quotes(text)};
  return text;
}

Parsed<std::string> parse_text(const ConfigKey& key, const RawValue& raw) {
  Refusal refused{found_text(key, raw)};
  const auto* text = std::get_if<std::string>(&raw);
  if (text == nullptr) return refused;
  if (key.kind == ValueKind::kSubjectPrefix) {
    if (!subject_prefix_valid(*text)) return refused;
    return *text;
  }
  const auto size = static_cast<std::int64_t>(text->size());
  if (size < key.min || size > key.max) return refused;
  if (key.kind == ValueKind::kPath) return parse_path(*text);
  if (key.kind == ValueKind::kPattern) {
    if (has_controls(*text)) return refused;
    return *text;
  }
  CHECK(key.kind == ValueKind::kSecret || key.kind == ValueKind::kText);
  const bool printable_only =
      std::all_of(text->begin(), text->end(), [](char c) { return c > 0x20 && c < 0x7f; });
  if (!printable_only) return refused;
  return *text;
}

// Who is named by a list of words; the slot's type says that it is an Audience.
Parsed<Audience> parse_audience(const ConfigKey& key, const RawValue& raw) {
  const auto* words = std::get_if<std::vector<std::string>>(&raw);
  if (words == nullptr) return Refusal{found_text(key, raw), "not a list"};
  const std::vector<std::string_view> choices = choices_of(key);
  Audience audience;
  for (const std::string& word : *words) {
    if (std::find(choices.begin(), choices.end(), word) == choices.end()) {
      return Refusal{has_credentials(*words) ? found_list(*words) : in_quotes(word)};
    }
    bool& named = word == "client"       ? audience.clients
                  : word == "subscriber" ? audience.subscribers
                                         : audience.anonymous;
    if (named) return Refusal{in_quotes(word), "the same twice"};
    named = true;
  }
  if (audience.anonymous && !audience.clients && !audience.subscribers) {
    return Refusal{in_quotes("anonymous"),
                   "alone it names nobody: it lets those without a user id do what another word "
                   "allows"};
  }
  return audience;
}

Parsed<ListenAddress> parse_address(const ConfigKey& key, const RawValue& raw) {
  Refusal refused{found_text(key, raw)};
  const auto* text = std::get_if<std::string>(&raw);
  if (text == nullptr) return refused;
  std::optional<ListenAddress> address = parse_listen_address(*text);
  if (address) return *std::move(address);
  if (text->starts_with("localhost:")) refused.why = "a name; write 127.0.0.1 or [::1]";
  return refused;
}

// A list whose items are parsed one by one with `parse_item` (text -> Parsed<T>).
template <typename T, typename ParseItem>
Parsed<std::vector<T>> parse_items(const ConfigKey& key, const RawValue& raw,
                                   ParseItem parse_item) {
  const auto* texts = std::get_if<std::vector<std::string>>(&raw);
  if (texts == nullptr) return Refusal{found_text(key, raw), "not a list"};
  const auto count = static_cast<std::int64_t>(texts->size());
  if (count < key.min || count > key.max) return Refusal{found_list(*texts)};
  std::vector<T> items;
  for (const std::string& text : *texts) {
    Parsed<T> item = parse_item(text);
    // A comma inside a password tears it in two, so one '@' hides every item.
    const bool hidden = has_credentials(*texts);
    if (!item) return Refusal{hidden ? found_list(*texts) : item.error().found, item.error().why};
    if (std::find(items.begin(), items.end(), *item) != items.end()) {
      return Refusal{hidden ? found_list(*texts) : in_quotes(text), "the same twice"};
    }
    items.push_back(std::move(*item));
  }
  return items;
}

Parsed<std::vector<ListenAddress>> parse_addresses(const ConfigKey& key, const RawValue& raw) {
  return parse_items<ListenAddress>(
      key, raw, [&key](const std::string& text) { return parse_address(key, text); });
}

bool is_field_name(std::string_view text) {
  constexpr std::size_t kMostBytes = 64;
  constexpr std::string_view kAlphabet =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
  return !text.empty() && text.size() <= kMostBytes &&
         text.find_first_not_of(kAlphabet) == text.npos;
}

Parsed<std::vector<std::string>> parse_texts(const ConfigKey& key, const RawValue& raw) {
  return parse_items<std::string>(key, raw, [&key](const std::string& text) {
    if (key.kind == ValueKind::kOriginList) {
      return is_origin(text) ? Parsed<std::string>(text) : Refusal{in_quotes(text)};
    }
    if (key.kind == ValueKind::kNetworkList) {
      return parse_network(text) ? Parsed<std::string>(text) : Refusal{in_quotes(text)};
    }
    if (key.kind == ValueKind::kPathList) {
      constexpr std::size_t kMostBytes = 4'096;  // PATH_MAX
      const bool right = !text.empty() && text.size() <= kMostBytes;
      return right ? parse_path(text) : Parsed<std::string>(Refusal{in_quotes(text)});
    }
    if (key.kind == ValueKind::kFieldList) {
      return is_field_name(text) ? Parsed<std::string>(text) : Refusal{in_quotes(text)};
    }
    CHECK(key.kind == ValueKind::kUrlList);
    return check_nats_url(text) ? Parsed<std::string>(text) : Refusal{in_quotes(text)};
  });
}

// The parser that fits the type of a slot.
template <typename T>
auto parse_as(const ConfigKey& key, const RawValue& raw) {
  if constexpr (std::is_same_v<T, bool>) {
    return parse_bool(key, raw);
  } else if constexpr (std::is_integral_v<T>) {
    return parse_number(key, raw);
  } else if constexpr (std::is_enum_v<T>) {
    return parse_choice(key, raw);
  } else if constexpr (std::is_same_v<T, Duration>) {
    return parse_span(key, raw);
  } else if constexpr (std::is_same_v<T, std::string>) {
    return parse_text(key, raw);
  } else if constexpr (std::is_same_v<T, std::vector<std::string>>) {
    return parse_texts(key, raw);
  } else if constexpr (std::is_same_v<T, ListenAddress>) {
    return parse_address(key, raw);
  } else if constexpr (std::is_same_v<T, Audience>) {
    return parse_audience(key, raw);
  } else {
    static_assert(std::is_same_v<T, std::vector<ListenAddress>>);
    return parse_addresses(key, raw);
  }
}

std::string example_text(const ConfigKey& key, SourceRank rank) {
  // Nobody shall be tempted to use the key of the documentation.
  if (key.kind == ValueKind::kSecret) return "what `openssl rand -hex 32` prints";
  const std::string example(key.example);
  switch (rank) {
    case SourceRank::kDefault:
    case SourceRank::kFile:
      return std::string(key.name) + " = " + toml_text(key, example);
    case SourceRank::kEnvironment:
      return environment_name(key) + "=" + example;
    case SourceRank::kFlag:
      return std::string(key.flag) + " " + example;
  }
  CHECK(false);
  return {};
}

Error error_of(const ConfigKey& key, const Refusal& refused, const Source& source) {
  std::string text = source.place + ": " + full_name(key) + " is " + refused.found;
  if (!refused.why.empty()) text += " (" + refused.why + ")";
  text += "; allowed: " + allowed_text(key);
  return Error{text + "; for example: " + example_text(key, source.rank)};
}

bool is_number_kind(ValueKind kind) {
  return kind == ValueKind::kCount || kind == ValueKind::kCountOrAuto ||
         kind == ValueKind::kPowerOfTwo;
}

}  // namespace

RawValue raw_from_texts(const ConfigKey& key, const std::vector<std::string>& texts) {
  if (is_list(key.kind)) {
    std::vector<std::string> items;
    for (const std::string& text : texts) {
      for (std::string& item : split_list(text)) items.push_back(std::move(item));
    }
    return items;
  }
  CHECK_EQ(texts.size(), 1U);
  const std::string& text = texts.front();
  if (key.kind == ValueKind::kBool) {
    if (text == "true" || text == "1") return true;
    if (text == "false" || text == "0") return false;
  } else if (is_number_kind(key.kind)) {
    std::int64_t number = 0;
    const char* const end = text.data() + text.size();
    const auto [stop, error] = std::from_chars(text.data(), end, number);
    if (error == std::errc() && stop == end && !text.empty()) return number;
  }
  return text;
}

Result<void, Error> assign_value(const ConfigKey& key, const RawValue& raw, const Source& source,
                                 Target target) {
  return std::visit(
      [&](auto* slot) -> Result<void, Error> {
        using T = std::remove_pointer_t<decltype(slot)>;
        auto parsed = parse_as<T>(key, raw);
        if (!parsed) return error_of(key, parsed.error(), source);
        if constexpr (std::is_enum_v<T> || std::is_integral_v<T>) {
          *slot = static_cast<T>(*parsed);
        } else {
          *slot = std::move(*parsed);
        }
        return {};
      },
      key.slot(target));
}

}  // namespace millrace
