// What the client port serves: the WebSocket path and the server API.
//
//   GET  /connection/websocket   upgrade -> WsTransport -> Session
//   POST /api/publish            X-API-Key; {"channel":..,"data":..} -> {"result":{}} once the
//   broker has it
//
// Owner: the server of a shard.
#pragma once

#include <string>

#include "net/http/http_connection.h"
#include "net/http/upgrade.h"
#include "net/server/admission.h"
#include "net/session/session.h"
#include "net/transport/ws_transport.h"
#include "proto/payload.h"

namespace millrace {

struct ClientAppSettings {
  OriginPolicy origins;
  std::string api_key;  // empty: the API is off
  std::string version;
};

class ClientApp final : public HttpApp {
 public:
  // All must outlive it.
  ClientApp(const ClientAppSettings& settings, WsShared& ws, SessionContext& sessions,
            Admission& admission);

  void on_request(HttpConnection& http, const HttpRequest& request, Instant now) override;
  void on_published(HttpConnection& http, bool accepted) override;

 private:
  void serve_websocket(HttpConnection& http, const HttpRequest& request, Instant now);
  void serve_publish(HttpConnection& http, const HttpRequest& request, Instant now);
  [[nodiscard]] bool key_is_right(const HttpRequest& request) const;

  const ClientAppSettings& settings_;
  WsShared& ws_;
  SessionContext& sessions_;
  Admission& admission_;
  JsonPayloadChecker payloads_;
  std::string line_;  // reused
  Instant now_{};     // of the last call; outcomes carry no time
};

}  // namespace millrace
