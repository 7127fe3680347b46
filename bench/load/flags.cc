#include "bench/load/flags.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <vector>

#include "bench/load/address_plan.h"
#include "net/server/duration_size.h"

namespace millrace::load {
namespace {

constexpr std::string_view kCount = "a whole number above 0, such as 1000, 100k or 1M";
constexpr std::string_view kDuration = "a duration with its unit, such as 500ms, 10s or 5m";
constexpr std::string_view kRate = "a number above 0, such as 100 or 0.5";
constexpr std::string_view kShare = "a share from 0 to 1, such as 0.1";

std::string wants(std::string_view what) { return "wants " + std::string(what); }

std::optional<double> parse_number(std::string_view text) {
  double number = 0;
  const char* const end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, number);
  if (error != std::errc() || stop != end || !std::isfinite(number)) return std::nullopt;
  return number;
}

template <typename To>
std::string take_count(To& to, std::string_view value) {
  const auto count = parse_count(value);
  if (!count) return wants(kCount);
  to = static_cast<std::uint32_t>(*count);
  return {};
}

template <typename To>
std::string take_duration(To& to, std::string_view value) {
  const auto span = parse_duration(value);
  if (!span || span->ns == 0) return wants(kDuration);
  to = *span;
  return {};
}

std::string take_rate(double& to, std::string_view value) {
  const auto number = parse_number(value);
  if (!number || *number <= 0) return wants(kRate);
  to = *number;
  return {};
}

std::string take_share(double& to, std::string_view value) {
  const auto number = parse_number(value);
  if (!number || *number < 0 || *number > 1) return wants(kShare);
  to = *number;
  return {};
}

template <typename To>
std::string take_text(To& to, std::string_view value) {
  to = std::string(value);
  return value.empty() ? wants("a text") : std::string();
}

template <typename Parse>
std::string take_addresses(std::vector<ListenAddress>& to, std::string_view value, Parse parse) {
  while (true) {
    const std::size_t comma = std::min(value.find(','), value.size());
    const auto some = parse(value.substr(0, comma));
    if (!some) return ": " + some.error().text;
    to.insert(to.end(), some->begin(), some->end());
    if (comma == value.size()) return {};
    value.remove_prefix(comma + 1);
  }
}

std::string take_allow(Allowed& allowed, std::string_view value) {
  while (true) {
    const std::size_t comma = std::min(value.find(','), value.size());
    const std::string_view word = value.substr(0, comma);
    if (word == "refused") {
      allowed.refused = true;
    } else if (word == "errors") {
      allowed.errors = true;
    } else if (word == "closes") {
      allowed.closes = true;
    } else if (word == "holes") {
      allowed.holes = true;
    } else {
      return wants("a list of refused, errors, closes, holes");
    }
    if (comma == value.size()) return {};
    value.remove_prefix(comma + 1);
  }
}

std::string take_protocol(Options& options, std::string_view value) {
  for (const auto protocol : {WireProtocol::kJson, WireProtocol::kFlat, WireProtocol::kRaw}) {
    if (value != protocol_name(protocol)) continue;
    options.protocol = protocol;
    return {};
  }
  return wants("json, flatbuffers or raw");
}

using View = std::string_view;
using Flags = std::vector<Flag>;

Flags where_flags() {
  constexpr auto kWhere = "Where";
  return {
      {kWhere, "--target", "ADDR:PORT[,...]",
       "the server; repeated, a list, or a range: 127.0.0.1-127.0.0.40:8000",
       [](Draft& d, View v) {
         return take_addresses(d.options.targets, v, AddressPlan::parse_target);
       }},
      {kWhere, "--sources", "ADDR[,...]",
       "addresses to connect from, such as 127.0.1.1-127.0.1.8; a loopback target picks its own",
       [](Draft& d, View v) {
         return take_addresses(d.options.sources, v, AddressPlan::parse_source);
       }},
      {kWhere, "--protocol", "json|flatbuffers|raw",
       "json: Centrifuge's protocol; flatbuffers: millrace's binary one; raw: any WebSocket "
       "server, a message is a delivery",
       [](Draft& d, View v) { return take_protocol(d.options, v); }},
      {kWhere, "--path", "PATH", "of the upgrade; default /connection/websocket",
       [](Draft& d, View v) { return take_text(d.options.path, v); }},
      {kWhere, "--subprotocol", "NAME", "Sec-WebSocket-Protocol",
       [](Draft& d, View v) { return take_text(d.options.subprotocol, v); }},
      {kWhere, "--origin", "ORIGIN", "Origin",
       [](Draft& d, View v) { return take_text(d.options.origin, v); }},
      {kWhere, "--token", "TOKEN", "of every connect",
       [](Draft& d, View v) { return take_text(d.options.token, v); }},
      {kWhere, "--token-secret", "SECRET",
       "the server's [token] hmac_secret: each client makes a token of its own",
       [](Draft& d, View v) { return take_text(d.options.token_secret, v); }},
  };
}

Flags connect_flags() {
  constexpr auto kHow = "How they connect";
  return {
      {kHow, "--connections", "N", "how many; default 1000",
       [](Draft& d, View v) { return take_count(d.connections, v); }},
      {kHow, "--subscribe", "CHANNEL",
       "of each client, repeated: news, room:{i/10}, seat:{i}, lane:{i%4}; i is its number",
       [](Draft& d, View v) {
         d.subscribe.emplace_back(v);
         return std::string();
       }},
      {kHow, "--rooms", "R", "for `rooms`: how many; default 100",
       [](Draft& d, View v) { return take_count(d.rooms, v); }},
      {kHow, "--room-size", "M", "for `rooms`: clients in each; default 10",
       [](Draft& d, View v) { return take_count(d.room_size, v); }},
      {kHow, "--connect-rate", "PER_SECOND", "default: as fast as --connecting allows",
       [](Draft& d, View v) { return take_rate(d.options.connect_rate, v); }},
      {kHow, "--ramp", "DURATION", "the same, as the time for all of them",
       [](Draft& d, View v) { return take_duration(d.ramp, v); }},
      {kHow, "--connecting", "N", "at once, until subscribed; default 512, for `storm` 4096",
       [](Draft& d, View v) { return take_count(d.connecting, v); }},
      {kHow, "--connect-timeout", "DURATION", "of an attempt; default 30s",
       [](Draft& d, View v) { return take_duration(d.options.connect_timeout, v); }},
      {kHow, "--threads", "N",
       "at least; default: half of the cores beside a local server, else all",
       [](Draft& d, View v) { return take_count(d.options.threads, v); }},
      {kHow, "--reconnect", "", "who is closed or fails comes back; `reconnect` has it on",
       [](Draft& d, View) {
         d.options.reconnect = true;
         return std::string();
       }},
      {kHow, "--recover", "",
       "who comes back recovers what it missed; what it then misses is a hole",
       [](Draft& d, View) {
         d.options.recover = true;
         return std::string();
       }},
      {kHow, "--backoff", "DURATION", "bound of the first wait, doubled each time; default 500ms",
       [](Draft& d, View v) { return take_duration(d.options.backoff.least, v); }},
      {kHow, "--backoff-max", "DURATION", "bound of the last; default 20s",
       [](Draft& d, View v) { return take_duration(d.options.backoff.most, v); }},
  };
}

Flags publish_flags() {
  constexpr auto kWhat = "What is published";
  return {
      {kWhat, "--rate", "PER_SECOND", "publications in all, on a fixed schedule; default 10",
       [](Draft& d, View v) {
         d.rate_given = true;
         return take_rate(d.options.rate, v);
       }},
      {kWhat, "--in-flight", "K",
       "instead: a closed loop of K; of each client, where clients publish",
       [](Draft& d, View v) { return take_count(d.options.in_flight, v); }},
      {kWhat, "--size", "BYTES", "of a payload, from 64; default 64",
       [](Draft& d, View v) { return take_count(d.options.size, v); }},
      {kWhat, "--publish-by", "api|client", "default: api if there is a key, else a client",
       [](Draft& d, View v) {
         d.publish_by = std::string(v);
         return v == "api" || v == "client" ? std::string() : wants("api or client");
       }},
      {kWhat, "--api", "ADDR:PORT", "of POST /api/publish; default: the first target",
       [](Draft& d, View v) { return take_text(d.api, v); }},
      {kWhat, "--publish-to", "CHANNEL", "or pattern; default: the first --subscribe",
       [](Draft& d, View v) { return take_text(d.publish_to, v); }},
      {kWhat, "--publishers", "N", "for `publish`: clients that do; default all",
       [](Draft& d, View v) { return take_count(d.options.publishers, v); }},
      {kWhat, "--broadcast-to", "CHANNEL", "default: the first --subscribe that all share",
       [](Draft& d, View v) { return take_text(d.options.broadcast_to, v); }},
  };
}

Flags phase_flags() {
  constexpr auto kWhen = "What happens when";
  return {
      {kWhen, "--duration", "DURATION", "of the load; default 10s",
       [](Draft& d, View v) { return take_duration(d.duration, v); }},
      {kWhen, "--hold", "DURATION", "all up and quiet; default for `idle` 10s, else none",
       [](Draft& d, View v) { return take_duration(d.hold, v); }},
      {kWhen, "--broadcast", "N", "publications to one channel, each awaited",
       [](Draft& d, View v) { return take_count(d.broadcast, v); }},
      {kWhen, "--expect", "N", "for `listen`: publications of others to each subscription",
       [](Draft& d, View v) { return take_count(d.expect, v); }},
      {kWhen, "--cut", "SHARE", "for `reconnect`: of the connections; default 1",
       [](Draft& d, View v) { return take_share(d.options.cut_share, v); }},
      {kWhen, "--cut-publish", "N",
       "publications, at --rate, to the channel that all share while they are away",
       [](Draft& d, View v) { return take_count(d.options.cut_publish, v); }},
      {kWhen, "--slow", "SHARE", "for `slow`: of the readers, which stop; default 0.1",
       [](Draft& d, View v) { return take_share(d.options.slow_share, v); }},
      {kWhen, "--phases", "LIST", "instead of all that, in order; see below",
       [](Draft& d, View v) { return take_text(d.phases, v); }},
      {kWhen, "--patience", "DURATION", "for what makes no progress; default 60s",
       [](Draft& d, View v) { return take_duration(d.options.patience, v); }},
  };
}

Flags verdict_flags() {
  constexpr auto kVerdict = "Verdict and figures";
  return {
      {kVerdict, "--allow", "LIST", "what is no failure: refused, errors, closes, holes",
       [](Draft& d, View v) { return take_allow(d.options.allowed, v); }},
      {kVerdict, "--server-pid", "PID", "default: who listens on the target's port",
       [](Draft& d, View v) { return take_count(d.options.server_pid, v); }},
      {kVerdict, "--admin", "ADDR:PORT", "of the server: its /stats go into the JSON",
       [](Draft& d, View v) {
         d.options.admin = parse_listen_address(v);
         return d.options.admin ? std::string() : wants("an address such as 127.0.0.1:8001");
       }},
      {kVerdict, "--json", "FILE|-", "the whole run as one JSON object; - is the standard output",
       [](Draft& d, View v) { return take_text(d.options.json, v); }},
      {kVerdict, "--events", "FILE|-", "a JSON line at the begin and the end of each phase",
       [](Draft& d, View v) { return take_text(d.options.events, v); }},
      {kVerdict, "--quiet", "", "no progress on the standard error",
       [](Draft& d, View) {
         d.options.quiet = true;
         return std::string();
       }},
      {kVerdict, "--help", "", "this",
       [](Draft& d, View) {
         d.help = true;
         return std::string();
       }},
      {kVerdict, "--version", "", "the version",
       [](Draft& d, View) {
         d.version = true;
         return std::string();
       }},
  };
}

const Flags& table() {
  static const Flags flags = [] {
    Flags all;
    for (const Flags& group :
         {where_flags(), connect_flags(), publish_flags(), phase_flags(), verdict_flags()}) {
      all.insert(all.end(), group.begin(), group.end());
    }
    return all;
  }();
  return flags;
}

}  // namespace

std::span<const Flag> all_flags() { return table(); }

std::optional<std::uint64_t> parse_count(std::string_view text) {
  std::uint64_t factor = 1;
  if (text.ends_with('k')) factor = 1'000;
  if (text.ends_with('M')) factor = 1'000'000;
  if (factor > 1) text.remove_suffix(1);
  std::uint64_t number = 0;
  const char* const end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, number);
  if (error != std::errc() || stop != end || number == 0) return std::nullopt;
  if (number > UINT32_MAX / factor) return std::nullopt;
  return number * factor;
}

}  // namespace millrace::load
