// One shard's share of the calls that every shard carries out: orders about a user's sessions,
// lists of channels, counts.
//
//   ApiOrder of any shard -> SessionWalk, ChannelListing -> ApiShare back to it
//
// An order to subscribe is answered when all the subscriptions it made are live: what is published
// after the answer arrives.
//
// Owner: the shard's desk (api_desk.h). Limits: the walk's, and the callers' own (ApiDesk).
#pragma once

#include <boost/unordered/unordered_flat_map.hpp>
#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "core/base/ids.h"
#include "core/metrics/shard_metrics.h"
#include "core/shard/message.h"
#include "net/api/api_request.h"
#include "net/api/channel_listing.h"
#include "net/session/session_desk.h"

namespace millrace {

class ApiOrders final : private GrantWaiter {
 public:
  // Hashes of users in one ApiShare.
  static constexpr std::size_t kUsersATime = 4'096;

  // All must outlive it. It is the waiter of the sessions' grants.
  ApiOrders(SessionDesk& sessions, Hub& hub, const ShardMetrics& metrics, ApiShareSink& sink);
  ~ApiOrders();
  ApiOrders(const ApiOrders&) = delete;
  ApiOrders& operator=(const ApiOrders&) = delete;

  // The sink gets one last share, or two if there are two parts (parts()); perhaps from inside.
  void take(ShardId asker, std::uint64_t call, ApiRequest request, Instant now);
  // How many last shares each shard answers with; 0: no call for all shards.
  [[nodiscard]] static std::uint32_t parts(ApiMethod method);

  // What is done in slices, and answers that were waited for.
  void turn(Instant now);
  [[nodiscard]] bool ready() const { return !settled_.empty() || listing_.ready(); }

 private:
  class UserOrder;
  class Census;
  // One that makes subscriptions.
  struct Granting {
    ShardId asker;
    std::uint64_t call = 0;
    bool walking = true;
    std::int64_t waits = 0;  // below 0 while a session is asked
    std::optional<ErrorCode> failed = {};
  };

  void on_granted(std::uint64_t order, std::optional<ErrorCode> failed) override;
  // False if it has answered that there is no room.
  [[nodiscard]] bool walk(ShardId asker, std::uint64_t call, std::optional<std::string> user,
                          std::unique_ptr<SessionVisitor> visitor, Instant now);
  void end(ShardId asker, std::uint64_t call, Instant now, std::optional<ErrorCode> failed = {});

  SessionDesk& sessions_;
  const ShardMetrics& metrics_;
  ApiShareSink& sink_;
  ChannelListing listing_;
  boost::unordered_flat_map<std::uint64_t, Granting> granting_;
  std::vector<std::uint64_t> settled_;  // of those; from inside the hub, answered later
  std::uint64_t last_ = 0;
};

}  // namespace millrace
