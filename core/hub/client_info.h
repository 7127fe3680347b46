// Who is behind a publication or a membership, as other clients see it. Views.
//
// pack_client_info() makes one owned string of it, for what crosses shards and for what is stored.
#pragma once

#include "core/base/bytes.h"

namespace millrace {

struct ClientInfo {
  Bytes user = {};       // empty: nobody in particular
  Bytes client = {};     // UUID of the connection; empty: no client (an application published)
  Bytes conn_info = {};  // raw JSON of the connection's token; empty if there is none
  Bytes chan_info = {};  // raw JSON of the subscription's token; empty if there is none

  [[nodiscard]] bool empty() const { return user.empty() && client.empty(); }
  bool operator==(const ClientInfo&) const = default;
};

// Empty for an info that is empty.
OwnedBytes pack_client_info(const ClientInfo& info);
// Views of `packed`. REQUIRES: packed by pack_client_info().
ClientInfo unpack_client_info(Bytes packed);

}  // namespace millrace
