// What a SimRing's operations do once the kernel has them. How they get there and how their
// completions come back is in sim_ring.cc.
#include <netinet/in.h>

#include <algorithm>
#include <array>
#include <cstring>

#include "core/base/assert.h"
#include "tests/sim/sim_ring.h"

namespace millrace::sim {
namespace {

constexpr std::int64_t kLongestShortage = 100'000;  // microseconds

// Every client has an address of its own.
PeerAddress address_of(const Wire& wire) {
  PeerAddress peer;
  auto& address = reinterpret_cast<sockaddr_in&>(peer.storage);
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<std::uint16_t>(10'000 + wire.number % 50'000));
  address.sin_addr.s_addr = htonl(0x0a00'0000U + static_cast<std::uint32_t>(wire.number / 50'000));
  peer.length = sizeof(address);
  return peer;
}

}  // namespace

// --- the kernel at work --------------------------------------------------------------------------

void SimRing::begin(const Op& op) {
  if (op.code != Op::Code::kCancel) flight(op.tag).begun = true;
  switch (op.code) {
    case Op::Code::kAccept:
      accepts_.push_back(op.tag);
      accept_pending();
      return;
    case Op::Code::kRecvMultishot:
      begin_receive(op);
      return;
    case Op::Code::kSend:
    case Op::Code::kSendGather:
      begin_send(op);
      return;
    case Op::Code::kClose:
      begin_close(op);
      return;
    case Op::Code::kRecvReady:
      begin_receive_ready(op);
      return;
    case Op::Code::kPollMultishot:
      begin_poll(op);
      return;
    case Op::Code::kTakeSocket:
    case Op::Code::kConnect:
      CHECK(false);  // nobody asks for it yet
      return;
    case Op::Code::kCancel:
      begin_cancel(op);
      return;
  }
}

void SimRing::begin_receive(const Op& op) {
  Wire& wire = wire_of(op.file);
  CHECK(!wire.receive.has_value());
  wire.receive = op.tag;
  if (free_buffers_.empty()) {
    end(op.tag, IoError::kNoBuffers, 0);
    return;
  }
  deliver(wire);
}

void SimRing::begin_receive_ready(const Op& op) {
  Wire& wire = wire_of(op.file);
  CHECK(!wire.receive.has_value());
  if (wire.poll && m_.faults.strikes(Fault::kPollSpurious)) tell_poll(wire);
  if (free_buffers_.empty() || m_.faults.strikes(Fault::kNoBuffers)) {
    end(op.tag, IoError::kNoBuffers, 0);
  } else if (wire.reset) {
    end(op.tag, IoError::kDisconnect, 0);
  } else if (wire.inbound.empty()) {
    end(op.tag, wire.fin ? IoError::kNone : IoError::kAgain, 0);
  } else {
    const auto [id, size] = fill_buffer(wire);
    end(op.tag, IoError::kNone, size, id);
    // Cut short, it is as if the rest had come a moment later, and of that the poll tells.
    if (size < buffers_.size() && !wire.inbound.empty()) tell_poll(wire);
  }
}

void SimRing::begin_poll(const Op& op) {
  Wire& wire = wire_of(op.file);
  CHECK(!wire.poll.has_value());
  wire.poll = op.tag;
  if (!wire.inbound.empty() || wire.fin || wire.reset) tell_poll(wire);
}

void SimRing::tell_poll(Wire& wire) {
  if (!wire.poll) return;
  if (wire.polls_flying > 0 && m_.faults.strikes(Fault::kPollMerged)) {
    wire.poll_sees_all = true;
    return;
  }
  const OpTag tag = *wire.poll;
  if (m_.faults.strikes(Fault::kPollEnds)) return end(tag, IoError::kNone, 0);
  post(tag, IoError::kNone, true, 0, delay(tag));
  if (m_.faults.strikes(Fault::kPollTwice)) post(tag, IoError::kNone, true, 0, delay(tag));
}

