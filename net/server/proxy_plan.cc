#include "net/server/proxy_plan.h"

namespace millrace {

ProxySettings make_proxy_settings(const ProxyConfig& config) {
  ProxySettings settings;
  settings.methods = {config.connect, config.subscribe,   config.publish, config.rpc,
                      config.refresh, config.sub_refresh, config.send,    config.disconnect};
  settings.requests = config.requests;
  settings.breaker_failures = config.breaker_failures;
  settings.breaker_pause = config.breaker_pause;
  settings.headers = config.headers;
  return settings;
}

}  // namespace millrace
