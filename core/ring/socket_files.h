// Where the sockets of a ring live: as direct descriptors in the ring's own file table, or as
// descriptors of the process where the kernel does not let go of a closed direct one (below).
//
// A kernel before 6.13 keeps a closed direct descriptor's file until every operation on any direct
// descriptor that was submitted before the close has ended, and a second more. With a receive armed
// on each connection, a closed socket would live as long as the longest-lived connection of its
// ring: its peer is told nothing, and its memory is not given back.
//
// Owner: a ring; only its thread calls. Limits: `files` sockets; in the table at most
// min(RLIMIT_NOFILE, 1,048,576) a ring, else RLIMIT_NOFILE for the whole process.
#pragma once

#include <liburing.h>

#include <cstdint>
#include <vector>

#include "core/base/result.h"
#include "core/ring/op.h"

namespace millrace {

class SocketFiles {
 public:
  SocketFiles() = default;
  SocketFiles(const SocketFiles&) = delete;
  SocketFiles& operator=(const SocketFiles&) = delete;

  Result<void> open(io_uring& ring, std::uint32_t files, bool direct);

  [[nodiscard]] bool direct() const { return direct_; }

  // The parts of an entry that depend on where sockets live.
  void prepare_accept(io_uring_sqe& entry) const;
  void prepare_use(io_uring_sqe& entry) const {
    if (direct_) entry.flags |= IOSQE_FIXED_FILE;
  }
  void prepare_close(io_uring_sqe& entry, FileSlot file);
  void prepare_take(io_uring_sqe& entry, TakenSocket& socket);

  // Takes what an accept of this ring brought. False if there is no room, and then it is closed.
  bool take(int accepted);
  // Closes all. Nothing may be in flight any more.
  void close_all(io_uring& ring);

 private:
  bool open_ = false;
  bool direct_ = true;
  std::uint32_t limit_ = 0;

  // Of descriptors of the process only: those that are ours, by number.
  std::vector<bool> ours_;
  std::uint32_t count_ = 0;
};

}  // namespace millrace
