#include "net/session/session_walk.h"

#include <algorithm>
#include <utility>

#include "net/session/session.h"

namespace millrace {

bool SessionWalk::add(std::optional<std::string> user, std::unique_ptr<SessionVisitor> visitor) {
  if (visitors() >= kMaxVisitors) return false;
  waiting_.push_back({std::move(user), std::move(visitor)});
  return true;
}

void SessionWalk::drain(Instant now) {
  if (walking_.empty()) begin();
  if (walking_.empty()) return;
  const std::uint32_t until =
      std::min(table_.slots() - std::min(next_slot_, table_.slots()), kSlotsPerTurn) + next_slot_;
  for (; next_slot_ < until; ++next_slot_) visit(next_slot_, now);
  if (next_slot_ >= table_.slots()) end(now);
}

void SessionWalk::begin() {
  walking_ = std::exchange(waiting_, {});
  next_slot_ = 0;
  for (const Waiting& each : walking_) {
    if (each.user) {
      to_user_[*each.user].push_back(each.visitor.get());
    } else {
      to_all_.push_back(each.visitor.get());
    }
  }
}

void SessionWalk::visit(std::uint32_t slot, Instant now) {
  Connection* connection = table_.find_index(slot);
  if (connection == nullptr || connection->closing()) return;
  const auto* session = dynamic_cast<Session*>(connection->protocol()->hub_client());
  if (session == nullptr) return;  // HTTP
  const ConnId id = connection->id();
  const auto named = to_user_.empty() ? to_user_.end() : to_user_.find(session->identity().user());
  for (SessionVisitor* visitor : to_all_) {
    if (!visit(id, *visitor, now)) return;
  }
  if (named == to_user_.end()) return;
  for (SessionVisitor* visitor : named->second) {
    if (!visit(id, *visitor, now)) return;
  }
}

// Who ends a session may free its slot.
bool SessionWalk::visit(ConnId id, SessionVisitor& visitor, Instant now) {
  Connection* connection = table_.find(id);
  if (connection == nullptr || connection->closing()) return false;
  auto& session = static_cast<Session&>(*connection->protocol()->hub_client());
  if (session.leaving()) return false;
  visitor.visit(session, now);
  return true;
}

void SessionWalk::end(Instant now) {
  const std::vector<Waiting> visited = std::exchange(walking_, {});
  to_all_.clear();
  to_user_.clear();
  for (const Waiting& each : visited) each.visitor->done(now);
}

}  // namespace millrace
