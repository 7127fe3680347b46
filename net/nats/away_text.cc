#include "net/nats/away_text.h"

#include <utility>

#include "core/base/bytes.h"
#include "net/nats/nats_url.h"

namespace millrace {

namespace {

// What the library says of a server that is there and does not take us, or that we don't take.
const char* refusal(Bytes note) {
  const auto says = [note](Bytes part) { return note.find(part) != Bytes::npos; };
  if (says("Authorization") || says("Authentication")) {
    return "it does not take us for a user of its own; check broker.credentials, broker.nkey_seed "
           "or the user in broker.nats, and that the user is not expired";
  }
  if (says("SSL") || says("TLS") || says("secure connection") || says("Secure Connection") ||
      says("certificate")) {
    return "TLS failed; check broker.tls_ca and broker.tls_name against its certificate, whether "
           "it speaks TLS at all, and whether it wants broker.tls_cert";
  }
  return nullptr;
}

const char* reason(NatsLinkCause cause, Bytes note) {
  if (const char* refused = refusal(note); refused != nullptr) return refused;
  switch (cause) {
    case NatsLinkCause::kNotReached:
      return "no connection yet; is nats-server running there?";
    case NatsLinkCause::kLost:
      return "the connection was lost; is nats-server running there?";
    case NatsLinkCause::kNoAnswer:
      return "connected, but it does not answer";
    case NatsLinkCause::kClosed:
      return "it closed the connection";
  }
  return "";
}

}  // namespace

std::string nats_away_text(const std::vector<std::string>& urls, std::int64_t away_seconds,
                           NatsLinkCause cause, const std::string& note) {
  std::string text = "NATS";
  const char* separator = " ";
  for (const std::string& url : urls) {
    text += std::exchange(separator, ", ") + masked_nats_url(url);
  }
  text += " is away since " + std::to_string(away_seconds) + " s: " + reason(cause, note);
  if (!note.empty()) text += " (" + note + ")";
  return text;
}

}  // namespace millrace
