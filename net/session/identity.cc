#include "net/session/identity.h"

#include <algorithm>
#include <cstring>

namespace millrace {

std::optional<Identity> Identity::make(Bytes user, Expiry expiry, std::uint64_t token_hash) {
  if (user.size() > kMaxUser) return std::nullopt;
  const Proof proof{token_hash, expiry};
  Identity made;
  made.bytes_ = std::make_unique_for_overwrite<char[]>(kProofBytes + user.size());
  std::memcpy(made.bytes_.get(), static_cast<const void*>(&proof), kProofBytes);
  std::ranges::copy(user, made.bytes_.get() + kProofBytes);
  made.user_size_ = static_cast<std::uint8_t>(user.size());
  return made;
}

Bytes Identity::user() const {
  return bytes_ ? Bytes(bytes_.get() + kProofBytes, user_size_) : Bytes();
}

Expiry Identity::expiry() const { return proof().expiry; }

std::uint64_t Identity::token_hash() const { return proof().token_hash; }

Identity::Proof Identity::proof() const {
  Proof proof;
  if (bytes_ != nullptr) std::memcpy(static_cast<void*>(&proof), bytes_.get(), kProofBytes);
  return proof;
}

}  // namespace millrace
