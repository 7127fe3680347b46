#include "net/server/client_app.h"

#include <openssl/crypto.h>

#include <memory>
#include <optional>

namespace millrace {

namespace {

HttpResponse json(unsigned status, std::string body) {
  HttpResponse response;
  response.status = status;
  response.content_type = "application/json";
  response.body = std::move(body);
  return response;
}

HttpResponse text(unsigned status, std::string body) {
  HttpResponse response;
  response.status = status;
  response.body = std::move(body);
  return response;
}

// Errors as HTTP statuses, for who asks for that ("X-Centrifugo-Error-Mode: transport").
unsigned status_of(ErrorCode code) {
  switch (code) {
    case ErrorCode::kInternal:
      return 500;
    case ErrorCode::kUnknownChannel:
    case ErrorCode::kMethodNotFound:
      return 404;
    case ErrorCode::kTooManyRequests:
      return 429;
    case ErrorCode::kConflict:
      return 409;
    case ErrorCode::kUnrecoverablePosition:
      return 416;
    case ErrorCode::kUnauthorized:
    case ErrorCode::kPermissionDenied:
    case ErrorCode::kAlreadySubscribed:
    case ErrorCode::kLimitExceeded:
    case ErrorCode::kBadRequest:
    case ErrorCode::kNotAvailable:
    case ErrorCode::kTokenExpired:
    case ErrorCode::kExpired:
      return 400;
  }
  return 400;
}

// Of a call whose errors are to be statuses. What names a connection has its highest bits free.
constexpr std::uint64_t kTransportErrors = std::uint64_t{1} << 63;

}  // namespace

ClientApp::ClientApp(const ClientAppSettings& settings, WsShared& ws, SessionContext& sessions,
                     Admission& admission, ApiDesk& api, ConnectionTable& table)
    : settings_(settings),
      ws_(ws),
      sessions_(sessions),
      admission_(admission),
      api_(api),
      table_(table) {}

void ClientApp::on_request(HttpConnection& http, const HttpRequest& request, Instant now) {
  if (request.path == "/connection/websocket") {
    return serve_websocket(http, request, now);
  }
  admission_.on_arrived(http.connection().id());
  if (serve_api(http, request, now)) return;
  if (request.path == "/" && (request.method == "GET" || request.method == "HEAD")) {
    http.respond(text(200, "millrace " + settings_.version +
                               "\nWebSocket clients connect to /connection/websocket\n"),
                 now);
  } else {
    http.respond(text(404, "no such path; clients connect to /connection/websocket\n"), now);
  }
}

void ClientApp::serve_websocket(HttpConnection& http, const HttpRequest& request, Instant now) {
  const UpgradeDecision decision = decide_upgrade(request, http.bytes_behind(), settings_.origins);
  if (decision.status == 101 && !http.upgradable()) {
    HttpResponse response = text(400, "ask for the upgrade on a connection of its own\n");
    return http.refuse(serialize(response, false), RejectReason::kHandshake, now);
  }
  if (decision.status != 101) {
    const bool origin = decision.status == 403;
    http.refuse(decision.response, origin ? RejectReason::kOrigin : RejectReason::kHandshake, now);
    return;
  }
  if (auto refused = admission_.admit_upgrade(http.connection().id(), request, now)) {
    return http.refuse(serialize(refused->response, false), refused->reason, now);
  }
  note_place(http, request);
  const bool frame_pings = request.query_value("cf_ws_frame_ping_pong") == "true";
  const bool json = decision.subprotocol == Subprotocol::kJson;
  auto transport = std::make_unique<WsTransportOf<Session>>(
      http.connection(), ws_, sessions_, frame_pings ? PingStyle::kFrame : PingStyle::kMessage,
      json ? WireFormat::kJson : WireFormat::kFlatBuffers, now);
  http.upgrade(decision.response, std::move(transport));
}

// What the application is told of, if it is asked about who connects.
void ClientApp::note_place(HttpConnection& http, const HttpRequest& request) {
  const ApplicationDoor* door = sessions_.application;
  if (door == nullptr || !door->asks(ProxyMethod::kConnect)) return;
  auto place = std::make_unique<ClientPlace>();
  place->address = admission_.client_of(http.connection().peer(), request).address_text();
  place->path = request.query_value("path").value_or("").substr(0, ClientPlace::kMaxPath);
  std::size_t bytes = 0;
  for (const std::string& name : door->headers()) {
    const auto value = request.field(name);
    if (!value || value->size() > ClientPlace::kMaxHeaderBytes - bytes) continue;
    bytes += value->size();
    place->headers.emplace_back(name, std::string(*value));
  }
  sessions_.application_notes.at(http.connection().id().index).place = std::move(place);
}

bool ClientApp::key_is_right(const HttpRequest& request) const {
  static constexpr Bytes kScheme = "apikey ";
  std::optional<Bytes> key = request.field("X-API-Key");
  std::optional<std::string> of_query;
  if (!key && request.count("X-API-Key") == 0) {
    key = request.field("Authorization");
    if (key && !key->starts_with(kScheme)) return false;
    if (key) {
      key->remove_prefix(kScheme.size());
    } else if ((of_query = request.query_value("api_key"))) {
      key = *of_query;
    }
  }
  if (!key) return false;
  return key->size() == settings_.api_key.size() &&
         CRYPTO_memcmp(key->data(), settings_.api_key.data(), key->size()) == 0;
}

bool ClientApp::may_use_api(HttpConnection& http, const HttpRequest& request, Instant now) {
  if (request.method != "POST") {
    HttpResponse response = text(405, "the server API takes POST only\n");
    response.fields.emplace_back("Allow", "POST");
    http.respond(response, now);
    return false;
  }
  if (settings_.api_key.empty()) {
    http.respond(text(401, "the server API is off: set [api] key or MILLRACE_API_KEY\n"), now);
    return false;
  }
  if (!key_is_right(request)) {
    http.respond(text(401, "wrong or missing X-API-Key\n"), now);
    return false;
  }
  return true;
}

bool ClientApp::serve_api(HttpConnection& http, const HttpRequest& request, Instant now) {
  static constexpr Bytes kPath = "/api";
  static constexpr Bytes kFolder = "/api/";
  const bool lines = request.path == kPath || request.path == kFolder;
  const auto method = request.path.starts_with(kFolder)
                          ? api_method(request.path.substr(kFolder.size()))
                          : std::nullopt;
  if (!lines && !method) return false;
  if (!may_use_api(http, request, now)) return true;
  std::uint64_t token = http.connection().id().pack();
  if (request.field("X-Centrifugo-Error-Mode") == "transport") token |= kTransportErrors;
  if (lines) {
    api_.take_lines(request.body, *this, token, now);
  } else {
    api_.take(*method, request.body, ApiScope::kCluster, *this, token, now);
  }
  return true;
}

void ClientApp::on_api_outcome(std::uint64_t token, ApiOutcome outcome, Instant now) {
  Connection* connection = table_.find(ConnId::unpack(token & ~kTransportErrors));
  if (connection == nullptr || connection->closing()) return;
  // It waits for this answer, and has not become a WebSocket meanwhile.
  auto& http = dynamic_cast<HttpConnection&>(*connection->protocol());
  if (outcome.malformed) return http.respond(text(400, outcome.text + "\n"), now);
  std::string body = api_answer(outcome);
  const std::size_t most = sessions_.settings.queue_bytes;
  if (body.size() > most) {
    outcome = ApiOutcome::failed(ErrorCode::kLimitExceeded,
                                 "the answer has " + std::to_string(body.size()) +
                                     " bytes, [limits] queue_size is " + std::to_string(most));
    body = api_answer(outcome);
  }
  if (!outcome.error || (token & kTransportErrors) == 0) return http.respond(json(200, body), now);
  std::string error;
  append_api_error(error, outcome);
  http.respond(json(status_of(*outcome.error), std::move(error)), now);
}

}  // namespace millrace
