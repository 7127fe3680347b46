// Streams of client frames as a lively but law-abiding client might send them, and as one that
// breaks the law might, from a seed.
#pragma once

#include <cstddef>
#include <random>
#include <string>

namespace millrace {

// Text and binary messages whole and in fragments (cut anywhere, also inside a character, also
// empty), pings and pongs between messages and between fragments, sizes around every form of
// length, masks of all kinds, and often a close at the end. No message is over `message_bytes`.
std::string random_frames(std::mt19937_64& random, std::size_t message_bytes);

// The same with something wrong in it, most times: a header, the order of frames, a payload (text,
// close codes, sizes around `message_bytes`) or bytes that were lost, added or flipped; often more
// follows, often the end is missing. By chance it may break no rule.
std::string random_lawless_frames(std::mt19937_64& random, std::size_t message_bytes);

}  // namespace millrace
