#include "net/server/refusal.h"

#include "core/mem/shared_bytes.h"
#include "net/http/response.h"

namespace millrace {

Refusal::Refusal(Connection& connection, Bytes why, std::uint64_t random, Instant now)
    : connection_(connection) {
  const auto seconds = kShortestRetry + random % (kLongestRetry - kShortestRetry + 1);
  HttpResponse response;
  response.status = 503;
  response.fields.emplace_back("Retry-After", std::to_string(seconds));
  response.body = why;
  connection_.send(SharedBytes::copy_of(serialize(response, false)));
  connection_.close_when_flushed(kLinger, now);
}

}  // namespace millrace
