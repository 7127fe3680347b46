#include "net/nodes/node_directory.h"

#include <algorithm>
#include <limits>

namespace millrace {

namespace {

constexpr std::uint64_t kNeverBack = std::numeric_limits<std::uint64_t>::max();

}  // namespace

std::vector<KnownNode>::iterator NodeDirectory::place_of(const NodeId& id) {
  return std::lower_bound(
      others_.begin(), others_.end(), id,
      [](const KnownNode& node, const NodeId& other) { return node.id < other; });
}

const KnownNode* NodeDirectory::find(const NodeId& id) const {
  const auto found =
      std::lower_bound(others_.begin(), others_.end(), id,
                       [](const KnownNode& node, const NodeId& other) { return node.id < other; });
  return found != others_.end() && found->id == id ? &*found : nullptr;
}

void NodeDirectory::unwatch(const NodeWatcher& watcher) { std::erase(watchers_, &watcher); }

void NodeDirectory::hears(bool hears, Instant now) {
  hears_ = hears;
  hears_since_ = now;
  if (!hears) return;
  for (KnownNode& node : others_) node.heard = now;
}

void NodeDirectory::heard(const NodeBeat& beat, Instant now) {
  if (beat.id == self_) {
    self_facts_ = beat.facts;
    return;
  }
  const auto place = place_of(beat.id);
  if (place != others_.end() && place->id == beat.id) {
    if (beat.number <= place->beat) {
      ++stats_.late;
      return;
    }
    if (beat.goodbye) return drop(place, true, now);
    place->beat = beat.number;
    place->facts = beat.facts;
    place->heard = now;
    return;
  }
  if (too_late(beat)) {
    ++stats_.late;
    return;
  }
  // A goodbye may overtake what it stands behind, where routes between servers change.
  if (beat.goodbye) return remember_gone(beat.id, kNeverBack);
  if (others_.size() >= kMaxNodes) {
    ++stats_.refused;
    return;
  }
  others_.insert(place, {beat.id, beat.facts, beat.number, now});
  for (NodeWatcher* watcher : watchers_) watcher->on_node_new(beat.id, now);
}

bool NodeDirectory::too_late(const NodeBeat& beat) const {
  const auto found = std::find_if(gone_.begin(), gone_.end(),
                                  [&beat](const Gone& gone) { return gone.first == beat.id; });
  return found != gone_.end() && beat.number <= found->second;
}

void NodeDirectory::remember_gone(const NodeId& id, std::uint64_t number) {
  std::erase_if(gone_, [&id](const Gone& gone) { return gone.first == id; });
  if (gone_.size() >= kMaxNodes) gone_.pop_front();
  gone_.emplace_back(id, number);
}

void NodeDirectory::drop(std::vector<KnownNode>::iterator node, bool goodbye, Instant now) {
  const NodeId id = node->id;
  remember_gone(id, goodbye ? kNeverBack : node->beat);
  others_.erase(node);
  ++stats_.gone;
  for (NodeWatcher* watcher : watchers_) watcher->on_node_gone(id, now);
}

void NodeDirectory::expire(Instant now) {
  if (!hears_) return;
  for (auto node = others_.begin(); node != others_.end();) {
    if (now < node->heard + kGoneAfter) {
      ++node;
      continue;
    }
    const auto at = node - others_.begin();
    drop(node, false, now);
    node = others_.begin() + at;
  }
}

Instant NodeDirectory::next_due() const {
  Instant due = Instant::never();
  if (!hears_) return due;
  for (const KnownNode& node : others_) due = std::min(due, node.heard + kGoneAfter);
  return due;
}

}  // namespace millrace
