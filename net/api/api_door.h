// The server API over NATS: requests to one subject a method, answered as HTTP's are.
//
//   millrace.api.<method>             of applications: one node of the cluster takes each
//   millrace.node.<id>.api.<method>   of other nodes, for this one's share (api_nodes.h)
//
// Every shard is a member of the queue group, so one of them takes a request. One without a reply
// subject is carried out, and nobody is told. There is no key: who may publish to these subjects is
// NATS's to say (docs/SERVER_API.md).
//
// Owner: the shard. Limits: the desk's; an answer that is larger than a message may be is error
// 106. Where an answer goes is the asker's word, and anything but an inbox is not answered: it
// could make us publish to whom it likes.
#pragma once

#include <boost/unordered/unordered_flat_map.hpp>
#include <cstdint>
#include <string>

#include "net/api/api_desk.h"
#include "net/nats/nats_port.h"
#include "net/nodes/node_id.h"

namespace millrace {

// `_INBOX.` or another first token that begins with '_', then tokens of a fixed alphabet.
bool is_reply_inbox(Bytes subject);

class ApiDoor final : private NatsListener, private ApiTaker {
 public:
  static constexpr std::size_t kMaxInbox = 255;  // bytes

  // Both must outlive it, and it the port's last turn. `applications`: those may call, too.
  ApiDoor(NatsPort& port, ApiDesk& desk, const NodeId& self, bool applications);
  ~ApiDoor();
  ApiDoor(const ApiDoor&) = delete;
  ApiDoor& operator=(const ApiDoor&) = delete;

  // The node goes: other nodes take the applications' calls from now on. Idempotent.
  void leave();

 private:
  void on_nats_message(NatsSubscriptionId id, const NatsMessageView& message, Instant now) override;
  void on_api_outcome(std::uint64_t token, ApiOutcome outcome, Instant now) override;

  NatsPort& port_;
  ApiDesk& desk_;
  bool applications_;
  NatsSubscriptionId of_applications_;
  NatsSubscriptionId of_nodes_;
  boost::unordered_flat_map<std::uint64_t, std::string> inboxes_;  // of calls on their way
  std::uint64_t last_ = 0;
};

}  // namespace millrace
