// A token for each client, made from the server's secret (HS256): the same one whenever the client
// comes. Pure.
#pragma once

#include <cstdint>
#include <string>

#include "core/base/bytes.h"

namespace millrace::load {

class ClientTokens {
 public:
  static constexpr std::int64_t kLifetime = 24 * 3'600;  // seconds

  ClientTokens() = default;
  // `issued_at` is a second of the calendar.
  ClientTokens(Bytes secret, std::int64_t issued_at) : secret_(secret), issued_at_(issued_at) {}

  [[nodiscard]] bool any() const { return !secret_.empty(); }
  // Of a user with an id as long as a UUID, and with an id of its own.
  [[nodiscard]] std::string token(std::uint32_t client) const;

 private:
  std::string secret_;  // empty: none are made
  std::int64_t issued_at_ = 0;
};

}  // namespace millrace::load
