#include "net/api/api_outcome.h"

#include <openssl/evp.h>

#include "core/base/assert.h"
#include "proto/json_string.h"

namespace millrace {

namespace {

// "name":, with a comma in front where something stands before it.
void name(std::string& out, Bytes name) {
  if (out.back() != '{') out.push_back(',');
  out.append("\"").append(name).append("\":");
}

void text(std::string& out, Bytes key, Bytes value) {
  name(out, key);
  append_json_string(out, value);
}

void number(std::string& out, Bytes key, std::uint64_t value) {
  name(out, key);
  out.append(std::to_string(value));
}

void json(std::string& out, Bytes key, Bytes value) {
  if (value.empty()) return;
  name(out, key);
  append_json_value(out, value);
}

void member(std::string& out, const ClientInfo& info) {
  out.push_back('{');
  text(out, "user", info.user);
  text(out, "client", info.client);
  json(out, "conn_info", info.conn_info);
  json(out, "chan_info", info.chan_info);
  out.push_back('}');
}

std::string base64(Bytes bytes) {
  std::string out((bytes.size() + 2) / 3 * 4 + 1, '\0');
  const int size = ::EVP_EncodeBlock(reinterpret_cast<unsigned char*>(out.data()),
                                     reinterpret_cast<const unsigned char*>(bytes.data()),
                                     static_cast<int>(bytes.size()));
  out.resize(static_cast<std::size_t>(size));
  return out;
}

}  // namespace

std::string api_error_message(const ApiOutcome& outcome) {
  CHECK(outcome.error.has_value());
  std::string message(error_text(*outcome.error));
  if (!outcome.text.empty()) message.append(": ").append(outcome.text);
  return message;
}

void append_api_error(std::string& out, const ApiOutcome& outcome) {
  out.append(R"({"code":)").append(std::to_string(static_cast<unsigned>(*outcome.error)));
  text(out, "message", api_error_message(outcome));
  out.push_back('}');
}

std::string api_answer(const ApiOutcome& outcome) {
  if (outcome.bare) return outcome.text;
  std::string out;
  if (outcome.error) {
    out = R"({"error":)";
    append_api_error(out, outcome);
  } else {
    out = R"({"result":)";
    out.append(outcome.text);
  }
  out.push_back('}');
  return out;
}

std::string publish_result(const StreamPosition& position) {
  std::string out = "{";
  if (position.offset != 0) {
    number(out, "offset", position.offset);
    text(out, "epoch", position.epoch.text());
  }
  return out + "}";
}

std::string presence_result(std::span<const ClientInfo> members) {
  std::string out = R"({"presence":{)";
  for (const ClientInfo& each : members) {
    if (out.back() != '{') out.push_back(',');
    append_json_string(out, each.client);
    out.push_back(':');
    member(out, each);
  }
  return out + "}}";
}

std::string presence_stats_result(PresenceCounts counts) {
  std::string out = "{";
  number(out, "num_clients", counts.clients);
  number(out, "num_users", counts.users);
  return out + "}";
}

std::string history_result(const HistoryPage& page, bool binary) {
  std::string out = R"({"publications":[)";
  for (const KeptPublication& each : page.publications) {
    if (out.back() != '[') out.push_back(',');
    out.push_back('{');
    if (binary) {
      text(out, "b64data", base64(each.data));
    } else {
      json(out, "data", each.data);
    }
    if (!each.info.empty()) {
      name(out, "info");
      member(out, each.info);
    }
    number(out, "offset", each.offset);
    out.push_back('}');
  }
  out.push_back(']');
  text(out, "epoch", page.top.epoch.text());
  number(out, "offset", page.top.offset);
  return out + "}";
}

std::string channels_result(std::span<const ApiChannelCount> channels) {
  std::string out = R"({"channels":{)";
  for (const ApiChannelCount& each : channels) {
    if (out.back() != '{') out.push_back(',');
    append_json_string(out, each.channel);
    out.append(":{");
    number(out, "num_clients", each.clients);
    out.push_back('}');
  }
  return out + "}}";
}

std::string info_result(std::span<const ApiNodeInfo> nodes) {
  std::string out = R"({"nodes":[)";
  for (const ApiNodeInfo& each : nodes) {
    if (out.back() != '[') out.push_back(',');
    out.push_back('{');
    text(out, "uid", each.uid);
    text(out, "name", each.name);
    text(out, "version", each.version);
    number(out, "num_clients", each.clients);
    number(out, "num_users", each.users);
    number(out, "num_channels", each.channels);
    number(out, "num_subs", each.subscriptions);
    number(out, "uptime", static_cast<std::uint64_t>(each.uptime));
    out.push_back('}');
  }
  return out + "]}";
}

}  // namespace millrace
