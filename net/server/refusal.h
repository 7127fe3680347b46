// A connection that was accepted only to be told why it can't stay: 503 or 429 with a Retry-After
// that is spread, so that those who were refused together do not come back together.
//
// It holds no unit of the connection quota, and its slot is wanted by the next one who is refused:
// the answer goes out without waiting for the request, and the end comes with the end of the
// request's head, which is read so that the close does not reset what was sent. Who says nothing
// gets kLinger.
#pragma once

#include <cstdint>

#include "core/base/bytes.h"
#include "core/metrics/shard_metrics.h"
#include "net/tcp/connection.h"

namespace millrace {

class Refusal final : public Protocol {
 public:
  static constexpr Duration kLinger = milliseconds(250);
  static constexpr unsigned kShortestRetry = 1;  // seconds
  static constexpr unsigned kLongestRetry = 10;

  Refusal(Connection& connection, RejectReason why, std::uint64_t random, Instant now);

  std::size_t on_bytes(Bytes bytes, Instant now) override;
  void on_end_of_stream(Instant now) override { end(now); }
  void on_deadline(Instant now) override { connection_.terminate(now); }
  void on_sent(Instant now) override;
  void on_too_slow(Instant now) override { connection_.terminate(now); }
  void on_closing(Instant) override {}
  void on_drain(Instant now) override { connection_.terminate(now); }

  // What a refusal says, without line end.
  struct Answer {
    unsigned status;
    Bytes why;
  };
  static Answer answer_to(RejectReason reason);
  // The value of Retry-After for a random number.
  static std::uint64_t retry_seconds(std::uint64_t random);

 private:
  void end(Instant now);

  Connection& connection_;
  std::uint8_t matched_ = 0;  // of the blank line that ends a head
  bool ended_ = false;        // nothing more is to be read
};

}  // namespace millrace
