#include "net/nats/nats_inbox.h"

#include <string>

#include "core/base/bytes.h"
#include "core/base/hash.h"

namespace millrace {
namespace {

// What tells a message from others on its subscription. Its tenants differ by generation.
std::uint64_t key_of(const NatsInbound& inbound, std::string& text) {
  const natsMsg* message = inbound.message.get();
  text.assign(reinterpret_cast<const char*>(&inbound.subscription), sizeof(NatsSubscriptionId));
  text.append(natsMsg_GetSubject(message)).push_back('\0');
  if (const char* reply = natsMsg_GetReply(message); reply != nullptr) text.append(reply);
  text.push_back('\0');
  const int size = natsMsg_GetDataLength(message);
  if (size > 0) text.append(natsMsg_GetData(message), static_cast<std::size_t>(size));
  return hash_bytes(text);
}

}  // namespace

void NatsInbox::merge(std::uint64_t stage, std::vector<NatsInbound>& out) {
  const auto told = static_cast<Stage>(stage & ((std::uint64_t{1} << kStageBits) - 1));
  const auto next = static_cast<std::uint32_t>(stage >> kStageBits);
  const bool changed = stage != seen_stage_;
  seen_stage_ = stage;
  if (changed && (told == Stage::kBoth || !overlap_)) {
    // One that was cut short may still withhold. One that began and ended since the last look is
    // gone through as well.
    if (overlap_) overlap_->end_old(out, copies_);
    overlap_ = std::make_unique<NatsOverlap<NatsInbound>>(most_messages_);
  }
  messages_.take(raw_);
  const std::int64_t now_ms = nats_Now();
  std::string text;
  for (NatsInbound& inbound : raw_) {
    if (!overlap_ || !inbound.shared) {
      out.push_back(std::move(inbound));
      continue;
    }
    const std::uint64_t key = key_of(inbound, text);
    if (inbound.connection == next) {
      overlap_->from_new(std::move(inbound), key, now_ms, out, copies_);
    } else {
      overlap_->from_old(std::move(inbound), key, now_ms, out, copies_);
    }
  }
  raw_.clear();
  if (changed && overlap_ && told != Stage::kBoth) overlap_->end_old(out, copies_);
  if (told == Stage::kNone) overlap_.reset();
  for (NatsInbound& copy : copies_) release(copy);
  copies_.clear();
}

}  // namespace millrace
