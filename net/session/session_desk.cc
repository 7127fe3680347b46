#include "net/session/session_desk.h"

#include <memory>
#include <optional>
#include <utility>

#include "core/base/assert.h"
#include "net/session/session.h"

namespace millrace {

namespace {

class RevocationVisitor final : public SessionVisitor {
 public:
  explicit RevocationVisitor(Revocation revocation) : revocation_(std::move(revocation)) {}
  void visit(Session& session, Instant now) override { session.look_at(revocation_, now); }
  void done(Instant) override {}

 private:
  const Revocation revocation_;
};

}  // namespace

SessionDesk::SessionDesk(const SessionDeskParts& shard, TokenGate gate, Instant now)
    : reactor_(shard.reactor),
      table_(shard.table),
      hub_(shard.hub),
      gate_(std::move(gate)),
      notes_(reactor_.timers(), *this, shard.settings.subscription_grace),
      waiting_(*this),
      refusals_(table_, shard.metrics),
      context_{hub_,
               shard.fanout,
               shard.codecs.encoders(),
               shard.codecs.decoders(),
               gate_,
               shard.random,
               shard.metrics,
               shard.settings,
               notes_,
               waiting_,
               connects_,
               grants_,
               refusals_},
      walk_(table_) {
  reactor_.add_source(*this, "sessions that waited");
  reactor_.add_source(walk_, "a walk over the sessions");
  reactor_.timers().arm(position_timer_, now + shard.settings.position_check / kPositionSteps,
                        *this);
}

SessionDesk::~SessionDesk() { reactor_.timers().cancel(position_timer_); }

Session* SessionDesk::find(ConnId id) {
  Connection* connection = table_.find(id);
  if (connection == nullptr || connection->closing()) return nullptr;
  return dynamic_cast<Session*>(connection->protocol()->hub_client());  // HTTP has none
}

void SessionDesk::resume(ConnId id, Instant now) {
  if (Session* session = find(id)) session->resume(now);
}

void SessionDesk::on_application_answer(ConnId who, std::uint64_t ticket, ApplicationAnswer& answer,
                                        Instant now) {
  context_.now = now;
  hub_.set_now(now);
  Connection* connection = table_.find(who);
  // Sessions that close take their questions back, but a socket may be gone before its session.
  CHECK(connection != nullptr);
  static_cast<Session*>(connection->protocol()->hub_client())
      ->on_application_answer(ticket, answer, now);
}

void SessionDesk::on_expired(SubscriberId who, Bytes channel, Instant now) {
  Connection* connection = table_.find_index(who);
  CHECK(connection != nullptr);  // notes go with their session
  static_cast<Session*>(connection->protocol()->hub_client())->expire_subscription(channel, now);
}

Result<void, RevokeError> SessionDesk::revoke(const Revocation& revocation, std::int64_t calendar,
                                              Instant) {
  if (walk_.visitors() >= SessionWalk::kMaxVisitors) return RevokeError::kFull;
  auto done = gate_.revoke(revocation, calendar);
  if (!done.ok()) return done;
  const bool of_user = revocation.what == Revocation::What::kUser;
  const bool taken = walk_.add(of_user ? std::optional(revocation.name) : std::nullopt,
                               std::make_unique<RevocationVisitor>(revocation));
  CHECK(taken);
  return done;
}

void SessionDesk::drain(Instant now) {
  context_.now = now;
  hub_.set_now(now);
  waiting_.drain(now);
}

void SessionDesk::on_timer(Timer&, Instant now) {
  context_.now = now;
  hub_.check_positions(static_cast<std::uint32_t>(hub_.channel_slots() / kPositionSteps + 1), now);
  reactor_.timers().arm(position_timer_, now + context_.settings.position_check / kPositionSteps,
                        *this);
}

}  // namespace millrace
