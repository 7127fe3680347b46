#include "core/metrics/proxy_metrics.h"

#include <gtest/gtest.h>

#include <set>

namespace millrace {
namespace {

TEST(ProxyMetrics, EveryMethodAndOutcomeHasANameOfItsOwn) {
  std::set<std::string> methods;
  for (std::size_t i = 0; i < kProxyMethods; ++i) {
    methods.insert(proxy_method_name(static_cast<ProxyMethod>(i)));
  }
  EXPECT_EQ(methods.size(), kProxyMethods);
  EXPECT_EQ(methods.count("unknown"), 0U);
  std::set<std::string> outcomes;
  for (std::size_t i = 0; i < kProxyOutcomes; ++i) {
    outcomes.insert(proxy_outcome_name(static_cast<ProxyOutcome>(i)));
  }
  EXPECT_EQ(outcomes.size(), kProxyOutcomes);
  EXPECT_EQ(outcomes.count("unknown"), 0U);
}

TEST(ProxyMetrics, ShardsAreSummedAndTheWorstBreakerIsTold) {
  const auto rpc = static_cast<std::size_t>(ProxyMethod::kRpc);
  const auto timeout = static_cast<std::size_t>(ProxyOutcome::kTimeout);
  ShardMetrics one;
  one.proxy_requests_total[rpc][timeout] = 3;
  one.proxy_retries_total[rpc] = 1;
  one.proxy_waited_us_total[rpc] = 5;
  one.proxy_breaker_state[rpc] = 2;
  ShardMetrics two = one;
  two.proxy_breaker_state[rpc] = 0;
  ShardMetrics sum;
  add_proxy(sum, one);
  add_proxy(sum, two);
  const std::string text = proxy_text(sum);
  for (const char* line : {"millrace_proxy_requests_total{method=\"rpc\",outcome=\"timeout\"} 6\n",
                           "millrace_proxy_retries_total{method=\"rpc\"} 2\n",
                           "millrace_proxy_waited_microseconds_total{method=\"rpc\"} 10\n",
                           "millrace_proxy_breaker_state{method=\"rpc\"} 2\n",
                           "millrace_proxy_breaker_state{method=\"connect\"} 0\n"}) {
    EXPECT_NE(text.find(line), std::string::npos) << line << text;
  }
}

}  // namespace
}  // namespace millrace
