// What one connection has yet to send: references to shared bytes, a cursor into the first, and the
// gathered send that is in flight.
//
// An idle connection has none; queues are lent by SendQueuePool while there is something to send.
// What gather() handed out must stay until advance(): the kernel reads it.
//
// Owner: a connection, on its shard. Limit: the byte limit is the caller's (bytes()).
#pragma once

#include <sys/socket.h>
#include <sys/uio.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "core/mem/shared_bytes.h"
#include "core/time/instant.h"

namespace millrace {

class SendQueue {
 public:
  static constexpr std::size_t kMaxGather = 64;  // pieces of one send
  // Bytes of one send, unless its first piece alone has more.
  static constexpr std::size_t kMaxGatherBytes = 256 * 1024;

  void push(SharedBytes bytes);

  // One send of as much as is queued. `single` is set when one piece is enough; else `message` is.
  struct Gathered {
    Bytes single;
    msghdr* message = nullptr;
  };
  // REQUIRES: !empty(). Nothing gathered before is still in flight.
  Gathered gather();
  // `sent` bytes are gone. REQUIRES: sent <= bytes().
  void advance(std::size_t sent);
  // Drops what the kernel does not have: all but a send in flight, and a piece that is begun.
  void drop_unsent(bool in_flight);
  void clear();

  // Until when the send in flight must make progress; never() while none is.
  void set_deadline(Instant deadline) { deadline_ = deadline; }
  [[nodiscard]] Instant deadline() const { return deadline_; }

  [[nodiscard]] bool empty() const { return head_ == entries_.size(); }
  [[nodiscard]] std::size_t bytes() const { return bytes_; }
  // Bytes of the last gather(); what completes with less was a short send.
  [[nodiscard]] std::size_t gathered_bytes() const { return gathered_bytes_; }
  [[nodiscard]] std::size_t pieces() const { return entries_.size() - head_; }
  // Pieces for which there is memory already.
  [[nodiscard]] std::size_t room() const { return entries_.capacity(); }
  // All that it holds but the pieces themselves.
  [[nodiscard]] std::size_t memory() const {
    return sizeof(*this) + room() * sizeof(SharedBytes) + (gather_ ? sizeof(Gather) : 0);
  }

 private:
  // The kernel reads both until the send completes.
  struct Gather {
    msghdr message{};
    iovec pieces[kMaxGather];
  };

  std::vector<SharedBytes> entries_;  // from head_ on
  std::size_t head_ = 0;
  std::size_t offset_ = 0;  // bytes of entries_[head_] that are sent
  std::size_t bytes_ = 0;
  std::size_t gathered_pieces_ = 0;
  std::size_t gathered_bytes_ = 0;
  Instant deadline_ = Instant::never();
  std::unique_ptr<Gather> gather_;  // made when first needed
};

// Queues not in use, kept for the next connection. Limits: kMaxKeptBytes of memory in all, or one
// message to everybody would be paid for ever after; those that a slow reader made large are freed
// in any case.
class SendQueuePool {
 public:
  static constexpr std::size_t kMaxKeptBytes = 512 * 1024;
  static constexpr std::size_t kMaxKeptRoom = 256;  // pieces

  std::unique_ptr<SendQueue> take();
  // REQUIRES: queue->empty().
  void give_back(std::unique_ptr<SendQueue> queue);

  [[nodiscard]] std::size_t kept_bytes() const { return kept_bytes_; }

 private:
  std::vector<std::unique_ptr<SendQueue>> free_;
  std::size_t kept_bytes_ = 0;  // of those
};

}  // namespace millrace
