#include "net/server/refusal.h"

#include <string>

#include "core/mem/shared_bytes.h"
#include "net/http/response.h"

namespace millrace {

namespace {
constexpr Bytes kEndOfHead = "\r\n\r\n";
}

Refusal::Refusal(Connection& connection, RejectReason why, std::uint64_t random, Instant now)
    : connection_(connection) {
  const Answer answer = answer_to(why);
  HttpResponse response;
  response.status = answer.status;
  response.fields.emplace_back("Retry-After", std::to_string(retry_seconds(random)));
  response.body = std::string(answer.why) + "\n";
  connection_.send(SharedBytes::copy_of(serialize(response, false)));
  // Now, not at the end of the turn: by then this one may have made way for others.
  connection_.send_now(now);
  connection_.set_deadline(now + kLinger);
}

Refusal::Answer Refusal::answer_to(RejectReason reason) {
  switch (reason) {
    case RejectReason::kConnectionLimit:
      return {503, "this server holds as many connections as it may; try again, or another node"};
    case RejectReason::kDescriptors:
      return {503, "this server has no socket left; try again, or another node"};
    case RejectReason::kDraining:
      return {503, "this server is about to end; try again, or another node"};
    case RejectReason::kMemory:
      return {503, "this server is short of memory; try again, or another node"};
    case RejectReason::kHalfOpen:
      return {503, "too many connections are being opened; try again, or another node"};
    case RejectReason::kAddress:
      return {429, "your address has as many connections as one may; close some, then try again"};
    case RejectReason::kHandshake:
    case RejectReason::kOrigin:
    case RejectReason::kTimeout:
      break;  // told of a request, not at accept
  }
  return {503, "try again, or another node"};
}

std::uint64_t Refusal::retry_seconds(std::uint64_t random) {
  return kShortestRetry + random % (kLongestRetry - kShortestRetry + 1);
}

std::size_t Refusal::on_bytes(Bytes bytes, Instant now) {
  for (const char c : bytes) {
    if (matched_ == kEndOfHead.size()) break;
    if (c == kEndOfHead[matched_]) {
      ++matched_;
    } else {
      matched_ = c == kEndOfHead[0] ? 1 : 0;
    }
  }
  if (matched_ == kEndOfHead.size()) end(now);
  return bytes.size();
}

void Refusal::on_sent(Instant now) {
  if (ended_) end(now);
}

void Refusal::end(Instant now) {
  ended_ = true;
  if (connection_.queued_bytes() == 0) connection_.terminate(now);
}

}  // namespace millrace
