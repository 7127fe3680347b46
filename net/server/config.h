// The configuration of one process: plain values, immutable after load_config() (config_loader.h).
//
// The defaults stand here and nowhere else. What a value may be stands in the one table of keys
// (config_keys.h); docs/CONFIGURATION.md is made of both.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "core/time/instant.h"
#include "net/http/forwarded.h"
#include "net/nats/nats_security.h"
#include "net/proxy/proxy_settings.h"
#include "net/server/listen_address.h"
#include "net/session/namespace_settings.h"

namespace millrace {

// Their values are indexes of the key's choices (config_keys.cc).
enum class BrokerKind : std::uint8_t { kMemory, kNats };
enum class LogLevel : std::uint8_t { kDebug, kInfo, kWarn, kError };
// How a shard asks NATS for a namespace's channels (docs/ARCHITECTURE.md).
enum class InterestMode : std::uint8_t { kChannel, kPrefix };
enum class DeliveryMode : std::uint8_t { kAtMostOnce, kRecoverable };
enum class GapMode : std::uint8_t { kIgnore, kNotify };
enum class NameCharset : std::uint8_t { kAny, kAscii };
// What a start does with a max_connections that the machine does not hold.
enum class LowLimits : std::uint8_t { kRefuse, kLower };

// What fits together is told by namespace_check.h; what it means by namespace_plan.h.
struct NamespaceConfig {
  InterestMode interest = InterestMode::kChannel;
  PayloadKind payload = PayloadKind::kJson;
  bool presence = false;
  bool join_leave = false;
  std::uint32_t history_size = 0;
  Duration history_ttl{};
  Duration history_meta_ttl = seconds(720 * 3'600);
  std::size_t stream_bytes = std::size_t{1} << 30;
  DeliveryMode delivery = DeliveryMode::kAtMostOnce;
  bool recover = false;
  bool position = false;
  GapMode on_gap = GapMode::kIgnore;
  bool delta = false;
  Audience allow_subscribe;
  Audience allow_publish;
  Audience allow_presence;
  Audience allow_history;
  std::uint32_t name_max_length = 255;
  NameCharset name_charset = NameCharset::kAny;
  std::string name_pattern;
  bool proxy_subscribe = false;
  bool proxy_publish = false;
  bool proxy_sub_refresh = false;

  bool operator==(const NamespaceConfig&) const = default;
};

struct ServerConfig {
  std::vector<ListenAddress> listen{{.host = "0.0.0.0", .port = 8000, .ipv6 = false},
                                    {.host = "::", .port = 8000, .ipv6 = true}};
  ListenAddress admin{.host = "127.0.0.1", .port = 8001, .ipv6 = false};
  std::uint32_t shards = 0;                  // 0: a shard a core
  std::uint32_t max_connections = 0;         // 0: what the machine's limits allow
  std::vector<std::string> allowed_origins;  // as OriginPolicy wants them (net/http/upgrade.h)
  std::vector<std::string> trusted_proxies;  // as parse_network() wants them (net/tcp/network.h)
  ForwardedField forwarded_field = ForwardedField::kXForwardedFor;
  bool pin = true;
  LowLimits on_low_limits = LowLimits::kRefuse;
  bool conntrack_exempt = false;
  bool allow_anonymous = false;
  LogLevel log_level = LogLevel::kInfo;
  std::string name;  // among nodes; empty: the machine's
  bool ready_at_cap = false;

  bool operator==(const ServerConfig&) const = default;
};

struct BrokerConfig {
  BrokerKind kind = BrokerKind::kMemory;
  std::vector<std::string>
      nats;  // not empty if kind is kNats; print them masked (net/nats/nats_url.h)
  bool require = false;
  std::string subject_prefix;
  std::uint32_t stream_replicas = 1;
  NatsSecurity security;

  bool operator==(const BrokerConfig&) const = default;
};

struct ApiConfig {
  std::string key;   // a secret; empty: the API is off over HTTP
  bool nats = true;  // if the broker is NATS

  bool operator==(const ApiConfig&) const = default;
};

// Keys are read from their files by whoever verifies (net/auth), at the start and at a reload.
struct TokenConfig {
  std::string hmac_secret;               // a secret; empty: none
  std::string hmac_previous_secret;      // the same
  std::vector<std::string> public_keys;  // paths of PEM files
  std::string jwks;                      // a path
  std::string audience;
  std::string issuer;

  bool operator==(const TokenConfig&) const = default;
};

struct LimitsConfig {
  std::size_t message_size = 64 * 1024;
  std::size_t publication_size = 1024 * 1024;
  std::size_t queue_size = 1024 * 1024;
  Duration write_timeout = seconds(10);
  Duration handshake_timeout = seconds(10);
  Duration stale_timeout = seconds(10);
  Duration ping_interval = seconds(25);
  Duration pong_timeout = seconds(8);
  Duration close_timeout = seconds(5);
  Duration drain_timeout = seconds(5);
  std::uint32_t half_open = 65'536;           // of all shards
  std::uint32_t connections_per_address = 0;  // 0: not limited
  std::uint32_t accept_rate = 20'000;         // a second, of all shards; 0: not limited
  std::uint32_t accept_burst = 2'000;         // of all shards
  std::uint32_t channels_per_connection = 128;
  std::uint32_t channels_per_shard = 1'048'576;
  std::uint32_t recv_buffers = 1024;
  std::size_t recv_buffer_size = 4 * 1024;
  std::uint32_t decoders = 1024;
  std::size_t kernel_send_buffer = 128 * 1024;
  Duration token_grace = seconds(25);
  Duration subscription_grace = seconds(25);
  std::uint32_t history_page = 300;
  std::uint32_t recovery_page = 300;
  Duration position_check = seconds(40);
  std::size_t history_bytes = 256 * 1024 * 1024;   // of all shards
  std::uint32_t history_publications = 1'048'576;  // of all shards
  std::uint32_t presence_members = 4'194'304;      // of all shards
  std::uint32_t connections_per_user = 0;          // 0: not limited
  std::uint32_t commands_per_second = 500;         // of a connection; 0: not limited
  std::uint32_t commands_burst = 2'000;
  std::uint32_t errors_per_connection = 1'000;  // 0: not limited
  std::uint32_t channel_name_size = 255;

  bool operator==(const LimitsConfig&) const = default;
};

// What the application is asked (docs/APPLICATION.md).
struct ProxyConfig {
  std::uint32_t requests = 16'384;  // of all shards
  std::uint32_t breaker_failures = 5;
  Duration breaker_pause = seconds(1);
  std::vector<std::string> headers;
  ProxyMethodSettings connect;
  ProxyMethodSettings subscribe;
  ProxyMethodSettings publish;
  ProxyMethodSettings rpc;
  ProxyMethodSettings refresh;
  ProxyMethodSettings sub_refresh;
  ProxyMethodSettings send;
  ProxyMethodSettings disconnect;

  [[nodiscard]] bool asks_anything() const {
    return connect.on || subscribe.on || publish.on || rpc.on || refresh.on || sub_refresh.on ||
           send.on || disconnect.on;
  }
  bool operator==(const ProxyConfig&) const = default;
};

struct Config {
  ServerConfig server;
  BrokerConfig broker;
  ApiConfig api;
  TokenConfig token;
  LimitsConfig limits;
  ProxyConfig proxy;
  std::map<std::string, NamespaceConfig, std::less<>> namespaces;  // what the file names
  bool insecure = false;
  bool join = false;

  bool operator==(const Config&) const = default;
};

// The first address for clients that other machines reach; nullptr if there is none.
const ListenAddress* first_public_address(const Config& config);

}  // namespace millrace
