// A connection that was accepted only to be told why it can't stay: 503 with a Retry-After
// that is spread, so that those who were refused together do not come back together.
//
// It holds no unit of the connection quota; its answer is out before a request is read.
#pragma once

#include <cstdint>

#include "core/base/bytes.h"
#include "net/tcp/connection.h"

namespace millrace {

class Refusal final : public Protocol {
 public:
  static constexpr Duration kLinger = seconds(1);
  static constexpr unsigned kShortestRetry = 1;  // seconds
  static constexpr unsigned kLongestRetry = 10;

  static constexpr Bytes kFull =
      "this server holds as many connections as it may; try again, or another node\n";
  static constexpr Bytes kNoMemory = "this server is short of memory; try again, or another node\n";

  Refusal(Connection& connection, Bytes why, std::uint64_t random, Instant now);

  bool on_bytes(Bytes, Instant) override { return true; }
  void on_end_of_stream(Instant now) override { connection_.terminate(now); }
  void on_deadline(Instant now) override { connection_.terminate(now); }
  void on_sent(Instant) override {}
  void on_too_slow(Instant now) override { connection_.terminate(now); }
  void on_closing(Instant) override {}
  void on_drain(Instant now) override { connection_.terminate(now); }

 private:
  Connection& connection_;
};

}  // namespace millrace
