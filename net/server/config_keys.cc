#include "net/server/config_keys.h"

namespace millrace {
namespace {

constexpr std::int64_t kKiB = 1024;
constexpr std::int64_t kMiB = 1024 * kKiB;
constexpr std::int64_t kSecond = 1'000;  // milliseconds
constexpr std::int64_t kMinute = 60 * kSecond;

// The member `Field` of the section `Section` of the Config.
template <auto Section, auto Field>
Slot in(Target target) {
  return &(target.config->*Section.*Field);
}

template <auto Field>
Slot in_namespace(Target target) {
  return &(target.name_space->*Field);
}

template <auto Field>
constexpr auto kInServer = in<&Config::server, Field>;
template <auto Field>
constexpr auto kInBroker = in<&Config::broker, Field>;
template <auto Field>
constexpr auto kInLimits = in<&Config::limits, Field>;

Slot insecure_slot(Target target) { return &target.config->insecure; }
Slot join_slot(Target target) { return &target.config->join; }

constexpr ConfigKey kKeys[] = {
    {.section = "server",
     .name = "listen",
     .kind = ValueKind::kAddressList,
     .slot = kInServer<&ServerConfig::listen>,
     .min = 1,
     .max = 16,
     .example = "127.0.0.1:8000,[::1]:8000",
     .flag = "--listen",
     .flag_value = "ADDR:PORT",
     .help = "Where clients connect."},
    {.section = "server",
     .name = "admin",
     .kind = ValueKind::kAddress,
     .slot = kInServer<&ServerConfig::admin>,
     .example = "127.0.0.1:8001",
     .flag = "--admin",
     .flag_value = "ADDR:PORT",
     .help = "Where health, metrics and the admin page are; keep it from the public."},
    {.section = "server",
     .name = "shards",
     .kind = ValueKind::kCount,
     .slot = kInServer<&ServerConfig::shards>,
     .max = 1024,
     .example = "4",
     .flag = "--shards",
     .flag_value = "N",
     .help = "How many shards, each a thread with a ring; 0 is one a core."},
    {.section = "server",
     .name = "max_connections",
     .kind = ValueKind::kCountOrAuto,
     .slot = kInServer<&ServerConfig::max_connections>,
     .min = 1,
     .max = 100'000'000,
     .example = "50000",
     .flag = "--max-connections",
     .flag_value = "N",
     .help = "How many clients at once; auto is what the machine's limits allow."},
    {.section = "server",
     .name = "allowed_origins",
     .kind = ValueKind::kOriginList,
     .slot = kInServer<&ServerConfig::allowed_origins>,
     .max = 256,
     .example = "https://example.org",
     .flag = "--allowed-origin",
     .flag_value = "ORIGIN",
     .help = "Which web pages may connect, compared exactly; * is all of them. Programs that are "
             "no browsers send no Origin and always may."},
    {.section = "server",
     .name = "trusted_proxies",
     .kind = ValueKind::kNetworkList,
     .slot = kInServer<&ServerConfig::trusted_proxies>,
     .max = 256,
     .example = "10.0.0.0/8,2001:db8::/32",
     .help = "Whose word for a client's address is taken, where connections of an address are "
             "limited."},
    {.section = "server",
     .name = "forwarded_field",
     .kind = ValueKind::kChoice,
     .slot = kInServer<&ServerConfig::forwarded_field>,
     .choices = "x-forwarded-for|forwarded",
     .example = "forwarded",
     .help = "The field of a request in which trusted proxies give the client's address; the other "
             "one is not read."},
    {.section = "server",
     .name = "pin",
     .kind = ValueKind::kBool,
     .slot = kInServer<&ServerConfig::pin>,
     .example = "false",
     .help = "Whether each shard keeps to a core of its own."},
    {.section = "server",
     .name = "on_low_limits",
     .kind = ValueKind::kChoice,
     .slot = kInServer<&ServerConfig::on_low_limits>,
     .choices = "refuse|lower",
     .example = "lower",
     .help = "What a start does with a max_connections that the machine does not hold: end with "
             "exit code 71, or go on with what it holds and say so."},
    {.section = "server",
     .name = "conntrack_exempt",
     .kind = ValueKind::kBool,
     .slot = kInServer<&ServerConfig::conntrack_exempt>,
     .example = "true",
     .help = "Whether rules keep the ports of clients out of connection tracking (NOTRACK), so "
             "that its table does not bound the connections."},
    {.section = "server",
     .name = "log_level",
     .kind = ValueKind::kChoice,
     .slot = kInServer<&ServerConfig::log_level>,
     .choices = "debug|info|warn|error",
     .example = "warn",
     .flag = "--log-level",
     .flag_value = "LEVEL",
     .help = "The least important messages that are still logged."},

    {.section = "broker",
     .name = "kind",
     .kind = ValueKind::kChoice,
     .slot = kInBroker<&BrokerConfig::kind>,
     .choices = "memory|nats",
     .example = "nats",
     .flag = "--broker",
     .flag_value = "KIND",
     .help = "What carries publications: this process alone, or NATS between many. URLs of NATS "
             "imply nats."},
    {.section = "broker",
     .name = "nats",
     .kind = ValueKind::kUrlList,
     .slot = kInBroker<&BrokerConfig::nats>,
     .max = 16,
     .example = "nats://127.0.0.1:4222",
     .flag = "--nats",
     .flag_value = "URL",
     .help = "The servers of one NATS cluster. A URL with credentials belongs in the file or the "
             "environment: everyone on the machine can read a command line."},
    {.section = "broker",
     .name = "require",
     .kind = ValueKind::kBool,
     .slot = kInBroker<&BrokerConfig::require>,
     .example = "true",
     .help = "Whether the start fails (exit code 69) while NATS is away. Without it the server "
             "starts, is not ready and keeps trying."},
    {.section = "broker",
     .name = "subject_prefix",
     .kind = ValueKind::kSubjectPrefix,
     .slot = kInBroker<&BrokerConfig::subject_prefix>,
     .max = 64,
     .example = "staging",
     .help = "Stands in front of every NATS subject of a channel."},

    {.section = "api",
     .name = "key",
     .kind = ValueKind::kSecret,
     .slot = in<&Config::api, &ApiConfig::key>,
     .min = 16,
     .max = 256,
     .example = "",
     .help = "What X-API-Key must be in a call to /api. Without a key the API is off. There is no "
             "flag, because everyone on the machine can read a command line."},

    {.section = "limits",
     .name = "message_size",
     .kind = ValueKind::kSize,
     .slot = kInLimits<&LimitsConfig::message_size>,
     .min = 1 * kKiB,
     .max = 16 * kMiB,
     .example = "64KiB",
     .help = "The largest message of a client; a larger one closes the connection (1009)."},
    {.section = "limits",
     .name = "publication_size",
     .kind = ValueKind::kSize,
     .slot = kInLimits<&LimitsConfig::publication_size>,
     .min = 1 * kKiB,
     .max = 64 * kMiB,
     .example = "1MiB",
     .help = "The largest publication from the API or the broker; a larger one is refused, or "
             "dropped and counted."},
    {.section = "limits",
     .name = "queue_size",
     .kind = ValueKind::kSize,
     .slot = kInLimits<&LimitsConfig::queue_size>,
     .min = 1 * kKiB,
     .max = 256 * kMiB,
     .example = "1MiB",
     .help = "How much may wait to be sent to one client before it is closed as slow (3008); not "
             "below publication_size."},
    {.section = "limits",
     .name = "write_timeout",
     .kind = ValueKind::kDuration,
     .slot = kInLimits<&LimitsConfig::write_timeout>,
     .min = 100,
     .max = 10 * kMinute,
     .example = "10s",
     .help = "How long a client may take nothing of what waits for it before it is closed."},
    {.section = "limits",
     .name = "handshake_timeout",
     .kind = ValueKind::kDuration,
     .slot = kInLimits<&LimitsConfig::handshake_timeout>,
     .min = 100,
     .max = 10 * kMinute,
     .example = "10s",
     .help = "How long a whole request of HTTP may take to arrive."},
    {.section = "limits",
     .name = "stale_timeout",
     .kind = ValueKind::kDuration,
     .slot = kInLimits<&LimitsConfig::stale_timeout>,
     .min = 100,
     .max = 10 * kMinute,
     .example = "10s",
     .help = "How long a client may stay without a connect command (3502)."},
    {.section = "limits",
     .name = "ping_interval",
     .kind = ValueKind::kWholeSeconds,
     .slot = kInLimits<&LimitsConfig::ping_interval>,
     .min = 1 * kSecond,
     .max = 60 * kMinute,
     .example = "25s",
     .help = "How often a client is pinged. It is told in seconds, so it is whole seconds."},
    {.section = "limits",
     .name = "pong_timeout",
     .kind = ValueKind::kDuration,
     .slot = kInLimits<&LimitsConfig::pong_timeout>,
     .min = 100,
     .max = 10 * kMinute,
     .example = "8s",
     .help = "How long a client may take to answer a ping (3012); below ping_interval."},
    {.section = "limits",
     .name = "close_timeout",
     .kind = ValueKind::kDuration,
     .slot = kInLimits<&LimitsConfig::close_timeout>,
     .min = 100,
     .max = 1 * kMinute,
     .example = "5s",
     .help = "How long a client may take to answer a close frame."},
    {.section = "limits",
     .name = "drain_timeout",
     .kind = ValueKind::kDuration,
     .slot = kInLimits<&LimitsConfig::drain_timeout>,
     .min = 0,
     .max = 10 * kMinute,
     .example = "5s",
     .help = "How long a stop takes at most: clients are told to go one after the other over this "
             "time."},
    {.section = "limits",
     .name = "half_open",
     .kind = ValueKind::kCount,
     .slot = kInLimits<&LimitsConfig::half_open>,
     .min = 1,
     .max = 100'000'000,
     .example = "65536",
     .help = "How many connections may be open that have neither connected nor asked anything yet; "
             "more are refused (503). Each shard has its part."},
    {.section = "limits",
     .name = "connections_per_address",
     .kind = ValueKind::kCount,
     .slot = kInLimits<&LimitsConfig::connections_per_address>,
     .max = 1'000'000,
     .example = "1000",
     .help = "How many connections one address (IPv6: one /64) may have; more are refused (429). 0 "
             "is no limit. Behind a proxy it needs trusted_proxies."},
    {.section = "limits",
     .name = "accept_rate",
     .kind = ValueKind::kCount,
     .slot = kInLimits<&LimitsConfig::accept_rate>,
     .max = 10'000'000,
     .example = "20000",
     .help =
         "How many new connections are taken in a second; more wait in the kernel's queue. 0 is "
         "no limit. Each shard has its part."},
    {.section = "limits",
     .name = "accept_burst",
     .kind = ValueKind::kCount,
     .slot = kInLimits<&LimitsConfig::accept_burst>,
     .min = 1,
     .max = 1'000'000,
     .example = "2000",
     .help = "How many new connections are taken at once after a quiet time, before accept_rate "
             "holds. Each shard has its part."},
    {.section = "limits",
     .name = "channels_per_connection",
     .kind = ValueKind::kCount,
     .slot = kInLimits<&LimitsConfig::channels_per_connection>,
     .min = 1,
     .max = 65'535,  // SubscriptionList holds no more
     .example = "128",
     .help = "How many channels a client may be subscribed to (error 106)."},
    {.section = "limits",
     .name = "channels_per_shard",
     .kind = ValueKind::kCount,
     .slot = kInLimits<&LimitsConfig::channels_per_shard>,
     .min = 1,
     .max = 16'777'216,
     .example = "1048576",
     .help = "How many channels with a subscriber a shard holds; more are refused."},
    {.section = "limits",
     .name = "recv_buffers",
     .kind = ValueKind::kPowerOfTwo,
     .slot = kInLimits<&LimitsConfig::recv_buffers>,
     .min = 1,
     .max = 32'768,
     .example = "1024",
     .help = "How many receive buffers a shard has; without a free one a client waits unread."},
    {.section = "limits",
     .name = "recv_buffer_size",
     .kind = ValueKind::kSize,
     .slot = kInLimits<&LimitsConfig::recv_buffer_size>,
     .min = 256,
     .max = 64 * kKiB,
     .example = "4KiB",
     .help = "The size of a receive buffer."},
    {.section = "limits",
     .name = "decoders",
     .kind = ValueKind::kCount,
     .slot = kInLimits<&LimitsConfig::decoders>,
     .min = 1,
     .max = 1'048'576,
     .example = "1024",
     .help = "How many clients of a shard may be inside a message at once; others wait unread."},
    {.section = "limits",
     .name = "kernel_send_buffer",
     .kind = ValueKind::kSize,
     .slot = kInLimits<&LimitsConfig::kernel_send_buffer>,
     .min = 4 * kKiB,
     .max = 64 * kMiB,
     .example = "128KiB",
     .help = "The kernel's own send buffer of a client (SO_SNDBUF, bounded by "
             "net.core.wmem_max)."},

    {.section = kNamespacesSection,
     .name = "interest",
     .kind = ValueKind::kChoice,
     .slot = in_namespace<&NamespaceConfig::interest>,
     .choices = "channel|prefix",
     .example = "prefix",
     .help = "What a shard asks NATS for: each channel that has a subscriber, or the whole "
             "namespace with one wildcard."},
    {.section = kNamespacesSection,
     .name = "payload",
     .kind = ValueKind::kChoice,
     .slot = in_namespace<&NamespaceConfig::payload>,
     .choices = "json",
     .example = "json",
     .help = "What a publication is; what is not is refused, or dropped and counted."},

    {.section = "",
     .name = "insecure",
     .kind = ValueKind::kBool,
     .slot = insecure_slot,
     .example = "true",
     .flag = "--insecure",
     .help = "Anyone may connect, without a token, and do everything; for a try on one's own "
             "machine."},
    {.section = "",
     .name = "join",
     .kind = ValueKind::kBool,
     .slot = join_slot,
     .example = "true",
     .flag = "--join",
     .help = "Share the ports of the clients with a running server, to take its place without a "
             "gap; needs an --admin of its own."},
};

}  // namespace

std::span<const ConfigKey> config_keys() { return kKeys; }

const ConfigKey* find_key(std::string_view section, std::string_view name) {
  for (const ConfigKey& key : kKeys) {
    if (key.section == section && key.name == name) return &key;
  }
  return nullptr;
}

const ConfigKey* find_flag(std::string_view flag) {
  if (flag.empty()) return nullptr;
  for (const ConfigKey& key : kKeys) {
    if (key.flag == flag) return &key;
  }
  return nullptr;
}

}  // namespace millrace
