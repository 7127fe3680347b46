#include "bench/memory/bare_ring.h"

#include <netinet/in.h>
#include <poll.h>
#include <sys/uio.h>

#include <algorithm>
#include <cstring>

#include "core/base/assert.h"

namespace millrace {

namespace {

std::uint32_t gathered_bytes(const msghdr& message) {
  std::size_t bytes = 0;
  for (std::size_t i = 0; i < message.msg_iovlen; ++i) bytes += message.msg_iov[i].iov_len;
  return static_cast<std::uint32_t>(bytes);
}

}  // namespace

BareRing::BareRing(RecvBuffers& buffers) : buffers_(buffers) {
  for (std::uint32_t id = 0; id < buffers.count(); ++id) {
    free_buffers_.push_back(static_cast<BufferId>(id));
  }
  buffers_.attach(*this);
}

void BareRing::submit(const Op& op) {
  switch (op.code) {
    case Op::Code::kAccept:
      accepts_.push_back(op);
      return;
    case Op::Code::kRecvMultishot:
      peer(op.file).receive = op.tag;
      peer(op.file).slot = op.tag.index;
      deliver(peer(op.file));
      return;
    case Op::Code::kRecvReady:
      receive_ready(op);
      return;
    case Op::Code::kPollMultishot:
      peer(op.file).poll = op.tag;
      peer(op.file).slot = op.tag.index;
      deliver(peer(op.file));
      return;
    case Op::Code::kSend:
      queue(op.tag, op.length);
      return;
    case Op::Code::kSendGather:
      queue(op.tag, gathered_bytes(*static_cast<msghdr*>(op.address)));
      return;
    case Op::Code::kClose:
      queue(op.tag, 0);
      return;
    case Op::Code::kCancel:
      cancel(op);
      return;
    case Op::Code::kTakeSocket:
    case Op::Code::kConnect:
      break;
  }
  CHECK(false);
}

std::size_t BareRing::reap(std::span<CompletionEvent> out) {
  const std::size_t count = std::min(out.size(), events_.size());
  for (std::size_t i = 0; i < count; ++i) {
    out[i] = events_.front();
    events_.pop_front();
  }
  return count;
}

FileSlot BareRing::connect() {
  CHECK(accepting());
  const Op accept = accepts_.front();
  accepts_.pop_front();
  auto& from = *static_cast<PeerAddress*>(accept.address);
  from.length = sizeof(sockaddr_in);
  from.storage.ss_family = AF_INET;
  const FileSlot file{next_file_++};
  peer(file) = Peer();
  queue(accept.tag, file.value);
  return file;
}

void BareRing::peer_sends(FileSlot file, const std::string& bytes) {
  peer(file).inbound += bytes;
  deliver(peer(file));
}

void BareRing::deliver(Peer& peer) {
  if (peer.inbound.empty()) return;
  if (peer.receive) {
    events_.push_back(take_input(peer, *peer.receive, true));
  } else if (peer.poll) {
    queue(*peer.poll, POLLIN, IoError::kNone, true);
  }
}

void BareRing::receive_ready(const Op& op) {
  Peer& from = peer(op.file);
  if (from.inbound.empty()) {
    queue(op.tag, 0, IoError::kAgain);
  } else {
    events_.push_back(take_input(from, op.tag, false));
  }
}

CompletionEvent BareRing::take_input(Peer& peer, OpTag tag, bool more) {
  CHECK(!free_buffers_.empty());
  CHECK_LE(peer.inbound.size(), std::size_t{buffers_.size()});
  const BufferId id = free_buffers_.back();
  free_buffers_.pop_back();
  std::ranges::copy(peer.inbound, buffers_.address(id));
  const auto size = static_cast<std::uint32_t>(peer.inbound.size());
  peer.inbound.clear();
  return {tag, IoError::kNone, more, size, id};
}

// Its owner knows that it was in flight. All but a send, which ends at once, are armed here.
void BareRing::cancel(const Op& op) {
  if (op.target.kind == OpKind::kSend) return queue(op.tag, 0, IoError::kNotFound);
  if (op.target.kind == OpKind::kAccept) {
    std::erase_if(accepts_, [&op](const Op& accept) { return accept.tag == op.target; });
  }
  queue(op.target, 0, IoError::kCanceled);
  queue(op.tag, 0);
}

}  // namespace millrace
