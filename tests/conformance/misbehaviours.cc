#include "tests/conformance/misbehaviours.h"

#include <array>

namespace millrace::conformance {

std::span<const MisbehaviourRow> misbehaviours() {
  using enum Misbehaviour;
  static constexpr std::array kRows{
      MisbehaviourRow{kMasksFrames, "masks-frames", "1.1.1"},
      MisbehaviourRow{kSetsReservedBit, "sets-reserved-bit", "1.1.1"},
      MisbehaviourRow{kLongFormLengths, "long-form-lengths", "1.1.1"},
      MisbehaviourRow{kTextAsBinary, "text-as-binary", "1.1.2"},
      MisbehaviourRow{kEchoesFragments, "echoes-fragments", "5.3"},
      MisbehaviourRow{kDropsEmptyMessages, "drops-empty-messages", "6.1.1"},
      MisbehaviourRow{kLosesLastByteOf64KiB, "loses-last-byte-of-64k", "1.2.7"},
      MisbehaviourRow{kNoPong, "no-pong", "2.1"},
      MisbehaviourRow{kPongWithoutPayload, "pong-without-payload", "2.2"},
      MisbehaviourRow{kPongsInReverse, "pongs-in-reverse", "2.10"},
      MisbehaviourRow{kAnswersPongs, "answers-pongs", "2.7"},
      MisbehaviourRow{kPongBehindMessage, "pong-behind-message", "5.19"},
      MisbehaviourRow{kTakesLongPing, "takes-long-ping", "2.5"},
      MisbehaviourRow{kTakesFragmentedPing, "takes-fragmented-ping", "5.1"},
      MisbehaviourRow{kTakesReservedBits, "takes-reserved-bits", "3.2"},
      MisbehaviourRow{kTakesReservedOpcodes, "takes-reserved-opcodes", "4.1.3"},
      MisbehaviourRow{kTakesStrayContinuation, "takes-stray-continuation", "5.9"},
      MisbehaviourRow{kTakesMessageInMessage, "takes-message-in-message", "5.18"},
      MisbehaviourRow{kTakesBadUtf8, "takes-bad-utf8", "6.3.1"},
      MisbehaviourRow{kTakesOverlongUtf8, "takes-overlong-utf8", "6.17.1"},
      MisbehaviourRow{kTakesSurrogates, "takes-surrogates", "6.20.1"},
      MisbehaviourRow{kTakesBeyondUnicode, "takes-beyond-unicode", "6.11.5"},
      MisbehaviourRow{kRefusesNoncharacters, "refuses-noncharacters", "6.22.1"},
      MisbehaviourRow{kLateUtf8, "late-utf8", "6.4.2"},
      MisbehaviourRow{kUtf8PerFragment, "utf8-per-fragment", "6.2.3"},
      MisbehaviourRow{kNoCloseReply, "no-close-reply", "7.3.1"},
      MisbehaviourRow{kWrongCloseCode, "wrong-close-code", "7.7.2"},
      MisbehaviourRow{kTwoCloseReplies, "two-close-replies", "7.1.2"},
      MisbehaviourRow{kEchoBehindClose, "echo-behind-close", "7.1.4"},
      MisbehaviourRow{kPongBehindClose, "pong-behind-close", "7.1.3"},
      MisbehaviourRow{kTakesInvalidCloseCode, "takes-invalid-close-code", "7.9.1"},
      MisbehaviourRow{kTakesOneByteClose, "takes-one-byte-close", "7.3.2"},
      MisbehaviourRow{kTakesBadCloseReason, "takes-bad-close-reason", "7.5.1"},
      MisbehaviourRow{kDropsWithoutClose, "drops-without-close", "4.1.1"},
      MisbehaviourRow{kLeavesTcpOpen, "leaves-tcp-open", "7.3.3"},
      MisbehaviourRow{kWrongViolationCode, "wrong-violation-code", "3.1"},
  };
  return kRows;
}

}  // namespace millrace::conformance
