// The members of a request in JSON, taken into variables by name and type.
//
// Unknown members are ignored. A known one may stand once, so that no two readers can see two
// requests, and must be of its type. What is taken points into the frame, or into this reader's
// buffer where it had escapes, and lives until the next begin().
//
// Owner: a decoder.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <variant>
#include <vector>

#include "core/base/bytes.h"
#include "proto/command.h"

namespace millrace {

// Where a member goes, which says what type it must be.
struct JsonString {
  Bytes* out;  // unescaped
};
struct JsonRaw {
  Bytes* out;  // any value, as it was sent but for line breaks
};
struct JsonPresent {
  bool* out;  // any value: that it is there is all that matters
};
// {"offset":..,"epoch":..}
struct JsonPosition {
  std::optional<KnownPosition>* out;
};
// {"channel":{"recover":..,"offset":..,"epoch":..},..}, each channel once; sorted by name.
struct JsonKnownSubscriptions {
  std::span<const KnownSubscription>* out;
};

struct JsonField {
  Bytes name;
  std::variant<JsonString, JsonRaw, JsonPresent, bool*, std::uint64_t*, std::int32_t*, JsonPosition,
               JsonKnownSubscriptions>
      target;
  bool seen = false;
};

class JsonFieldReader {
 public:
  static constexpr std::size_t kMaxKnownSubscriptions = 1'024;

  // For a frame of so many bytes: what was taken before is forgotten.
  void begin(std::size_t frame_bytes);
  // REQUIRES: `object` is part of the frame, accepted by JsonValidator, and begins with '{'.
  [[nodiscard]] bool read(Bytes object, std::span<JsonField> fields);
  // The unescaped name of a member; valid until the next call.
  [[nodiscard]] Bytes key_text(Bytes key);
  // Why the last read() said false.
  [[nodiscard]] Bytes reason() const { return reason_; }

 private:
  [[nodiscard]] bool bad_type(Bytes name, Bytes wanted);
  [[nodiscard]] bool take(const JsonField& field, Bytes value);
  [[nodiscard]] bool take_position(Bytes name, Bytes value, std::optional<KnownPosition>& out);
  [[nodiscard]] bool take_known(Bytes name, Bytes value, std::span<const KnownSubscription>& out);
  [[nodiscard]] Bytes string_text(Bytes value);
  [[nodiscard]] Bytes raw_text(Bytes value);

  // Unescaped strings and joined payloads of this frame. Each piece of the frame gets here once and
  // no longer than it was, so room for the frame is room for all, and views stay good.
  std::string scratch_;
  std::string key_scratch_;
  std::string reason_;
  std::vector<KnownSubscription> known_;
};

}  // namespace millrace
