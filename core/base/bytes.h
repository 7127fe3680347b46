// Views of bytes, and the one owner of bytes that may cross from one shard to another.
//
// Bytes is a std::string_view because every parser on our path (wslay, Beast, simdjson) speaks
// char. It owns nothing: a function that keeps bytes past its return copies them.
#pragma once

#include <span>
#include <string>
#include <string_view>

namespace millrace {

using Bytes = std::string_view;
using MutableBytes = std::span<char>;

// Bytes with one owner. Moving it is how a payload crosses shards: no count is shared.
using OwnedBytes = std::string;

}  // namespace millrace
