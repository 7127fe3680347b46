#include "net/auth/permissions.h"

namespace millrace {

bool may(const Audience& audience, const Asker& asker) {
  if (asker.insecure) return true;
  if (asker.user.empty() && !audience.anonymous) return false;
  return audience.clients || (audience.subscribers && asker.subscribed);
}

bool may_subscribe(const Audience& audience, const Asker& asker, bool channel_token) {
  return channel_token || may(audience, asker);
}

}  // namespace millrace
