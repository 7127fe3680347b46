#include "net/api/channel_listing.h"

#include <algorithm>
#include <utility>

#include "core/base/hash.h"
#include "core/hub/channel_name.h"
#include "net/session/namespace_settings.h"
#include "proto/error_code.h"

namespace millrace {

void ChannelListing::list(ShardId asker, std::uint64_t call, std::string pattern) {
  jobs_.push_back({.asker = asker, .call = call, .counts = false, .pattern = std::move(pattern)});
}

void ChannelListing::count(ShardId asker, std::uint64_t call) {
  jobs_.push_back({.asker = asker, .call = call, .counts = true, .pattern = {}});
}

void ChannelListing::turn(Instant now) {
  if (jobs_.empty()) return;
  Job& job = jobs_.front();
  ApiShare share{.call = job.call, .last = false};
  const std::size_t steps = job.pattern.empty() ? 1 : job.pattern.size() * kMaxChannelName;
  const auto slots =
      static_cast<std::uint32_t>(std::clamp<std::size_t>(kStepsPerTurn / steps, 1, kSlotsPerTurn));
  const std::uint32_t until = std::min(hub_.channel_slots(), job.next_slot + slots);
  for (; job.next_slot < until && share.error == 0; ++job.next_slot) {
    const Channel* channel = hub_.channel_in(job.next_slot);
    if (channel == nullptr) continue;
    if (!add(job, *channel, share))
      share.error = static_cast<std::uint32_t>(ErrorCode::kLimitExceeded);
  }
  const ShardId asker = job.asker;
  share.last = share.error != 0 || job.next_slot >= hub_.channel_slots();
  if (share.last) jobs_.pop_front();
  if (share.last || !share.listed.empty() || !share.channels.empty()) {
    sink_.on_share(asker, std::move(share), now);
  }
}

bool ChannelListing::add(Job& job, const Channel& channel, ApiShare& share) {
  if (job.counts) {
    share.channels.push_back(hash_bytes(channel.name));
    return true;
  }
  if (!job.pattern.empty() && !matches(job.pattern, channel.name)) return true;
  job.bytes += channel.name.size() + kListedEnvelope;
  if (job.bytes > kMaxListedBytes) return false;
  share.listed.emplace_back(channel.name, channel.subscribers.size());
  return true;
}

}  // namespace millrace
