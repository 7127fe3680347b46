// The one table of everything that can be configured.
//
// A row says what a key is called in the file, in the environment and on the command line, what it
// may be, where it is stored and what it does; config_key_text.h puts that into words. Parsing,
// ranges, error texts, `millrace serve --help` and docs/CONFIGURATION.md are all made of these
// rows; the defaults are those of Config.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <variant>
#include <vector>

#include "net/server/config.h"

namespace millrace {

inline constexpr std::string_view kNamespacesSection = "namespaces";
inline constexpr std::size_t kMaxNamespaces = 256;
inline constexpr std::size_t kMaxNamespaceName = 64;  // bytes
inline constexpr std::string_view kEnvironmentPrefix = "MILLRACE_";

enum class ValueKind : std::uint8_t {
  kBool,
  kCount,
  kCountOrAuto,  // "auto" is stored as 0
  kPowerOfTwo,
  kSize,
  kDuration,
  kWholeSeconds,
  kChoice,
  kAddress,
  kAddressList,
  kOriginList,
  kNetworkList,
  kUrlList,
  kSubjectPrefix,
  kSecret,
  kText,
  kPath,
  kPathList,
  kFieldList,
  kAudience,
  kPattern,
};

// Where values are stored: a namespace's settings in `name_space`, all others in `config`.
struct Target {
  Config* config = nullptr;
  NamespaceConfig* name_space = nullptr;
};

using Slot = std::variant<bool*, std::uint32_t*, std::size_t*, Duration*, std::string*,
                          std::vector<std::string>*, ListenAddress*, std::vector<ListenAddress>*,
                          BrokerKind*, LogLevel*, LowLimits*, InterestMode*, PayloadKind*,
                          ForwardedField*, DeliveryMode*, GapMode*, NameCharset*, Audience*>;

struct ConfigKey {
  std::string_view section;  // empty: not in the file, only in the environment and as a flag
  std::string_view name;
  ValueKind kind;
  Slot (*slot)(Target);
  // Both ends are allowed: a number, bytes, milliseconds, items of a list, characters of a text.
  std::int64_t min = 0;
  std::int64_t max = 0;
  std::string_view choices = {};  // "a|b", in the order of the enum
  std::string_view example;       // as on the command line
  std::string_view flag = {};     // "--name"; empty: there is none
  std::string_view flag_value = {};
  bool reloads = false;   // SIGHUP changes it (reload.h); others need a restart
  std::string_view help;  // one sentence
};

// In the order of the documentation, sections together.
std::span<const ConfigKey> config_keys();

// The row of section.name; nullptr if there is none.
const ConfigKey* find_key(std::string_view section, std::string_view name);
// The row of a flag of the command line ("--listen"); nullptr if there is none.
const ConfigKey* find_flag(std::string_view flag);

}  // namespace millrace
