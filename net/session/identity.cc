#include "net/session/identity.h"

#include <algorithm>
#include <cstring>

namespace millrace {

namespace {

using InfoSize = std::uint16_t;

}  // namespace

Expiry Expiry::of_calendar(std::int64_t expires_at, std::int64_t calendar_now, Instant now) {
  if (expires_at == 0) return {};
  constexpr std::int64_t kFar = kNever / 2;
  const std::int64_t left = std::clamp(expires_at - calendar_now, -kFar, kFar);
  return left == kFar ? Expiry{} : at(now + millrace::seconds(left));
}

std::optional<Identity> Identity::make(const Facts& facts) {
  if (facts.user.size() > kMaxUser || facts.info.size() > kMaxInfo) return std::nullopt;
  const Proof proof{facts.token_hash, facts.issued_at, facts.expiry};
  const std::size_t info_bytes = facts.info.empty() ? 0 : sizeof(InfoSize) + facts.info.size();
  Identity made;
  made.bytes_ =
      std::make_unique_for_overwrite<char[]>(kProofBytes + facts.user.size() + info_bytes);
  char* at = made.bytes_.get();
  std::memcpy(at, &proof, kProofBytes);
  at = std::ranges::copy(facts.user, at + kProofBytes).out;
  made.user_size_ = static_cast<std::uint8_t>(facts.user.size());
  if (info_bytes == 0) return made;
  const auto size = static_cast<InfoSize>(facts.info.size());
  std::memcpy(at, &size, sizeof(size));
  std::ranges::copy(facts.info, at + sizeof(size));
  made.flags_ = kHasInfo;
  return made;
}

Bytes Identity::user() const {
  return bytes_ ? Bytes(bytes_.get() + kProofBytes, user_size_) : Bytes();
}

Bytes Identity::info() const {
  if ((flags_ & kHasInfo) == 0) return {};
  const char* at = bytes_.get() + kProofBytes + user_size_;
  InfoSize size = 0;
  std::memcpy(&size, at, sizeof(size));
  return {at + sizeof(size), size};
}

Identity::Proof Identity::proof() const {
  Proof proof;
  if (bytes_ != nullptr) std::memcpy(static_cast<void*>(&proof), bytes_.get(), kProofBytes);
  return proof;
}

}  // namespace millrace
