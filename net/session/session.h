// One client of the Centrifuge protocol: connect, subscriptions, publishing, questions, pings.
//
//   message -> CommandDecoder -> Command -> handle() -> hub, or a reply
//
// Commands of a connection are handled in order. A reply that waits for the broker (subscribe,
// publish, history, presence) may come after replies to later commands; per channel the order is
// kept: an unsubscribe that overtakes its pending subscribe answers that first. While a command
// waits for a turn to verify its token, or a connect command for the channels that come with it,
// all that follows waits too (waiting_sessions.h). Where the application is asked (application.h),
// a connect command waits for it, and so does what names a channel that a question is about; all
// else goes on, and replies to rpc come in the order of their answers.
//
// A long answer (recovery, history, a list of members) has at most half of the client's send queue.
// So the next such question waits until the one before it is answered, and the queue is short
// (SessionSettings::short_queue()): whoever has missed a lot in many channels gets it piece by
// piece as it reads, and is not taken for a slow reader.
//
// Time: until the connect command, the stale deadline; after it, a ping every ping_interval, the
// first at a random point of its second half, and a pong within pong_timeout. A shard that is late
// itself, by more than kLateShard, gives its clients that time anew. A token that has expired is
// good for token_grace more, in which it can be refreshed, and a little longer if many expire at
// once (expiry_pace.h).
//
// Owned by its transport. Borrows the shard's SessionContext.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>

#include "core/base/uuid.h"
#include "net/session/application.h"
#include "net/session/fair_use.h"
#include "net/session/identity.h"
#include "net/session/session_context.h"
#include "net/session/session_orders.h"
#include "net/transport/transport.h"
#include "proto/encoder.h"

namespace millrace {

// How the server's pings travel: as messages, or as WebSocket ping frames for clients that asked
// for them (?cf_ws_frame_ping_pong=true).
enum class PingStyle : std::uint8_t { kMessage, kFrame };

// Index of Encoders.
enum class WireFormat : std::uint8_t { kJson, kFlatBuffers };

class Session final : public TransportUser {
 public:
  static constexpr Duration kLateShard = seconds(2);

  Session(Transport& transport, SessionContext& context, PingStyle ping_style, WireFormat format,
          Instant now);
  ~Session() override;

  // Who the client has proven to be; nobody in particular until then.
  [[nodiscard]] const Identity& identity() const { return identity_; }
  // None until then.
  [[nodiscard]] const Uuid& client() const { return client_; }
  // It says goodbye: nothing that it is told arrives.
  [[nodiscard]] bool leaving() const { return !transport_.open(); }
  [[nodiscard]] bool connected() const { return !client_.none() && state_ != State::kConnecting; }

  // What was kept while it waited is handled.
  void resume(Instant now);
  // What it asked, once for each question. REQUIRES: it has not closed.
  void on_application_answer(std::uint64_t ticket, ApplicationAnswer& answer, Instant now);
  // A subscription's token has expired, and the grace is over; or what the application gave has,
  // and it may be asked.
  void expire_subscription(Bytes channel, Instant now);
  // Ends it, or subscriptions of it, if that is what they were let in with.
  void look_at(const Revocation& revocation, Instant now);

  // What the server API orders (session_orders.cc). A grant is settled at SessionContext::grants.
  // True if that has been or will be told there.
  bool grant(const Grant& order, std::uint64_t ticket, Instant now);
  void take_away(Bytes channel, Instant now);
  void dismiss(std::uint16_t code, Bytes reason, Instant now);
  void renew(const Renewal& order, Instant now);

  // TransportUser.
  void on_message(Opcode opcode, Bytes payload, Instant now) override;
  void on_pong(Instant now) override;
  void on_deadline(Instant now) override;
  void on_too_slow(Instant now) override;
  void on_drain(Instant now) override;
  void on_closing(Instant now) override;
  void on_sent() override;

  // HubClient. Tickets are the ids of the commands; 0 is a subscription that the server makes.
  void on_subscribed(Bytes channel, std::uint32_t ticket, const SubscribeOutcome& outcome) override;
  void on_lost(Bytes channel, bool server_side) override;
  void on_held(const SharedBytes& frame) override;
  void on_published(std::uint32_t ticket, bool accepted) override;
  void on_history(std::uint32_t ticket, const HistoryPage& page) override;
  void on_presence(std::uint32_t ticket, const PresencePage& page) override;
  void on_presence_counts(std::uint32_t ticket, const PresencePage& page) override;
  ClientInfo member(Bytes channel) override;

 private:
  class Commands;
  class Answered;
  enum class State : std::uint8_t {
    kNew,         // waits for the connect command
    kConnecting,  // has it, and waits for channels: all that follows is kept
    kQuiet,       // the next ping is due at the deadline
    kPinged,      // the pong is due at the deadline
    kRefused,     // its connect command got an error: nothing more is handled
    kClosed,
  };

