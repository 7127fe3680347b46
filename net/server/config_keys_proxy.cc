#include "net/server/config_key_rows.h"

namespace millrace {
namespace {

template <auto Field>
constexpr auto kInProxy = in_section<&Config::proxy, Field>;

template <auto Method, auto Field>
Slot in_method(Target target) {
  return &(target.config->proxy.*Method.*Field);
}

template <auto Method>
constexpr ConfigKey on_row(std::string_view section, std::string_view help) {
  return {.section = section,
          .name = "on",
          .kind = ValueKind::kBool,
          .slot = in_method<Method, &ProxyMethodSettings::on>,
          .example = "true",
          .reloads = true,
          .help = help};
}

template <auto Method>
constexpr ConfigKey timeout_row(std::string_view section) {
  return {.section = section,
          .name = "timeout",
          .kind = ValueKind::kDuration,
          .slot = in_method<Method, &ProxyMethodSettings::timeout>,
          .min = 10,
          .max = 60 * kKeySecond,
          .example = "1s",
          .reloads = true,
          .help = "How long one try waits for its answer."};
}

template <auto Method>
constexpr ConfigKey retries_row(std::string_view section) {
  return {.section = section,
          .name = "retries",
          .kind = ValueKind::kCount,
          .slot = in_method<Method, &ProxyMethodSettings::retries>,
          .max = 100,
          .example = "1",
          .reloads = true,
          .help =
              "How often it is asked again, after a short random pause, when nobody answered; "
              "publish and rpc only if nobody can have heard them."};
}

constexpr std::string_view kConnect = "proxy.connect";
constexpr std::string_view kSubscribe = "proxy.subscribe";
constexpr std::string_view kPublish = "proxy.publish";
constexpr std::string_view kRpc = "proxy.rpc";
constexpr std::string_view kRefresh = "proxy.refresh";
constexpr std::string_view kSubRefresh = "proxy.sub_refresh";

constexpr ConfigKey kRows[] = {
    {.section = "proxy",
     .name = "requests",
     .kind = ValueKind::kCount,
     .slot = kInProxy<&ProxyConfig::requests>,
     .min = 1,
     .max = 1'000'000,
     .example = "16384",
     .reloads = true,
     .help = "How many questions may be without an answer at once; more are refused (error 100). "
             "Each shard has its part."},
    {.section = "proxy",
     .name = "breaker_failures",
     .kind = ValueKind::kCount,
     .slot = kInProxy<&ProxyConfig::breaker_failures>,
     .max = 1'000,
     .example = "5",
     .reloads = true,
     .help = "After so many tries of a method in a row that nobody answered it is not asked for a "
             "while (the circuit breaker opens). 0 is never."},
    {.section = "proxy",
     .name = "breaker_pause",
     .kind = ValueKind::kDuration,
     .slot = kInProxy<&ProxyConfig::breaker_pause>,
     .min = 10,
     .max = 10 * kKeyMinute,
     .example = "1s",
     .reloads = true,
     .help = "How long that while is; then one question is let through as a trial."},
    {.section = "proxy",
     .name = "headers",
     .kind = ValueKind::kFieldList,
     .slot = kInProxy<&ProxyConfig::headers>,
     .max = 16,
     .example = "Cookie,User-Agent",
     .reloads = true,
     .help = "Which header fields of the upgrade the application is told with connect."},
    on_row<&ProxyConfig::connect>(
        kConnect,
        "Who connects without a token, or where no key is set to check one with, is let "
        "in or not by the application."),
    timeout_row<&ProxyConfig::connect>(kConnect),
    retries_row<&ProxyConfig::connect>(kConnect),
    on_row<&ProxyConfig::subscribe>(
        kSubscribe,
        "Subscribing without a token is decided by the application, in namespaces with "
        "proxy_subscribe."),
    timeout_row<&ProxyConfig::subscribe>(kSubscribe),
    retries_row<&ProxyConfig::subscribe>(kSubscribe),
    on_row<&ProxyConfig::publish>(
        kPublish,
        "Publications of clients are decided by the application, in namespaces with "
        "proxy_publish."),
    timeout_row<&ProxyConfig::publish>(kPublish),
    retries_row<&ProxyConfig::publish>(kPublish),
    on_row<&ProxyConfig::rpc>(kRpc, "Calls of clients (rpc) are answered by the application."),
    timeout_row<&ProxyConfig::rpc>(kRpc),
    retries_row<&ProxyConfig::rpc>(kRpc),
    on_row<&ProxyConfig::refresh>(
        kRefresh,
        "When a connection that the application let in expires, it is asked whether that "
        "may go on."),
    timeout_row<&ProxyConfig::refresh>(kRefresh),
    retries_row<&ProxyConfig::refresh>(kRefresh),
    on_row<&ProxyConfig::sub_refresh>(
        kSubRefresh, "The same of a subscription, in namespaces with proxy_sub_refresh."),
    timeout_row<&ProxyConfig::sub_refresh>(kSubRefresh),
    retries_row<&ProxyConfig::sub_refresh>(kSubRefresh),
    on_row<&ProxyConfig::send>("proxy.send",
                               "What clients send is told to the application, at most once."),
    on_row<&ProxyConfig::disconnect>("proxy.disconnect",
                                     "Who leaves is told to the application, at most once."),
};

}  // namespace

std::span<const ConfigKey> proxy_keys() { return kRows; }

}  // namespace millrace
