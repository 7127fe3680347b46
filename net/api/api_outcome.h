// What a call of the server API comes to, and the JSON of it.
//
//   {"result":{..}}   or   {"error":{"code":102,"message":"unknown channel"}}
//
// Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "core/base/bytes.h"
#include "core/hub/presence.h"
#include "core/hub/stream.h"
#include "net/api/api_request.h"
#include "proto/error_code.h"

namespace millrace {

struct ApiOutcome {
  bool malformed = false;               // it was no call at all (HTTP 400)
  bool bare = false;                    // `text` is the whole answer
  std::optional<ErrorCode> error = {};  // nothing: it is done
  std::string text = {};                // the result's JSON; of an error, what was wrong

  static ApiOutcome done(std::string result = "{}") { return {.text = std::move(result)}; }
  static ApiOutcome failed(ErrorCode code, std::string why = {}) {
    return {.error = code, .text = std::move(why)};
  }
  static ApiOutcome of(const ApiFault& fault) {
    return {.malformed = fault.malformed, .error = fault.code, .text = fault.text};
  }
};

// Who called. Told once for each call; perhaps from inside it.
class ApiTaker {
 public:
  virtual void on_api_outcome(std::uint64_t token, ApiOutcome outcome, Instant now) = 0;

 protected:
  ~ApiTaker() = default;
};

// What an error is called, with what was wrong behind it.
std::string api_error_message(const ApiOutcome& outcome);
// {"code":..,"message":..}. REQUIRES: outcome.error.
void append_api_error(std::string& out, const ApiOutcome& outcome);
// The whole answer.
std::string api_answer(const ApiOutcome& outcome);

// Results.
std::string publish_result(const StreamPosition& position);
std::string presence_result(std::span<const ClientInfo> members);
std::string presence_stats_result(PresenceCounts counts);
// `binary`: the data need not be JSON, and is told as `b64data`.
std::string history_result(const HistoryPage& page, bool binary);

struct ApiChannelCount {
  std::string channel;
  std::uint64_t clients = 0;
};
std::string channels_result(std::span<const ApiChannelCount> channels);

struct ApiNodeInfo {
  std::string uid, name, version;
  std::uint64_t clients = 0, users = 0, channels = 0, subscriptions = 0;
  std::int64_t uptime = 0;  // seconds
};
std::string info_result(std::span<const ApiNodeInfo> nodes);

}  // namespace millrace
