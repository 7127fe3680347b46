// The broker of a node of a cluster: each concern goes to the part that has it.
//
//   channels of namespaces with history -> JetBroker: streams at NATS
//   all other channels                  -> NatsBroker: core NATS, at most once
//   who is in a channel                 -> ClusterPresence: gathered from all nodes
//
// Nothing is decided here but which part a channel is for: by its namespace, which is constant.
//
// Owner: the shard; its parts live as long as it does and are destroyed with it.
#pragma once

#include <memory>

#include "core/hub/broker.h"
#include "net/jet/jet_broker.h"
#include "net/nats/nats_broker.h"
#include "net/nodes/cluster_presence.h"

namespace millrace {

class ClusterBroker final : public Broker {
 public:
  // Without `streams` no namespace has history. Port and presence must outlive it.
  ClusterBroker(NatsPort& port, std::unique_ptr<NatsBroker> plain,
                std::unique_ptr<JetBroker> streams, ClusterPresence& presence);

  [[nodiscard]] bool add_interest(Bytes channel, InterestToken token) override {
    return part(channel).add_interest(channel, token);
  }
  void remove_interest(Bytes channel) override {
    part(channel).remove_interest(channel);
    presence_.drop_interest(channel);
  }
  void publish(const Publication& publication, const StreamOptions& options, RequestToken token,
               Instant now) override {
    part(publication.channel).publish(publication, options, token, now);
  }
  void read_history(Bytes channel, const HistoryQuery& query, const StreamOptions& options,
                    RequestToken token, Instant now) override {
    part(channel).read_history(channel, query, options, token, now);
  }
  void remove_history(Bytes channel, RequestToken token, Instant now) override {
    part(channel).remove_history(channel, token, now);
  }
  void read_presence(Bytes channel, bool counts_only, RequestToken token, Instant now) override {
    presence_.read_presence(channel, counts_only, token, now);
  }
  void add_member(Bytes channel, const ClientInfo& member, const PresenceOptions& options,
                  Instant now) override {
    presence_.add_member(channel, member, options, now);
  }
  void remove_member(Bytes channel, Bytes client, Instant now) override {
    presence_.remove_member(channel, client, now);
  }
  // The first part that is not ready.
  [[nodiscard]] BrokerStatus status() const override;

 private:
  [[nodiscard]] Broker& part(Bytes channel) const;

  NatsPort& port_;
  const std::unique_ptr<NatsBroker> plain_;
  const std::unique_ptr<JetBroker> streams_;
  ClusterPresence& presence_;
};

}  // namespace millrace
