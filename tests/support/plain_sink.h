// What a sink of a test need not do itself: it hears nothing and knows nobody.
#pragma once

#include "core/hub/delivery_sink.h"

namespace millrace {

class PlainSink : public DeliverySink {
 public:
  void deliver(const Publication&, Bytes, std::span<const Subscriber>) override {}
  void deliver_presence(Bytes, std::span<const PresenceChange>,
                        std::span<const Subscriber>) override {}
  void subscribed(SubscriberId, Bytes, std::uint32_t, const SubscribeOutcome&) override {}
  ClientInfo member(SubscriberId, Bytes) override { return {}; }
  void published(RequestToken, PublishOutcome, const StreamPosition&) override {}
  void history(RequestToken, const HistoryPage&) override {}
  void presence(RequestToken, const PresencePage&) override {}
  void lost(SubscriberId, Bytes, bool) override {}
};

}  // namespace millrace
