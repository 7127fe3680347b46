#include "tests/support/mem_ring.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#include <algorithm>
#include <cstring>

namespace millrace {
namespace {

std::vector<Bytes> views_of(const Op& op) {
  if (op.code == Op::Code::kSend) return {Bytes(static_cast<const char*>(op.address), op.length)};
  const auto& message = *static_cast<const msghdr*>(op.address);
  std::vector<Bytes> views;
  for (std::size_t i = 0; i < message.msg_iovlen; ++i) {
    views.emplace_back(static_cast<const char*>(message.msg_iov[i].iov_base),
                       message.msg_iov[i].iov_len);
  }
  return views;
}

std::string joined(const std::vector<Bytes>& views) {
  std::string bytes;
  for (Bytes view : views) bytes += view;
  return bytes;
}

bool same_views(const std::vector<Bytes>& a, const std::vector<Bytes>& b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [](Bytes x, Bytes y) { return x.data() == y.data() && x.size() == y.size(); });
}

bool same_address(const PeerAddress& a, const PeerAddress& b) {
  return a.length == b.length && std::memcmp(&a.storage, &b.storage, sizeof(a.storage)) == 0;
}

}  // namespace

PeerAddress ipv4_peer(const char* host, std::uint16_t port) {
  PeerAddress peer;
  auto& address = reinterpret_cast<sockaddr_in&>(peer.storage);
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  CHECK_EQ(inet_pton(AF_INET, host, &address.sin_addr), 1);
  peer.length = sizeof(address);
  return peer;
}

PeerAddress ipv6_peer(const char* host, std::uint16_t port) {
  PeerAddress peer;
  auto& address = reinterpret_cast<sockaddr_in6&>(peer.storage);
  address.sin6_family = AF_INET6;
  address.sin6_port = htons(port);
  CHECK_EQ(inet_pton(AF_INET6, host, &address.sin6_addr), 1);
  peer.length = sizeof(address);
  return peer;
}

MemRing::MemRing(RecvBuffers& buffers, std::uint32_t files) : buffers_(buffers), sockets_(files) {
  for (std::uint32_t id = 0; id < buffers_.count(); ++id) {
    free_buffers_.push_back(static_cast<BufferId>(id));
  }
  buffers_.attach(*this);
}

MemRing::~MemRing() { buffers_.detach(); }

void MemRing::submit(const Op& op) {
  ++stats_.submissions;
  if (op.code == Op::Code::kCancel) {
    cancel(op);
    return;
  }
  CHECK(!in_flight_.contains(op.tag));
  in_flight_.emplace(op.tag, Flight{.op = op, .ended = false, .sent = {}, .to = {}});
  switch (op.code) {
    case Op::Code::kAccept:
      accepts_.push_back(op.tag);
      break;
    case Op::Code::kRecvMultishot:
      arm_receive(op);
      break;
    case Op::Code::kSend:
    case Op::Code::kSendGather:
      start_send(op);
      break;
    case Op::Code::kClose:
      close_file(op);
      break;
    case Op::Code::kCancel:
      break;
    case Op::Code::kRecvReady:
    case Op::Code::kPollMultishot:
    case Op::Code::kTakeSocket:
    case Op::Code::kConnect:
      CHECK(false);  // nobody asks for it yet
  }
}

std::size_t MemRing::reap(std::span<CompletionEvent> out) {
  std::size_t taken = 0;
  while (taken < out.size() && !events_.empty()) {
    const CompletionEvent event = events_.front();
    events_.pop_front();
    if (!event.more) landed(event);
    out[taken++] = event;
  }
  stats_.completions += taken;
  return taken;
}

// The operation's memory is the caller's again from here on. Until now nobody else may have
// touched it: the kernel might have read or written it at any time.
void MemRing::landed(const CompletionEvent& event) {
  const auto found = in_flight_.find(event.tag);
  if (found == in_flight_.end()) return;  // a cancel
  const Flight& flight = found->second;
  if (flight.sent) {
    const std::vector<Bytes> views = views_of(flight.op);
    CHECK(same_views(views, flight.sent->views));
    CHECK(joined(views) == flight.sent->bytes);
  }
  if (flight.to) CHECK(same_address(*static_cast<PeerAddress*>(flight.op.address), *flight.to));
  in_flight_.erase(found);
}

void MemRing::wait(Duration timeout) {
  last_timeout_ = timeout;
  ++stats_.enters;
  if (std::exchange(woken_, false)) ++stats_.wakes;
}

void MemRing::provide_buffer(BufferId id) {
  CHECK_LT(id, buffers_.count());
  CHECK(std::find(free_buffers_.begin(), free_buffers_.end(), id) == free_buffers_.end());
  free_buffers_.push_back(id);
}

std::size_t MemRing::pending_accepts(int listener) const {
  std::size_t pending = 0;
  for (OpTag tag : accepts_) pending += in_flight_.at(tag).op.listener == listener ? 1 : 0;
  return pending;
}

OpTag MemRing::oldest_accept(int listener) const {
  const auto found = std::find_if(accepts_.begin(), accepts_.end(), [&](OpTag tag) {
    return in_flight_.at(tag).op.listener == listener;
  });
  CHECK(found != accepts_.end());
  return *found;
}

