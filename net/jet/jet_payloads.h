// What a message of a stream is for subscribers: its payload, if its namespace takes it, and who
// published it. The same for what comes by and for what is read later.
//
// Owner: the shard's JetBroker. Keeps buffers as big as the biggest text it has seen.
#pragma once

#include <string>

#include "core/base/bytes.h"
#include "core/metrics/shard_metrics.h"
#include "net/nats/nats_options.h"
#include "proto/json_text.h"
#include "proto/payload.h"

namespace millrace {

class JetPayloads {
 public:
  // Both must outlive it.
  JetPayloads(const NatsOptions& options, ShardMetrics& metrics)
      : options_(options), metrics_(metrics) {}

  // False, and it is counted: it is empty, too large, or not JSON where it has to be. `out` lives
  // until the next call, or as long as `payload`.
  [[nodiscard]] bool take(Bytes channel, Bytes payload, Bytes& out);
  // As pack_client_info() makes it; empty: nobody in particular.
  [[nodiscard]] OwnedBytes info(Bytes header);

  [[nodiscard]] JsonValidator& validator() { return validator_; }

 private:
  const NatsOptions& options_;
  ShardMetrics& metrics_;
  JsonPayloadChecker checker_;
  JsonValidator validator_;
};

}  // namespace millrace
