#include "core/metrics/proxy_metrics.h"

#include <algorithm>

#include "core/metrics/metric_text.h"

namespace millrace {

const char* proxy_method_name(ProxyMethod method) {
  switch (method) {
    case ProxyMethod::kConnect:
      return "connect";
    case ProxyMethod::kSubscribe:
      return "subscribe";
    case ProxyMethod::kPublish:
      return "publish";
    case ProxyMethod::kRpc:
      return "rpc";
    case ProxyMethod::kRefresh:
      return "refresh";
    case ProxyMethod::kSubRefresh:
      return "sub_refresh";
    case ProxyMethod::kSend:
      return "send";
    case ProxyMethod::kDisconnect:
      return "disconnect";
  }
  return "unknown";
}

const char* proxy_outcome_name(ProxyOutcome outcome) {
  switch (outcome) {
    case ProxyOutcome::kAllowed:
      return "allowed";
    case ProxyOutcome::kRefused:
      return "refused";
    case ProxyOutcome::kDisconnected:
      return "disconnected";
    case ProxyOutcome::kTold:
      return "told";
    case ProxyOutcome::kNoResponders:
      return "no_responders";
    case ProxyOutcome::kTimeout:
      return "timeout";
    case ProxyOutcome::kLost:
      return "lost";
    case ProxyOutcome::kBadReply:
      return "bad_reply";
    case ProxyOutcome::kBreakerOpen:
      return "breaker_open";
    case ProxyOutcome::kFull:
      return "full";
    case ProxyOutcome::kForgotten:
      return "forgotten";
  }
  return "unknown";
}

void add_proxy(ShardMetrics& sum, const ShardMetrics& shard) {
  for (std::size_t i = 0; i < kProxyMethods; ++i) {
    for (std::size_t k = 0; k < kProxyOutcomes; ++k) {
      sum.proxy_requests_total[i][k] += shard.proxy_requests_total[i][k];
    }
    sum.proxy_retries_total[i] += shard.proxy_retries_total[i];
    sum.proxy_waited_us_total[i] += shard.proxy_waited_us_total[i];
    // Each shard has its breakers: what is told is the one that is furthest from closed.
    sum.proxy_breaker_state[i] = std::max(sum.proxy_breaker_state[i], shard.proxy_breaker_state[i]);
  }
}

std::string proxy_text(const ShardMetrics& sum) {
  std::string out;
  const auto of = [](std::size_t i) {
    return std::string("{method=\"") + proxy_method_name(static_cast<ProxyMethod>(i)) + "\"";
  };
  metric_head(out, "proxy_requests_total",
              "Questions to the application and what it is told, by what became of them.",
              "counter");
  for (std::size_t i = 0; i < kProxyMethods; ++i) {
    for (std::size_t k = 0; k < kProxyOutcomes; ++k) {
      const char* outcome = proxy_outcome_name(static_cast<ProxyOutcome>(k));
      metric_sample(out, "proxy_requests_total", of(i) + ",outcome=\"" + outcome + "\"}",
                    sum.proxy_requests_total[i][k]);
    }
  }
  const auto each = [&](Bytes name, Bytes help, Bytes type,
                        const std::array<std::uint64_t, kProxyMethods>& values) {
    metric_head(out, name, help, type);
    for (std::size_t i = 0; i < kProxyMethods; ++i)
      metric_sample(out, name, of(i) + "}", values[i]);
  };
  each("proxy_retries_total", "Questions that were asked again.", "counter",
       sum.proxy_retries_total);
  each("proxy_waited_microseconds_total",
       "Time that questions waited for their answers, retries included.", "counter",
       sum.proxy_waited_us_total);
  each("proxy_breaker_state",
       "Of the circuit breaker: 0 closed, 1 half-open, 2 open; the worst of all shards.", "gauge",
       sum.proxy_breaker_state);
  return out;
}

}  // namespace millrace
