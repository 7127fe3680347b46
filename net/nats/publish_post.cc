#include "net/nats/publish_post.h"

#include "net/nats/nats_inbox.h"

namespace millrace {

natsStatus publish_post(natsConnection& connection, const NatsPost& post) {
  const int size = static_cast<int>(post.data.size());
  const char* reply = post.reply.empty() ? nullptr : post.reply.c_str();
  if (post.headers.empty()) {
    return reply == nullptr
               ? natsConnection_Publish(&connection, post.subject.c_str(), post.data.data(), size)
               : natsConnection_PublishRequest(&connection, post.subject.c_str(), reply,
                                               post.data.data(), size);
  }
  natsMsg* made = nullptr;
  natsStatus status = natsMsg_Create(&made, post.subject.c_str(), reply, post.data.data(), size);
  const NatsMessage message(made);
  for (const auto& [name, value] : post.headers) {
    if (status == NATS_OK) status = natsMsgHeader_Add(made, name.c_str(), value.c_str());
  }
  return status == NATS_OK ? natsConnection_PublishMsg(&connection, made) : status;
}

}  // namespace millrace
