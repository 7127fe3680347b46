#include "bench/load/payload.h"

#include <charconv>

#include "core/base/assert.h"

namespace millrace::load {
namespace {

constexpr Bytes kSeq = "\"seq\":";
constexpr Bytes kAt = ",\"at\":";
constexpr Bytes kBy = ",\"by\":";
constexpr Bytes kPad = ",\"pad\":\"";

template <typename T>
bool read_number(Bytes& text, T& number) {
  const char* const end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, number);
  if (error != std::errc()) return false;
  text.remove_prefix(static_cast<std::size_t>(stop - text.data()));
  return true;
}

template <typename T>
bool read_key(Bytes& text, Bytes key, T& number) {
  if (!text.starts_with(key)) return false;
  text.remove_prefix(key.size());
  return read_number(text, number);
}

}  // namespace

void append_payload(std::string& out, const Marks& marks, std::size_t size) {
  CHECK_GE(size, kLeastPayload);
  const std::size_t start = out.size();
  out.append("{").append(kSeq).append(std::to_string(marks.seq));
  out.append(kAt).append(std::to_string(marks.at.ns));
  if (marks.by != 0) out.append(kBy).append(std::to_string(marks.by));
  const std::size_t used = out.size() - start + 1;  // with the closing brace
  const std::size_t missing = size > used ? size - used : 0;
  // What a key does not fit into is filled with blanks, which JSON allows.
  if (missing > kPad.size()) {
    out.append(kPad).append(missing - kPad.size() - 1, 'x').append("\"");
  } else {
    out.append(missing, ' ');
  }
  out.append("}");
}

Marks find_marks(Bytes text) {
  Marks marks;
  const std::size_t found = text.find(kSeq);
  if (found == Bytes::npos) return marks;
  text.remove_prefix(found);
  std::uint32_t seq = 0;
  if (!read_key(text, kSeq, seq)) return marks;
  marks.seq = seq;
  if (!read_key(text, kAt, marks.at.ns)) marks.at = Instant::never();
  if (!read_key(text, kBy, marks.by)) marks.by = 0;
  return marks;
}

}  // namespace millrace::load
