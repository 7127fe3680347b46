#include "net/api/node_answer.h"

#include <utility>

#include "core/hub/channel_name.h"
#include "net/api/api_members.h"

namespace millrace {

namespace {

// {"news":{"num_clients":2},..}. False if it is something else.
bool read_channels(Bytes object, std::vector<ApiChannelCount>& channels) {
  if (!object.starts_with('{')) return false;
  // No look for names that stand twice: they would only add up.
  JsonMembers walk(object);
  while (walk.next()) {
    ApiChannelCount& count = channels.emplace_back();
    if (!append_json_unescaped(count.channel, walk.key())) return false;
    ApiMembers members(walk.value());
    if (!members.ok() || check_channel_name(count.channel) != ChannelNameError::kOk) return false;
    count.clients = members.number("num_clients");
    if (!members.ok()) return false;
  }
  return true;
}

bool read_nodes(Bytes list, std::vector<ApiNodeInfo>& nodes) {
  if (!list.starts_with('[')) return false;
  JsonElements walk(list);
  while (walk.next()) {
    if (nodes.size() == kMaxNodesListed) return false;
    ApiMembers members(walk.value());
    if (!members.ok()) return false;
    ApiNodeInfo node{.uid = members.text("uid", kMaxNodeInfoText),
                     .name = members.text("name", kMaxNodeInfoText),
                     .version = members.text("version", kMaxNodeInfoText),
                     .clients = members.number("num_clients"),
                     .users = members.number("num_users"),
                     .channels = members.number("num_channels"),
                     .subscriptions = members.number("num_subs"),
                     .uptime = members.whole("uptime")};
    if (!members.ok() || node.uptime < 0) return false;
    nodes.push_back(std::move(node));
  }
  return true;
}

bool read(ApiMethod method, Bytes body, NodeAnswer& answer) {
  ApiMembers members(body);
  if (!members.ok()) return false;
  if (const auto error = members.find("error")) {
    ApiMembers said(*error);
    const std::uint64_t code = said.ok() ? said.number("code") : 0;
    const bool known = code >= static_cast<std::uint64_t>(ErrorCode::kInternal) &&
                       code <= static_cast<std::uint64_t>(ErrorCode::kConflict);
    if (!said.ok() || !known) return false;
    answer.error = static_cast<ErrorCode>(code);
    return true;
  }
  const auto result = members.find("result");
  if (!result) return false;
  ApiMembers told(*result);
  if (!told.ok()) return false;
  if (method == ApiMethod::kChannels) {
    const auto channels = told.find("channels");
    return channels && read_channels(*channels, answer.channels);
  }
  if (method == ApiMethod::kInfo) {
    const auto nodes = told.find("nodes");
    return nodes && read_nodes(*nodes, answer.nodes);
  }
  return true;
}

}  // namespace

NodeAnswer read_node_answer(JsonValidator& validator, ApiMethod method, Bytes body) {
  NodeAnswer answer;
  if (validator.valid(body) && read(method, json_trim(body), answer)) return answer;
  return {.error = ErrorCode::kInternal, .channels = {}, .nodes = {}};
}

}  // namespace millrace
