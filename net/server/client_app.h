// What the client port serves: the WebSocket path and the server API.
//
//   GET  /connection/websocket   upgrade -> WsTransport -> Session
//   POST /api/METHOD             X-API-Key; the desk's (net/api/api_desk.h) -> {"result":{..}} or
//                                {"error":{..}}
//   POST /api                    the same, {"method":..,"params":..} in each line
//
// Owner: the server of a shard.
#pragma once

#include <cstdint>
#include <string>

#include "net/api/api_desk.h"
#include "net/http/http_connection.h"
#include "net/http/upgrade.h"
#include "net/server/admission.h"
#include "net/session/session.h"
#include "net/transport/ws_transport.h"

namespace millrace {

struct ClientAppSettings {
  OriginPolicy origins;
  std::string api_key;  // empty: the API is off
  std::string version;
};

class ClientApp final : public HttpApp, private ApiTaker {
 public:
  // All must outlive it.
  ClientApp(const ClientAppSettings& settings, WsShared& ws, SessionContext& sessions,
            Admission& admission, ApiDesk& api, ConnectionTable& table);

  void on_request(HttpConnection& http, const HttpRequest& request, Instant now) override;

 private:
  void serve_websocket(HttpConnection& http, const HttpRequest& request, Instant now);
  void note_place(HttpConnection& http, const HttpRequest& request);
  // False if the path is none of the API's.
  bool serve_api(HttpConnection& http, const HttpRequest& request, Instant now);
  // False if it answered: the server API takes POST with the key.
  bool may_use_api(HttpConnection& http, const HttpRequest& request, Instant now);
  [[nodiscard]] bool key_is_right(const HttpRequest& request) const;
  // Its token is a connection, and perhaps kTransportErrors.
  void on_api_outcome(std::uint64_t token, ApiOutcome outcome, Instant now) override;

  const ClientAppSettings& settings_;
  WsShared& ws_;
  SessionContext& sessions_;
  Admission& admission_;
  ApiDesk& api_;
  ConnectionTable& table_;
};

}  // namespace millrace
