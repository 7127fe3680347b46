// SIGHUP: the configuration is read again, and what can change at run time does.
//
//   main(): Reloader::reload() -> Reloadable -> Server::adopt() -> a ReloadBox a shard
//   shard:  once a turn, what is in its box replaces what it had
//
// What can change are the keys whose row says so (config_keys.h). An error of any kind keeps all as
// it was. Nothing is shared but the immutable value, and a shard's path from a publication to a
// socket never looks at the box.
#pragma once

#include <atomic>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/base/result.h"
#include "net/auth/claims_reader.h"
#include "net/auth/token_keys.h"
#include "net/http/origin_policy.h"
#include "net/proxy/proxy_settings.h"
#include "net/server/config.h"
#include "net/server/config_loader.h"
#include "net/session/namespace_settings.h"

namespace millrace {

// What shards are given, at the start and at each reload.
struct Reloadable {
  NamespaceTable namespaces;
  std::shared_ptr<const TokenKeys> token_keys;
  TokenExpectations expectations;
  OriginPolicy origins;
  std::string api_key;
  ProxySettings proxy;  // of all shards
};

// Reads the files with keys.
Result<std::shared_ptr<const Reloadable>> make_reloadable(const Config& config);

// Where one shard finds its next Reloadable. put() is one thread's, the others are the shard's.
class ReloadBox {
 public:
  ReloadBox() = default;
  ReloadBox(const ReloadBox&) = delete;
  ReloadBox& operator=(const ReloadBox&) = delete;
  ~ReloadBox();

  // Replaces what was not taken yet.
  void put(std::shared_ptr<const Reloadable> next);
  [[nodiscard]] bool full() const { return slot_.load(std::memory_order_relaxed) != nullptr; }
  // Nothing if it is empty.
  [[nodiscard]] std::shared_ptr<const Reloadable> take();

 private:
  using Held = std::shared_ptr<const Reloadable>;
  std::atomic<Held*> slot_{nullptr};  // owned
};

// What a new configuration changes in a running one.
struct ReloadPlan {
  Config config;                     // the running one with what can change, changed
  std::vector<std::string> changed;  // full names of keys: "api.key", "namespaces.game.presence"
  std::vector<std::string> needs_restart;  // differ, and stay as they are
};

// What the payloads of namespaces are, from the first table of a name to the end of the process:
// streams and subscriptions outlive a table, and bytes that are no JSON would break the frames of
// JSON clients.
class PayloadKinds {
 public:
  // Those of the start; without it all are new.
  PayloadKinds() = default;
  explicit PayloadKinds(const Config& config) { keep(config); }

  // Of names that are new. REQUIRES: the others are as find() says.
  void keep(const Config& config);
  // Nothing: not decided yet.
  [[nodiscard]] std::optional<PayloadKind> find(const std::string& name_space) const;

 private:
  std::map<std::string, PayloadKind> by_name_;
  bool insecure_ = false;  // names without a table have been in use, as default's
};

// Both are right each; the error says why they are not together. Pure.
Result<ReloadPlan> plan_reload(const Config& running, const Config& next,
                               const PayloadKinds& payloads = {});

// Knows how this process was started. Logs what it does.
class Reloader {
 public:
  Reloader(Config running, ConfigSources sources)
      : running_(std::move(running)), sources_(std::move(sources)), payloads_(running_) {}

  // Nothing: all stays as it was. Sets the log level itself.
  std::shared_ptr<const Reloadable> reload();

  [[nodiscard]] const Config& running() const { return running_; }

 private:
  Config running_;
  const ConfigSources sources_;
  PayloadKinds payloads_;
};

// As set_log_level() wants it.
const char* level_name(LogLevel level);

}  // namespace millrace
