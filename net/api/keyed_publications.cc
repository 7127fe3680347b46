#include "net/api/keyed_publications.h"

#include <utility>

#include "core/base/assert.h"

namespace millrace {

KeyedPublications::Begin KeyedPublications::begin(Bytes channel, Bytes key, Caller caller,
                                                  Instant now) {
  forget_old(now);
  // The length tells where the channel ends and its key begins.
  std::string name = std::to_string(channel.size());
  name.append(":").append(channel).append(key);
  if (const auto found = ids_.find(name); found != ids_.end()) {
    Known& known = known_.find(found->second)->second;
    if (known.done) return {Begun::kKnown, found->second, known.position};
    known.callers.push_back(caller);
    return {Begun::kWaits, found->second, {}};
  }
  if (known_.size() >= kMaxKeys) {
    const std::uint64_t oldest = by_age_.front().second;
    if (!known_.find(oldest)->second.done) return {};
    forget(oldest);
    by_age_.pop_front();
  }
  const std::uint64_t id = ++last_;
  ids_.emplace(name, id);
  known_.emplace(id, Known{.name = std::move(name), .callers = {caller}});
  by_age_.emplace_back(now + kKeyAge, id);
  return {Begun::kFirst, id, {}};
}

std::vector<KeyedPublications::Caller> KeyedPublications::finish(std::uint64_t id, bool accepted,
                                                                 const StreamPosition& position) {
  const auto found = known_.find(id);
  CHECK(found != known_.end());
  CHECK(!found->second.done);
  found->second.done = true;
  found->second.position = position;
  std::vector<Caller> callers = std::exchange(found->second.callers, {});
  if (!accepted) forget(id);
  return callers;
}

// An entry that is on its way stays, and those behind it are its age at least.
void KeyedPublications::forget_old(Instant now) {
  while (!by_age_.empty()) {
    const auto [until, id] = by_age_.front();
    const auto found = known_.find(id);
    if (found != known_.end() && (until > now || !found->second.done)) return;
    if (found != known_.end()) forget(id);
    by_age_.pop_front();
  }
  // Those that have failed behind one that stays.
  if (by_age_.size() < 2 * kMaxKeys) return;
  std::erase_if(by_age_, [this](const auto& each) { return !known_.contains(each.second); });
}

void KeyedPublications::forget(std::uint64_t id) {
  const auto found = known_.find(id);
  CHECK(found != known_.end());
  ids_.erase(found->second.name);
  known_.erase(found);
}

}  // namespace millrace
