// From the configuration to what the shards' doors to the application go by. Pure.
#pragma once

#include "net/proxy/proxy_settings.h"
#include "net/server/config.h"

namespace millrace {

ProxySettings make_proxy_settings(const ProxyConfig& config);

}  // namespace millrace
