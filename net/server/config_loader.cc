#include "net/server/config_loader.h"

#include <algorithm>
#include <array>
#include <string_view>
#include <utility>

#include "core/base/assert.h"
#include "net/server/config_file.h"
#include "net/server/config_key_text.h"
#include "net/server/duration_size.h"
#include "net/server/error_text.h"

namespace millrace {
namespace {

using Done = Result<void, ConfigError>;

constexpr std::string_view kFileVariable = "MILLRACE_CONFIG";
// What the project's own tests are told by; a server started by them sees it too.
constexpr std::array<std::string_view, 2> kTestVariables{"MILLRACE_BIN", "MILLRACE_BUILD"};
constexpr std::string_view kTestPrefix = "MILLRACE_TEST_";

bool is_not_a_key(std::string_view variable) {
  return variable == kFileVariable || variable.starts_with(kTestPrefix) ||
         std::find(kTestVariables.begin(), kTestVariables.end(), variable) != kTestVariables.end();
}

class Loader {
 public:
  Done file(const std::string& path) {
    Result<std::string> text = read_config_file(path);
    if (!text) return ConfigError{text.error().text};
    Result<FileSettings> parsed = parse_config_text(*text, path);
    if (!parsed) return ConfigError{parsed.error().text};
    for (const FileSetting& setting : parsed->settings) {
      NamespaceConfig* name_space = nullptr;
      if (!setting.name_space.empty()) name_space = &config_.namespaces[setting.name_space];
      if (setting.key == nullptr) continue;
      if (Done done = set(*setting.key, setting.value, setting.source, name_space); !done) {
        return done;
      }
    }
    return {};
  }

  Done environment(const Environment& variables) {
    for (const auto& [name, text] : variables) {
      if (!name.starts_with(kEnvironmentPrefix) || is_not_a_key(name)) continue;
      const ConfigKey* key = find_variable(name);
      if (key == nullptr) return unknown_variable(name);
      const Source source{SourceRank::kEnvironment, name};
      if (Done done = set(*key, raw_from_texts(*key, {text}), source, nullptr); !done) return done;
    }
    return {};
  }

  Done flags(const std::vector<FlagValues>& flags) {
    for (const FlagValues& flag : flags) {
      CHECK(flag.key != nullptr);
      const Source source{SourceRank::kFlag, std::string(flag.key->flag)};
      const RawValue raw = raw_from_texts(*flag.key, flag.texts);
      if (Done done = set(*flag.key, raw, source, nullptr); !done) return done;
    }
    return {};
  }

  Result<Config, ConfigError> finish() {
    for (const auto check : {&Loader::check_broker, &Loader::check_times, &Loader::check_sizes,
                             &Loader::check_addresses}) {
      if (Done done = (this->*check)(); !done) return done.error();
    }
    return std::move(config_);
  }

 private:
  Done set(const ConfigKey& key, const RawValue& raw, const Source& source,
           NamespaceConfig* name_space) {
    const Target target{.config = &config_, .name_space = name_space};
    const Result<void, Error> done = assign_value(key, raw, source, target);
    if (!done) return ConfigError{done.error().text, source.rank == SourceRank::kFlag};
    sources_[&key] = source;
    return {};
  }

  static const ConfigKey* find_variable(std::string_view name) {
    for (const ConfigKey& key : config_keys()) {
      if (environment_name(key) == name) return &key;
    }
    return nullptr;
  }

  static ConfigError unknown_variable(const std::string& name) {
    const std::string shown = printable(name);
    if (name.starts_with("MILLRACE_NAMESPACES_")) {
      return {"unknown variable " + shown +
              "; namespaces are set in the file only, below "
              "[namespaces.NAME]"};
    }
    std::vector<std::string> names{std::string(kFileVariable)};
    for (const ConfigKey& key : config_keys()) {
      if (!is_namespace_key(key)) names.push_back(environment_name(key));
    }
    const std::vector<std::string_view> views(names.begin(), names.end());
    return {"unknown variable " + shown + "; the nearest known one is " +
            std::string(nearest_name(name, views)) + "; unset it if it isn't meant for millrace"};
  }

  [[nodiscard]] Source source_of(std::string_view section, std::string_view name) const {
    const ConfigKey* key = find_key(section, name);
    CHECK(key != nullptr);
    const auto found = sources_.find(key);
    return found == sources_.end() ? Source{SourceRank::kDefault, "default"} : found->second;
  }

  // An error of two keys together, told at the place of the one that came in last.
  [[nodiscard]] static ConfigError conflict(const Source& a, const Source& b,
                                            const std::string& text) {
    const Source& last = a.rank > b.rank ? a : b;
    return {last.place + ": " + text, last.rank == SourceRank::kFlag};
  }

  Done check_broker() {
    const Source kind = source_of("broker", "kind");
    const Source urls = source_of("broker", "nats");
    BrokerConfig& broker = config_.broker;
    if (broker.kind == BrokerKind::kNats) {
      if (!broker.nats.empty()) return {};
      return conflict(kind, urls,
                      "broker.kind is nats, but broker.nats names no server; for example: --nats "
                      "nats://127.0.0.1:4222");
    }
    if (broker.nats.empty() || kind.rank > urls.rank) return {};
    if (kind.rank == urls.rank) {
      return conflict(kind, urls,
                      "broker.kind is memory, but broker.nats names servers; take one of them out");
    }
    // URLs from a later source than the kind, or no kind at all.
    broker.kind = BrokerKind::kNats;
    return {};
  }

  Done check_times() {
    const LimitsConfig& limits = config_.limits;
    if (limits.pong_timeout < limits.ping_interval) return {};
    return conflict(source_of("limits", "pong_timeout"), source_of("limits", "ping_interval"),
                    "limits.pong_timeout is " + duration_text(limits.pong_timeout) +
                        " and limits.ping_interval " + duration_text(limits.ping_interval) +
                        "; allowed: a pong_timeout below the ping_interval");
  }

  Done check_sizes() {
    const LimitsConfig& limits = config_.limits;
    if (limits.queue_size >= limits.publication_size) return {};
    const auto text = [](std::size_t size) { return size_text(static_cast<std::int64_t>(size)); };
    return conflict(source_of("limits", "queue_size"), source_of("limits", "publication_size"),
                    "limits.queue_size is " + text(limits.queue_size) +
                        " and limits.publication_size " + text(limits.publication_size) +
                        "; allowed: a queue_size not below the publication_size, or one "
                        "publication would close every client");
  }

  Done check_addresses() {
    const ServerConfig& server = config_.server;
    for (const ListenAddress& address : server.listen) {
      if (!overlap(address, server.admin)) continue;
      return conflict(source_of("server", "admin"), source_of("server", "listen"),
                      "server.admin is " + to_string(server.admin) + " and server.listen holds " +
                          to_string(address) + "; give the admin listener a port of its own");
    }
    return {};
  }

  Config config_;
  std::map<const ConfigKey*, Source> sources_;  // of what isn't a default
};

}  // namespace

Result<Config, ConfigError> load_config(const ConfigSources& sources) {
  Loader loader;
  const auto variable = sources.environment.find(std::string(kFileVariable));
  if (sources.file) {
    if (Done done = loader.file(*sources.file); !done) return done.error();
  } else if (variable != sources.environment.end()) {
    if (Done done = loader.file(variable->second); !done) return done.error();
  }
  if (Done done = loader.environment(sources.environment); !done) return done.error();
  if (Done done = loader.flags(sources.flags); !done) return done.error();
  return loader.finish();
}

}  // namespace millrace
