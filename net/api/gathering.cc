#include "net/api/gathering.h"

#include <algorithm>
#include <utility>

#include "core/base/assert.h"
#include "net/api/channel_listing.h"

namespace millrace {

void Gathering::add(ApiShare share) {
  CHECK_GT(parts_, 0U);
  if (share.last) --parts_;
  if (share.error != 0) fail(static_cast<ErrorCode>(share.error));
  clients_ += share.clients;
  subscriptions_ += share.subscriptions;
  users_.insert(share.users.begin(), share.users.end());
  channels_.insert(share.channels.begin(), share.channels.end());
  for (const auto& [channel, clients] : share.listed) count(channel, clients);
}

void Gathering::add(NodeAnswer answer) {
  CHECK_GT(nodes_, 0U);
  --nodes_;
  if (answer.error) fail(*answer.error);
  for (const ApiChannelCount& each : answer.channels) count(each.channel, each.clients);
  for (ApiNodeInfo& each : answer.nodes) others_.push_back(std::move(each));
}

void Gathering::fail(ErrorCode error) {
  if (!error_) error_ = error;
}

void Gathering::count(const std::string& channel, std::uint64_t clients) {
  const auto [found, added] = listed_.try_emplace(channel, 0);
  found->second += clients;
  if (!added) return;
  listed_bytes_ += channel.size() + ChannelListing::kListedEnvelope;
  if (listed_bytes_ <= ChannelListing::kMaxListedBytes) return;
  fail(ErrorCode::kLimitExceeded);
  listed_.erase(found);
}

ApiOutcome Gathering::outcome(ApiMethod method, ApiNodeInfo self) const {
  CHECK(complete());
  if (error_ && method == ApiMethod::kChannels && *error_ == ErrorCode::kLimitExceeded) {
    return ApiOutcome::failed(*error_, "more channels than an answer lists; ask for a pattern");
  }
  if (error_) return ApiOutcome::failed(*error_);
  if (method == ApiMethod::kInfo) {
    self.clients = clients_;
    self.users = users_.size();
    self.channels = channels_.size();
    self.subscriptions = subscriptions_;
    std::vector<ApiNodeInfo> nodes{std::move(self)};
    nodes.insert(nodes.end(), others_.begin(), others_.end());
    return ApiOutcome::done(info_result(nodes));
  }
  if (method == ApiMethod::kChannels) {
    std::vector<ApiChannelCount> channels;
    channels.reserve(listed_.size());
    for (const auto& [channel, clients] : listed_) channels.push_back({channel, clients});
    std::ranges::sort(channels, {}, &ApiChannelCount::channel);
    return ApiOutcome::done(channels_result(channels));
  }
  return ApiOutcome::done();
}

}  // namespace millrace
