// The server API on one shard: takes calls, from HTTP, from NATS and from other nodes, carries them
// out, and tells who called what became of them.
//
//   call -> ApiReader -> publish, broadcast, presence, history ..: the hub, from here
//                     -> subscribe, disconnect, channels, info ..: every shard of this node
//                        (ApiOrder, ApiShare) and every other node (ApiPeers), gathered
//                     -> batch: calls of its own (ApiSeries)
//
// A publication with an idempotency key is made by the shard that its channel's name hashes to,
// which knows the key (keyed_publications.h).
//
// Owner: the shard; used on its thread. Limits: kMaxCalls at a time, the parts of series counted;
// kMaxSeriesBytes that series keep; kMaxSurveys that list or count everything. Beyond them a call
// is error 111. What shards and nodes are asked for has kPatience, and is error 100 then.
#pragma once

#include <boost/unordered/unordered_flat_map.hpp>
#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "core/hub/hub_asker.h"
#include "core/shard/mailbox.h"
#include "net/api/api_orders.h"
#include "net/api/api_series.h"
#include "net/api/gathering.h"
#include "net/api/keyed_publications.h"
#include "net/session/fanout.h"
#include "proto/payload.h"

namespace millrace {

// How far a call goes.
enum class ApiScope : std::uint8_t {
  kCluster,
  kNode,  // another node asks for this one's share
};

// Takes tokens back, on all shards of this node.
class Revoker {
 public:
  virtual Result<void, RevokeError> revoke(const Revocation& revocation, std::int64_t calendar,
                                           Instant now) = 0;

 protected:
  ~Revoker() = default;
};

// The other nodes.
class ApiPeers {
 public:
  struct Asked {
    std::uint32_t nodes = 0;  // each answers once, by ApiDesk::on_node(), and not from inside
    bool failed = false;      // not everybody could be asked
  };
  // Asks each to carry the call out.
  virtual Asked ask(std::uint64_t call, ApiMethod method, Bytes params, Instant now) = 0;

