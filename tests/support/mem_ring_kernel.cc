// What a MemRing's operations do once they are submitted: the kernel's side of mem_ring.h.
#include <algorithm>
#include <cstring>
#include <utility>

#include "tests/support/mem_ring.h"

namespace millrace {
namespace {

// Of which no socket may have two in flight.
enum class Way : std::uint8_t { kReceive, kPoll, kSend, kOther };

Way way_of(Op::Code code) {
  switch (code) {
    case Op::Code::kRecvMultishot:
    case Op::Code::kRecvReady:
      return Way::kReceive;
    case Op::Code::kPollMultishot:
      return Way::kPoll;
    case Op::Code::kSend:
    case Op::Code::kSendGather:
      return Way::kSend;
    case Op::Code::kAccept:
    case Op::Code::kClose:
    case Op::Code::kCancel:
    case Op::Code::kTakeSocket:
    case Op::Code::kConnect:
      break;
  }
  return Way::kOther;
}

}  // namespace

MemRing::Sent MemRing::sent_of(const Op& op) {
  Sent sent{.file = op.file, .tag = op.tag, .views = {}, .bytes = {}, .accepted = 0};
  if (op.code == Op::Code::kSend) {
    sent.views = {Bytes(static_cast<const char*>(op.address), op.length)};
  } else {
    const auto& message = *static_cast<const msghdr*>(op.address);
    for (std::size_t i = 0; i < message.msg_iovlen; ++i) {
      sent.views.emplace_back(static_cast<const char*>(message.msg_iov[i].iov_base),
                              message.msg_iov[i].iov_len);
    }
  }
  for (const Bytes view : sent.views) sent.bytes += view;
  return sent;
}

void MemRing::check_only_one(const Op& op) const {
  for (const auto& [tag, other] : in_flight_) {
    if (tag == op.tag || way_of(other.op.code) != way_of(op.code)) continue;
    CHECK_NE(other.op.file.value, op.file.value);
  }
}

// --- receives and polls --------------------------------------------------------------------------

void MemRing::arm_receive(const Op& op) {
  Socket& peer = open_socket(op.file);
  check_only_one(op);
  peer.receive = op.tag;
  // Like the kernel, which takes a buffer before it looks at the socket.
  if (free_buffers_.empty()) {
    end(op.tag, IoError::kNoBuffers, 0);
    return;
  }
  deliver(op.file);
}

void MemRing::receive_ready(const Op& op) {
  Socket& peer = open_socket(op.file);
  check_only_one(op);
  if (free_buffers_.empty()) {
    end(op.tag, IoError::kNoBuffers, 0);
  } else if (peer.peer_reset) {
    end(op.tag, IoError::kDisconnect, 0);
  } else if (!peer.inbound.empty()) {
    std::uint32_t size = 0;
    const BufferId id = fill_buffer(peer, size);
    end(op.tag, IoError::kNone, size);
    events_.back().buffer = id;
  } else {
    end(op.tag, peer.peer_closed ? IoError::kNone : IoError::kAgain, 0);
  }
}

void MemRing::arm_poll(const Op& op) {
  Socket& peer = open_socket(op.file);
  check_only_one(op);
  peer.poll = op.tag;
  if (!peer.inbound.empty() || peer.peer_closed || peer.peer_reset) tell_poll(op.file);
}

void MemRing::tell_poll(FileSlot file) {
  Socket& peer = socket(file);
  CHECK(peer.poll.has_value());
  if (std::exchange(peer.end_with_next, false)) {
    end(*peer.poll, IoError::kNone, 0);
  } else {
    queue(*peer.poll, IoError::kNone, true, 0);
  }
  events_.back().ending = peer.peer_closed || peer.peer_reset;
}

void MemRing::arrived(FileSlot file) {
  if (poll_armed(file)) tell_poll(file);
  deliver(file);
}

BufferId MemRing::fill_buffer(Socket& peer, std::uint32_t& size) {
  const BufferId id = free_buffers_.front();
  free_buffers_.pop_front();
  size = static_cast<std::uint32_t>(std::min<std::size_t>(peer.inbound.size(), buffers_.size()));
  std::memcpy(buffers_.address(id), peer.inbound.data(), size);
  peer.inbound.erase(0, size);
  return id;
}

void MemRing::deliver(FileSlot file) {
  Socket& peer = socket(file);
  while (peer.receive && (!peer.inbound.empty() || peer.peer_closed || peer.peer_reset)) {
    const OpTag tag = *peer.receive;
    if (free_buffers_.empty()) {
      end(tag, IoError::kNoBuffers, 0);
    } else if (peer.peer_reset) {
      end(tag, IoError::kDisconnect, 0);
    } else if (peer.inbound.empty()) {
      end(tag, IoError::kNone, 0);
    } else {
      std::uint32_t size = 0;
      const BufferId id = fill_buffer(peer, size);
      if (std::exchange(peer.end_with_next, false)) {
        end(tag, IoError::kNone, size);
      } else {
        queue(tag, IoError::kNone, true, size);
      }
      events_.back().buffer = id;
    }
  }
}

// --- sends, closes and cancels -------------------------------------------------------------------

void MemRing::start_send(const Op& op) {
  Socket& peer = open_socket(op.file);
  check_only_one(op);
  Sent sent = sent_of(op);
  CHECK(!sent.bytes.empty());
  flight(op.tag).sent = sent;
  sends_.push_back(std::move(sent));
  peer.send = op.tag;
  if (peer.peer_reset) {
    end_send(op.file, IoError::kDisconnect, 0);
    return;
  }
  advance_send(op.file);
}

// Lets the peer take as much of the send in flight as its budget allows.
void MemRing::advance_send(FileSlot file) {
  Socket& peer = socket(file);
  if (!peer.send || peer.budget == 0) return;
  std::uint64_t size = flight(*peer.send).sent->bytes.size();
  if (peer.budget) {
    size = std::min(size, *peer.budget);
    *peer.budget -= size;
  }
  end_send(file, IoError::kNone, static_cast<std::uint32_t>(size));
}

void MemRing::end_send(FileSlot file, IoError error, std::uint32_t accepted) {
  Socket& peer = socket(file);
  const OpTag tag = *std::exchange(peer.send, std::nullopt);
  const std::string& bytes = flight(tag).sent->bytes;
  CHECK_LE(accepted, bytes.size());
  peer.outbound += Bytes(bytes).substr(0, accepted);
  const auto record = std::find_if(sends_.rbegin(), sends_.rend(),
                                   [&](const Sent& sent) { return sent.tag == tag; });
  if (record != sends_.rend()) record->accepted = accepted;
  end(tag, error, accepted);
}

void MemRing::close_file(const Op& op) {
  Socket& peer = open_socket(op.file);
  for (const auto& [tag, other] : in_flight_) {
    // An accept names no socket yet, and an earlier close was another tenant's.
    if (other.op.code == Op::Code::kAccept || other.op.code == Op::Code::kClose) continue;
    CHECK_NE(other.op.file.value, op.file.value);
  }
  peer.open = false;
  end(op.tag, IoError::kNone, 0);
}

void MemRing::cancel(const Op& op) {
  const std::size_t before = events_.size();
  const bool found = end_canceled(op.target);
  queue(op.tag, found ? IoError::kNone : IoError::kNotFound, false, 0);
  if (cancel_last_) return;
  std::rotate(events_.begin() + static_cast<std::ptrdiff_t>(before), events_.end() - 1,
              events_.end());
}

bool MemRing::end_canceled(OpTag target) {
  const auto found = in_flight_.find(target);
  if (found == in_flight_.end() || found->second.ended) return false;
  if (found->second.sent) {
    end_send(found->second.op.file, IoError::kCanceled, 0);
  } else {
    end(target, IoError::kCanceled, 0);
  }
  return true;
}

}  // namespace millrace
