// Every code that a client can see, with its text, in one table (Centrifuge protocol, section
// "Codes"). A disconnect always has a non-empty reason: SDKs take a code as terminal only then.
#pragma once

#include <cstdint>

#include "core/base/bytes.h"

namespace millrace {

enum class ErrorCode : std::uint32_t {
  kInternal = 100,  // temporary
  kUnauthorized = 101,
  kUnknownChannel = 102,
  kPermissionDenied = 103,
  kMethodNotFound = 104,
  kAlreadySubscribed = 105,
  kLimitExceeded = 106,
  kBadRequest = 107,
  kNotAvailable = 108,
  kTokenExpired = 109,
  kExpired = 110,
  kTooManyRequests = 111,  // temporary
  kUnrecoverablePosition = 112,
  kConflict = 113,  // temporary
};
Bytes error_text(ErrorCode code);
bool error_temporary(ErrorCode code);

// 3000 to 3499: the client reconnects. 3500 to 3999: it does not.
enum class DisconnectCode : std::uint16_t {
  kConnectionClosed = 3000,
  kShutdown = 3001,
  kInternalError = 3004,
  kExpired = 3005,
  kSubscriptionExpired = 3006,
  kSlow = 3008,
  kWriteError = 3009,
  kInsufficientState = 3010,
  kForceReconnect = 3011,
  kNoPong = 3012,
  kTooManyRequests = 3013,
  kStateInvalidated = 3014,
  kInvalidToken = 3500,
  kBadRequest = 3501,
  kStale = 3502,
  kForceDisconnect = 3503,
  kConnectionLimit = 3504,
  kChannelLimit = 3505,
  kInappropriateProtocol = 3506,
  kPermissionDenied = 3507,
  kNotAvailable = 3508,
  kTooManyErrors = 3509,
};
Bytes disconnect_text(DisconnectCode code);

// In an unsubscribe push. From 2500 on the client subscribes again.
enum class UnsubscribeCode : std::uint16_t {
  kServer = 2000,
  kInsufficientState = 2500,
  kExpired = 2501,
};
Bytes unsubscribe_text(UnsubscribeCode code);

}  // namespace millrace
