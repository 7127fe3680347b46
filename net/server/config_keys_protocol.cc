#include "net/server/config_key_rows.h"

namespace millrace {
namespace {

template <auto Field>
constexpr auto kInLimits = in_section<&Config::limits, Field>;

constexpr ConfigKey kRows[] = {
    {.section = "limits",
     .name = "token_grace",
     .kind = ValueKind::kDuration,
     .slot = kInLimits<&LimitsConfig::token_grace>,
     .min = 0,
     .max = 10 * kKeyMinute,
     .example = "25s",
     .help = "How long a connection stays when its token has expired, so that the client can bring "
             "a new one (3005)."},
    {.section = "limits",
     .name = "subscription_grace",
     .kind = ValueKind::kDuration,
     .slot = kInLimits<&LimitsConfig::subscription_grace>,
     .min = 0,
     .max = 10 * kKeyMinute,
     .example = "25s",
     .help = "How long a subscription stays when its token has expired (unsubscribe push 2501)."},
    {.section = "limits",
     .name = "history_page",
     .kind = ValueKind::kCount,
     .slot = kInLimits<&LimitsConfig::history_page>,
     .min = 1,
     .max = 10'000,
     .example = "300",
     .help = "How many publications one history command gets at most."},
    {.section = "limits",
     .name = "recovery_page",
     .kind = ValueKind::kCount,
     .slot = kInLimits<&LimitsConfig::recovery_page>,
     .min = 1,
     .max = 10'000,
     .example = "300",
     .help = "How many missed publications a subscribe command gets at most; who missed more is "
             "not recovered."},
    {.section = "limits",
     .name = "position_check",
     .kind = ValueKind::kDuration,
     .slot = kInLimits<&LimitsConfig::position_check>,
     .min = 1 * kKeySecond,
     .max = 60 * kKeyMinute,
     .example = "40s",
     .help =
         "How often a subscription that is positioned is compared with the top of its channel."},
    {.section = "limits",
     .name = "history_bytes",
     .kind = ValueKind::kSize,
     .slot = kInLimits<&LimitsConfig::history_bytes>,
     .min = 64 * kKeyKiB,
     .max = 1'024 * kKeyGiB,
     .example = "256MiB",
     .help = "How much history all channels keep together; the oldest publications go first. Each "
             "shard has its part. Not below publication_size."},
    {.section = "limits",
     .name = "history_publications",
     .kind = ValueKind::kCount,
     .slot = kInLimits<&LimitsConfig::history_publications>,
     .min = 1,
     .max = 1'000'000'000,
     .example = "1048576",
     .help = "How many publications all channels keep together; the oldest go first. Each shard "
             "has its part."},
    {.section = "limits",
     .name = "presence_members",
     .kind = ValueKind::kCount,
     .slot = kInLimits<&LimitsConfig::presence_members>,
     .min = 1,
     .max = 1'000'000'000,
     .example = "4194304",
     .help = "How many members all channels with presence have together; who is one too many is "
             "not listed. Each shard has its part."},
    {.section = "limits",
     .name = "connections_per_user",
     .kind = ValueKind::kCount,
     .slot = kInLimits<&LimitsConfig::connections_per_user>,
     .max = 1'000'000,
     .example = "50",
     .help = "How many connections one user of this server may have; more are closed (3504). 0 is "
             "no limit, and who is nobody in particular has none."},
    {.section = "limits",
     .name = "commands_per_second",
     .kind = ValueKind::kCount,
     .slot = kInLimits<&LimitsConfig::commands_per_second>,
     .max = 1'000'000,
     .example = "500",
     .help = "How many commands a connection may send in a second; more are refused (error 111), "
             "and a flood is closed (3013). Pongs are free. 0 is no limit."},
    {.section = "limits",
     .name = "commands_burst",
     .kind = ValueKind::kCount,
     .slot = kInLimits<&LimitsConfig::commands_burst>,
     .min = 1,
     .max = 1'000'000,
     .example = "2000",
     .help = "How many commands a connection may send at once after a quiet time, before "
             "commands_per_second holds; not below channels_per_connection."},
    {.section = "limits",
     .name = "errors_per_connection",
     .kind = ValueKind::kCount,
     .slot = kInLimits<&LimitsConfig::errors_per_connection>,
     .max = 1'000'000,
     .example = "1000",
     .help = "How many commands of a connection may fail before it is closed (3509); one is "
             "forgiven each second. Those that come too fast do not count. 0 is no limit."},
    {.section = "limits",
     .name = "channel_name_size",
     .kind = ValueKind::kCount,
     .slot = kInLimits<&LimitsConfig::channel_name_size>,
     .min = 1,
     .max = 255,
     .example = "255",
     .help = "How many bytes the name of a channel may have (error 107)."},
};

}  // namespace

std::span<const ConfigKey> protocol_keys() { return kRows; }

}  // namespace millrace
