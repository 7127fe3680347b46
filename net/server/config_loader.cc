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
#include "net/server/namespace_check.h"

namespace millrace {
namespace {

using Done = Result<void, ConfigError>;

constexpr std::size_t kLeastSecret = 32;  // characters
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
      const std::string& name = setting.name_space;
      if (!name.empty()) config_.namespaces.try_emplace(name);
      if (setting.key == nullptr) {
        sources_[{nullptr, name}] = setting.source;
        continue;
      }
      if (Done done = set(*setting.key, setting.value, setting.source, name); !done) return done;
    }
    return {};
  }

  Done environment(const Environment& variables) {
    for (const auto& [name, text] : variables) {
      if (!name.starts_with(kEnvironmentPrefix) || is_not_a_key(name)) continue;
      const ConfigKey* key = find_variable(name);
      if (key == nullptr) return unknown_variable(name);
      const Source source{SourceRank::kEnvironment, name};
      if (Done done = set(*key, raw_from_texts(*key, {text}), source, {}); !done) return done;
    }
    return {};
  }

  Done flags(const std::vector<FlagValues>& flags) {
    for (const FlagValues& flag : flags) {
      CHECK(flag.key != nullptr);
      const Source source{SourceRank::kFlag, std::string(flag.key->flag)};
      const RawValue raw = raw_from_texts(*flag.key, flag.texts);
      if (Done done = set(*flag.key, raw, source, {}); !done) return done;
    }
    return {};
  }

  Result<Config, ConfigError> finish() {
    for (const auto check :
         {&Loader::check_broker, &Loader::check_security, &Loader::check_times,
          &Loader::check_sizes, &Loader::check_fair_use, &Loader::check_tokens,
          &Loader::check_addresses, &Loader::check_proxy, &Loader::check_namespaces}) {
      if (Done done = (this->*check)(); !done) return done.error();
    }
    return std::move(config_);
  }

 private:
  Done set(const ConfigKey& key, const RawValue& raw, const Source& source,
           const std::string& name_space) {
    const Target target{
        .config = &config_,
        .name_space = name_space.empty() ? nullptr : &config_.namespaces.at(name_space)};
    const Result<void, Error> done = assign_value(key, raw, source, target);
    if (!done) return ConfigError{done.error().text, source.rank == SourceRank::kFlag};
    sources_[{&key, name_space}] = source;
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
    const auto found = sources_.find({key, std::string()});
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

  Done check_security() {
    const BrokerConfig& broker = config_.broker;
    if (broker.kind != BrokerKind::kNats) return {};
    const auto fault = find_security_fault(broker.security, broker.nats);
    if (!fault) return {};
    const Source source = source_of("broker", fault->key);
    return ConfigError{source.place + ": broker." + std::string(fault->key) + " " + fault->text,
                       source.rank == SourceRank::kFlag};
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
    const auto text = [](std::size_t size) { return size_text(static_cast<std::int64_t>(size)); };
    if (limits.history_bytes < limits.publication_size) {
      return conflict(source_of("limits", "history_bytes"), source_of("limits", "publication_size"),
                      "limits.history_bytes is " + text(limits.history_bytes) +
                          " and limits.publication_size " + text(limits.publication_size) +
                          "; allowed: history_bytes not below the publication_size, or not one "
                          "could be kept");
    }
    if (limits.queue_size >= limits.publication_size) return {};
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

  Done check_fair_use() {
    const LimitsConfig& limits = config_.limits;
    const bool enough = limits.commands_burst >= limits.channels_per_connection;
    if (limits.commands_per_second == 0 || enough) return {};
    return conflict(source_of("limits", "commands_burst"),
                    source_of("limits", "channels_per_connection"),
                    "limits.commands_burst is " + std::to_string(limits.commands_burst) +
                        " and limits.channels_per_connection " +
                        std::to_string(limits.channels_per_connection) +
                        "; allowed: a commands_burst not below channels_per_connection, because a "
                        "client that comes back subscribes to all its channels at once");
  }

  Done check_tokens() {
    const TokenConfig& token = config_.token;
    const Source current = source_of("token", "hmac_secret");
    const Source previous = source_of("token", "hmac_previous_secret");
    if (!config_.insecure) {
      if (Done done = check_secret("hmac_secret", token.hmac_secret); !done) return done;
      if (Done done = check_secret("hmac_previous_secret", token.hmac_previous_secret); !done) {
        return done;
      }
    }
    if (token.hmac_previous_secret.empty()) return {};
    if (token.hmac_secret.empty()) {
      return conflict(current, previous,
                      "token.hmac_previous_secret is set, but token.hmac_secret is not; set "
                      "hmac_secret to the secret of today, or call this one so");
    }
    if (token.hmac_secret != token.hmac_previous_secret) return {};
    return conflict(current, previous,
                    "token.hmac_previous_secret is the same as token.hmac_secret; take it out");
  }

  // RFC 7518, section 3.2: a key of at least the size of the hash. Shorter ones can be guessed
  // from one token.
  Done check_secret(std::string_view name, const std::string& secret) {
    if (secret.empty() || secret.size() >= kLeastSecret) return {};
    return ConfigError{source_of("token", name).place + ": token." + std::string(name) + " has " +
                       std::to_string(secret.size()) + " characters; allowed: at least " +
                       std::to_string(kLeastSecret) +
                       ", for example what `openssl rand -hex 32` prints (under --insecure a "
                       "shorter one is taken)"};
  }

  Done check_namespaces() {
    for (const auto& [name, settings] : config_.namespaces) {
      if (const auto fault = find_fault(settings, world_of(config_))) {
        return namespace_error(name, fault->key, fault->text);
      }
      const ConfigKey* delivery = find_key(kNamespacesSection, "delivery");
      const bool says_at_most_once =
          settings.delivery == DeliveryMode::kAtMostOnce && sources_.contains({delivery, name});
      if (says_at_most_once && settings.recover) {
        return namespace_error(name, "delivery",
                               "is at_most_once, but recover is true; take one of them out");
      }
    }
    return {};
  }

  Done check_proxy() {
    const auto fault = proxy_fault(config_);
    if (!fault) return {};
    for (const ConfigKey& key : config_keys()) {
      const auto found = sources_.find({&key, std::string()});
      const bool asks = key.section.starts_with("proxy.") && key.name == "on";
      if (asks && found != sources_.end())
        return ConfigError{found->second.place + ": proxy" + *fault};
    }
    return ConfigError{"proxy" + *fault};
  }

  // At the line of the key if it stands in the file, else at the namespace's.
  ConfigError namespace_error(const std::string& name, std::string_view key,
                              const std::string& text) {
    const auto found = sources_.find({find_key(kNamespacesSection, key), name});
    const Source& source = found != sources_.end() ? found->second : sources_.at({nullptr, name});
    return {source.place + ": namespaces." + name + "." + std::string(key) + " " + text};
  }

  Config config_;
  // Of what isn't a default, with its namespace; no key: of the namespace itself.
  std::map<std::pair<const ConfigKey*, std::string>, Source> sources_;
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
