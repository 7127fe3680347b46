// From the application's reply to an answer that a session can use. A reply comes from a peer, and
// is hostile until it was read here: nothing in it can crash, grow without bound, or break the
// message that it is put into.
//
// Strict: {"result":{..}}, {"error":{"code":..,"message":..}} or {"disconnect":{..}}, exactly one
// of them; a known member has one type and stands once; unknown ones are ignored; null is as if it
// was not there. docs/APPLICATION.md has the members of each method.
//
// Owner: one a shard. Limits: the constants below; kMaxJsonDepth and those of tokens
// (proto/json_text.h, net/auth/claims_reader.h) hold here, too.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>

#include "core/base/bytes.h"
#include "core/base/result.h"
#include "net/auth/subscription_reader.h"
#include "net/auth/token_json.h"
#include "net/session/application.h"
#include "proto/json_text.h"

namespace millrace {

inline constexpr std::size_t kMaxProxyReply = 256 * 1024;  // bytes
inline constexpr std::size_t kMaxProxyMessage = 256;       // bytes of an error's message
inline constexpr std::size_t kMaxProxyReason = 123;        // all that a close frame holds
// Both ends are allowed. Lower ones are the server's own.
inline constexpr std::uint32_t kLeastProxyError = 400;
inline constexpr std::uint32_t kMostProxyError = 1'999;
inline constexpr std::uint32_t kLeastProxyDisconnect = 4'000;
inline constexpr std::uint32_t kMostProxyDisconnect = 4'999;

enum class ReplyFault : std::uint8_t {
  kTooLong,
  kNotJson,
  kNotOne,
  kBadCode,
  kBadText,
  kBadUser,
  kBadTime,
  kBadFlag,
  kBadData,
  kBadSubscriptions,
};
// With what is expected instead, for who writes the application; nothing of the reply is in it.
Bytes reply_fault_text(ReplyFault fault);

class ReplyReader {
 public:
  // `flat`: the client's wire format takes any bytes as data.
  Result<ApplicationAnswer, ReplyFault> read(ProxyMethod method, bool flat, Bytes text);

 private:
  using Failure = std::optional<ReplyFault>;

  [[nodiscard]] Failure take_error(Bytes object, ApplicationAnswer& out);
  [[nodiscard]] Failure take_disconnect(Bytes object, ApplicationAnswer& out);
  [[nodiscard]] Failure take_result(ProxyMethod method, bool flat, Bytes object,
                                    ApplicationAnswer& out);
  [[nodiscard]] Failure take_user(ApplicationAnswer& out) const;
  [[nodiscard]] Failure take_time(ApplicationAnswer& out) const;
  [[nodiscard]] Failure take_flag(Bytes name, bool& out) const;
  [[nodiscard]] Failure take_data(bool flat, ApplicationAnswer& out);
  [[nodiscard]] Failure take_info(ApplicationAnswer& out);
  [[nodiscard]] Failure take_connect(ApplicationAnswer& out);
  // A member that is there and not null.
  [[nodiscard]] std::optional<Bytes> find(Bytes name) const;

  JsonValidator validator_;
  SubscriptionReader subscriptions_;
  JsonObject reply_;
  JsonObject part_;
  std::string decoded_;
};

}  // namespace millrace
