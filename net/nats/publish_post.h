// A NatsPost given to the library, which copies it.
#pragma once

#include <nats/nats.h>

#include "net/nats/nats_message.h"

namespace millrace {

// The link's thread's; may block up to the write deadline.
[[nodiscard]] natsStatus publish_post(natsConnection& connection, const NatsPost& post);

}  // namespace millrace