void SimRing::begin_send(const Op& op) {
  Wire& wire = wire_of(op.file);
  if (wire.poll && m_.faults.strikes(Fault::kPollSpurious)) tell_poll(wire);
  CHECK(!wire.send.has_value());
  CHECK(!flight(op.tag).bytes.empty());
  wire.send = op.tag;
  advance_send(wire);
}

void SimRing::begin_close(const Op& op) {
  Wire& wire = wire_of(op.file);
  CHECK(!wire.receive.has_value() && !wire.poll.has_value() && !wire.send.has_value());
  m_.trace.say(name_, "closes wire {}", wire.number);
  wire.server_closed = true;
  wire.server_reset = !wire.inbound.empty();
  const std::shared_ptr<Wire> gone = std::move(files_[op.file.value]);
  closing_[op.file.value] = true;
  --open_;
  flight(op.tag).frees = op.file.value;
  if (gone->changed) gone->changed();
  end(op.tag, IoError::kNone, 0);
  accept_pending();
}

void SimRing::begin_cancel(const Op& op) {
  const auto found = in_flight_.find(op.target);
  IoError outcome = IoError::kNotFound;
  if (found != in_flight_.end() && found->second.begun && !found->second.ended) {
    if (!m_.faults.strikes(Fault::kCancelRace) || !race(found->second)) {
      end(op.target, IoError::kCanceled, 0);
      outcome = IoError::kNone;
    }
  }
  post(op.tag, outcome, false, 0, delay(op.tag));
}

// The target completes just before its cancel looks for it. False if it can't.
bool SimRing::race(const Flight& flight) {
  const OpTag tag = flight.op.tag;
  switch (flight.op.code) {
    case Op::Code::kSend:
    case Op::Code::kSendGather: {
      Wire& wire = wire_of(flight.op.file);
      const auto size = 1 + m_.random.below(flight.bytes.size());
      wire.outbound.append(flight.bytes, 0, size);
      if (wire.changed) wire.changed();
      end(tag, IoError::kNone, static_cast<std::uint32_t>(size));
      return true;
    }
    case Op::Code::kAccept: {
      auto wire = std::make_shared<Wire>();
      wire->fin = true;  // a client that has gone again
      if (std::none_of(files_.begin(), files_.end(), [](const auto& file) { return !file; })) {
        return false;
      }
      give(tag, wire);
      return true;
    }
    case Op::Code::kRecvMultishot:
      end(tag, IoError::kNoBuffers, 0);
      return true;
    case Op::Code::kPollMultishot:
      end(tag, IoError::kNone, 0);
      return true;
    case Op::Code::kRecvReady:
    case Op::Code::kTakeSocket:
    case Op::Code::kConnect:
    case Op::Code::kClose:
    case Op::Code::kCancel:
      return false;
  }
  return false;
}

void SimRing::connect(const std::shared_ptr<Wire>& wire) {
  backlog_.push_back(wire);
  accept_pending();
}

void SimRing::accept_pending() {
  while (!accepts_.empty() && !backlog_.empty()) {
    const OpTag tag = accepts_.front();
    const bool room = std::any_of(files_.begin(), files_.end(), [&](const auto& file) {
      return !file && !closing_[static_cast<std::size_t>(&file - files_.data())];
    });
    if (m_.faults.strikes(Fault::kAcceptError)) {
      shortage_until_ = m_.scheduler.now() + microseconds(1 + below(kLongestShortage));
    }
    if (!room || m_.scheduler.now() < shortage_until_) {
      constexpr std::array<IoError, 4> kErrors{IoError::kTableFull, IoError::kNoFiles,
                                               IoError::kNoMemory, IoError::kDisconnect};
      const IoError error = room ? kErrors.at(m_.random.below(4)) : IoError::kTableFull;
      m_.trace.say(name_, "accept fails with {}", static_cast<int>(error));
      end(tag, error, 0);
      // The kernel may have taken the connection out of the backlog before it failed.
      if (m_.random.below(room ? 64 : 2) == 0) {
        backlog_.front()->server_closed = backlog_.front()->server_reset = true;
        if (backlog_.front()->changed) backlog_.front()->changed();
        backlog_.pop_front();
      }
      continue;
    }
    const std::shared_ptr<Wire> wire = backlog_.front();
    backlog_.pop_front();
    give(tag, wire);
  }
}

