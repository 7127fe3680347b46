// What a shard asks of the kernel (Op) and what comes back (CompletionEvent).
//
// An operation is named by its OpTag: kind, owner's slot and the slot's generation. The owner keeps
// a bit that is true exactly from submit() to the event whose `more` is false, and releases no
// memory that the kernel may touch before that (docs/STYLE.md, docs/decisions/0002).
#pragma once

#include <sys/socket.h>

#include <cstdint>
#include <optional>

#include "core/mem/recv_buffers.h"
#include "core/mem/slab.h"

namespace millrace {

// A socket in the ring's own file table (a direct descriptor, for which the process has no fd), or
// a descriptor of the process (core/ring/socket_files.h says when). No system call may be made on
// it, since nobody else can tell which.
struct FileSlot {
  std::uint32_t value = 0;
  auto operator<=>(const FileSlot&) const = default;
};

enum class OpKind : std::uint8_t {
  kAccept = 1,        // a listener's bank
  kRecv = 2,          // a connection's receive
  kSend = 3,          // a connection's send
  kClose = 4,         // a connection's descriptor
  kCancel = 5,        // the cancel of a connection's receive
  kCancelAccept = 6,  // the cancel of a listener's accept
  kCancelSend = 7,    // the cancel of a connection's send
  kPoll = 8,          // a quiet connection's wait for input
  kCancelPoll = 9,    // the cancel of that
  kTakeSocket = 10,   // a socket that a client made, on its way into the ring
  kConnect = 11,      // a client's connect
};
inline constexpr std::size_t kOpKinds = 12;

struct OpTag {
  OpKind kind = OpKind::kCancel;
  std::uint32_t generation = 0;  // 24 bits
  std::uint32_t index = 0;
  auto operator<=>(const OpTag&) const = default;

  [[nodiscard]] std::uint64_t pack() const {
    return std::uint64_t{static_cast<std::uint8_t>(kind)} << 56 |
           std::uint64_t{generation & kGenerationMask} << 32 | index;
  }
  static OpTag unpack(std::uint64_t word) {
    return {static_cast<OpKind>(word >> 56),
            static_cast<std::uint32_t>(word >> 32) & kGenerationMask,
            static_cast<std::uint32_t>(word)};
  }
};

// Where an accept stores its peer's address. One a pending accept: a multishot accept would share
// one between connections. Must remain live while the accept is in flight.
struct PeerAddress {
  sockaddr_storage storage{};
  socklen_t length = sizeof(sockaddr_storage);
};

// A socket of the process that a ring is to take over, in flight meanwhile. When it has been taken,
// `number` is its FileSlot, and `fd` is still the caller's to close, or -1.
struct TakenSocket {
  int fd = -1;
  int number = -1;
};

struct Op {
  enum class Code : std::uint8_t {
    kAccept,
    kRecvMultishot,
    kRecvReady,
    kPollMultishot,
    kSend,
    kSendGather,
    kClose,
    kCancel,
    kTakeSocket,
    kConnect,
  };
  Code code;
  OpTag tag;
  int listener = -1;         // kAccept: a plain descriptor
  FileSlot file{};           // the others: what an accept brought
  void* address = nullptr;   // PeerAddress, bytes, msghdr or TakenSocket
  std::uint32_t length = 0;  // kSend
  OpTag target{};            // kCancel: what to cancel

  // One connection; the event's result is its FileSlot, which the kernel picks. `peer` is in
  // flight.
  static Op accept(OpTag tag, int listener, PeerAddress& peer) {
    return {.code = Code::kAccept, .tag = tag, .listener = listener, .address = &peer};
  }
  // Receives into provided buffers until `more` is false.
  static Op recv_multishot(OpTag tag, FileSlot file) {
    return {.code = Code::kRecvMultishot, .tag = tag, .file = file};
  }
  // Receives once, into one provided buffer, what is there now; kAgain if that is nothing. Other
  // than an armed receive it never waits, so it keeps no memory of the kernel.
  static Op recv_ready(OpTag tag, FileSlot file) {
    return {.code = Code::kRecvReady, .tag = tag, .file = file};
  }
  // An event when input, an end of stream or an error has come; what was there before counts. One
  // event may tell of several, it may tell twice of the same, and of what is gone when one looks.
  // What was left unread it never tells of again.
  static Op poll_multishot(OpTag tag, FileSlot file) {
    return {.code = Code::kPollMultishot, .tag = tag, .file = file};
  }
  // Sends some of `bytes` (short sends happen). They are in flight.
  static Op send(OpTag tag, FileSlot file, Bytes bytes) {
    return {.code = Code::kSend,
            .tag = tag,
            .file = file,
            .address = const_cast<char*>(bytes.data()),
            .length = static_cast<std::uint32_t>(bytes.size())};
  }
  // The same, gathered. `message`, its iovecs and their bytes are in flight.
  static Op send_gather(OpTag tag, FileSlot file, msghdr& message) {
    return {.code = Code::kSendGather, .tag = tag, .file = file, .address = &message};
  }
  static Op close(OpTag tag, FileSlot file) {
    return {.code = Code::kClose, .tag = tag, .file = file};
  }
  // By tag, never by descriptor: cancelling by descriptor walks every armed request of the ring.
  static Op cancel(OpTag tag, OpTag target) {
    return {.code = Code::kCancel, .tag = tag, .target = target};
  }
  // For clients. Takes over a socket of the process; `socket` is in flight.
  static Op take_socket(OpTag tag, TakenSocket& socket) {
    return {.code = Code::kTakeSocket, .tag = tag, .address = &socket};
  }
  // For clients. `to` is in flight.
  static Op connect(OpTag tag, FileSlot file, PeerAddress& to) {
    return {.code = Code::kConnect, .tag = tag, .file = file, .address = &to};
  }
};

// What ended badly. The kernel's errno values are mapped to these in the ring and nowhere else.
enum class IoError : std::uint8_t {
  kNone,
  kNoBuffers,   // ENOBUFS on a receive: the provided buffers ran out
  kCanceled,    // ECANCELED: we asked for it
  kDisconnect,  // ECONNRESET, EPIPE, ETIMEDOUT, ECONNABORTED, EHOSTUNREACH ...: the peer is gone
  kTableFull,   // ENFILE: no room among the ring's sockets, or no file in the system
  kNoFiles,     // EMFILE: the process's limit
  kAgain,       // EAGAIN on a kRecvReady: nothing is there now
  kNoMemory,    // ENOMEM, and ENOBUFS other than on a receive
  kNotFound,    // ENOENT, EALREADY on a cancel: it had completed, or is about to
  kOther,       // anything else; the ring logs the errno
};

struct CompletionEvent {
  OpTag tag;
  IoError error = IoError::kNone;
  bool more = false;  // the operation goes on; its bit stays set
  // accept: the FileSlot; recv, send: bytes (recv 0: end of stream); a connect that failed: errno,
  // to be shown to people
  std::uint32_t result = 0;
  std::optional<BufferId> buffer;  // recv: the filled buffer, to be leased at once
  // poll: FIN, a reset or an error has come, so that a receive behind the last byte would tell. The
  // poll itself may not tell of it again.
  bool ending = false;
};

}  // namespace millrace
