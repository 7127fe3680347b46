// Who a client is, as far as it has proven it: a user id, until when that holds, and of the token
// that proved it a hash of its id and when it was issued, so that it can be revoked. Made at
// connect, for good; a refreshed token makes a new one.
//
// One allocation of exactly what is needed; nobody in particular costs none. Limits: a user id of
// kMaxUser bytes, an info of kMaxInfo.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <utility>

#include "core/base/bytes.h"
#include "core/time/instant.h"

namespace millrace {

// A second on the shards' clock, so that a step of the machine's calendar expires nobody; a token's
// own times are converted once, when it comes.
struct Expiry {
  static constexpr std::uint32_t kNever = UINT32_MAX;  // and so is what lies 136 years ahead
  std::uint32_t seconds = kNever;

  static Expiry at(Instant when) {
    const std::int64_t whole = std::max<std::int64_t>((when.ns + 999'999'999) / 1'000'000'000, 0);
    return {whole >= kNever ? kNever : static_cast<std::uint32_t>(whole)};
  }
  // A second of the calendar (0: never), seen from now.
  static Expiry of_calendar(std::int64_t expires_at, std::int64_t calendar_now, Instant now);
  [[nodiscard]] bool never() const { return seconds == kNever; }
  // Not before it. Instant::never() if there is none.
  [[nodiscard]] Instant instant() const {
    return never() ? Instant::never() : Instant{std::int64_t{seconds} * 1'000'000'000};
  }
  bool operator==(const Expiry&) const = default;
};

class Identity {
 public:
  static constexpr std::size_t kMaxUser = 255;
  static constexpr std::size_t kMaxInfo = 65'535;

  struct Facts {
    Bytes user = {};
    Bytes info = {};  // raw JSON
    Expiry expiry = {};
    std::uint32_t issued_at = 0;   // seconds of the calendar; 0: not said
    std::uint32_t token_hash = 0;  // of the token's id; 0 without one
  };

  // Nobody in particular.
  Identity() = default;
  // Nothing if something is too long.
  static std::optional<Identity> make(const Facts& facts);

  Identity(Identity&& other) noexcept { swap(other); }
  Identity& operator=(Identity&& other) noexcept {
    Identity moved(std::move(other));
    swap(moved);
    return *this;
  }
  ~Identity() = default;

  // A token stands behind it.
  [[nodiscard]] bool proven() const { return bytes_ != nullptr; }
  // Empty for nobody in particular; and a token may name nobody, too.
  [[nodiscard]] Bytes user() const;
  [[nodiscard]] Bytes info() const;
  [[nodiscard]] Expiry expiry() const { return proof().expiry; }
  [[nodiscard]] std::uint32_t issued_at() const { return proof().issued_at; }
  [[nodiscard]] std::uint32_t token_hash() const { return proof().token_hash; }

 private:
  // 12 bytes: with a user id of 36 it makes the allocator's class of 48. An info has its length in
  // front, and only who has one pays for it.
  struct Proof {
    std::uint32_t token_hash = 0;
    std::uint32_t issued_at = 0;
    Expiry expiry;
  };
  static constexpr std::size_t kProofBytes = sizeof(Proof);
  static constexpr std::uint8_t kHasInfo = 1;

  [[nodiscard]] Proof proof() const;
  void swap(Identity& other) noexcept {
    std::swap(bytes_, other.bytes_);
    std::swap(user_size_, other.user_size_);
    std::swap(flags_, other.flags_);
  }

  std::unique_ptr<char[]> bytes_;  // a Proof, the user id, and the info
  std::uint8_t user_size_ = 0;
  std::uint8_t flags_ = 0;
};

static_assert(sizeof(Identity) == 16, "docs/memory.md adds up what a connection costs");

}  // namespace millrace
