#include "net/broker/cluster_broker.h"

#include <utility>

namespace millrace {

ClusterBroker::ClusterBroker(NatsPort& port, std::unique_ptr<NatsBroker> plain,
                             std::unique_ptr<JetBroker> streams, ClusterPresence& presence)
    : port_(port), plain_(std::move(plain)), streams_(std::move(streams)), presence_(presence) {}

Broker& ClusterBroker::part(Bytes channel) const {
  const bool streamed = streams_ != nullptr && streams_->covers(channel);
  return streamed ? static_cast<Broker&>(*streams_) : *plain_;
}

BrokerStatus ClusterBroker::status() const {
  BrokerStatus status = port_.status();
  if (!status.ready || streams_ == nullptr) return status;
  return streams_->status();
}

}  // namespace millrace
