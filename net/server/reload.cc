#include "net/server/reload.h"

#include <set>
#include <type_traits>
#include <utility>

#include "core/base/assert.h"
#include "core/base/log.h"
#include "core/hub/channel_name.h"
#include "net/server/config_key_text.h"
#include "net/server/config_keys.h"
#include "net/server/namespace_check.h"
#include "net/server/namespace_plan.h"
#include "net/server/proxy_plan.h"

namespace millrace {
namespace {

std::string joined(const std::vector<std::string>& names) {
  std::string text;
  for (const std::string& name : names) text += (text.empty() ? "" : ", ") + name;
  return text;
}

void copy_value(const ConfigKey& key, Target from, Target to) {
  std::visit(
      [](auto* source, auto* target) {
        if constexpr (std::is_same_v<decltype(source), decltype(target)>) {
          *target = *source;
        } else {
          CHECK(false);  // a key has one type
        }
      },
      key.slot(from), key.slot(to));
}

// One pass over the keys of a section, of a namespace or of what is no namespace's.
void plan_keys(bool of_namespaces, const std::string& name_space, Target next, ReloadPlan& plan,
               Target running) {
  for (const ConfigKey& key : config_keys()) {
    if (is_namespace_key(key) != of_namespaces || same_value(key, running, next)) continue;
    std::string name = full_name(key);
    if (of_namespaces) name = "namespaces." + name_space + "." + std::string(key.name);
    if (key.reloads) copy_value(key, next, running);
    (key.reloads ? plan.changed : plan.needs_restart).push_back(std::move(name));
  }
}

void keep_payloads(Config& next, const PayloadKinds& payloads, ReloadPlan& plan) {
  for (auto& [name, settings] : next.namespaces) {
    const std::optional<PayloadKind> kind = payloads.find(name);
    if (!kind || *kind == settings.payload) continue;
    settings.payload = *kind;
    plan.needs_restart.push_back("namespaces." + name + ".payload");
  }
}

void plan_namespaces(Config next, ReloadPlan& plan) {
  auto& running = plan.config.namespaces;
  std::set<std::string> names;
  for (const auto& [name, settings] : running) names.insert(name);
  for (const auto& [name, settings] : next.namespaces) names.insert(name);
  for (const std::string& name : names) {
    const auto found = next.namespaces.find(name);
    if (found == next.namespaces.end()) {
      running.erase(name);
      plan.changed.push_back("namespaces." + name + " (gone)");
      continue;
    }
    const auto [entry, is_new] = running.try_emplace(name);
    if (is_new) plan.changed.push_back("namespaces." + name + " (new)");
    plan_keys(true, name, {.config = &next, .name_space = &found->second}, plan,
              {.config = &plan.config, .name_space = &entry->second});
  }
}

// What a file of keys holds is no setting, so it is told apart.
std::string keys_note(const TokenConfig& token, const TokenKeys& keys) {
  if (token.public_keys.empty() && token.jwks.empty()) return "";
  const std::size_t count = keys.all().size();
  return "; the files of token keys were read again: " + std::to_string(count) +
         (count == 1 ? " key" : " keys") + " in all";
}

}  // namespace

const char* level_name(LogLevel level) {
  switch (level) {
    case LogLevel::kDebug:
      return "debug";
    case LogLevel::kInfo:
      return "info";
    case LogLevel::kWarn:
      return "warn";
    case LogLevel::kError:
      return "error";
  }
  return "info";
}

Result<std::shared_ptr<const Reloadable>> make_reloadable(const Config& config) {
  const TokenConfig& token = config.token;
  auto keys = TokenKeys::load({token.hmac_secret, token.hmac_previous_secret, token.public_keys,
                               token.jwks, token.audience, token.issuer});
  if (!keys) return keys.error();
  auto made = std::make_shared<Reloadable>();
  made->namespaces = make_namespaces(config);
  made->token_keys = std::make_shared<const TokenKeys>(std::move(*keys));
  made->expectations = {token.audience, token.issuer};
  made->origins = {config.server.allowed_origins};
  made->api_key = config.api.key;
  made->proxy = make_proxy_settings(config.proxy);
  return std::shared_ptr<const Reloadable>(std::move(made));
}

// --- The box -------------------------------------------------------------------------------------

ReloadBox::~ReloadBox() { static_cast<void>(take()); }

void ReloadBox::put(std::shared_ptr<const Reloadable> next) {
  auto held = std::make_unique<Held>(std::move(next));
  // Release: the shard sees the whole value. Acquire: we end what was never taken.
  const std::unique_ptr<Held> untaken(slot_.exchange(held.release(), std::memory_order_acq_rel));
}

std::shared_ptr<const Reloadable> ReloadBox::take() {
  const std::unique_ptr<Held> held(slot_.exchange(nullptr, std::memory_order_acq_rel));
  return held ? std::move(*held) : nullptr;
}

// --- SIGHUP --------------------------------------------------------------------------------------

void PayloadKinds::keep(const Config& config) {
  insecure_ = config.insecure;
  for (const auto& [name, settings] : config.namespaces) {
    by_name_.try_emplace(name, settings.payload);
  }
  if (insecure_) by_name_.try_emplace(std::string(kDefaultNamespace), PayloadKind::kJson);
}

std::optional<PayloadKind> PayloadKinds::find(const std::string& name_space) const {
  auto found = by_name_.find(name_space);
  if (found == by_name_.end() && insecure_) found = by_name_.find(std::string(kDefaultNamespace));
  if (found == by_name_.end()) return std::nullopt;
  return found->second;
}

Result<ReloadPlan> plan_reload(const Config& running, const Config& next,
                               const PayloadKinds& payloads) {
  ReloadPlan plan{running, {}, {}};
  Config source = next;
  plan_keys(false, {}, {.config = &source, .name_space = nullptr}, plan,
            {.config = &plan.config, .name_space = nullptr});
  keep_payloads(source, payloads, plan);
  plan_namespaces(std::move(source), plan);
  if (const auto fault = proxy_fault(plan.config)) return Error{"proxy" + *fault};
  // The new namespaces live under the broker and the limits of the start.
  for (const auto& [name, settings] : plan.config.namespaces) {
    if (const auto fault = find_fault(settings, world_of(plan.config))) {
      return Error{"namespaces." + name + "." + std::string(fault->key) + " " + fault->text};
    }
  }
  return plan;
}

std::shared_ptr<const Reloadable> Reloader::reload() {
  const auto keep = [](const std::string& why) {
    log_error("SIGHUP: the configuration stays as it was: " + why);
    return nullptr;
  };
  const auto next = load_config(sources_);
  if (!next) return keep(next.error().text);
  auto plan = plan_reload(running_, *next, payloads_);
  if (!plan) return keep(plan.error().text);
  auto made = make_reloadable(plan->config);
  if (!made) return keep(made.error().text);
  running_ = std::move(plan->config);
  payloads_.keep(running_);
  CHECK(set_log_level(level_name(running_.server.log_level)));
  log_info("SIGHUP: the configuration was read again; " +
           (plan->changed.empty() ? "no setting changes" : "changed: " + joined(plan->changed)) +
           keys_note(running_.token, *(*made)->token_keys));
  if (!plan->needs_restart.empty()) {
    log_warn("SIGHUP: needs a restart, and stays as it was: " + joined(plan->needs_restart));
  }
  return *made;
}

}  // namespace millrace
