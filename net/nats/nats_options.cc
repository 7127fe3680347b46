#include "net/nats/nats_options.h"

#include <climits>

#include "core/hub/channel_name.h"
#include "net/nats/nats_url.h"
#include "net/nats/subject.h"

namespace millrace {

Result<void> check_nats_options(const NatsOptions& options) {
  if (options.urls.empty()) return Error{"NATS: no URL; set one with --nats or [broker] nats"};
  for (const std::string& url : options.urls) {
    auto checked = check_nats_url(url);
    if (!checked) return checked;
  }
  if (const auto fault = find_security_fault(options.security, options.urls)) {
    return Error{"NATS: [broker] " + std::string(fault->key) + " " + fault->text};
  }
  if (!subject_prefix_valid(options.subject_prefix)) {
    return Error{
        "NATS: [broker] subject_prefix must be tokens of [A-Za-z0-9_-] joined by dots, 64 bytes at "
        "most, none beginning with '_', the first not 'millrace'"};
  }
  for (const std::string& name : options.prefix_namespaces) {
    if (name == kDefaultNamespace) continue;  // of names without a boundary
    if (name.find(':') != std::string::npos ||
        check_channel_name(name + ":x") != ChannelNameError::kOk) {
      return Error{"NATS: '" + name + "' can't be a namespace; rename [namespaces." + name + "]"};
    }
  }
  if (options.inbox_messages == 0 || options.lane_requests == 0 ||
      options.lane_requests > kMaxNatsLaneRequests || options.max_payload > INT_MAX) {
    return Error{"NATS: a limit is out of range: inbox_messages from 1, lane_requests from 1 to " +
                 std::to_string(kMaxNatsLaneRequests) + ", max_payload up to 2147483647"};
  }
  if (options.connect_timeout_ms <= 0 || options.flush_timeout_ms <= 0 ||
      options.reconnect_wait_ms <= 0 || options.ping_interval_ms <= 0) {
    return Error{"NATS: a time is not positive: set the connect, flush, reconnect and ping times"};
  }
  return {};
}

}  // namespace millrace
