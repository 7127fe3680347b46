// What a call of the server API asks, read from its JSON body: owned values, checked as far as that
// goes without knowing channels and namespaces (api_desk.h does).
//
//   {"channel":"news","data":{..}} -> ApiPublish      docs/SERVER_API.md has all of them
//
// Unknown members are ignored, as Centrifugo does; a member may stand once, and must be of its
// type. Bodies come from applications and are hostile until read. Pure but for the buffers.
//
// Owner of a reader: a shard, or a test. Limits: the constants below.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "core/base/bytes.h"
#include "core/base/result.h"
#include "net/api/api_method.h"
#include "net/auth/revocations.h"
#include "net/auth/token_json.h"
#include "net/session/session_orders.h"
#include "proto/error_code.h"
#include "proto/json_text.h"

namespace millrace {

inline constexpr std::size_t kMaxApiMembers = 64;             // of one object
inline constexpr std::size_t kMaxBroadcastChannels = 10'000;  // of one call
inline constexpr std::size_t kMaxBatchCommands = 1'000;       // the same
inline constexpr std::size_t kMaxWhitelist = 1'000;           // clients that are not disconnected
inline constexpr std::size_t kMaxApiUser = 255;               // bytes of a user id
inline constexpr std::size_t kMaxApiClient = 64;              // of a client or session id
inline constexpr std::size_t kMaxApiPattern = 255;            // of a pattern of channels
inline constexpr std::size_t kMaxIdempotencyKey = 64;
inline constexpr std::size_t kMaxApiInfo = 65'535;        // of an info, in bytes of JSON
inline constexpr std::size_t kMaxDisconnectReason = 123;  // what a close frame has room for
inline constexpr std::uint16_t kLeastDisconnectCode = 3'000;
inline constexpr std::uint16_t kMaxDisconnectCode = 4'999;

// Whose sessions.
struct ApiWho {
  std::string user;
  std::string client;   // empty: any
  std::string session;  // the same; no client has been told one yet
};

struct ApiPublish {
  std::string channel;
  std::string data;     // raw JSON in one line, or what `b64data` holds
  bool binary = false;  // the latter: not known to be JSON
  bool skip_history = false;
  std::string idempotency_key;
};
struct ApiBroadcast {
  std::vector<std::string> channels;
  ApiPublish publish;  // but for its channel
};
struct ApiSubscribe {
  ApiWho who;
  Grant grant;
};
struct ApiUnsubscribe {
  ApiWho who;
  std::string channel;
};
struct ApiDisconnect {
  ApiWho who;
  std::vector<std::string> whitelist;  // client ids
  std::uint16_t code = static_cast<std::uint16_t>(DisconnectCode::kForceDisconnect);
  std::string reason;
};
struct ApiRefresh {
  ApiWho who;
  Renewal renewal;
};
struct ApiPresence {
  std::string channel;
  bool counts_only = false;
};
struct ApiHistory {
  struct Since {
    std::uint64_t offset = 0;
    std::string epoch;
  };
  std::string channel;
  std::int64_t limit = 0;  // 0: the position only; negative: as many as there may be
  std::optional<Since> since;
  bool reverse = false;
};
struct ApiHistoryRemove {
  std::string channel;
};
struct ApiChannels {
  std::string pattern;  // as matches() takes it (namespace_settings.h); empty: all
};
struct ApiInfo {};
struct ApiBatch {
  struct Command {
    ApiMethod method;
    std::string params;
  };
  std::vector<Command> commands;
  bool parallel = false;
};
struct ApiRevoke {
  Revocation revocation;
};

using ApiRequest = std::variant<ApiPublish, ApiBroadcast, ApiSubscribe, ApiUnsubscribe,
                                ApiDisconnect, ApiRefresh, ApiPresence, ApiHistory,
                                ApiHistoryRemove, ApiChannels, ApiInfo, ApiBatch, ApiRevoke>;

struct ApiFault {
  // Not an object, or a member of another type: no call at all (HTTP 400).
  bool malformed = false;
  ErrorCode code = ErrorCode::kBadRequest;
  std::string text = {};
};

class ApiReader {
 public:
  using Read = Result<ApiRequest, ApiFault>;

  // `calendar` is a second of the calendar, for `revoke`.
  Read read(ApiMethod method, Bytes body, std::int64_t calendar);
  // {"method":"publish","params":{..}}, a line of POST /api.
  Result<ApiBatch::Command, ApiFault> read_line(Bytes line);

 private:
  JsonValidator validator_;
};

}  // namespace millrace
