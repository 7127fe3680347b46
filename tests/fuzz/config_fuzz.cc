// A configuration out of a file, variables and flags.
//
// The input is one text: a line that begins with "$" is a variable ("$MILLRACE_SERVER_SHARDS=2"),
// one that begins with "-" is a word of the command line, and all others are the TOML file.
//
// Either there is an error that a person can use, on one line and without a secret; or there is a
// configuration within the table's ranges, which written down as a file is read as the same again.
#include <sys/mman.h>
#include <unistd.h>

#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "core/base/assert.h"
#include "net/nats/nats_url.h"
#include "net/nats/subject.h"
#include "net/server/command_line.h"
#include "net/server/config_key_text.h"
#include "net/server/config_loader.h"
#include "net/server/duration_size.h"
#include "net/server/origin.h"
#include "tests/fuzz/fuzz_input.h"

namespace millrace {
namespace {

// A file without a disk.
class MemoryFile {
 public:
  explicit MemoryFile(Bytes text) : fd_(memfd_create("config", MFD_CLOEXEC)) {
    CHECK_GE(fd_, 0);
    CHECK_EQ(write(fd_, text.data(), text.size()), static_cast<ssize_t>(text.size()));
  }
  ~MemoryFile() { close(fd_); }
  MemoryFile(const MemoryFile&) = delete;
  MemoryFile& operator=(const MemoryFile&) = delete;
  [[nodiscard]] std::string path() const { return "/proc/self/fd/" + std::to_string(fd_); }

