// A random UUID (RFC 9562, version 4), as the 16 bytes that it is.
#pragma once

#include <array>
#include <cstdint>

#include "core/base/bytes.h"
#include "core/base/random.h"

namespace millrace {

class Uuid {
 public:
  // "xxxxxxxx-xxxx-4xxx-yxxx-xxxxxxxxxxxx", made when it is wanted.
  class Text {
   public:
    [[nodiscard]] Bytes view() const { return {chars_.data(), chars_.size()}; }

   private:
    friend class Uuid;
    std::array<char, 36> chars_{};
  };

  // None yet: no random one is all zeros.
  Uuid() = default;
  static Uuid random(Random& random);

  [[nodiscard]] bool none() const { return *this == Uuid(); }
  [[nodiscard]] Text text() const;

  bool operator==(const Uuid&) const = default;

 private:
  std::array<std::uint8_t, 16> bytes_{};
};

static_assert(sizeof(Uuid) == 16, "every session has one");

}  // namespace millrace
