// What the client port serves: the WebSocket path and the server API.
//
//   GET  /connection/websocket   upgrade -> WsTransport -> Session
//   POST /api/publish            X-API-Key; {"channel":..,"data":..} -> {"result":{}} once the
//   broker has it
//   POST /api/revoke             X-API-Key; which tokens are good no longer (revoke_request.h)
//   -> {"result":{}} once this shard refuses them; the others are told
//
// Owner: the server of a shard.
#pragma once

#include <cstdint>
#include <string>

#include "net/auth/revocations.h"
#include "net/http/http_connection.h"
#include "net/http/upgrade.h"
#include "net/server/admission.h"
#include "net/session/session.h"
#include "net/transport/ws_transport.h"
#include "proto/json_text.h"
#include "proto/payload.h"

namespace millrace {

struct ClientAppSettings {
  OriginPolicy origins;
  std::string api_key;  // empty: the API is off
  std::string version;
};

// Takes tokens back, on all shards.
class Revoker {
 public:
  virtual Result<void, RevokeError> revoke(const Revocation& revocation, std::int64_t calendar,
                                           Instant now) = 0;

 protected:
  ~Revoker() = default;
};

class ClientApp final : public HttpApp {
 public:
  // All must outlive it.
  ClientApp(const ClientAppSettings& settings, WsShared& ws, SessionContext& sessions,
            Admission& admission, Revoker& revoker);

  void on_request(HttpConnection& http, const HttpRequest& request, Instant now) override;
  void on_published(HttpConnection& http, bool accepted) override;

 private:
  void serve_websocket(HttpConnection& http, const HttpRequest& request, Instant now);
  void serve_publish(HttpConnection& http, const HttpRequest& request, Instant now);
  void serve_revoke(HttpConnection& http, const HttpRequest& request, Instant now);
  void note_place(HttpConnection& http, const HttpRequest& request);
  // False if it answered: the server API takes POST with the key.
  bool may_use_api(HttpConnection& http, const HttpRequest& request, Instant now);
  [[nodiscard]] bool key_is_right(const HttpRequest& request) const;

  const ClientAppSettings& settings_;
  WsShared& ws_;
  SessionContext& sessions_;
  Admission& admission_;
  Revoker& revoker_;
  JsonValidator orders_;
  JsonPayloadChecker payloads_;
  std::string line_;  // reused
  Instant now_{};     // of the last call; outcomes carry no time
};

}  // namespace millrace
