#include "net/nats/away_text.h"

#include <utility>

#include "net/nats/nats_url.h"

namespace millrace {

namespace {

const char* reason(NatsLinkCause cause) {
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
  text += " is away since " + std::to_string(away_seconds) + " s: " + reason(cause);
  if (!note.empty()) text += " (" + note + ")";
  return text;
}

}  // namespace millrace
