// Visits to all sessions of a shard, or to all of a user: there is no index of users, which would
// cost every connection, but a walk over the table. It is taken a slice a turn, so that a million
// connections stall nobody, and all visitors that wait when a walk begins share it.
//
// Who connects during a walk may be missed by it: it came after the order.
//
// Owner: the desk of the sessions. Limits: kSlotsPerTurn, kMaxVisitors.
#pragma once

#include <boost/unordered/unordered_flat_map.hpp>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/base/hash.h"
#include "core/shard/reactor.h"
#include "net/tcp/connection_table.h"

namespace millrace {

class Session;

class SessionVisitor {
 public:
  virtual ~SessionVisitor() = default;
  // May end it.
  virtual void visit(Session& session, Instant now) = 0;
  // All who were there have been visited; it is destroyed next.
  virtual void done(Instant now) = 0;
};

class SessionWalk final : public InboundSource {
 public:
  static constexpr std::uint32_t kSlotsPerTurn = 4'096;
  static constexpr std::size_t kMaxVisitors = 65'536;  // that wait, or walk

  // It must outlive the walk.
  explicit SessionWalk(ConnectionTable& table) : table_(table) {}

  // Without a user: to all. False at the limit.
  [[nodiscard]] bool add(std::optional<std::string> user, std::unique_ptr<SessionVisitor> visitor);
  [[nodiscard]] std::size_t visitors() const { return waiting_.size() + walking_.size(); }

  // InboundSource.
  void drain(Instant now) override;
  [[nodiscard]] bool ready() const override { return visitors() != 0; }

 private:
  struct Waiting {
    std::optional<std::string> user;
    std::unique_ptr<SessionVisitor> visitor;
  };

  void begin();
  void visit(std::uint32_t slot, Instant now);
  // False if the session is gone.
  [[nodiscard]] bool visit(ConnId id, SessionVisitor& visitor, Instant now);
  void end(Instant now);

  ConnectionTable& table_;
  std::vector<Waiting> waiting_;
  std::vector<Waiting> walking_;  // in the order they were added
  std::vector<SessionVisitor*> to_all_;
  boost::unordered_flat_map<std::string, std::vector<SessionVisitor*>, BytesHash, std::equal_to<>>
      to_user_;
  std::uint32_t next_slot_ = 0;
};

}  // namespace millrace
