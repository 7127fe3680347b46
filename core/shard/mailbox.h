// Messages between shards: a bounded lane per ordered pair of shards, made when first used, and one
// coalesced wake of the receiver.
//
// MailboxNetwork is shared by all shards and constant but for the lanes' pointers and the wakers,
// each published once. A Mailbox is one shard's end of it. Two ways to send, for two kinds of
// message: try_send() for what may be refused (publications: the sender counts and says so), send()
// for what must arrive (interest, acknowledgements): it waits in the sender's own spill until the
// lane has room. A spill is bounded by what it stands for: channels and requests in flight.
//
// Order: messages of one sender to one receiver arrive in order, whichever way they were sent.
// While something waits in the spill the lane counts as full.
#pragma once

#include <atomic>
#include <list>
#include <memory>
#include <vector>

#include "core/base/ids.h"
#include "core/base/shard_check.h"
#include "core/shard/lane.h"
#include "core/shard/message.h"
#include "core/shard/reactor.h"

namespace millrace {

class MailboxNetwork {
 public:
  static constexpr std::size_t kLaneCapacity = 4'096;  // messages

  explicit MailboxNetwork(std::size_t shards, std::size_t lane_capacity = kLaneCapacity);
  ~MailboxNetwork();
  MailboxNetwork(const MailboxNetwork&) = delete;
  MailboxNetwork& operator=(const MailboxNetwork&) = delete;

  [[nodiscard]] std::size_t shards() const { return shards_; }
  // Any thread's, while the shards live.
  void wake_all();
  // Any thread's, while the shards live: false while the shard sleeps and nobody has woken it.
  [[nodiscard]] bool awake_or_asked(ShardId shard) const;

 private:
  friend class Mailbox;
  struct Link {
    explicit Link(std::size_t capacity) : lane(capacity) {}
    Lane<Message> lane;
    std::list<Message> spill;               // the sender's: what the lane had no room for
    std::atomic<bool> sender_waits{false};  // the sender has a spill and wants to be woken
  };

  std::atomic<Link*>& slot(ShardId from, ShardId to);
  void wake(ShardId shard);

  const std::size_t shards_;
  const std::size_t lane_capacity_;
  std::vector<std::atomic<Link*>> links_;    // [to * shards + from]; owned
  std::vector<std::atomic<Waker*>> wakers_;  // borrowed; null until the shard is attached
};

// Gets a shard's messages.
class MessageHandler {
 public:
  virtual void on_message(ShardId from, Message& message, Instant now) = 0;

 protected:
  ~MessageHandler() = default;
};

class Mailbox final : public InboundSource {
 public:
  // All must outlive the mailbox. No other shard may still send to this one when it dies.
  Mailbox(MailboxNetwork& network, ShardId self, Waker& waker);
  ~Mailbox();
  Mailbox(const Mailbox&) = delete;
  Mailbox& operator=(const Mailbox&) = delete;

  // Set before the first drain().
  void set_handler(MessageHandler& handler) { handler_ = &handler; }

  // False if the lane to `to` is full, or the spill is not empty; `message` is then untouched.
  // REQUIRES: to != self.
  [[nodiscard]] bool try_send(ShardId to, Message& message);
  // Always arrives while both shards live. REQUIRES: to != self.
  void send(ShardId to, Message message);

  void drain(Instant now) override;
  [[nodiscard]] bool ready() const override;

  [[nodiscard]] ShardId self() const { return self_; }
  [[nodiscard]] std::size_t shards() const { return network_.shards(); }
  // Messages that send() could not hand over yet.
  [[nodiscard]] std::size_t spilled() const;

 private:
  static constexpr std::size_t kBatch = 1'024;  // messages of one sender a turn

  MailboxNetwork::Link& link_to(ShardId to);
  bool push(ShardId to, MailboxNetwork::Link& link, Message& message);
  void flush_spill(ShardId to, MailboxNetwork::Link& link);
  // The link to a shard, if there is one already.
  [[nodiscard]] MailboxNetwork::Link* made_link_to(ShardId to) const;

  MailboxNetwork& network_;
  const ShardId self_;
  ShardCheck shard_;
  MessageHandler* handler_ = nullptr;
};

}  // namespace millrace
