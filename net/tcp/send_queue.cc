#include "net/tcp/send_queue.h"

#include <utility>

#include "core/base/assert.h"

namespace millrace {

void SendQueue::push(SharedBytes bytes) {
  CHECK_GT(bytes.size(), 0U);
  bytes_ += bytes.size();
  entries_.push_back(std::move(bytes));
}

SendQueue::Gathered SendQueue::gather() {
  CHECK(!empty());
  if (pieces() == 1) {
    gathered_pieces_ = 1;
    gathered_bytes_ = bytes_;
    return {entries_[head_].view().substr(offset_), nullptr};
  }
  if (gather_ == nullptr) gather_ = std::make_unique<Gather>();
  std::size_t count = 0;
  std::size_t total = 0;
  for (std::size_t i = head_; i < entries_.size() && count < kMaxGather; ++i) {
    const Bytes piece = entries_[i].view().substr(i == head_ ? offset_ : 0);
    if (count > 0 && total + piece.size() > kMaxGatherBytes) break;
    gather_->pieces[count++] = {const_cast<char*>(piece.data()), piece.size()};
    total += piece.size();
  }
  gathered_pieces_ = count;
  gathered_bytes_ = total;
  gather_->message = {};
  gather_->message.msg_iov = gather_->pieces;
  gather_->message.msg_iovlen = count;
  return {{}, &gather_->message};
}

void SendQueue::advance(std::size_t sent) {
  CHECK_LE(sent, bytes_);
  bytes_ -= sent;
  while (sent > 0) {
    const std::size_t left = entries_[head_].size() - offset_;
    if (sent < left) {
      offset_ += sent;
      return;
    }
    sent -= left;
    offset_ = 0;
    entries_[head_++] = SharedBytes();
  }
  if (empty()) {
    entries_.clear();
    head_ = 0;
  } else if (head_ >= kMaxGather && head_ * 2 >= entries_.size()) {
    entries_.erase(entries_.begin(), entries_.begin() + static_cast<std::ptrdiff_t>(head_));
    head_ = 0;
  }
}

void SendQueue::drop_unsent(bool in_flight) {
  const std::size_t kept = in_flight ? gathered_pieces_ : (offset_ > 0 ? 1 : 0);
  while (pieces() > kept) {
    bytes_ -= entries_.back().size();
    entries_.pop_back();
  }
}

void SendQueue::clear() {
  entries_.clear();
  head_ = offset_ = bytes_ = 0;
  deadline_ = Instant::never();
}

std::unique_ptr<SendQueue> SendQueuePool::take() {
  if (free_.empty()) return std::make_unique<SendQueue>();
  auto queue = std::move(free_.back());
  free_.pop_back();
  kept_bytes_ -= queue->memory();
  return queue;
}

void SendQueuePool::give_back(std::unique_ptr<SendQueue> queue) {
  CHECK(queue->empty());
  const std::size_t bytes = queue->memory();
  if (queue->room() > kMaxKeptRoom || kept_bytes_ + bytes > kMaxKeptBytes) return;
  kept_bytes_ += bytes;
  free_.push_back(std::move(queue));
}

}  // namespace millrace
