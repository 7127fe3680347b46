// What a shard's NatsPort asks of its connection: the seam between what decides (on the shard) and
// what may block (NatsLink, a thread and nats.c). A simulator stands behind it too.
//
// Guarantees:
//  1. Every request that send() took is answered once, in order, unless the link is destroyed
//     first.
//  2. up() is true only while every subscription taken so far is live at the server: it becomes so
//     after a (re)connect when all are subscribed and a flush has come back.
//  3. Nothing is published from a buffer of the library's after a reconnect: while the connection
//     is away, publish is refused.
//
// Owner: the shard, on whose thread everything here is called.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "core/hub/broker.h"
#include "net/nats/nats_inbox.h"
#include "net/nats/nats_message.h"

namespace millrace {

enum class NatsRequestKind : std::uint8_t { kSubscribe, kUnsubscribe, kPublish };

struct NatsRequest {
  NatsRequestKind kind = NatsRequestKind::kPublish;
  NatsSubscriptionId subscription;  // of the first two
  RequestToken token = 0;           // of a publish
  NatsPost post = {};               // to be published; of a kSubscribe the subject alone
  std::string queue = {};           // group, of a kSubscribe; empty: none
};

// What counts against the limits of what waits.
[[nodiscard]] inline std::size_t size_of(const NatsPost& post) {
  std::size_t size = post.data.size();
  for (const auto& [name, value] : post.headers) size += name.size() + value.size();
  return size;
}

struct NatsAnswer {
  NatsRequestKind kind = NatsRequestKind::kPublish;
  NatsSubscriptionId subscription;
  RequestToken token = 0;
  std::size_t bytes = 0;  // size_of() what was to be published
  bool accepted = false;  // of a publish
};

// Why a link is not up.
enum class NatsLinkCause : std::uint8_t { kNotReached, kLost, kNoAnswer, kClosed };

class BrokerLink {
 public:
  virtual ~BrokerLink() = default;

  // False if the lane is full; then `request` is untouched.
  [[nodiscard]] virtual bool send(NatsRequest& request) = 0;
  [[nodiscard]] virtual bool take_answer(NatsAnswer& answer) = 0;
  // What the server or the library said of an error; for people, from a peer.
  [[nodiscard]] virtual bool take_note(std::string& note) = 0;
  [[nodiscard]] virtual NatsInbox& inbox() = 0;
  // An answer or a message is there.
  [[nodiscard]] virtual bool waiting() const = 0;

  [[nodiscard]] virtual bool up() const = 0;
  // How many times up() has become true: tells of an outage that was over before anybody looked.
  [[nodiscard]] virtual std::uint64_t lives() const = 0;
  [[nodiscard]] virtual NatsLinkCause cause() const = 0;
  // Messages dropped because the inbox or the library's queues were full.
  [[nodiscard]] virtual std::uint64_t dropped() const = 0;
};

}  // namespace millrace
