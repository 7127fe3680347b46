#include "net/jet/info_header.h"

#include "net/auth/base64url.h"
#include "net/jet/jet_json.h"
#include "proto/json_string.h"

namespace millrace {
namespace {

void append_member(std::string& json, Bytes name, Bytes value, bool raw) {
  if (value.empty()) return;
  json += json.empty() ? '{' : ',';
  append_json_string(json, name);
  json += ':';
  if (raw) {
    append_json_value(json, value);
  } else {
    append_json_string(json, value);
  }
}

// A value of any kind, on one line; empty for none and for null.
std::string raw_member(Bytes object, Bytes name) {
  const Bytes value = jet_member(object, name);
  std::string line;
  if (!value.empty() && value != "null") append_json_value(line, value);
  return line;
}

}  // namespace

std::string info_to_header(const ClientInfo& info) {
  if (info.empty()) return {};
  std::string json;
  append_member(json, "user", info.user, false);
  append_member(json, "client", info.client, false);
  append_member(json, "conn_info", info.conn_info, true);
  append_member(json, "chan_info", info.chan_info, true);
  json += '}';
  std::string value = encode_base64url(json);
  return value.size() <= kMaxInfoHeader ? value : std::string();
}

OwnedBytes info_of_header(JsonValidator& validator, Bytes value) {
  std::string json;
  if (value.empty() || value.size() > kMaxInfoHeader || !decode_base64url(value, json)) return {};
  if (!json.starts_with('{') || !validator.valid(json)) return {};
  const Bytes object = json_trim(json);
  const std::string user = jet_text(jet_member(object, "user"));
  const std::string client = jet_text(jet_member(object, "client"));
  const std::string conn_info = raw_member(object, "conn_info");
  const std::string chan_info = raw_member(object, "chan_info");
  if (user.empty() && client.empty()) return {};
  return pack_client_info({user, client, conn_info, chan_info});
}

}  // namespace millrace
