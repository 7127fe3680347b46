#include "core/shard/mailbox.h"

#include <algorithm>

#include "core/base/assert.h"
#include "core/base/mutant.h"

namespace millrace {

MailboxNetwork::MailboxNetwork(std::size_t shards, std::size_t lane_capacity)
    : shards_(shards), lane_capacity_(lane_capacity), links_(shards * shards), wakers_(shards) {
  CHECK_GT(shards, 0U);
  CHECK_LT(shards, std::size_t{kNoShard});
}

MailboxNetwork::~MailboxNetwork() {
  for (const auto& link : links_) {
    const std::unique_ptr<Link> owned(link.load(std::memory_order_acquire));
  }
}

std::atomic<MailboxNetwork::Link*>& MailboxNetwork::slot(ShardId from, ShardId to) {
  CHECK_LT(from.value, shards_);
  CHECK_LT(to.value, shards_);
  return links_[to.value * shards_ + from.value];
}

void MailboxNetwork::wake(ShardId shard) {
  Waker* waker = wakers_[shard.value].load(std::memory_order_acquire);
  if (waker != nullptr) waker->wake();
}

void MailboxNetwork::wake_all() {
  for (std::size_t i = 0; i < shards_; ++i) wake(ShardId{static_cast<std::uint16_t>(i)});
}

bool MailboxNetwork::awake_or_asked(ShardId shard) const {
  const Waker* waker = wakers_[shard.value].load(std::memory_order_acquire);
  return waker != nullptr && waker->awake_or_asked();
}

Mailbox::Mailbox(MailboxNetwork& network, ShardId self, Waker& waker)
    : network_(network), self_(self) {
  network_.wakers_[self_.value].store(&waker, std::memory_order_release);
}

Mailbox::~Mailbox() { network_.wakers_[self_.value].store(nullptr, std::memory_order_release); }

MailboxNetwork::Link* Mailbox::made_link_to(ShardId to) const {
  return network_.slot(self_, to).load(std::memory_order_relaxed);
}

MailboxNetwork::Link& Mailbox::link_to(ShardId to) {
  CHECK_NE(to.value, self_.value);
  MailboxNetwork::Link* link = made_link_to(to);
  if (link == nullptr) {
    link = std::make_unique<MailboxNetwork::Link>(network_.lane_capacity_)
               .release();  // the network owns it
    network_.slot(self_, to).store(link, std::memory_order_release);
  }
  return *link;
}

bool Mailbox::try_send(ShardId to, Message& message) {
  shard_.verify();
  MailboxNetwork::Link& link = link_to(to);
  if (!link.spill.empty()) flush_spill(to, link);
  return link.spill.empty() && push(to, link, message);
}

bool Mailbox::push(ShardId to, MailboxNetwork::Link& link, Message& message) {
  if (!link.lane.push(message)) return false;
  if (!mutated(Mutant::kLostWake)) network_.wake(to);
  return true;
}

void Mailbox::send(ShardId to, Message message) {
  shard_.verify();
  MailboxNetwork::Link& link = link_to(to);
  if (link.spill.empty() && push(to, link, message)) return;
  link.spill.push_back(std::move(message));
  link.sender_waits.store(true, std::memory_order_seq_cst);
  flush_spill(to, link);  // the receiver may have made room before it could see the flag
}

void Mailbox::flush_spill(ShardId to, MailboxNetwork::Link& link) {
  bool sent = false;
  while (!link.spill.empty() && link.lane.push(link.spill.front())) {
    link.spill.pop_front();
    sent = true;
  }
  link.sender_waits.store(!link.spill.empty(), std::memory_order_seq_cst);
  if (sent) network_.wake(to);
}

void Mailbox::drain(Instant now) {
  shard_.verify();
  for (std::size_t from = 0; from < network_.shards(); ++from) {
    const ShardId sender{static_cast<std::uint16_t>(from)};
    if (sender == self_) continue;
    MailboxNetwork::Link* out = made_link_to(sender);
    if (out != nullptr && !out->spill.empty()) flush_spill(sender, *out);
    MailboxNetwork::Link* link = network_.slot(sender, self_).load(std::memory_order_acquire);
    if (link == nullptr) continue;
    Message message;
    for (std::size_t i = 0; i < kBatch && link->lane.pop(message); ++i) {
      CHECK(handler_ != nullptr);
      handler_->on_message(sender, message, now);
    }
    if (link->sender_waits.load(std::memory_order_seq_cst)) network_.wake(sender);
  }
}

bool Mailbox::ready() const {
  for (std::size_t from = 0; from < network_.shards(); ++from) {
    const ShardId sender{static_cast<std::uint16_t>(from)};
    const MailboxNetwork::Link* link = network_.slot(sender, self_).load(std::memory_order_acquire);
    if (link != nullptr && !link->lane.empty()) return true;
    const MailboxNetwork::Link* out = made_link_to(sender);
    if (out != nullptr && !out->spill.empty() && !out->lane.full()) return true;
  }
  return false;
}

std::size_t Mailbox::spilled() const {
  std::size_t count = 0;
  for (std::size_t to = 0; to < network_.shards(); ++to) {
    const MailboxNetwork::Link* link = made_link_to(ShardId{static_cast<std::uint16_t>(to)});
    if (link != nullptr) count += link->spill.size();
  }
  return count;
}

}  // namespace millrace
