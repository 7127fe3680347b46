#include "proto/flat_writer.h"

#include <algorithm>
#include <limits>

#include "core/base/assert.h"

namespace millrace {
namespace {

constexpr std::size_t kWide = 8;         // the widest number, and what it is aligned to
constexpr std::size_t kVtableStart = 4;  // its own size, and its table's
constexpr std::size_t kSlot = 2;

}  // namespace

void FlatTable::add(const Field& field) {
  CHECK_LT(count_, kMaxFields);
  fields_[count_++] = field;
}

FlatTable& FlatTable::add_bytes(std::uint16_t slot, Bytes value, bool is_text) {
  if (!value.empty()) {
    add({.slot = slot, .size = kReference, .is_text = is_text, .bytes = value});
  }
  return *this;
}

FlatMessage::FlatMessage(std::string& out, Bytes identifier) : out_(out), begin_(out.size()) {
  CHECK_EQ(identifier.size(), 4U);
  out_.append(8, '\0').append(identifier);
}

void FlatMessage::table(FlatPlace place, FlatTable fields) {
  const auto end = fields.fields_.begin() + static_cast<std::ptrdiff_t>(fields.count_);
  const auto begin = fields.fields_.begin();
  // The widest first: then nothing needs a gap in front of it.
  std::stable_sort(begin, end, [](const auto& a, const auto& b) { return a.size > b.size; });
  std::size_t vtable = kVtableStart;
  std::uint16_t used = FlatTable::kReference;  // the way back to the vtable
  for (auto field = begin; field != end; ++field) {
    vtable = std::max<std::size_t>(vtable, field->slot + kSlot);
    field->at = used;
    used = static_cast<std::uint16_t>(used + field->size);
  }
  // Behind the four bytes of the way back a wide number must be aligned.
  const bool wide = begin != end && begin->size == kWide;
  const std::size_t before = (wide ? FlatTable::kReference + vtable : vtable);
  align(wide ? kWide : FlatTable::kReference, (kWide - before % kWide) % kWide);
  const std::size_t vtable_at = size();
  const std::size_t at = vtable_at + vtable;
  out_.append(vtable + used, '\0');
  put(place.at, at - place.at, FlatTable::kReference);
  put(vtable_at, vtable, kSlot);
  put(vtable_at + kSlot, used, kSlot);
  put(at, vtable, FlatTable::kReference);
  for (auto field = begin; field != end; ++field) {
    put(vtable_at + field->slot, field->at, kSlot);
    if (field->place != nullptr) field->place->at = at + field->at;
    if (field->bytes.empty()) put(at + field->at, field->number, field->size);
  }
  for (auto field = begin; field != end; ++field) {
    if (field->bytes.empty()) continue;
    point_here({at + field->at});
    put(size() - FlatTable::kReference, field->bytes.size(), FlatTable::kReference);
    out_.append(field->bytes);
    if (field->is_text) out_.push_back('\0');
  }
}

FlatPlace FlatMessage::tables(FlatPlace place, std::size_t count) {
  point_here(place);
  const std::size_t at = size();
  put(at - FlatTable::kReference, count, FlatTable::kReference);
  out_.append(count * FlatTable::kReference, '\0');
  return {at};
}

void FlatMessage::finish() {
  align(kWide);
  CHECK_LE(size(), static_cast<std::size_t>(std::numeric_limits<std::int32_t>::max()));
  put(0, size() - FlatTable::kReference, FlatTable::kReference);
}

void FlatMessage::align(std::size_t to, std::size_t remainder) {
  out_.append((to + remainder % to - size() % to) % to, '\0');
}

void FlatMessage::put(std::size_t at, std::uint64_t number, std::size_t size) {
  for (std::size_t i = 0; i < size; ++i) {
    out_[begin_ + at + i] = static_cast<char>(number >> (8 * i) & 0xff);
  }
}

// Begins a vector: its length is the caller's to put.
void FlatMessage::point_here(FlatPlace place) {
  align(FlatTable::kReference);
  put(place.at, size() - place.at, FlatTable::kReference);
  out_.append(FlatTable::kReference, '\0');
}

}  // namespace millrace
