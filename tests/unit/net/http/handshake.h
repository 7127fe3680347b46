// What our side makes of the bytes of a handshake, however they are cut.
#pragma once

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "net/http/upgrade.h"
#include "tests/support/handshake.h"

namespace millrace {

// The decision on bytes that come in these pieces; status 0 while the request is not complete.
inline UpgradeDecision answer_pieces(const std::vector<std::string>& pieces,
                                     const OriginPolicy& origins = {}) {
  const HttpLimits limits;
  RequestParser parser(limits);
  for (const std::string& piece : pieces) {
    if (parser.state() == RequestParser::State::kNeedMore) parser.feed(piece);
  }
  UpgradeDecision decision;
  decision.status = 0;
  if (parser.state() == RequestParser::State::kRefused) {
    decision.status = parser.refusal().status;
    decision.reason = parser.refusal().reason;
  }
  if (parser.state() != RequestParser::State::kComplete) return decision;
  return decide_upgrade(parser.request(), parser.rest(), origins);
}

// The decision on the whole, the same for the bytes cut in two at every offset. `tail_bytes` are
// behind the head: they come with its last byte, because after an answer they would be frames.
inline UpgradeDecision answer(const std::string& raw, const OriginPolicy& origins = {},
                              std::size_t tail_bytes = 0) {
  UpgradeDecision whole = answer_pieces({raw}, origins);
  for (std::size_t at = 0; at < raw.size() - tail_bytes; ++at) {
    const UpgradeDecision cut = answer_pieces({raw.substr(0, at), raw.substr(at)}, origins);
    EXPECT_EQ(whole.status, cut.status) << "cut at " << at;
    EXPECT_EQ(whole.reason, cut.reason) << "cut at " << at;
    EXPECT_EQ(whole.response, cut.response) << "cut at " << at;
  }
  return whole;
}

}  // namespace millrace
