// What changed between two payloads, as a patch in the delta format of the Fossil SCM
// (fossil-scm.org, "Delta Format"), which SDKs apply to the publication before.
//
// A patch is the size of the result, a line feed, commands, and a checksum with a semicolon: `5@3,`
// copies 5 bytes of the old payload from its byte 3 on, `4:abcd` inserts 4 bytes. Numbers are
// written to the base 64.
// To a JSON client a patch travels as a string, so it must be UTF-8 as a whole: what is inserted
// begins and ends between characters of the new payload, never inside one.
//
// Time and memory are bounded for any input: kMaxFossilInput, and a budget of bytes compared for
// each byte. Pure, so of no shard. Patches are only made here; SDKs apply them, and in the tests
// tests/support/fossil_apply.h does.
#pragma once

#include <cstddef>
#include <string>

#include "core/base/bytes.h"

namespace millrace {

// A payload that is longer, old or new, gets no patch.
inline constexpr std::size_t kMaxFossilInput = 128UL * 1024;

// Makes the patch from `from` to `to`. False if it does not pay, which is if it would not be
// shorter than `to` itself; `out` is then empty.
[[nodiscard]] bool make_fossil_delta(Bytes from, Bytes to, std::string& out);

}  // namespace millrace
