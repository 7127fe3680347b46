#include "net/server/client_app.h"

#include <openssl/crypto.h>

#include <memory>
#include <optional>

#include "core/hub/channel_name.h"
#include "net/server/revoke_request.h"
#include "proto/json_string.h"

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

HttpResponse api_error(ErrorCode code, Bytes detail = {}) {
  std::string message(error_text(code));
  if (!detail.empty()) message.append(": ").append(detail);
  std::string body =
      R"({"error":{"code":)" + std::to_string(static_cast<unsigned>(code)) + R"(,"message":)";
  append_json_string(body, message);
  return json(200, body + "}}");
}

// Keeps the one publish command of a request. Its views point into the decoder, until its next
// call.
class PublishTaker final : public CommandSink {
 public:
  bool on_command(const Command& command, Bytes) override {
    if (const auto* publish = std::get_if<PublishCommand>(&command.body)) taken_ = *publish;
    return true;
  }
  [[nodiscard]] const std::optional<PublishCommand>& taken() const { return taken_; }

 private:
  std::optional<PublishCommand> taken_;
};

}  // namespace

ClientApp::ClientApp(const ClientAppSettings& settings, WsShared& ws, SessionContext& sessions,
                     Admission& admission, Revoker& revoker)
    : settings_(settings), ws_(ws), sessions_(sessions), admission_(admission), revoker_(revoker) {}

void ClientApp::on_request(HttpConnection& http, const HttpRequest& request, Instant now) {
  now_ = now;
  if (request.path == "/connection/websocket") {
    return serve_websocket(http, request, now);
  }
  admission_.on_arrived(http.connection().id());
  if (request.path == "/api/publish") {
    serve_publish(http, request, now);
  } else if (request.path == "/api/revoke") {
    serve_revoke(http, request, now);
  } else if (request.path == "/" && (request.method == "GET" || request.method == "HEAD")) {
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
  std::optional<Bytes> key = request.field("X-API-Key");
  if (!key) {
    key = request.field("Authorization");
    static constexpr Bytes kScheme = "apikey ";
    if (!key || !key->starts_with(kScheme)) return false;
    key = key->substr(kScheme.size());
  }
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

void ClientApp::serve_revoke(HttpConnection& http, const HttpRequest& request, Instant now) {
  if (!may_use_api(http, request, now)) return;
  const std::int64_t calendar = sessions_.tokens.now();
  const auto revocation = read_revoke_request(orders_, request.body, calendar);
  if (!revocation.ok()) {
    return http.respond(api_error(ErrorCode::kBadRequest, revocation.error().text), now);
  }
  const auto done = revoker_.revoke(*revocation, calendar, now);
  if (done.ok()) return http.respond(json(200, R"({"result":{}})"), now);
  const bool full = done.error() == RevokeError::kFull;
  http.respond(api_error(full ? ErrorCode::kLimitExceeded : ErrorCode::kBadRequest,
                         revoke_error_text(done.error())),
               now);
}

void ClientApp::serve_publish(HttpConnection& http, const HttpRequest& request, Instant now) {
  if (!may_use_api(http, request, now)) return;
  Bytes body;
  if (!payloads_.check(request.body, body)) {
    return http.respond(text(400, "the body is not JSON\n"), now);
  }
  // The request is the client protocol's publish with another envelope: one decoder reads both.
  static constexpr Bytes kFront = R"({"id":1,"publish":)";
  line_.clear();
  line_.reserve(kFront.size() + body.size() + 1);
  line_.append(kFront).append(body).append("}");
  PublishTaker taker;
  if (sessions_.decoders[0]->decode(line_, taker) != CommandDecoder::Outcome::kDone ||
      !taker.taken()) {
    return http.respond(text(400, "the body is not {\"channel\":\"...\",\"data\":...}\n"), now);
  }
  const PublishCommand& publish = *taker.taken();
  const ChannelNameError name = check_channel_name(publish.channel);
  if (name != ChannelNameError::kOk) {
    return http.respond(api_error(ErrorCode::kBadRequest, channel_name_error_text(name)), now);
  }
  if (publish.data.empty() || publish.data.size() > sessions_.settings.publication_bytes) {
    return http.respond(api_error(ErrorCode::kBadRequest, "data is missing or too large"), now);
  }
  const NamespaceSettings* settings = sessions_.find_namespace(publish.channel);
  if (settings == nullptr) return http.respond(api_error(ErrorCode::kUnknownChannel), now);
  const auto token = sessions_.fanout.begin(http.connection().id(), 0);
  if (!token) return http.respond(api_error(ErrorCode::kTooManyRequests), now);
  ++sessions_.metrics.api_publishes_total;
  sessions_.hub.publish({publish.channel, publish.data, {}, {}}, settings->stream, *token, now);
}

void ClientApp::on_published(HttpConnection& http, bool accepted) {
  http.respond(accepted ? json(200, R"({"result":{}})")
                        : api_error(ErrorCode::kInternal, "the broker is away; try again"),
               now_);
}

}  // namespace millrace
