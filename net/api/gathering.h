// What all shards of this node, and all nodes, have told of one call so far, and what that comes
// to.
//
// Owner: the call. Limits: ChannelListing::kMaxListedBytes of channels, of all shards and nodes
// together; beyond it the outcome is an error. Users and channels of this node that are counted are
// as many as it has.
#pragma once

#include <boost/unordered/unordered_flat_map.hpp>
#include <boost/unordered/unordered_flat_set.hpp>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "core/base/hash.h"
#include "core/shard/message.h"
#include "net/api/api_outcome.h"

namespace millrace {

// Of another node: what it answered.
struct NodeAnswer {
  std::optional<ErrorCode> error = {};
  std::vector<ApiChannelCount> channels = {};
  std::vector<ApiNodeInfo> nodes = {};
};

class Gathering {
 public:
  // So many last shares, and so many nodes, will answer.
  void expect_shares(std::uint32_t parts) { parts_ += parts; }
  void expect_nodes(std::uint32_t nodes) { nodes_ += nodes; }
  [[nodiscard]] bool complete() const { return parts_ == 0 && nodes_ == 0; }

  void add(ApiShare share);
  void add(NodeAnswer answer);

  // `self` but for its counts, which are what was gathered. REQUIRES: complete().
  [[nodiscard]] ApiOutcome outcome(ApiMethod method, ApiNodeInfo self) const;

  // Somebody has failed, or could not be asked. The first is told.
  void fail(ErrorCode error);

 private:
  void count(const std::string& channel, std::uint64_t clients);

  std::uint32_t parts_ = 0;
  std::uint32_t nodes_ = 0;
  std::optional<ErrorCode> error_;  // the first
  std::uint64_t clients_ = 0;
  std::uint64_t subscriptions_ = 0;
  boost::unordered_flat_set<std::uint64_t> users_;
  boost::unordered_flat_set<std::uint64_t> channels_;
  boost::unordered_flat_map<std::string, std::uint64_t, BytesHash, std::equal_to<>> listed_;
  std::size_t listed_bytes_ = 0;
  std::vector<ApiNodeInfo> others_;
};

}  // namespace millrace
