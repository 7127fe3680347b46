#include "net/nodes/node_beat.h"

#include <algorithm>
#include <array>

#include "core/base/assert.h"
#include "proto/json_string.h"

namespace millrace {

namespace {

// A hundred years; in nanoseconds it still has room.
constexpr std::uint64_t kLongestUptime = 3'153'600'000;  // seconds

void append_number(std::string& out, Bytes name, std::uint64_t value) {
  out.append(",\"").append(name).append("\":").append(std::to_string(value));
}

}  // namespace

std::string node_beat_json(const NodeBeat& beat) {
  const NodeFacts& facts = beat.facts;
  CHECK_LE(facts.name.size(), kMaxNodeText);
  CHECK_LE(facts.version.size(), kMaxNodeText);
  std::string out = R"({"id":")" + std::string(beat.id.text()) + '"';
  append_number(out, "beat", beat.number);
  out += R"(,"name":)";
  append_json_string(out, facts.name);
  out += R"(,"version":)";
  append_json_string(out, facts.version);
  append_number(out, "shards", facts.shards);
  append_number(out, "clients", facts.clients);
  append_number(out, "users", facts.users);
  append_number(out, "channels", facts.channels);
  append_number(out, "subscriptions", facts.subscriptions);
  append_number(out, "uptime", static_cast<std::uint64_t>(facts.uptime.to_seconds()));
  if (beat.goodbye) out += R"(,"goodbye":true)";
  return out + '}';
}

std::optional<NodeBeat> NodeBeatReader::read(Bytes body) {
  if (body.size() > kMaxNodeBeat || !validator_.valid(body)) return std::nullopt;
  const Bytes object = json_trim(body);
  if (!object.starts_with('{')) return std::nullopt;
  NodeBeat beat;
  NodeFacts& facts = beat.facts;
  Bytes id;
  Bytes name;
  Bytes version;
  std::uint64_t uptime = 0;
  std::array wanted = {JsonField{"id", JsonString{&id}},
                       JsonField{"beat", &beat.number},
                       JsonField{"name", JsonString{&name}},
                       JsonField{"version", JsonString{&version}},
                       JsonField{"shards", &facts.shards},
                       JsonField{"clients", &facts.clients},
                       JsonField{"users", &facts.users},
                       JsonField{"channels", &facts.channels},
                       JsonField{"subscriptions", &facts.subscriptions},
                       JsonField{"uptime", &uptime},
                       JsonField{"goodbye", &beat.goodbye}};
  fields_.begin(body.size());
  if (!fields_.read(object, wanted)) return std::nullopt;
  const auto parsed = NodeId::parse(id);
  if (!parsed || beat.number == 0 || name.size() > kMaxNodeText || version.size() > kMaxNodeText) {
    return std::nullopt;
  }
  beat.id = *parsed;
  facts.name = name;
  facts.version = version;
  facts.uptime = seconds(static_cast<std::int64_t>(std::min(uptime, kLongestUptime)));
  return beat;
}

}  // namespace millrace