void SimRing::give(OpTag accept, const std::shared_ptr<Wire>& wire) {
  std::uint32_t slot = 0;
  while (files_[slot] || closing_[slot]) {
    if (++slot == files_.size()) return end(accept, IoError::kTableFull, 0);
  }
  files_[slot] = wire;
  ++open_;
  wire->file = FileSlot{slot};
  wire->accepted = true;
  Flight& pending = flight(accept);
  pending.to = address_of(*wire);
  pending.filled = true;
  *static_cast<PeerAddress*>(pending.op.address) = pending.to;
  m_.trace.say(name_, "accepts wire {} as slot {}", wire->number, slot);
  end(accept, IoError::kNone, slot);
}

void SimRing::arrived(Wire& wire) {
  if (!wire.accepted || wire.server_closed) return;
  tell_poll(wire);
  deliver(wire);
  if (wire.reset && wire.send) end(*std::exchange(wire.send, {}), IoError::kDisconnect, 0);
}

void SimRing::consumed(Wire& wire) {
  if (wire.accepted && !wire.server_closed) advance_send(wire);
}

void SimRing::deliver(Wire& wire) {
  while (wire.receive && deliver_piece(wire)) {
  }
}

// False if there is nothing to hand over.
bool SimRing::deliver_piece(Wire& wire) {
  const OpTag tag = *wire.receive;
  if (wire.inbound.empty() && !wire.fin && !wire.reset) return false;
  if (free_buffers_.empty() || m_.faults.strikes(Fault::kNoBuffers)) {
    end(tag, IoError::kNoBuffers, 0);
  } else if (wire.reset) {
    end(tag, IoError::kDisconnect, 0);
  } else if (wire.inbound.empty()) {
    end(tag, IoError::kNone, 0);
  } else {
    const auto [id, size] = fill_buffer(wire);
    if (m_.faults.strikes(Fault::kReceiveEnds)) {
      end(tag, IoError::kNone, size, id);
    } else {
      post(tag, IoError::kNone, true, size, delay(tag), id);
    }
  }
  return true;
}

std::pair<BufferId, std::uint32_t> SimRing::fill_buffer(Wire& wire) {
  const BufferId id = free_buffers_.front();
  free_buffers_.pop_front();
  provided_[id] = false;
  std::size_t size = std::min<std::size_t>(wire.inbound.size(), buffers_.size());
  if (m_.faults.strikes(Fault::kShortReceive)) size = 1 + m_.random.below(size);
  std::memcpy(buffers_.address(id), wire.inbound.data(), size);
  wire.inbound.erase(0, size);
  return {id, static_cast<std::uint32_t>(size)};
}

// Takes what there is room for; the rest stays in flight until the client reads.
void SimRing::advance_send(Wire& wire) {
  if (!wire.send) return;
  const OpTag tag = *wire.send;
  if (wire.reset) {
    wire.send.reset();
    return end(tag, IoError::kDisconnect, 0);
  }
  if (wire.outbound.size() >= wire.window) return;
  const Flight& sending = flight(tag);
  CHECK(bytes_of(sending.op) == sending.bytes);
  std::size_t size = std::min(sending.bytes.size(), wire.window - wire.outbound.size());
  if (m_.faults.strikes(Fault::kShortSend)) size = 1 + m_.random.below(size);
  wire.outbound.append(sending.bytes, 0, size);
  wire.send.reset();
  end(tag, IoError::kNone, static_cast<std::uint32_t>(size));
  if (wire.changed) wire.changed();
}

}  // namespace millrace::sim
