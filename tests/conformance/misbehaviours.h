// What the wrong server does wrong, one at a time, and the case that finds it.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

namespace millrace::conformance {

enum class Misbehaviour : std::uint8_t {
  kNone,
  kMasksFrames,
  kSetsReservedBit,
  kLongFormLengths,
  kTextAsBinary,
  kEchoesFragments,
  kDropsEmptyMessages,
  kLosesLastByteOf64KiB,
  kNoPong,
  kPongWithoutPayload,
  kPongsInReverse,
  kAnswersPongs,
  kPongBehindMessage,
  kTakesLongPing,
  kTakesFragmentedPing,
  kTakesReservedBits,
  kTakesReservedOpcodes,
  kTakesStrayContinuation,
  kTakesMessageInMessage,
  kTakesBadUtf8,
  kTakesOverlongUtf8,
  kTakesSurrogates,
  kTakesBeyondUnicode,
  kRefusesNoncharacters,
  kLateUtf8,
  kUtf8PerFragment,
  kNoCloseReply,
  kWrongCloseCode,
  kTwoCloseReplies,
  kEchoBehindClose,
  kPongBehindClose,
  kTakesInvalidCloseCode,
  kTakesOneByteClose,
  kTakesBadCloseReason,
  kDropsWithoutClose,
  kLeavesTcpOpen,
  kWrongViolationCode,
};

struct MisbehaviourRow {
  Misbehaviour which;
  std::string_view name;      // of --misbehave
  std::string_view found_by;  // the id of a case
};

// All but kNone.
std::span<const MisbehaviourRow> misbehaviours();

}  // namespace millrace::conformance
