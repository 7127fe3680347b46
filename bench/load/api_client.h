// The server API over a connection of its own that is kept: POST /api/publish, several on their way
// at once (HTTP/1.1 pipelining), so that order stays and a round trip is not the limit.
//
// Owner: its Connection; what it tells goes to an ApiOwner, which outlives it. Limit: kPipeline
// requests without an answer.
#pragma once

#include <cstdint>
#include <deque>
#include <string>

#include "net/tcp/connection.h"

namespace millrace::load {

class ApiOwner {
 public:
  // `error` is empty if the publication was accepted.
  virtual void on_api_answer(std::uint32_t id, const std::string& error, Instant now) = 0;
  virtual void on_api_gone(Instant now) = 0;

 protected:
  ~ApiOwner() = default;
};

class ApiClient final : public Protocol {
 public:
  static constexpr std::size_t kPipeline = 16;

  ApiClient(Connection& connection, ApiOwner& owner, std::string host, std::string key)
      : connection_(connection), owner_(owner), host_(std::move(host)), key_(std::move(key)) {}

  [[nodiscard]] bool has_room() const { return asked_.size() < kPipeline; }
  void publish(std::uint32_t id, Bytes channel, Bytes data);

  std::size_t on_bytes(Bytes bytes, Instant now) override;
  void on_end_of_stream(Instant now) override { connection_.terminate(now); }
  void on_deadline(Instant now) override { connection_.terminate(now); }
  void on_sent(Instant) override {}
  void on_too_slow(Instant now) override { connection_.terminate(now); }
  void on_closing(Instant now) override { owner_.on_api_gone(now); }
  void on_drain(Instant) override {}

 private:
  // False if the answer is not whole.
  bool take_answer(Bytes& bytes, Instant now);

  Connection& connection_;
  ApiOwner& owner_;
  const std::string host_;
  const std::string key_;
  std::string rest_;
  std::deque<std::uint32_t> asked_;  // without an answer, in order
};

}  // namespace millrace::load
