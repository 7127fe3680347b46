// Who else is there: the nodes of the cluster as one shard knows them from their beats. Pure: what
// was heard and when are arguments; node_beats.h hears and speaks.
//
// Each shard keeps its own, so nothing is shared; they may differ for the time of a message.
// 1. A node is known from its first beat on.
// 2. It is gone after its goodbye, or when nothing was heard of it for kGoneAfter: three beats.
// 3. What comes late of a node that is gone brings nobody back: a beat with a number that is not
//    above the last one, and any beat after a goodbye. One that was only not heard for a while (its
//    machine stood still, NATS was parted) comes back with its next beat, as a new one.
// 4. While this shard hears nobody (its connection is away) nobody goes: silence would be its own
//    fault. When it hears again, everybody has kGoneAfter anew.
// 5. settled(): it has heard for so long that everybody who is there is known: all have been asked
//    to say so (node_beats.h). What is gathered from the others before that may miss somebody.
//
// Owner: a shard. Watchers must outlive it and must not call it back with beats. Limits: kMaxNodes
// others, and as many memories of those who have gone; whoever comes beyond is refused and counted.
#pragma once

#include <cstdint>
#include <deque>
#include <utility>
#include <vector>

#include "core/time/instant.h"
#include "net/nodes/node_beat.h"
#include "net/nodes/node_id.h"

namespace millrace {

// Wants to know who comes and goes.
class NodeWatcher {
 public:
  virtual void on_node_new(const NodeId& /*node*/, Instant /*now*/) {}
  virtual void on_node_gone(const NodeId& node, Instant now) = 0;

 protected:
  ~NodeWatcher() = default;
};

// Another node.
struct KnownNode {
  NodeId id;
  NodeFacts facts;
  std::uint64_t beat = 0;  // the last one's number
  Instant heard{};
};

struct NodeDirectoryStats {
  std::uint64_t refused = 0;  // beats of newcomers for whom there was no room
  std::uint64_t late = 0;     // beats that were too late to count
  std::uint64_t gone = 0;     // nodes, whether they said goodbye or not
};

class NodeDirectory {
 public:
  static constexpr std::size_t kMaxNodes = 1'024;
  static constexpr Duration kBeatInterval = seconds(1);
  static constexpr Duration kBeatJitter = milliseconds(100);  // to either side
  static constexpr std::int64_t kMissedBeats = 3;
  static constexpr Duration kGoneAfter = (kBeatInterval + kBeatJitter) * kMissedBeats;
  static constexpr Duration kSettle = milliseconds(500);

  explicit NodeDirectory(const NodeId& self) : self_(self) {}
  NodeDirectory(const NodeDirectory&) = delete;
  NodeDirectory& operator=(const NodeDirectory&) = delete;

  [[nodiscard]] const NodeId& self() const { return self_; }
  // This node's own, from its own last beat; empty until that has come by.
  [[nodiscard]] const NodeFacts& self_facts() const { return self_facts_; }
  // Without this node; by id.
  [[nodiscard]] const std::vector<KnownNode>& others() const { return others_; }
  // nullptr: it is not known, or is this node.
  [[nodiscard]] const KnownNode* find(const NodeId& id) const;
  [[nodiscard]] bool known(const NodeId& id) const { return find(id) != nullptr; }
  [[nodiscard]] bool settled(Instant now) const { return now >= settles(); }
  // never(): nobody is heard now.
  [[nodiscard]] Instant settles() const {
    return hears_ ? hears_since_ + kSettle : Instant::never();
  }
  [[nodiscard]] const NodeDirectoryStats& stats() const { return stats_; }

  // Not from inside a watcher's call.
  void watch(NodeWatcher& watcher) { watchers_.push_back(&watcher); }
  void unwatch(const NodeWatcher& watcher);

  // This shard hears the others from now on, or from now on does not. Told again, it begins anew.
  void hears(bool hears, Instant now);
  void heard(const NodeBeat& beat, Instant now);
  // Those of whom nothing was heard are gone.
  void expire(Instant now);
  // When expire() has something to do; never() if nothing.
  [[nodiscard]] Instant next_due() const;

 private:
  // A node that has gone, and the number above which it would be back.
  using Gone = std::pair<NodeId, std::uint64_t>;

  [[nodiscard]] std::vector<KnownNode>::iterator place_of(const NodeId& id);
  void remember_gone(const NodeId& id, std::uint64_t number);
  [[nodiscard]] bool too_late(const NodeBeat& beat) const;
  void drop(std::vector<KnownNode>::iterator node, bool goodbye, Instant now);

  const NodeId self_;
  NodeFacts self_facts_;
  std::vector<KnownNode> others_;
  std::deque<Gone> gone_;  // the oldest first
  std::vector<NodeWatcher*> watchers_;
  bool hears_ = false;
  Instant hears_since_{};
  NodeDirectoryStats stats_;
};

}  // namespace millrace
