#include "net/auth/revocations.h"

#include <algorithm>

#include "core/base/assert.h"

namespace millrace {
namespace {

// Removes what is over and returns when the next one will be.
template <typename Table, typename UntilOf>
std::int64_t remove_over(Table& table, std::int64_t now, UntilOf until_of) {
  std::int64_t next = INT64_MAX;
  for (auto it = table.begin(); it != table.end();) {
    const std::int64_t until = until_of(it->second);
    if (until <= now) {
      table.erase(it++);
    } else {
      next = std::min(next, until);
      ++it;
    }
  }
  return next;
}

}  // namespace

std::uint64_t token_id_hash(Bytes token_id) {
  if (token_id.empty()) return 0;
  return std::max<std::uint64_t>(hash_bytes(token_id), 1);
}

Bytes revoke_error_text(RevokeError error) {
  switch (error) {
    case RevokeError::kFull:
      return "there is no room for more revocations; wait until some are over, or revoke "
             "everything that was issued before a time";
    case RevokeError::kBadName:
      return "a user or token id has 1 to 255 bytes";
    case RevokeError::kOver:
      return "the revocation ends in the past; give the time when the last token is over";
  }
  CHECK(false);
  return {};
}

Result<void, RevokeError> Revocations::apply(const Revocation& revocation, std::int64_t now) {
  switch (revocation.what) {
    case Revocation::What::kUser:
      return revoke_user(revocation, now);
    case Revocation::What::kToken:
      return revoke_token(revocation, now);
    case Revocation::What::kEverything:
      everything_before_ = std::max(everything_before_, revocation.before);
      return {};
  }
  CHECK(false);
  return {};
}

Result<void, RevokeError> Revocations::revoke_user(const Revocation& revocation, std::int64_t now) {
  if (revocation.name.empty() || revocation.name.size() > kMaxRevokedName) {
    return RevokeError::kBadName;
  }
  if (revocation.until <= now) return RevokeError::kOver;
  if (next_user_end_ <= now) {
    next_user_end_ = remove_over(users_, now, [](const User& user) { return user.until; });
  }
  const auto known = users_.find(revocation.name);
  if (known == users_.end() && users_.size() == kMaxRevokedUsers) return RevokeError::kFull;
  User& user = known != users_.end() ? known->second : users_[revocation.name];
  // Never less than what was revoked already.
  user.before = std::max(user.before, revocation.before);
  user.until = std::max(user.until, revocation.until);
  next_user_end_ = std::min(next_user_end_, user.until);
  return {};
}

Result<void, RevokeError> Revocations::revoke_token(const Revocation& revocation,
                                                    std::int64_t now) {
  if (revocation.name.empty() || revocation.name.size() > kMaxRevokedName) {
    return RevokeError::kBadName;
  }
  if (revocation.until <= now) return RevokeError::kOver;
  if (next_token_end_ <= now) {
    next_token_end_ = remove_over(tokens_, now, [](std::int64_t until) { return until; });
  }
  const std::uint64_t hash = token_id_hash(revocation.name);
  if (!tokens_.contains(hash) && tokens_.size() == kMaxRevokedTokens) return RevokeError::kFull;
  std::int64_t& until = tokens_[hash];
  until = std::max(until, revocation.until);
  next_token_end_ = std::min(next_token_end_, until);
  return {};
}

bool Revocations::is_revoked(const TokenFacts& token, std::int64_t now) const {
  if (token.issued_at < everything_before_) return true;
  if (token.token_id_hash != 0) {
    const auto revoked = tokens_.find(token.token_id_hash);
    if (revoked != tokens_.end() && now < revoked->second) return true;
  }
  const auto user = users_.find(token.user);
  return user != users_.end() && now < user->second.until && token.issued_at < user->second.before;
}

}  // namespace millrace
