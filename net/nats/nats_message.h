// A message from NATS as it is handed out, and one that is to go there.
#pragma once

#include <nats/nats.h>

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "core/base/bytes.h"

namespace millrace {

// Views: they live for the call that hands it out. All of it comes from a peer: hostile.
class NatsMessageView {
 public:
  explicit NatsMessageView(natsMsg& message) : message_(message) {}

  [[nodiscard]] Bytes subject() const { return text(natsMsg_GetSubject(&message_)); }
  // Where an answer is wanted; empty: none is.
  [[nodiscard]] Bytes reply() const { return text(natsMsg_GetReply(&message_)); }
  [[nodiscard]] Bytes data() const {
    const int length = natsMsg_GetDataLength(&message_);
    return length > 0 ? Bytes(natsMsg_GetData(&message_), static_cast<std::size_t>(length))
                      : Bytes();
  }
  // The first of that name, which is compared by case; empty if there is none. The library reads a
  // message's headers at the first call.
  [[nodiscard]] Bytes header(const char* name) const {
    const char* value = nullptr;
    return natsMsgHeader_Get(&message_, name, &value) == NATS_OK ? text(value) : Bytes();
  }
  // The server's word that nobody is subscribed to what was asked.
  [[nodiscard]] bool no_responders() const { return natsMsg_IsNoResponders(&message_); }

 private:
  static Bytes text(const char* value) { return value == nullptr ? Bytes() : Bytes(value); }

  natsMsg& message_;
};

// To be published. Its maker has checked subject and headers: neither nats.c nor the server does,
// and a CR LF in them would inject protocol lines (the port CHECKs).
struct NatsPost {
  std::string subject;
  std::string data;
  std::string reply = {};  // empty: no answer is wanted
  std::vector<std::pair<std::string, std::string>> headers = {};
};

}  // namespace millrace
