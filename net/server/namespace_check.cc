#include "net/server/namespace_check.h"

#include "net/server/duration_size.h"

namespace millrace {
namespace {

using Fault = std::optional<NamespaceFault>;

// A check of the position is a use of it. One of them may find a full lane and not get through, so
// there is time for two: else a quiet channel is forgotten under its subscribers, who lose their
// place and come back, again and again.
constexpr int kChecksInMetaTtl = 2;

bool anybody(const Audience& audience) { return audience != Audience{}; }

bool keeps_history(const NamespaceConfig& settings) { return settings.history_size > 0; }

Fault fault_of_meta_ttl(const NamespaceConfig& settings, Duration position_check) {
  const std::string meta_ttl = "is " + duration_text(settings.history_meta_ttl);
  if (settings.history_meta_ttl < settings.history_ttl) {
    return NamespaceFault{"history_meta_ttl",
                          meta_ttl + " and history_ttl " + duration_text(settings.history_ttl) +
                              "; allowed: a history_meta_ttl not below the history_ttl, or the "
                              "position would be forgotten before the publications"};
  }
  const Duration least = position_check * kChecksInMetaTtl;
  if (settings.history_meta_ttl < least) {
    return NamespaceFault{"history_meta_ttl",
                          meta_ttl + " and limits.position_check " + duration_text(position_check) +
                              ", so the position of a quiet channel would be forgotten between two "
                              "checks and its subscribers lose it; write history_meta_ttl = \"" +
                              duration_text(least) + "\" or more, or a shorter position_check"};
  }
  return std::nullopt;
}

Fault fault_of_history(const NamespaceConfig& settings, const NamespaceWorld& world) {
  const std::string size = std::to_string(settings.history_size);
  if (!keeps_history(settings)) {
    if (settings.history_ttl == Duration{}) return std::nullopt;
    return NamespaceFault{"history_ttl", "is " + duration_text(settings.history_ttl) +
                                             ", but history_size is 0, so nothing is kept; write "
                                             "history_size = 100, or take history_ttl out"};
  }
  if (settings.history_ttl == Duration{}) {
    return NamespaceFault{"history_size",
                          "is " + size +
                              ", but there is no history_ttl, so nothing would be kept; write "
                              "history_ttl = \"5m\""};
  }
  return fault_of_meta_ttl(settings, world.position_check);
}

Fault without_history(std::string_view key, std::string_view value) {
  return NamespaceFault{key, "is " + std::string(value) +
                                 ", but the namespace keeps no history; write history_size = 100 "
                                 "and history_ttl = \"5m\""};
}

Fault fault_of_what_needs_history(const NamespaceConfig& settings) {
  if (keeps_history(settings)) return std::nullopt;
  if (settings.delivery == DeliveryMode::kRecoverable) {
    return without_history("delivery", "recoverable");
  }
  if (settings.recover) return without_history("recover", "true");
  if (settings.position) return without_history("position", "true");
  if (settings.delta) return without_history("delta", "true");
  if (anybody(settings.allow_history)) return without_history("allow_history", "not empty");
  return std::nullopt;
}

Fault fault_of_presence(const NamespaceConfig& settings) {
  if (anybody(settings.allow_presence) && !settings.presence) {
    return NamespaceFault{"allow_presence",
                          "is not empty, but presence is false; write presence = true"};
  }
  return std::nullopt;
}

Fault fault_of_payload(const NamespaceConfig& settings) {
  if (settings.payload != PayloadKind::kBinary || !settings.delta) return std::nullopt;
  return NamespaceFault{"delta",
                        "is true, but payload is binary, and patches are made of JSON payloads; "
                        "write payload = \"json\", or take delta out"};
}

Fault asks_nobody(std::string_view key, std::string_view method) {
  const std::string section = "proxy." + std::string(method);
  return NamespaceFault{key, "is true, but " + section +
                                 ".on is false, so nobody is asked; write [" + section +
                                 "] on = true, or take it out"};
}

Fault fault_of_proxy(const NamespaceConfig& settings, const NamespaceWorld& world) {
  if (settings.proxy_subscribe && !world.asks_subscribe) {
    return asks_nobody("proxy_subscribe", "subscribe");
  }
  if (settings.proxy_publish && !world.asks_publish) return asks_nobody("proxy_publish", "publish");
  if (settings.proxy_sub_refresh && !world.asks_sub_refresh) {
    return asks_nobody("proxy_sub_refresh", "sub_refresh");
  }
  return std::nullopt;
}

}  // namespace

std::optional<std::string> proxy_fault(const Config& config) {
  if (!config.proxy.asks_anything() || config.broker.kind == BrokerKind::kNats) return std::nullopt;
  return " asks the application, but the broker is memory, and the application is asked over NATS; "
         "use broker nats (--nats nats://127.0.0.1:4222), or turn all of [proxy] off";
}

std::optional<NamespaceFault> find_fault(const NamespaceConfig& settings,
                                         const NamespaceWorld& world) {
  if (Fault fault = fault_of_history(settings, world)) return fault;
  if (Fault fault = fault_of_what_needs_history(settings)) return fault;
  if (Fault fault = fault_of_presence(settings)) return fault;
  if (Fault fault = fault_of_payload(settings)) return fault;
  return fault_of_proxy(settings, world);
}

}  // namespace millrace
