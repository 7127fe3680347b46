#include "proto/reply_encoder.h"

#include "proto/json_string.h"

namespace millrace {
namespace {

std::string reply_head(std::uint32_t id) { return "{\"id\":" + std::to_string(id); }

// SDKs read the result as an object, so an empty one is sent as {}.
std::string empty_result(std::uint32_t id, Bytes name) {
  std::string out = reply_head(id);
  out.append(",\"").append(name).append("\":{}}");
  return out;
}

}  // namespace

std::string encode_connect_reply(std::uint32_t id, const ConnectReply& reply) {
  std::string out = reply_head(id);
  out.append(",\"connect\":{");
  // A member that is empty, zero or false is left out, the comma in front of it too.
  const std::size_t start = out.size();
  const auto member = [&out, start](Bytes name) {
    if (out.size() != start) out.push_back(',');
    out.append("\"").append(name).append("\":");
  };
  if (!reply.client.empty()) {
    member("client");
    append_json_string(out, reply.client);
  }
  if (!reply.version.empty()) {
    member("version");
    append_json_string(out, reply.version);
  }
  if (reply.ping_seconds != 0) {
    member("ping");
    out.append(std::to_string(reply.ping_seconds));
  }
  if (reply.pong) {
    member("pong");
    out.append("true");
  }
  out.append("}}");
  return out;
}

std::string encode_subscribe_reply(std::uint32_t id) { return empty_result(id, "subscribe"); }
std::string encode_unsubscribe_reply(std::uint32_t id) { return empty_result(id, "unsubscribe"); }
std::string encode_publish_reply(std::uint32_t id) { return empty_result(id, "publish"); }

std::string encode_error_reply(std::uint32_t id, ErrorCode code) {
  std::string out = reply_head(id);
  out.append(",\"error\":{\"code\":");
  out.append(std::to_string(static_cast<std::uint32_t>(code)));
  out.append(",\"message\":");
  append_json_string(out, error_text(code));
  if (error_temporary(code)) out.append(",\"temporary\":true");
  out.append("}}");
  return out;
}

}  // namespace millrace
