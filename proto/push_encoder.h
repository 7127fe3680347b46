// Pushes to many: encoded once, shared by all subscribers of the channel on this shard.
#pragma once

#include <cstdint>
#include <string>

#include "core/base/bytes.h"

namespace millrace {

// Who published, as other clients see it. Empty client: nobody told (an application did).
struct PublisherInfo {
  Bytes user;
  Bytes client;
};

struct PublicationPush {
  Bytes channel;
  Bytes data;  // JSON without line breaks (proto/payload.h), so never empty
  PublisherInfo info;
  std::uint64_t offset = 0;  // 0: the channel has no history
};

// Appends {"push":{"channel":...,"pub":{"data":...,"info":...,"offset":...}}}; info and offset are
// left out when they are empty.
void append_publication_push(std::string& out, const PublicationPush& push);

}  // namespace millrace
