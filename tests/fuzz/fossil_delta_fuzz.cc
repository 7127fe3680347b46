// Two payloads, and the patch from one to the other, applied by a decoder of its own.
//
// A patch gives the new payload again, is shorter, and is text if the new payload is; and the
// decoder ends in good order on bytes that are no patch.
#include <string>

#include "core/base/assert.h"
#include "core/base/utf8.h"
#include "proto/fossil_delta.h"
#include "tests/fuzz/fuzz_input.h"
#include "tests/support/fossil_apply.h"

namespace millrace {
namespace {

void try_pair(Bytes from, Bytes to) {
  std::string patch = "left over";
  const bool made = make_fossil_delta(from, to, patch);
  CHECK_EQ(made, !patch.empty());
  if (!made) return;
  CHECK_LT(patch.size(), to.size());
  CHECK(apply_fossil_delta(from, patch) == to);
  CHECK(!utf8_valid(to) || utf8_valid(patch));
}

// `from` with some of its parts moved, repeated and dropped, and strange bytes between them.
std::string changed(Bytes from, FuzzInput& input) {
  std::string to;
  while (!input.empty() && to.size() < 4'096) {
    const std::size_t begin = from.empty() ? 0 : input.number() % from.size();
    to.append(from.substr(begin, input.byte() * 4U));
    to.append(input.bytes(input.byte() % 8));
  }
  return to;
}

}  // namespace
}  // namespace millrace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  millrace::FuzzInput input(data, size);
  const std::size_t repeat = 1 + input.byte() % 16;
  const millrace::Bytes piece = input.bytes(input.number() % 2'048);
  std::string from;
  for (std::size_t i = 0; i < repeat; ++i) from += piece;
  millrace::FuzzInput moves = input;
  millrace::try_pair(from, millrace::changed(from, moves));
  const millrace::Bytes rest = input.rest();
  millrace::try_pair(from, rest);
  millrace::try_pair(rest, from);
  CHECK(!millrace::apply_fossil_delta(from, rest) || !rest.empty());
  return 0;
}