 protected:
  ~ApiPeers() = default;
};

// What a shard has that its desk needs. All of it must outlive the desk.
struct ApiDeskParts {
  Reactor& reactor;
  Mailbox& mailbox;
  std::size_t client_shards;
  Hub& hub;
  Fanout& fanout;
  SessionDesk& sessions;
  ShardMetrics& metrics;
  const SessionSettings& settings;
  Revoker& revoker;
};

class ApiDesk final : private HubAsker,
                      private ApiShareSink,
                      private ApiSeriesDesk,
                      private InboundSource,
                      private TimerHandler {
 public:
  static constexpr std::size_t kMaxCalls = 16'384;
  static constexpr std::size_t kMaxSeriesBytes = 64 * 1024 * 1024;
  static constexpr std::size_t kMaxSurveys = 8;  // `channels` and `info`
  static constexpr Duration kPatience = seconds(5);

  // `self` is this node, but for its counts.
  ApiDesk(const ApiDeskParts& parts, ApiNodeInfo self, Instant now);
  ~ApiDesk();
  ApiDesk(const ApiDesk&) = delete;
  ApiDesk& operator=(const ApiDesk&) = delete;

  // Before the first call; must outlive the desk.
  void set_peers(ApiPeers& peers) { peers_ = &peers; }

  // The taker is told once, perhaps from inside; it must outlive the desk. `params` are read in the
  // call.
  void take(ApiMethod method, Bytes params, ApiScope scope, ApiTaker& taker, std::uint64_t token,
            Instant now);
  // The body of POST /api: a line for each call.
  void take_lines(Bytes body, ApiTaker& taker, std::uint64_t token, Instant now);

  // The messages of the API; false if `message` is none of them.
  bool on_message(ShardId from, Message& message, Instant now);
  // What a node that was asked has answered; nothing happens if its call is over.
  void on_node(std::uint64_t call, NodeAnswer answer, Instant now);

  [[nodiscard]] std::size_t calls() const { return calls_.size(); }

 private:
  struct Call {
    ApiMethod method = ApiMethod::kInfo;
    ApiTaker* taker = nullptr;
    std::uint64_t token = 0;
    ApiScope scope = ApiScope::kCluster;
    bool binary = false;  // of a history: what is kept need not be JSON
    bool surveys = false;
    std::size_t bytes = 0;  // of its series
    std::unique_ptr<Gathering> gathering = {};
    std::unique_ptr<ApiSeries> series = {};
  };
  using Token = std::uint64_t;

  // 0: refused, and the taker told.
  Token open(ApiMethod method, ApiScope scope, ApiTaker& taker, std::uint64_t token, Instant now);
  void close(Token id, ApiOutcome outcome, Instant now);
  void fail(Token id, ErrorCode code, Instant now, std::string why = {});
  void carry_out(Token id, Bytes params, ApiRequest request, Instant now);
  // One each for what a call may be.
  void start(Token id, Bytes params, ApiPublish& publish, Instant now);
  void start(Token id, Bytes params, ApiBroadcast& broadcast, Instant now);
  void start(Token id, Bytes params, ApiPresence& presence, Instant now);
  void start(Token id, Bytes params, ApiHistory& history, Instant now);
  void start(Token id, Bytes params, ApiHistoryRemove& remove, Instant now);
  void start(Token id, Bytes params, ApiBatch& batch, Instant now);
  void start(Token id, Bytes params, ApiRevoke& revoke, Instant now);
  // All that every shard carries out.
  template <typename Order>
  void start(Token id, Bytes params, Order& order, Instant now) {
    gather(id, params, ApiRequest(std::move(order)), now);
  }

  // The settings of a channel; otherwise the call is over.
  const NamespaceSettings* settings_for(Token id, Bytes channel, Instant now);
  void publish_keyed(Token id, KeyedPublish publish, Instant now);
  void take_keyed(ShardId from, const KeyedPublish& publish, Instant now);
  void tell_keyed(ShardId to, KeyedPublished published, Instant now);
  void on_keyed(const KeyedPublished& published, Instant now);
  void begin_series(Token id, std::unique_ptr<ApiSeries> series, Instant now);
  void gather(Token id, Bytes params, ApiRequest request, Instant now);
  void ask_peers(Token id, Bytes params, Instant now);
  void end_if_complete(Token id, Instant now);
  void set_timer();

  // HubAsker: tickets are calls, or, with kOfKey, of keyed_.
  static constexpr std::uint64_t kOfKey = std::uint64_t{1} << 63;
  void on_published(std::uint64_t ticket, PublishOutcome outcome,
                    const StreamPosition& position) override;
  void on_history(std::uint64_t ticket, const HistoryPage& page) override;
  void on_presence(std::uint64_t ticket, const PresencePage& page) override;

  void on_share(ShardId to, ApiShare share, Instant now) override;
  void begin_step(ApiBatch::Command command, ApiSeries& series, std::size_t step,
                  Instant now) override;
  void begin_step(ApiPublish publish, ApiSeries& series, std::size_t step, Instant now) override;
  void go_on_later(std::uint64_t call) override { going_on_.push_back(call); }
  void end_series(std::uint64_t call, ApiOutcome outcome, Instant now) override;
  void drain(Instant now) override;
  [[nodiscard]] bool ready() const override;
  void on_timer(Timer& timer, Instant now) override;

  ApiSeriesDesk& steps() { return *this; }
  [[nodiscard]] Instant now() const { return parts_.sessions.context().now; }

  const ApiDeskParts parts_;
  const ApiNodeInfo self_;
  const Instant started_;
  ApiPeers* peers_ = nullptr;  // if there are any
  ApiReader reader_;
  JsonPayloadChecker payloads_;
  ApiOrders orders_;
  KeyedPublications keyed_;
  boost::unordered_flat_map<Token, std::unique_ptr<Call>> calls_;
  Token last_ = 0;
  std::size_t surveys_ = 0;
  std::size_t series_bytes_ = 0;
  std::vector<Token> going_on_;                    // series
  std::vector<std::unique_ptr<ApiSeries>> ended_;  // until nobody is inside them
  std::deque<std::pair<Instant, Token>> ends_;  // of what is gathered; of some that are over, too
  Timer timer_;
};

}  // namespace millrace
