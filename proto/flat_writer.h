// FlatBuffers written front to back, at the end of a string that may hold other messages already.
//
// flatc's builder writes back to front into a buffer of its own, whose bytes are then copied to
// where they are wanted: a payload twice. Here every byte is written once, where it stays. Tables
// stand in front of what they refer to; readers see no difference. Field numbers are the VT_ names
// of the code that flatc makes.
//
// Owner: who writes, for one message; the string is the caller's. Limits: kMaxFields in a table and
// 2 GiB in a message, which are CHECKed: what peers send is bounded long before. No reader, and no
// check that a schema has such a field.
//
// A message is as long as a multiple of eight bytes, so that the next one in a frame is aligned.
//
//   FlatMessage message(out, "MLRC");
//   FlatPlace info;
//   message.table(message.root(), FlatTable().number(VT_OFFSET, 7).child(VT_INFO, info));
//   message.table(info, FlatTable().text(VT_USER, "ann"));
//   message.finish();
#pragma once

#include <array>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <string>

#include "core/base/bytes.h"

namespace millrace {

// A reference that has been written and points nowhere yet: where it stands in the message.
struct FlatPlace {
  std::size_t at = 0;
};

// What is in a table. Zero, false and empty are left out: they are every field's default.
class FlatTable {
 public:
  static constexpr std::size_t kMaxFields = 11;

  template <std::integral T>
  FlatTable& number(std::uint16_t slot, T value) {
    if (value != T{}) add({.slot = slot, .size = sizeof(T), .number = value_of(value)});
    return *this;
  }
  FlatTable& text(std::uint16_t slot, Bytes value) { return add_bytes(slot, value, true); }
  FlatTable& bytes(std::uint16_t slot, Bytes value) { return add_bytes(slot, value, false); }
  // `place` is set once this table is written; table() or tables() then points it.
  FlatTable& child(std::uint16_t slot, FlatPlace& place) {
    add({.slot = slot, .size = kReference, .place = &place});
    return *this;
  }

 private:
  friend class FlatMessage;
  static constexpr std::uint8_t kReference = 4;

  struct Field {
    std::uint16_t slot = 0;  // where its vtable says where it is
    std::uint8_t size = 0;
    bool is_text = false;
    std::uint16_t at = 0;  // in the table
    std::uint64_t number = 0;
    Bytes bytes = {};
    FlatPlace* place = nullptr;
  };
  template <std::integral T>
  static std::uint64_t value_of(T value) {
    return static_cast<std::uint64_t>(value);
  }
  void add(const Field& field);
  FlatTable& add_bytes(std::uint16_t slot, Bytes value, bool is_text);

  std::array<Field, kMaxFields> fields_{};
  std::size_t count_ = 0;
};

class FlatMessage {
 public:
  FlatMessage(std::string& out, Bytes identifier);

  [[nodiscard]] FlatPlace root() const { return {4}; }
  // Written here, and `place` points to it.
  void table(FlatPlace place, FlatTable fields);
  // A vector of tables that are yet to be written: the first one's place, the others follow it.
  FlatPlace tables(FlatPlace place, std::size_t count);
  static FlatPlace next(FlatPlace place) { return {place.at + FlatTable::kReference}; }
  void finish();

 private:
  [[nodiscard]] std::size_t size() const { return out_.size() - begin_; }
  void align(std::size_t to, std::size_t remainder = 0);
  void put(std::size_t at, std::uint64_t number, std::size_t size);
  void point_here(FlatPlace place);

  std::string& out_;
  const std::size_t begin_;
};

}  // namespace millrace
