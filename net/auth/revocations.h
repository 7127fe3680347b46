// Which tokens are no longer good although they are signed and not expired. A value: each shard has
// a copy, and is given the same commands with the same times in the same order, so all copies
// agree.
//
// What is revoked is gone by itself when the command's time is over: take the time when the last
// token that it is about has expired. The tables are bounded; what doesn't fit is refused with an
// error, never put in the place of another one.
#pragma once

#include <boost/unordered/unordered_flat_map.hpp>
#include <cstddef>
#include <cstdint>
#include <string>

#include "core/base/bytes.h"
#include "core/base/hash.h"
#include "core/base/result.h"

namespace millrace {

inline constexpr std::size_t kMaxRevokedUsers = 65'536;
inline constexpr std::size_t kMaxRevokedTokens = 65'536;
inline constexpr std::size_t kMaxRevokedName = 255;  // bytes of a user or a token id

// All times are seconds of the calendar.
struct Revocation {
  enum class What : std::uint8_t {
    kUser,        // `name`'s tokens that were issued before `before`
    kToken,       // the token of the id `name`
    kEverything,  // all tokens that were issued before `before`; until the process ends
  };
  What what = What::kUser;
  std::string name;
  std::int64_t before = 0;
  std::int64_t until = 0;  // of kUser and kToken
};

// What must be kept of a token for as long as it may have to be asked again.
struct TokenFacts {
  Bytes user;
  std::int64_t issued_at = 0;       // 0: not said, so it was before everything
  std::uint64_t token_id_hash = 0;  // token_id_hash(); 0: no id
};
// 0 for an empty id alone.
std::uint64_t token_id_hash(Bytes token_id);

enum class RevokeError : std::uint8_t { kFull, kBadName, kOver };
Bytes revoke_error_text(RevokeError error);

class Revocations {
 public:
  Result<void, RevokeError> apply(const Revocation& revocation, std::int64_t now);

  [[nodiscard]] bool is_revoked(const TokenFacts& token, std::int64_t now) const;

  [[nodiscard]] std::size_t users() const { return users_.size(); }
  [[nodiscard]] std::size_t tokens() const { return tokens_.size(); }

  bool operator==(const Revocations&) const = default;

 private:
  struct User {
    std::int64_t before = 0;
    std::int64_t until = 0;
    bool operator==(const User&) const = default;
  };

  Result<void, RevokeError> revoke_user(const Revocation& revocation, std::int64_t now);
  Result<void, RevokeError> revoke_token(const Revocation& revocation, std::int64_t now);

  boost::unordered_flat_map<std::string, User, BytesHash, std::equal_to<>> users_;
  boost::unordered_flat_map<std::uint64_t, std::int64_t> tokens_;  // until when
  // Before these, a look for what is over finds nothing.
  std::int64_t next_user_end_ = INT64_MAX;
  std::int64_t next_token_end_ = INT64_MAX;
  std::int64_t everything_before_ = 0;
};

}  // namespace millrace
