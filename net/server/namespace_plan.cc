#include "net/server/namespace_plan.h"

#include <algorithm>
#include <string>

#include "core/hub/channel_name.h"

namespace millrace {
namespace {

constexpr std::uint32_t kInsecureHistorySize = 100;
constexpr Duration kInsecureHistoryAge = seconds(300);

// What NATS can't do yet, nobody is told that they could (namespace_check.h).
NamespaceConfig insecure_default(BrokerKind broker) {
  NamespaceConfig settings;
  if (broker == BrokerKind::kNats) return settings;
  settings.presence = true;
  settings.join_leave = true;
  settings.history_size = kInsecureHistorySize;
  settings.history_ttl = kInsecureHistoryAge;
  settings.delivery = DeliveryMode::kRecoverable;
  settings.delta = true;
  return settings;
}

NamespaceSettings settings_of(const NamespaceConfig& config, const LimitsConfig& limits) {
  const bool recoverable = config.delivery == DeliveryMode::kRecoverable || config.recover;
  NamespaceSettings settings;
  settings.prefix_interest = config.interest == InterestMode::kPrefix;
  settings.payload = config.payload;
  settings.stream = {config.history_size, config.history_ttl, config.history_meta_ttl};
  settings.recoverable = recoverable;
  // Who recovers needs to know where it stands.
  settings.positioned = recoverable || config.position;
  settings.notify_gaps = config.on_gap == GapMode::kNotify;
  settings.presence = {.members = config.presence, .announce = config.join_leave};
  settings.delta = config.delta;
  settings.subscribe = config.allow_subscribe;
  settings.publish = config.allow_publish;
  settings.read_presence = config.allow_presence;
  settings.read_history = config.allow_history;
  settings.proxy_subscribe = config.proxy_subscribe;
  settings.proxy_publish = config.proxy_publish;
  settings.proxy_sub_refresh = config.proxy_sub_refresh;
  settings.name_bytes = std::min(config.name_max_length, limits.channel_name_size);
  settings.name_ascii = config.name_charset == NameCharset::kAscii;
  settings.name_pattern = config.name_pattern;
  return settings;
}

}  // namespace

NamespaceTable make_namespaces(const Config& config) {
  NamespaceTable table;
  for (const auto& [name, settings] : config.namespaces) {
    table.by_name.emplace(name, settings_of(settings, config.limits));
  }
  if (config.insecure) {
    table.by_name.try_emplace(std::string(kDefaultNamespace),
                              settings_of(insecure_default(config.broker.kind), config.limits));
  }
  if (config.broker.kind == BrokerKind::kNats) {
    keep_to_streams(make_stream_namespaces(config), table);
  }
  return table;
}

std::vector<JetNamespace> make_stream_namespaces(const Config& config) {
  std::vector<JetNamespace> streams;
  if (config.broker.kind != BrokerKind::kNats) return streams;
  for (const auto& [name, settings] : config.namespaces) {
    const NamespaceSettings made = settings_of(settings, config.limits);
    if (!made.stream.kept()) continue;
    streams.push_back({.name = name,
                       .kept = made.stream,
                       .bytes = settings.stream_bytes,
                       .replicas = config.broker.stream_replicas,
                       .prefix_interest = made.prefix_interest});
  }
  return streams;
}

void keep_to_streams(const std::vector<JetNamespace>& streams, NamespaceTable& table) {
  const auto keep_nothing = [](NamespaceSettings& settings) {
    settings.stream = {};
    settings.positioned = settings.recoverable = settings.delta = false;
  };
  for (auto& [name, settings] : table.by_name) {
    const auto has = [&name = name](const JetNamespace& each) { return each.name == name; };
    if (std::any_of(streams.begin(), streams.end(), has)) continue;
    keep_nothing(settings);
  }
  // A stream holds the channels of its namespace alone.
  const auto found = table.by_name.find(kDefaultNamespace);
  if (found == table.by_name.end() || !found->second.stream.kept()) return;
  table.others = found->second;
  keep_nothing(*table.others);
}

}  // namespace millrace
