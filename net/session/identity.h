// Who a client is, as far as it has proven it: a user id, until when that holds, and a hash of the
// token that proved it. Made at connect, for good; a refreshed token makes a new one.
//
// One allocation of exactly what is needed; nobody in particular costs none. Limit: a user id of
// kMaxUser bytes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <utility>

#include "core/base/bytes.h"

namespace millrace {

// Seconds of the calendar, as tokens count them (RFC 7519, NumericDate).
struct Expiry {
  static constexpr std::uint32_t kNever = UINT32_MAX;  // and so is what lies behind the year 2106
  std::uint32_t seconds = kNever;
  bool operator==(const Expiry&) const = default;
};

class Identity {
 public:
  static constexpr std::size_t kMaxUser = 255;

  // Nobody in particular.
  Identity() = default;
  // Nothing if the id is too long.
  static std::optional<Identity> make(Bytes user, Expiry expiry, std::uint64_t token_hash);

  Identity(Identity&& other) noexcept { swap(other); }
  Identity& operator=(Identity&& other) noexcept {
    Identity moved(std::move(other));
    swap(moved);
    return *this;
  }
  ~Identity() = default;

  // Empty for nobody in particular; and a token may name nobody, too.
  [[nodiscard]] Bytes user() const;
  [[nodiscard]] Expiry expiry() const;
  // Of the token; 0 without one.
  [[nodiscard]] std::uint64_t token_hash() const;

 private:
  struct Proof {
    std::uint64_t token_hash = 0;
    Expiry expiry;
  };
  // Up to its last member: the user id follows at once, and 36 bytes of it end at 48.
  static constexpr std::size_t kProofBytes = sizeof(std::uint64_t) + sizeof(Expiry);

  [[nodiscard]] Proof proof() const;
  void swap(Identity& other) noexcept {
    std::swap(bytes_, other.bytes_);
    std::swap(user_size_, other.user_size_);
  }

  std::unique_ptr<char[]> bytes_;  // a Proof and the user id
  std::uint8_t user_size_ = 0;
};

}  // namespace millrace