  void decode(Bytes payload, Instant now);
  // False if no further command is to be handled.
  bool take(const Command& command, Bytes from_here, Bytes rest, Instant now);
  bool allowed(const Command& command, Instant now);
  // Whether what follows is kept.
  [[nodiscard]] bool waiting() const { return waits_ || state_ == State::kConnecting; }
  // Keeps the rest of the frame that is being handled.
  void wait_with_rest(Bytes rest, Instant now);
  void end_if_full(bool kept, Instant now);
  // Of a question with a long answer. If not, it resumes when it may.
  bool may_ask();
  void begin_question(std::uint32_t id);
  void end_question(std::uint32_t id);

  // One each for what a command may be: session_connect.cc, session_subscriptions.cc,
  // session_commands.cc.
  void handle(std::uint32_t id, const PongCommand& command, Instant now);
  void handle(std::uint32_t id, const ConnectCommand& command, Instant now);
  void handle(std::uint32_t id, const SubscribeCommand& command, Instant now);
  void handle(std::uint32_t id, const UnsubscribeCommand& command, Instant now);
  void handle(std::uint32_t id, const PublishCommand& command, Instant now);
  void handle(std::uint32_t id, const PresenceCommand& command, Instant now);
  void handle(std::uint32_t id, const PresenceStatsCommand& command, Instant now);
  void handle(std::uint32_t id, const HistoryCommand& command, Instant now);
  void handle(std::uint32_t id, const RpcCommand& command, Instant now);
  void handle(std::uint32_t id, const RefreshCommand& command, Instant now);
  void handle(std::uint32_t id, const SubRefreshCommand& command, Instant now);
  void handle(std::uint32_t id, const SendCommand& command, Instant now);

  // The application: session_application.cc, session_refresh.cc. False: nobody can be asked now.
  [[nodiscard]] bool asks(ProxyMethod method) const;
  [[nodiscard]] bool waits_for_answer(const Command& command) const;
  [[nodiscard]] bool ask(ApplicationQuestion question, Instant now);
  void tell(ApplicationQuestion question, Instant now);
  void settle_command(Bytes command, ApplicationAnswer& answer, Instant now);
  bool settle_decided(Instant now);
  void refuse(std::uint32_t id, const ApplicationAnswer& answer, Instant now);
  void ask_connect(std::uint32_t id, const ConnectCommand& command, Instant now);
  void end_unconnected(std::uint32_t id, Instant now);
  void settle(std::uint32_t id, const ConnectCommand& command, ApplicationAnswer& answer,
              Instant now);
  void settle(std::uint32_t id, const SubscribeCommand& command, ApplicationAnswer& answer,
              Instant now);
  void settle(std::uint32_t id, const PublishCommand& command, ApplicationAnswer& answer,
              Instant now);
  void settle(std::uint32_t id, const RpcCommand& command, ApplicationAnswer& answer, Instant now);
  void note_leaving(std::uint16_t code, Bytes reason);
  void leave_application(Instant now);
  [[nodiscard]] Instant ask_again_at(Instant now) const;
  [[nodiscard]] bool refreshed_by_application() const;
  [[nodiscard]] bool refreshed_by_application(Bytes channel, const SubscriptionNote& note) const;
  [[nodiscard]] Instant refresh_due() const;
  void plan_refresh(Expiry expiry);
  void ask_refresh(Instant now);
  void settle_refresh(const ApplicationAnswer& answer, Instant now);
  [[nodiscard]] bool ask_sub_refresh(Bytes channel, Instant now);
  void settle_sub_refresh(Bytes channel, const ApplicationAnswer& answer, Instant now);

  // Connecting.
  bool verify(std::uint32_t id, Bytes token, ConnectClaims& claims, Instant now);
  bool adopt(std::uint32_t id, const ConnectClaims& claims, bool proven, Instant now);
  void begin_connect(std::uint32_t id, const ConnectClaims& claims,
                     std::span<const KnownSubscription> known, Bytes data, Instant now);
  [[nodiscard]] Uuid new_client() const;
  // The error of channels that it can't be subscribed to.
  [[nodiscard]] std::optional<ErrorCode> fault_of(
      std::span<const ClaimedSubscription> claimed) const;
  void subscribe_claimed(PendingConnect& connect, const ConnectClaims& claims,
                         std::span<const KnownSubscription> known, Instant now);
  void finish_connect(Instant now);
  void note_claimed(Bytes channel, const SubscribeOutcome& outcome);
  [[nodiscard]] std::uint32_t ttl_of(Expiry expiry, Instant now) const;

