#include "tests/support/mem_ring.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#include <algorithm>
#include <cstring>

namespace millrace {
namespace {

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
    case Op::Code::kRecvReady:
      receive_ready(op);
      break;
    case Op::Code::kPollMultishot:
      arm_poll(op);
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
    const Sent now = sent_of(flight.op);
    CHECK(same_views(now.views, flight.sent->views));
    CHECK(now.bytes == flight.sent->bytes);
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
  arrived(file);
}

void MemRing::client_close(FileSlot file) {
  open_socket(file).peer_closed = true;
  arrived(file);
}

void MemRing::client_reset(FileSlot file) {
  Socket& peer = open_socket(file);
  peer.peer_reset = true;
  peer.inbound.clear();
  arrived(file);
  if (peer.send) end_send(file, IoError::kDisconnect, 0);
}

void MemRing::end_with_next(FileSlot file) { open_socket(file).end_with_next = true; }

void MemRing::fail_poll(FileSlot file, IoError error) {
  CHECK(poll_armed(file));
  CHECK_NE(error, IoError::kNone);
  end(*socket(file).poll, error, 0);
}

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

bool MemRing::poll_armed(FileSlot file) const { return socket(file).poll.has_value(); }

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
  if (ending.op.code == Op::Code::kPollMultishot) socket(ending.op.file).poll.reset();
  queue(tag, error, false, result);
}

}  // namespace millrace