FileSlot MemRing::connect(int listener, const PeerAddress& from) {
  const OpTag tag = oldest_accept(listener);
  const auto free = std::find_if(sockets_.begin(), sockets_.end(),
                                 [](const Socket& socket) { return !socket.open; });
  CHECK(free != sockets_.end());
  *free = Socket{};
  free->open = true;
  const FileSlot file{static_cast<std::uint32_t>(free - sockets_.begin())};
  *static_cast<PeerAddress*>(flight(tag).op.address) = from;
  flight(tag).to = from;
  end(tag, IoError::kNone, file.value);
  return file;
}

void MemRing::connect_to_full_table(int listener) {
  CHECK_EQ(open_slots(), sockets_.size());
  fail_accept(listener, IoError::kTableFull);
}

void MemRing::fail_accept(int listener, IoError error) { end(oldest_accept(listener), error, 0); }

void MemRing::client_send(FileSlot file, Bytes bytes) {
  Socket& peer = open_socket(file);
  CHECK(!peer.peer_closed);
  CHECK(!peer.peer_reset);
  peer.inbound += bytes;
  deliver(file);
}

void MemRing::client_close(FileSlot file) {
  open_socket(file).peer_closed = true;
  deliver(file);
}

void MemRing::client_reset(FileSlot file) {
  Socket& peer = open_socket(file);
  peer.peer_reset = true;
  peer.inbound.clear();
  deliver(file);
  if (peer.send) end_send(file, IoError::kDisconnect, 0);
}

void MemRing::end_receive_with_next(FileSlot file) { open_socket(file).last_piece = true; }

void MemRing::set_send_budget(FileSlot file, std::uint64_t bytes) {
  open_socket(file).budget = bytes;
  advance_send(file);
}

void MemRing::clear_send_budget(FileSlot file) {
  open_socket(file).budget.reset();
  advance_send(file);
}

void MemRing::complete_send(FileSlot file, std::uint32_t bytes) {
  CHECK(send_stuck(file));
  CHECK_GT(bytes, 0U);
  end_send(file, IoError::kNone, bytes);
}

void MemRing::fail_send(FileSlot file, IoError error) {
  CHECK(send_stuck(file));
  CHECK_NE(error, IoError::kNone);
  end_send(file, error, 0);
}

bool MemRing::is_open(FileSlot file) const { return socket(file).open; }

std::size_t MemRing::open_slots() const {
  return static_cast<std::size_t>(std::count_if(sockets_.begin(), sockets_.end(),
                                                [](const Socket& socket) { return socket.open; }));
}

bool MemRing::receive_armed(FileSlot file) const { return socket(file).receive.has_value(); }

bool MemRing::send_stuck(FileSlot file) const { return socket(file).send.has_value(); }

const std::string& MemRing::sent(FileSlot file) const { return socket(file).outbound; }

std::string MemRing::take_sent(FileSlot file) { return std::exchange(socket(file).outbound, {}); }

MemRing::Socket& MemRing::socket(FileSlot file) {
  CHECK_LT(file.value, sockets_.size());
  return sockets_[file.value];
}

const MemRing::Socket& MemRing::socket(FileSlot file) const {
  CHECK_LT(file.value, sockets_.size());
  return sockets_[file.value];
}

MemRing::Socket& MemRing::open_socket(FileSlot file) {
  CHECK(is_open(file));
  return socket(file);
}

MemRing::Flight& MemRing::flight(OpTag tag) {
  const auto found = in_flight_.find(tag);
  CHECK(found != in_flight_.end());
  return found->second;
}

void MemRing::arm_receive(const Op& op) {
  Socket& peer = open_socket(op.file);
  for (const auto& [tag, other] : in_flight_) {
    if (tag == op.tag || other.op.code != Op::Code::kRecvMultishot) continue;
    CHECK_NE(other.op.file.value, op.file.value);
  }
  peer.receive = op.tag;
  // Like the kernel, which takes a buffer before it looks at the socket.
  if (free_buffers_.empty()) {
    end(op.tag, IoError::kNoBuffers, 0);
    return;
  }
  deliver(op.file);
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
      const BufferId id = free_buffers_.front();
      free_buffers_.pop_front();
      const std::size_t size = std::min<std::size_t>(peer.inbound.size(), buffers_.size());
      std::memcpy(buffers_.address(id), peer.inbound.data(), size);
      peer.inbound.erase(0, size);
      const auto result = static_cast<std::uint32_t>(size);
      if (std::exchange(peer.last_piece, false)) {
        end(tag, IoError::kNone, result);
      } else {
        queue(tag, IoError::kNone, true, result);
      }
      events_.back().buffer = id;
    }
  }
}

void MemRing::start_send(const Op& op) {
  Socket& peer = open_socket(op.file);
  for (const auto& [tag, other] : in_flight_) {
    if (tag == op.tag || !other.sent) continue;
    CHECK_NE(other.op.file.value, op.file.value);
  }
  Sent sent{.file = op.file, .tag = op.tag, .views = views_of(op), .bytes = {}, .accepted = 0};
  sent.bytes = joined(sent.views);
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

void MemRing::queue(OpTag tag, IoError error, bool more, std::uint32_t result) {
  events_.push_back({.tag = tag, .error = error, .more = more, .result = result, .buffer = {}});
}

// Queues an operation's last event.
void MemRing::end(OpTag tag, IoError error, std::uint32_t result) {
  Flight& ending = flight(tag);
  CHECK(!ending.ended);
  ending.ended = true;
  std::erase(accepts_, tag);
  if (ending.op.code == Op::Code::kRecvMultishot) socket(ending.op.file).receive.reset();
  queue(tag, error, false, result);
}

}  // namespace millrace
