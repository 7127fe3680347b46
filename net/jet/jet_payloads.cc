#include "net/jet/jet_payloads.h"

#include "net/jet/info_header.h"

namespace millrace {

bool JetPayloads::take(Bytes channel, Bytes payload, Bytes& out) {
  out = payload;
  const bool any_bytes = options_.takes_any_bytes && options_.takes_any_bytes(channel);
  if (!payload.empty() && payload.size() <= options_.max_payload &&
      (any_bytes || checker_.check(payload, out))) {
    return true;
  }
  ++metrics_.broker_dropped_payload_total;
  return false;
}

OwnedBytes JetPayloads::info(Bytes header) {
  return header.empty() ? OwnedBytes() : info_of_header(validator_, header);
}

}  // namespace millrace
