// What a server says, whatever wire format it goes out in: one value type each, and the Encoder
// that puts them into bytes. Views; members that are empty, zero or false are left out.
//
// Every function appends one message to `out`. A frame may carry several: each format says what
// stands between two of them (separator()). JSON: json_encoder.h. FlatBuffers: flat_encoder.h.
//
// Encoders have no state: one of each for the whole process, used by all shards.
#pragma once

#include <cstdint>
#include <span>
#include <string>

#include "core/base/bytes.h"
#include "core/hub/client_info.h"
#include "core/hub/presence.h"
#include "proto/error_code.h"

namespace millrace {

// How the bytes of a publication's `data` are to be written.
enum class DataForm : std::uint8_t {
  kPlain,  // as they are: JSON text into JSON, any bytes into FlatBuffers
  kFull,   // to a subscriber with delta compression: in full (JSON: as a JSON string)
  kPatch,  // the same: a fossil delta against the publication before (JSON: as a JSON string)
};

struct PublicationOut {
  Bytes data;  // never empty over JSON
  ClientInfo info = {};
  std::uint64_t offset = 0;
  DataForm form = DataForm::kPlain;
};

struct SubscribeResult {
  bool expires = false;
  std::uint32_t ttl = 0;  // seconds
  bool recoverable = false;
  bool positioned = false;
  Bytes epoch;
  std::uint64_t offset = 0;
  std::span<const PublicationOut> publications = {};
  bool was_recovering = false;
  bool recovered = false;
  bool delta = false;
  Bytes data = {};
};
// One that the server made, in a connect reply.
struct ServerSubscription {
  Bytes channel;
  SubscribeResult result;
};
struct ConnectResult {
  Bytes client;   // UUID
  Bytes version;  // of this server
  bool expires = false;
  std::uint32_t ttl = 0;  // seconds
  std::uint32_t ping_seconds = 25;
  bool pong = true;  // the client must answer pings
  Bytes data = {};
  std::span<const ServerSubscription> subs = {};
  Bytes session = {};  // of transports that are not a WebSocket
  Bytes node = {};
};
struct RefreshResult {
  Bytes client;
  Bytes version;
  bool expires = false;
  std::uint32_t ttl = 0;
};
struct SubRefreshResult {
  bool expires = false;
  std::uint32_t ttl = 0;
};
struct HistoryResult {
  std::span<const PublicationOut> publications;
  Bytes epoch;
  std::uint64_t offset = 0;
};
struct ErrorOut {
  ErrorOut() = default;
  ErrorOut(std::uint32_t number, Bytes text, bool passes)
      : code(number), message(text), temporary(passes) {}
  explicit ErrorOut(ErrorCode own)
      : ErrorOut(static_cast<std::uint32_t>(own), error_text(own), error_temporary(own)) {}

  std::uint32_t code = 0;
  Bytes message;
  bool temporary = false;
};
// The server has subscribed the client to a channel.
struct SubscribePush {
  bool recoverable = false;
  bool positioned = false;
  Bytes epoch;
  std::uint64_t offset = 0;
  Bytes data = {};
};

class Encoder {
 public:
  virtual ~Encoder() = default;

  // True if its frames are binary ones.
  [[nodiscard]] virtual bool binary() const = 0;
  // What stands between two messages of one frame.
  [[nodiscard]] virtual Bytes separator() const = 0;

  virtual void connect(std::string& out, std::uint32_t id, const ConnectResult& result) const = 0;
  virtual void subscribe(std::string& out, std::uint32_t id,
                         const SubscribeResult& result) const = 0;
  virtual void unsubscribe(std::string& out, std::uint32_t id) const = 0;
  virtual void publish(std::string& out, std::uint32_t id) const = 0;
  virtual void presence(std::string& out, std::uint32_t id,
                        std::span<const ClientInfo> members) const = 0;
  virtual void presence_stats(std::string& out, std::uint32_t id, PresenceCounts counts) const = 0;
  virtual void history(std::string& out, std::uint32_t id, const HistoryResult& result) const = 0;
  virtual void rpc(std::string& out, std::uint32_t id, Bytes data) const = 0;
  virtual void refresh(std::string& out, std::uint32_t id, const RefreshResult& result) const = 0;
  virtual void sub_refresh(std::string& out, std::uint32_t id,
                           const SubRefreshResult& result) const = 0;
  virtual void error(std::string& out, std::uint32_t id, ErrorCode code) const = 0;
  // The same with a code of the application's.
  virtual void application_error(std::string& out, std::uint32_t id,
                                 const ErrorOut& error) const = 0;

  virtual void publication_push(std::string& out, Bytes channel,
                                const PublicationOut& publication) const = 0;
  virtual void join_push(std::string& out, Bytes channel, const ClientInfo& member) const = 0;
  virtual void leave_push(std::string& out, Bytes channel, const ClientInfo& member) const = 0;
  virtual void unsubscribe_push(std::string& out, Bytes channel, UnsubscribeCode code) const = 0;
  virtual void subscribe_push(std::string& out, Bytes channel, const SubscribePush& push) const = 0;
  virtual void message_push(std::string& out, Bytes data) const = 0;
  virtual void refresh_push(std::string& out, bool expires, std::uint32_t ttl) const = 0;
  virtual void ping(std::string& out) const = 0;
};

}  // namespace millrace
