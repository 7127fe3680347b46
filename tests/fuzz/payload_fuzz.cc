// The check of payloads where they enter, against two other opinions.
//
// One is a validator that shares no code with it, the other simdjson's DOM, which is stricter about
// numbers. Checking twice changes nothing.
#include <simdjson.h>

#include <string>

#include "core/base/assert.h"
#include "core/base/utf8.h"
#include "proto/json_string.h"
#include "proto/json_text.h"
#include "proto/payload.h"
#include "tests/fuzz/fuzz_input.h"
#include "tests/unit/proto/reference_json.h"

namespace millrace {
namespace {

std::string without_line_breaks(Bytes text) {
  std::string kept;
  for (const char c : text) {
    if (c != '\r' && c != '\n') kept.push_back(c);
  }
  return kept;
}

void try_payload(Bytes payload) {
  JsonPayloadChecker checker;
  Bytes out;
  const bool accepted = checker.check(payload, out);
  CHECK_EQ(accepted, test::ReferenceJson::valid(payload, kMaxJsonDepth));
  if (!accepted) return;
  const std::string line(out);
  CHECK_EQ(line, without_line_breaks(payload));
  CHECK_EQ(out.data() == payload.data(), payload.find_first_of("\r\n") == Bytes::npos);
  // Once more changes nothing, and what was checked before leaves no trace.
  CHECK(checker.check(line, out));
  CHECK_EQ(out, line);
  CHECK_EQ(static_cast<const void*>(out.data()), static_cast<const void*>(line.data()));
}

// Whatever simdjson's DOM takes must be taken here, but for what it is too kind about (escapes of
// half a character, a byte order mark) and for what is too deep.
void compare_with_dom(Bytes payload) {
  constexpr Bytes kByteOrderMark = "\xef\xbb\xbf";
  if (payload.find("\\u") != Bytes::npos || payload.starts_with(kByteOrderMark)) return;
  const simdjson::padded_string padded(payload);
  simdjson::dom::parser parser;
  if (parser.allocate(payload.size() + 1, kMaxJsonDepth) != simdjson::SUCCESS) return;
  simdjson::dom::element element;
  if (parser.parse(padded).get(element) != simdjson::SUCCESS) return;
  JsonPayloadChecker checker;
  Bytes out;
  CHECK(checker.check(payload, out));
}

void try_string(Bytes text) {
  std::string quoted;
  append_json_string(quoted, text);
  CHECK_EQ(quoted.find_first_of("\r\n"), std::string::npos);
  CHECK_EQ(test::ReferenceJson::valid(quoted, 1), utf8_valid(text));
  std::string back;
  CHECK(append_json_unescaped(back, Bytes(quoted).substr(1, quoted.size() - 2)));
  CHECK_EQ(back, text);
}

}  // namespace
}  // namespace millrace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const millrace::Bytes text = millrace::FuzzInput(data, size).rest();
  millrace::try_payload(text);
  millrace::compare_with_dom(text);
  millrace::try_string(text);
  return 0;
}