  // What a good token grants: over already, until when, and for whom. Under --insecure for ever.
  [[nodiscard]] bool is_over(const TokenTimes& times, std::int64_t calendar) const;
  [[nodiscard]] Expiry expiry_of(const TokenTimes& times, std::int64_t calendar, Instant now) const;
  // Nothing if something is too long.
  [[nodiscard]] std::optional<Identity> identity_of(const ConnectClaims& claims,
                                                    std::int64_t calendar, Instant now) const;

  // Subscriptions.
  // The settings of a channel that may be named; otherwise the command is answered.
  const NamespaceSettings* settings_for(std::uint32_t id, Bytes channel, Instant now);
  // The settings of a channel that it is not in and that its wire format can take; otherwise the
  // command is answered.
  const NamespaceSettings* enterable(std::uint32_t id, const SubscribeCommand& command,
                                     Instant now);
  void enter(std::uint32_t id, const SubscribeCommand& command, const NamespaceSettings& settings,
             const ClaimedSubscription& granted, Instant now);
  // As the namespace takes it; `from_client` in the client's own format. Nothing: it does not.
  [[nodiscard]] std::optional<Bytes> payload_of(Bytes data, const NamespaceSettings& settings,
                                                bool from_client) const;
  void publish(std::uint32_t id, Bytes channel, Bytes data, const StreamOptions& stream,
               Instant now);
  // `granted` is what its token says.
  bool may_subscribe(std::uint32_t id, const SubscribeCommand& command,
                     const NamespaceSettings& settings, ClaimedSubscription& granted, Instant now);
  [[nodiscard]] bool has_just(std::span<const ClaimedSubscription> subs) const;
  // Counted, and said in the log; the client is told by the caller.
  void note_refusal(TokenError error, Instant now) {
    context_.refusals.note(transport_.id(), error, now);
  }
  [[nodiscard]] static TokenMark mark_of(const SubscribeClaims& claims);
  // This token of the user's.
  [[nodiscard]] bool is_revoked(TokenMark token, const Revocation& revocation) const;
  void revoke_subscription(Bytes channel, UnsubscribeCode code, Instant now);
  // What its client is told when the server ends it, by how far it is.
  struct Ending {
    ErrorCode unanswered;
    DisconnectCode server_side;
    UnsubscribeCode live;
  };
  void end_subscription(Bytes channel, const Ending& ending, Instant now);
  void end_expired_subscription(Bytes channel, Instant now);
  [[nodiscard]] Asker asker(Bytes channel) const;
  // The token was made for this user, this channel, and this client if it names one.
  [[nodiscard]] bool is_own(const SubscribeClaims& claims, Bytes channel) const;
  [[nodiscard]] SubscribeOptions options_for(const SubscribeCommand& command,
                                             const NamespaceSettings& settings,
                                             const ClaimedSubscription& granted) const;
  [[nodiscard]] SubscribeResult result_of(Bytes channel, const SubscribeOutcome& outcome,
                                          std::vector<PublicationOut>& publications,
                                          Instant now) const;
  [[nodiscard]] SubscribeOptions options_of(const Grant& order, bool connecting) const;
  void tell_granted(Bytes channel, const SubscribeOutcome& outcome);
  void fail_grant(Bytes channel, ErrorCode code);
  void ask_presence(std::uint32_t id, Bytes channel, bool counts_only, Instant now);

  [[nodiscard]] const Encoder& encoder() const;
  [[nodiscard]] Bytes user() const { return identity_.user(); }
  // What is appended to the returned buffer goes out by send().
  std::string& message();
  void send();
  void fail(std::uint32_t id, ErrorCode code);
  void count_error(Instant now);
  void disconnect(DisconnectCode code, Instant now);
  void close_with(std::uint16_t code, Bytes reason, Instant now);
  void pong_came();
  void end_expired(Instant now);
  void ping(Instant now);
  void ping_at(Instant due);
  void await_connect(Instant now);
  void await_pong(Instant now);
  void set_deadline(Instant due);
  void restore_deadline(Instant now);
  [[nodiscard]] bool shard_is_late(Instant now) const;
  [[nodiscard]] Instant expires() const;

  Transport& transport_;
  SessionContext& context_;
  Uuid client_;  // none until connected
  Instant last_ping_{};
  // What follows stands in its padding.
  [[no_unique_address]] Identity identity_;
  State state_ = State::kNew;
  const PingStyle ping_style_ : 2;
  const WireFormat format_ : 2;
  bool waits_ : 1 = false;  // with a command: all that follows is kept
  bool asks_ : 1 = false;   // a question that may have a long answer
  bool asks_application_ : 1 = false;
  bool by_application_ : 1 = false;  // it was let in
  UserSeat seat_;
  FairUse fair_use_;
};

static_assert(sizeof(Session) == 72, "docs/memory.md adds up what a connection costs");

}  // namespace millrace
