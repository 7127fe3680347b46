#include "proto/error_code.h"

#include "core/base/assert.h"

namespace millrace {

Bytes error_text(ErrorCode code) {
  switch (code) {
    case ErrorCode::kInternal:
      return "internal server error";
    case ErrorCode::kUnauthorized:
      return "unauthorized";
    case ErrorCode::kUnknownChannel:
      return "unknown channel";
    case ErrorCode::kPermissionDenied:
      return "permission denied";
    case ErrorCode::kMethodNotFound:
      return "method not found";
    case ErrorCode::kAlreadySubscribed:
      return "already subscribed";
    case ErrorCode::kLimitExceeded:
      return "limit exceeded";
    case ErrorCode::kBadRequest:
      return "bad request";
    case ErrorCode::kNotAvailable:
      return "not available";
    case ErrorCode::kTokenExpired:
      return "token expired";
    case ErrorCode::kExpired:
      return "expired";
    case ErrorCode::kTooManyRequests:
      return "too many requests";
    case ErrorCode::kUnrecoverablePosition:
      return "unrecoverable position";
    case ErrorCode::kConflict:
      return "conflict";
  }
  CHECK(false);
  return {};
}

bool error_temporary(ErrorCode code) {
  return code == ErrorCode::kInternal || code == ErrorCode::kTooManyRequests ||
         code == ErrorCode::kConflict;
}

Bytes disconnect_text(DisconnectCode code) {
  switch (code) {
    case DisconnectCode::kConnectionClosed:
      return "connection closed";
    case DisconnectCode::kShutdown:
      return "shutdown";
    case DisconnectCode::kInternalError:
      return "internal server error";
    case DisconnectCode::kExpired:
      return "connection expired";
    case DisconnectCode::kSubscriptionExpired:
      return "subscription expired";
    case DisconnectCode::kSlow:
      return "slow";
    case DisconnectCode::kWriteError:
      return "write error";
    case DisconnectCode::kInsufficientState:
      return "insufficient state";
    case DisconnectCode::kForceReconnect:
      return "force reconnect";
    case DisconnectCode::kNoPong:
      return "no pong";
    case DisconnectCode::kTooManyRequests:
      return "too many requests";
    case DisconnectCode::kStateInvalidated:
      return "state invalidated";
    case DisconnectCode::kInvalidToken:
      return "invalid token";
    case DisconnectCode::kBadRequest:
      return "bad request";
    case DisconnectCode::kStale:
      return "stale";
    case DisconnectCode::kForceDisconnect:
      return "force disconnect";
    case DisconnectCode::kConnectionLimit:
      return "connection limit";
    case DisconnectCode::kChannelLimit:
      return "channel limit";
    case DisconnectCode::kInappropriateProtocol:
      return "inappropriate protocol";
    case DisconnectCode::kPermissionDenied:
      return "permission denied";
    case DisconnectCode::kNotAvailable:
      return "not available";
    case DisconnectCode::kTooManyErrors:
      return "too many errors";
  }
  CHECK(false);
  return {};
}

Bytes unsubscribe_text(UnsubscribeCode code) {
  switch (code) {
    case UnsubscribeCode::kServer:
      return "server unsubscribe";
    case UnsubscribeCode::kInsufficientState:
      return "insufficient state";
    case UnsubscribeCode::kExpired:
      return "subscription expired";
  }
  CHECK(false);
  return {};
}

}  // namespace millrace