 private:
  const int fd_;
};

struct Sources {
  Bytes all;
  std::string file;
  Environment environment;
  std::vector<std::string> words;
};

Sources read_sources(Bytes text) {
  Sources sources{.all = text, .file = {}, .environment = {}, .words = {}};
  while (!text.empty()) {
    const Bytes line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(line.size() + 1, text.size()));
    const std::size_t equals = line.find('=');
    if (line.starts_with('$') && equals != Bytes::npos) {
      sources.environment.emplace(line.substr(1, equals - 1), line.substr(equals + 1));
    } else if (line.starts_with('-') && line.find('\0') == Bytes::npos) {
      sources.words.emplace_back(line);
    } else {
      sources.file.append(line).append("\n");
    }
  }
  return sources;
}

bool names_a_place(const std::string& error) {
  for (const Bytes place :
       {"/proc/self/fd/", "MILLRACE_", "--", "default: ", "configuration file"}) {
    if (error.find(place) != std::string::npos) return true;
  }
  return false;
}

// Secrets of variables. The file's can't be told from the rest of the text.
void check_no_secret(const std::string& error, const Sources& sources) {
  const auto key = sources.environment.find("MILLRACE_API_KEY");
  const auto urls = sources.environment.find("MILLRACE_BROKER_NATS");
  std::vector<std::string> secrets;
  if (key != sources.environment.end()) secrets.push_back(key->second);
  if (urls != sources.environment.end()) {
    const std::size_t begin = urls->second.find("://");
    const std::size_t end = urls->second.rfind('@');
    if (end != std::string::npos && begin < end) {
      secrets.push_back(urls->second.substr(begin + 3, end - begin - 3));
    }
  }
  for (const std::string& secret : secrets) {
    // A short one, one that says what every error says, or one that stands elsewhere in the input
    // too would be found by chance.
    const bool telling = secret.size() >= 6 && secret.find_first_of("#!{}") != std::string::npos;
    const bool once = sources.all.find(secret) == sources.all.rfind(secret);
    if (telling && once) CHECK_EQ(error.find(secret), std::string::npos);
  }
}

void check_error(const std::string& error, const Sources& sources) {
  CHECK(!error.empty());
  CHECK_LE(error.size(), 5'000U);
  for (const char c : error) CHECK(c >= 0x20 && c < 0x7f);
  CHECK(names_a_place(error));
  check_no_secret(error, sources);
}

std::string toml_string(Bytes text) {
  std::string out = "\"";
  for (const char c : text) {
    CHECK(c >= 0x20 && c < 0x7f);
    if (c == '"' || c == '\\') out += '\\';
    out += c;
  }
  return out + "\"";
}

template <typename Items, typename Text>
std::string toml_list(const Items& items, Text text) {
  std::string out = "[";
  for (const auto& item : items) out += toml_string(text(item)) + ",";
  return out + "]";
}

// One key's value, checked against its row and as it stands in a file; empty for none.
std::string checked_value(const ConfigKey& key, Target target) {
  return std::visit(
      [&](const auto* slot) -> std::string {
        using T = std::remove_cvref_t<decltype(*slot)>;
        const auto in_range = [&key](std::int64_t value) {
          const bool automatic = key.kind == ValueKind::kCountOrAuto && value == 0;
          CHECK(automatic || (value >= key.min && value <= key.max));
        };
        if constexpr (std::is_same_v<T, std::vector<std::string>>) {
          CHECK_LE(static_cast<std::int64_t>(slot->size()), key.max);
          for (const std::string& item : *slot) {
            CHECK(key.kind == ValueKind::kUrlList ? check_nats_url(item).ok() : is_origin(item));
          }
          return toml_list(*slot, [](const std::string& item) { return item; });
        } else if constexpr (std::is_same_v<T, std::vector<ListenAddress>>) {
          in_range(static_cast<std::int64_t>(slot->size()));
          return toml_list(*slot, [](const ListenAddress& item) { return to_string(item); });
        } else if constexpr (std::is_same_v<T, std::string>) {
          if (key.kind == ValueKind::kSubjectPrefix) CHECK(subject_prefix_valid(*slot));
          if (slot->empty()) return {};
          in_range(static_cast<std::int64_t>(slot->size()));
          return toml_string(*slot);
        } else if constexpr (std::is_same_v<T, Duration>) {
          in_range(slot->ns / 1'000'000);
          CHECK(parse_duration(duration_text(*slot)) == *slot);
        } else if constexpr (std::is_integral_v<T> && !std::is_same_v<T, bool>) {
          in_range(static_cast<std::int64_t>(*slot));
        }
        return toml_text(key, value_text(key, target));
      },
      key.slot(target));
}

// The file that says all that the configuration says.
std::string as_file(Config& config) {
  std::string file;
  Bytes section;
  for (const ConfigKey& key : config_keys()) {
    if (!is_file_key(key) || is_namespace_key(key)) continue;
    if (section != key.section) file.append("[").append(section = key.section).append("]\n");
    const std::string value = checked_value(key, {.config = &config, .name_space = nullptr});
    if (!value.empty()) file.append(key.name).append(" = ").append(value).append("\n");
  }
  for (auto& [name, settings] : config.namespaces) {
    file.append("[namespaces.").append(name).append("]\n");
    for (const ConfigKey& key : config_keys()) {
      if (!is_namespace_key(key)) continue;
      const std::string value = checked_value(key, {.config = &config, .name_space = &settings});
      if (value.empty()) continue;
      file.append(key.name).append(" = ").append(value).append("\n");
    }
  }
  return file;
}

void check_config(Config config) {
  const LimitsConfig& limits = config.limits;
  CHECK(limits.pong_timeout < limits.ping_interval);
  CHECK_GE(limits.queue_size, limits.publication_size);
  CHECK_EQ(limits.recv_buffers & (limits.recv_buffers - 1), 0U);
  CHECK(config.broker.kind == BrokerKind::kMemory || !config.broker.nats.empty());
  for (const ListenAddress& address : config.server.listen) {
    CHECK(!overlap(address, config.server.admin));
  }
  // What a later source has overruled is not told by a file alone.
  if (config.broker.kind == BrokerKind::kMemory) config.broker.nats.clear();
  const MemoryFile file(as_file(config));
  ConfigSources sources{.file = file.path()};
  if (config.insecure) sources.environment.emplace("MILLRACE_INSECURE", "true");
  Result<Config, ConfigError> again = load_config(sources);
  CHECK_EQ(again.ok() ? std::string() : again.error().text, "");
  CHECK(*again == config);
}

void try_loader(const Sources& sources, const std::string& path) {
  ConfigSources loaded{.file = path, .environment = sources.environment};
  const Result<Config, ConfigError> config = load_config(loaded);
  if (config.ok()) return check_config(*config);
  CHECK(!config.error().in_flags);
  check_error(config.error().text, sources);
}

void try_command_line(const Sources& sources, const std::string& path) {
  std::vector<const char*> words{"millrace", "serve", "--config", path.c_str()};
  for (const std::string& word : sources.words) words.push_back(word.c_str());
  const auto line =
      parse_command_line(static_cast<int>(words.size()), words.data(), sources.environment);
  if (!line.ok()) {
    CHECK(line.error().exit_code == kExitUsage || line.error().exit_code == kExitConfiguration);
    check_error(line.error().text, sources);
    return;
  }
  const bool configured =
      line->verb == CommandLine::Verb::kServe || line->verb == CommandLine::Verb::kCheckConfig;
  CHECK_EQ(line->output.empty(), line->verb == CommandLine::Verb::kServe);
  if (configured) check_config(line->config);
}

}  // namespace
}  // namespace millrace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  // It would open any file of this machine.
  millrace::Sources sources = millrace::read_sources(millrace::FuzzInput(data, size).rest());
  sources.environment.erase("MILLRACE_CONFIG");
  const millrace::MemoryFile file(sources.file);
  if (sources.words.empty()) {
    millrace::try_loader(sources, file.path());
  } else {
    millrace::try_command_line(sources, file.path());
  }
  return 0;
}
