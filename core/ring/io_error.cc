#include "core/ring/io_error.h"

#include <bit>
#include <cerrno>
#include <cstdio>
#include <cstring>

namespace millrace {

const char* op_name(OpKind kind) {
  switch (kind) {
    case OpKind::kAccept:
      return "accept";
    case OpKind::kRecv:
      return "recv";
    case OpKind::kSend:
      return "send";
    case OpKind::kClose:
      return "close";
    case OpKind::kCancel:
    case OpKind::kCancelSend:
      return "cancel";
    case OpKind::kCancelAccept:
      return "cancel of accept";
    case OpKind::kPoll:
      return "poll";
    case OpKind::kCancelPoll:
      return "cancel of poll";
    case OpKind::kTakeSocket:
      return "socket's move into the ring";
    case OpKind::kConnect:
      return "connect";
  }
  return "unknown operation";
}

void report_unknown_error(OpKind kind, int error, std::uint64_t nth) {
  if (nth > 8 && !std::has_single_bit(nth)) return;
  std::fprintf(stderr,
               "millrace: io_uring %s ended with errno %d (%s), unexpected error no. %llu\n",
               op_name(kind), error, std::strerror(error), static_cast<unsigned long long>(nth));
}

// What means "the peer is gone" is the list of accept(2), recv(2), send(2) and tcp(7).
IoError to_io_error(OpKind kind, int error) {
  const bool cancel = kind == OpKind::kCancel || kind == OpKind::kCancelSend ||
                      kind == OpKind::kCancelAccept || kind == OpKind::kCancelPoll;
  switch (error) {
    case 0:
      return IoError::kNone;
    case ENOBUFS:
      return kind == OpKind::kRecv ? IoError::kNoBuffers : IoError::kNoMemory;
    case EAGAIN:
      return kind == OpKind::kRecv ? IoError::kAgain : IoError::kOther;
    case ENOMEM:
      return IoError::kNoMemory;
    case ENFILE:
      return IoError::kTableFull;
    case EMFILE:
      return IoError::kNoFiles;
    case ECANCELED:
    case EINTR:  // the kernel's worker was interrupted by our cancel
      return IoError::kCanceled;
    case ENOENT:
    case EALREADY:
      return cancel ? IoError::kNotFound : IoError::kOther;
    case EOPNOTSUPP:
    case ENOPROTOOPT:  // accept(2): pending errors of the new socket
      return kind == OpKind::kAccept ? IoError::kDisconnect : IoError::kOther;
    case ECONNRESET:
    case EPIPE:
    case ETIMEDOUT:
    case ECONNABORTED:
    case ECONNREFUSED:
    case EHOSTUNREACH:
    case EHOSTDOWN:
    case ENETUNREACH:
    case ENETDOWN:
    case ENETRESET:
    case ENONET:
    case ENOTCONN:
    case ESHUTDOWN:
    case EPROTO:
      return IoError::kDisconnect;
    default:
      return IoError::kOther;
  }
}

}  // namespace millrace
