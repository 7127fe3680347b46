// Who may do what in a channel. Pure: what its namespace allows, and what is known of the client.
//
// Under --insecure everything is granted. Whether a namespace keeps presence or history at all is
// another question (net/session/namespace_settings.h).
#pragma once

#include "core/base/bytes.h"

namespace millrace {

// Who may do a thing: subscribe, publish, read presence or history.
struct Audience {
  bool clients = false;      // who is connected
  bool subscribers = false;  // who is subscribed to the channel
  bool anonymous = false;    // of those, who is nobody in particular too; without it, users only

  bool operator==(const Audience&) const = default;
};

// What is known of who asks.
struct Asker {
  Bytes user;               // empty: nobody in particular
  bool subscribed = false;  // to the channel
  bool insecure = false;    // the server grants all
};

// Publishing, and reading presence or history.
[[nodiscard]] bool may(const Audience& audience, const Asker& asker);

// A good token for the channel is the right to subscribe to it, whatever the namespace says.
[[nodiscard]] bool may_subscribe(const Audience& audience, const Asker& asker, bool channel_token);

}  // namespace millrace
