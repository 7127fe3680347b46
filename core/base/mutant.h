// Faults that are built in on purpose, one at a time, to prove that the simulator finds them
// (tests/sim, docs/TESTING.md). A server has none: without MILLRACE_MUTANTS, which only the
// simulator's second build defines, mutated() is false at compile time and costs nothing.
//
// Use it in .cc files only: a header would mean two things in one program.
#pragma once

#include <cstdint>

namespace millrace {

enum class Mutant : std::uint8_t {
  kNone,
  kNoRearmAfterNoBuffers,     // a receive that ran out of buffers is never armed again
  kBufferReleasedInFlight,    // bytes are released while the kernel sends them
  kBufferReadAfterReturn,     // a receive buffer goes back before its bytes are read
  kDuplicateAfterReconnect,   // the first message after a reconnect comes twice
  kLostWake,                  // a message goes to a sleeping shard without a wake
  kSubscriberLeft,            // a connection that goes stays in one of its channels
  kShortSendIgnored,          // what the kernel did not take counts as sent
  kEarlyPublication,          // a channel is live before its subscribers were told
  kQuotaLeak,                 // a closed connection keeps its unit
  kCloseBeforeJoin,           // a socket is closed while a receive is in flight
  kCancelTakenForEnd,         // a cancel that finds nothing ends the receive
  kAcceptNotRearmed,          // an accept that failed is never armed again
  kDecoderKept,               // a connection that is reset keeps its decoder
  kForgottenAcknowledgement,  // a publication on another shard's channel is never answered
  kQueueWithoutLimit,         // a slow reader's queue grows for ever
  kPollNotRearmed,            // a poll that ended is never armed again
  kPollDuringReceiveLost,     // what a poll tells while a receive is in flight is forgotten
  kLostPublication,           // some publications are missing from what is kept of a channel
};
inline constexpr std::size_t kMutants = 19;

#ifdef MILLRACE_MUTANTS
extern Mutant active_mutant;
inline bool mutated(Mutant mutant) { return active_mutant == mutant; }
#else
constexpr bool mutated(Mutant) { return false; }
#endif

}  // namespace millrace
