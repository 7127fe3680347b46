// What a broker of a test need not do itself: it keeps nothing and knows nobody.
#pragma once

#include "core/hub/broker.h"

namespace millrace {

class PlainBroker : public Broker {
 public:
  void read_history(Bytes, const HistoryQuery&, const StreamOptions&, RequestToken,
                    Instant) override {}
  void remove_history(Bytes, RequestToken, Instant) override {}
  void read_presence(Bytes, bool, RequestToken, Instant) override {}
  void add_member(Bytes, const ClientInfo&, const PresenceOptions&, Instant) override {}
  void remove_member(Bytes, Bytes, Instant) override {}
  [[nodiscard]] BrokerStatus status() const override { return {.ready = true, .cause = ""}; }
};

}  // namespace millrace
