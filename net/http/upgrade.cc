#include "net/http/upgrade.h"

#include <openssl/err.h>
#include <openssl/evp.h>

#include <algorithm>
#include <array>
#include <utility>
#include <vector>

#include "core/base/assert.h"
#include "core/mem/memory_reserve.h"
#include "net/http/response.h"

namespace millrace {

namespace {

constexpr Bytes kAcceptGuid = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
constexpr Bytes kJsonSubprotocol = "centrifuge-json";
constexpr Bytes kFlatBuffersSubprotocol = "millrace-flatbuffers";
constexpr Bytes kVersion = "13";
constexpr std::size_t kSha1Bytes = 20;
constexpr std::size_t kKeyChars = 24;           // 16 bytes in base64
constexpr std::size_t kShownOriginBytes = 200;  // of a refused origin, in the answer and the log

std::string base64(Bytes bytes) {
  std::string text((bytes.size() + 2) / 3 * 4 + 1, '\0');  // and the NUL that OpenSSL writes
  const int length = EVP_EncodeBlock(reinterpret_cast<unsigned char*>(text.data()),
                                     reinterpret_cast<const unsigned char*>(bytes.data()),
                                     static_cast<int>(bytes.size()));
  CHECK_EQ(static_cast<std::size_t>(length) + 1, text.size());
  text.resize(static_cast<std::size_t>(length));
  return text;
}

bool is_base64_char(char c) {
  return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '+' ||
         c == '/';
}

// Base64 of 16 bytes: 22 characters, of which the last one carries only 2 bits, and "==".
bool is_key(Bytes key) {
  if (key.size() != kKeyChars || !key.ends_with("==")) return false;
  const Bytes digits = key.substr(0, kKeyChars - 2);
  return std::all_of(digits.begin(), digits.end(), is_base64_char) &&
         Bytes("AQgw").find(digits.back()) != Bytes::npos;
}

std::optional<HttpRefusal> check_request(const HttpRequest& request) {
  if (request.method != "GET") return HttpRefusal{405, "a WebSocket handshake is a GET"};
  if (request.version < 11) return HttpRefusal{400, "a WebSocket handshake needs HTTP/1.1"};
  const std::optional<Bytes> host = request.field("Host");
  if (!host || host->empty())
    return HttpRefusal{400, "Host must be there exactly once, and not empty"};
  return std::nullopt;
}

std::optional<HttpRefusal> check_websocket_fields(const HttpRequest& request) {
  if (!wants_websocket(request)) {
    return HttpRefusal{426, "this address speaks WebSocket; send Upgrade: websocket"};
  }
  if (!request.list_has("Connection", "Upgrade")) {
    return HttpRefusal{
        400, "Connection does not name Upgrade; does a proxy in between forward WebSocket?"};
  }
  if (request.count("Sec-WebSocket-Version") > 1) {
    return HttpRefusal{400, "Sec-WebSocket-Version is there more than once"};
  }
  if (request.field("Sec-WebSocket-Version") != kVersion) {
    return HttpRefusal{426, "Sec-WebSocket-Version must be 13"};
  }
  const std::optional<Bytes> key = request.field("Sec-WebSocket-Key");
  if (!key || !is_key(*key)) {
    return HttpRefusal{400, "Sec-WebSocket-Key must be there exactly once: 16 bytes in base64"};
  }
  return std::nullopt;
}

std::optional<HttpRefusal> check_nothing_behind(const HttpRequest& request, Bytes bytes_behind) {
  if (!request.body.empty()) return HttpRefusal{400, "a WebSocket handshake has no body"};
  if (!bytes_behind.empty()) {
    return HttpRefusal{400,
                       "bytes came behind the handshake; wait for the 101 before sending frames"};
  }
  return std::nullopt;
}

std::string forbidden_origin(Bytes origin) {
  const bool printable =
      std::all_of(origin.begin(), origin.end(), [](char c) { return c >= 0x20 && c <= 0x7e; });
  const std::string shown = printable ? " " + std::string(origin.substr(0, kShownOriginBytes)) : "";
  return "the origin" + shown + " is not allowed; add it to allowed_origins in [server]";
}

std::optional<HttpRefusal> check_origin(const HttpRequest& request, const OriginPolicy& origins) {
  const std::size_t count = request.count("Origin");
  if (count == 0) return std::nullopt;
  if (count > 1) return HttpRefusal{403, "Origin is there more than once"};
  const Bytes origin = request.field("Origin").value();
  if (origins.allows(origin)) return std::nullopt;
  return HttpRefusal{403, forbidden_origin(origin)};
}

std::optional<HttpRefusal> check_format(const HttpRequest& request) {
  for (const Bytes name : {"format", "cf_protocol"}) {
    const std::optional<std::string> format = request.query_value(name);
    if (!format || *format == "json") continue;
    return HttpRefusal{400, std::string(name) + " in the query must be json, or be left out"};
  }
  return std::nullopt;
}

struct KnownSubprotocol {
  Subprotocol subprotocol;
  Bytes name;
};
constexpr KnownSubprotocol kSubprotocols[] = {{Subprotocol::kJson, kJsonSubprotocol},
                                              {Subprotocol::kFlatBuffers, kFlatBuffersSubprotocol}};

// The first of those offered that is known; nullptr if none is. Names of subprotocols compare with
// case, as browsers compare the echoed one.
const KnownSubprotocol* offered_subprotocol(const HttpRequest& request) {
  for (const Bytes offered : request.list("Sec-WebSocket-Protocol")) {
    const auto* known = std::ranges::find(kSubprotocols, offered, &KnownSubprotocol::name);
    if (known != std::end(kSubprotocols)) return known;
  }
  return nullptr;
}

// RFC 6455 lets us answer without a subprotocol, but then browsers fail without saying why.
std::optional<HttpRefusal> check_subprotocol(const HttpRequest& request) {
  const bool any = request.count("Sec-WebSocket-Protocol") != 0;
  if (!any || offered_subprotocol(request) != nullptr) return std::nullopt;
  return HttpRefusal{400, "none of the offered subprotocols is known; offer " +
                              std::string(kJsonSubprotocol) + " (or none for the same), or " +
                              std::string(kFlatBuffersSubprotocol)};
}

// `head_only`: an answer to HEAD has no body (RFC 9112 section 6.3).
UpgradeDecision refuse(HttpRefusal refusal, bool head_only) {
  HttpResponse response;
  response.status = refusal.status;
  response.body = refusal.reason + "\n";
  if (refusal.status == 405) response.fields.emplace_back("Allow", "GET");
  if (refusal.status == 426) {
    response.fields.emplace_back("Upgrade", "websocket");
    response.fields.emplace_back("Sec-WebSocket-Version", kVersion);
  }
  UpgradeDecision decision;
  decision.status = refusal.status;
  decision.response = serialize(response, false, head_only);
  decision.reason = std::move(refusal.reason);
  return decision;
}

UpgradeDecision accept(const HttpRequest& request) {
  const auto answer = websocket_accept(request.field("Sec-WebSocket-Key").value());
  if (!answer)
    return refuse({503, "this server can't compute the handshake now; try again"}, false);
  UpgradeDecision decision;
  decision.status = 101;
  decision.response =
      "HTTP/1.1 101 Switching Protocols\r\n"
      "Upgrade: websocket\r\n"
      "Connection: Upgrade\r\n"
      "Sec-WebSocket-Accept: ";
  decision.response += *answer + "\r\n";
  if (const KnownSubprotocol* known = offered_subprotocol(request)) {
    decision.subprotocol = known->subprotocol;
    decision.response.append("Sec-WebSocket-Protocol: ").append(known->name).append("\r\n");
  }
  decision.response += "\r\n";
  return decision;
}

}  // namespace

bool wants_websocket(const HttpRequest& request) {
  return request.list_has("Upgrade", "websocket");
}

UpgradeDecision decide_upgrade(const HttpRequest& request, Bytes bytes_behind,
                               const OriginPolicy& origins) {
  std::optional<HttpRefusal> refusal = check_request(request);
  if (!refusal) refusal = check_websocket_fields(request);
  if (!refusal) refusal = check_nothing_behind(request, bytes_behind);
  if (!refusal) refusal = check_origin(request, origins);
  if (!refusal) refusal = check_format(request);
  if (!refusal) refusal = check_subprotocol(request);
  if (refusal) return refuse(*std::move(refusal), request.method == "HEAD");
  return accept(request);
}

std::optional<std::string> websocket_accept(Bytes key) {
  const std::string text = std::string(key).append(kAcceptGuid);
  std::array<unsigned char, kSha1Bytes> digest{};
  unsigned length = 0;
  // SHA-1 is what the RFC asks for; it proves that we read the key and protects nothing.
  const bool done = try_with_reserve([&] {
    const int made =
        EVP_Digest(text.data(), text.size(), digest.data(), &length, EVP_sha1(), nullptr);
    ERR_clear_error();  // its records of a failure would stay for good
    return made == 1;
  });
  if (!done) return std::nullopt;
  CHECK_EQ(length, kSha1Bytes);
  return base64({reinterpret_cast<const char*>(digest.data()), digest.size()});
}

}  // namespace millrace
