#include "net/http/forwarded.h"

#include <optional>

namespace millrace {

namespace {

// The node that an element of Forwarded names: the value of its only "for", without quotes. Empty
// without one; nothing if it can't be read.
std::optional<Bytes> for_of(Bytes element) {
  std::optional<Bytes> found;
  while (!element.empty()) {
    const std::size_t end = element.find(';');
    const Bytes pair = trim_white_space(element.substr(0, end));
    element = end == Bytes::npos ? Bytes() : element.substr(end + 1);
    const std::size_t equals = pair.find('=');
    if (equals == Bytes::npos) return std::nullopt;
    if (!field_is({pair.substr(0, equals), {}}, "for")) continue;
    Bytes value = pair.substr(equals + 1);
    if (value.starts_with('"')) {
      if (value.size() < 2 || value.back() != '"') return std::nullopt;
      value = value.substr(1, value.size() - 2);
    }
    if (found || value.empty()) return std::nullopt;
    found = value;
  }
  return found ? found : Bytes();
}

// RFC 7239 section 6: a proxy may say that it does not know, or give a name of its own making.
bool is_untold(Bytes node) {
  return node.empty() || node == "unknown" || node.starts_with('_') || node.starts_with("unknown:");
}

}  // namespace

ForwardedClient forwarded_client(const HttpRequest& request, ForwardedField field,
                                 const Peer& proxy, const Networks& trusted) {
  const bool plain = field == ForwardedField::kXForwardedFor;
  const std::vector<Bytes> elements = request.list(plain ? "X-Forwarded-For" : "Forwarded");
  using Outcome = ForwardedClient::Outcome;
  ForwardedClient client{Outcome::kUntold, proxy, {}};
  std::size_t hops = 0;
  for (auto element = elements.rbegin(); element != elements.rend(); ++element) {
    const std::optional<Bytes> node = plain ? std::optional(*element) : for_of(*element);
    // What says that it is untold is so; what is left of it can't be attributed to anybody.
    if (node && is_untold(*node)) return {Outcome::kUntold, client.peer, {}};
    const std::optional<Peer> peer = node ? parse_peer(*node) : std::nullopt;
    if (!peer || ++hops > kMaxForwardedHops) {
      return {Outcome::kGarbage, client.peer, std::string(*element)};
    }
    client.outcome = Outcome::kFound;
    client.peer = *peer;
    if (!contains(trusted, *peer)) break;
  }
  return client;
}

}  // namespace millrace
