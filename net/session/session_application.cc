// Asking the application, and what its answers do. What it is asked about a connection's end and
// that of a subscription: session_refresh.cc.
#include <algorithm>
#include <utility>

#include "core/base/assert.h"
#include "net/session/session.h"

namespace millrace {

namespace {

constexpr std::size_t kMaxRpcMethod = 255;  // bytes

Bytes channel_of(const Command& command) {
  return std::visit(
      [](const auto& body) {
        if constexpr (requires { body.channel; }) {
          return body.channel;
        } else {
          return Bytes();
        }
      },
      command.body);
}

}  // namespace

// The one command that a question was about.
class Session::Answered final : public CommandSink {
 public:
  Answered(Session& session, ApplicationAnswer& answer, Instant now)
      : session_(session), answer_(answer), now_(now) {}
  bool on_command(const Command& command, Bytes) override {
    std::visit(
        [&](const auto& body) {
          if constexpr (requires { session_.settle(command.id, body, answer_, now_); }) {
            session_.settle(command.id, body, answer_, now_);
          } else {
            CHECK(false);  // nothing is asked about it
          }
        },
        command.body);
    return false;
  }

 private:
  Session& session_;
  ApplicationAnswer& answer_;
  const Instant now_;
};

// --- asking --------------------------------------------------------------------------------------

bool Session::asks(ProxyMethod method) const {
  return context_.application != nullptr && context_.application->asks(method);
}

// In a channel things happen in the order of its commands; and nobody has more than its share out.
bool Session::waits_for_answer(const Command& command) const {
  if (!asks_application_) return false;
  const ApplicationNote* note = context_.application_notes.find(transport_.id().index);
  CHECK(note != nullptr);
  const Bytes channel = channel_of(command);
  std::size_t out = 0;
  for (const ApplicationAsked& asked : note->asked) {
    if (asked.command.empty()) continue;
    if (!channel.empty() && asked.channel == channel) return true;
    ++out;
  }
  return out >= ApplicationNotes::kMaxQuestions &&
         !std::holds_alternative<PongCommand>(command.body);
}

bool Session::ask(ApplicationQuestion question, Instant now) {
  const ConnId self = transport_.id();
  ApplicationNote& note = context_.application_notes.at(self.index);
  const Uuid::Text client = (client_.none() ? note.client : client_).text();
  question.who = self;
  question.client = client.view();
  question.user = user();
  question.flat = format_ != WireFormat::kJson;
  question.meta = note.meta;
  const std::uint64_t ticket = context_.application->ask(question, now);
  if (ticket == 0) {
    context_.application_notes.tidy(self.index);
    return false;
  }
  asks_application_ = true;
  note.asked.push_back(
      {ticket, question.method, std::string(question.channel), std::string(context_.command)});
  return true;
}

void Session::on_application_answer(std::uint64_t ticket, ApplicationAnswer& answer, Instant now) {
  const SubscriberId self = transport_.id().index;
  ApplicationNote* note = context_.application_notes.find(self);
  CHECK(note != nullptr);
  const auto found = std::ranges::find(note->asked, ticket, &ApplicationAsked::ticket);
  CHECK(found != note->asked.end());
  const ApplicationAsked asked = std::move(*found);
  note->asked.erase(found);
  asks_application_ = !note->asked.empty();
  if (!transport_.open() || state_ == State::kRefused) return;
  if (!asked.command.empty()) {
    settle_command(asked.command, answer, now);
  } else if (asked.method == ProxyMethod::kRefresh) {
    settle_refresh(answer, now);
  } else {
    CHECK(asked.method == ProxyMethod::kSubRefresh);
    settle_sub_refresh(asked.channel, answer, now);
  }
  // From the loop and not from here, where the answer of another may come at once.
  if (state_ != State::kConnecting) context_.waiting.resume_later(transport_.id());
}

void Session::settle_command(Bytes command, ApplicationAnswer& answer, Instant now) {
  context_.now = now;
  context_.command = command;
  Answered answered(*this, answer, now);
  const auto outcome =
      context_.decoders[static_cast<std::size_t>(format_)]->decode(command, answered);
  CHECK(outcome != CommandDecoder::Outcome::kBad);  // it was decoded once
  context_.command = {};
}

// Answers that came when a long one was on its way already. False if they still wait.
bool Session::settle_decided(Instant now) {
  ApplicationNote* note = context_.application_notes.find(transport_.id().index);
  while (note != nullptr && !note->decided.empty() && !waits_ && transport_.open()) {
    ApplicationDecided decided = std::move(note->decided.front());
    note->decided.pop_front();
    settle_command(decided.command, decided.answer, now);
    note = context_.application_notes.find(transport_.id().index);
  }
  return !waits_;
}

// What is not allowed.
void Session::refuse(std::uint32_t id, const ApplicationAnswer& answer, Instant now) {
  switch (answer.kind) {
    case ApplicationAnswer::Kind::kAllowed:
      CHECK(false);
      return;
    case ApplicationAnswer::Kind::kUnavailable:
      return fail(id, ErrorCode::kInternal);
    case ApplicationAnswer::Kind::kDisconnect:
      return close_with(static_cast<std::uint16_t>(answer.code), answer.text, now);
    case ApplicationAnswer::Kind::kError:
      encoder().application_error(message(), id, {answer.code, answer.text, answer.temporary});
      send();
      count_error(now);
      return;
  }
}

// --- connecting ----------------------------------------------------------------------------------

void Session::ask_connect(std::uint32_t id, const ConnectCommand& command, Instant now) {
  // It has said what it wants; that the application takes its time is not its fault.
  if (context_.arrivals != nullptr) context_.arrivals->on_arrived(transport_.id());
  ApplicationNote& note = context_.application_notes.at(transport_.id().index);
  note.client = Uuid::random(context_.random);
  state_ = State::kConnecting;
  await_connect(now);
  const std::unique_ptr<ClientPlace> place = std::move(note.place);
  if (!ask({.method = ProxyMethod::kConnect,
            .data = command.data,
            .data_is_json = format_ == WireFormat::kJson,
            .token = command.token,
            .name = command.name,
            .version = command.version,
            .place = place.get()},
           now)) {
    end_unconnected(id, now);
  }
}

// Error 100 and 3004 make SDKs come back after a pause.
void Session::end_unconnected(std::uint32_t id, Instant now) {
  state_ = State::kRefused;
  fail(id, ErrorCode::kInternal);
  disconnect(DisconnectCode::kInternalError, now);
}

void Session::settle(std::uint32_t id, const ConnectCommand& command, ApplicationAnswer& answer,
                     Instant now) {
  if (answer.kind == ApplicationAnswer::Kind::kUnavailable) return end_unconnected(id, now);
  if (answer.kind != ApplicationAnswer::Kind::kAllowed) {
    state_ = State::kRefused;
    return refuse(id, answer, now);
  }
  ConnectClaims claims;
  claims.user = std::move(answer.user);
  claims.times = {.issued_at = context_.tokens.now(), .expires_at = answer.expires_at};
  claims.info = std::move(answer.sub.info);
  claims.subs = std::move(answer.subs);
  if (!adopt(id, claims, true, now)) return;
  by_application_ = true;
  const SubscriberId self = transport_.id().index;
  ApplicationNote& note = context_.application_notes.at(self);
  note.meta = std::move(answer.meta);
  plan_refresh(identity_.expiry());
  context_.application_notes.tidy(self);
  begin_connect(id, claims, command.subs, answer.data, now);
}

// --- the others ----------------------------------------------------------------------------------

void Session::settle(std::uint32_t id, const SubscribeCommand& command, ApplicationAnswer& answer,
                     Instant now) {
  if (answer.kind != ApplicationAnswer::Kind::kAllowed) return refuse(id, answer, now);
  if (command.recover && !may_ask()) {
    waits_ = true;
    context_.application_notes.at(transport_.id().index)
        .decided.push_back({std::string(context_.command), std::move(answer)});
    return;
  }
  // Much may have changed since it asked.
  const NamespaceSettings* settings = enterable(id, command, now);
  if (settings == nullptr) return;
  const std::int64_t calendar = context_.tokens.now();
  const TokenTimes times{.issued_at = 0, .expires_at = answer.expires_at};
  if (is_over(times, calendar)) return fail(id, ErrorCode::kExpired);
  context_.notes.put(transport_.id().index, command.channel, answer.sub.info, answer.sub.data,
                     expiry_of(times, calendar, now));
  enter(id, command, *settings, answer.sub, now);
}

void Session::settle(std::uint32_t id, const PublishCommand& command, ApplicationAnswer& answer,
                     Instant now) {
  if (answer.kind != ApplicationAnswer::Kind::kAllowed) return refuse(id, answer, now);
  const NamespaceSettings* settings = settings_for(id, command.channel, now);
  if (settings == nullptr) return;
  const auto data = payload_of(answer.data.empty() ? command.data : Bytes(answer.data), *settings,
                               answer.data.empty());
  // What it replaces the data with is no publication of this namespace.
  if (!data) return fail(id, ErrorCode::kInternal);
  publish(id, command.channel, *data, answer.skip_history ? StreamOptions() : settings->stream,
          now);
}

void Session::settle(std::uint32_t id, const RpcCommand&, ApplicationAnswer& answer, Instant now) {
  if (answer.kind != ApplicationAnswer::Kind::kAllowed) return refuse(id, answer, now);
  if (answer.data.size() > context_.settings.answer_bytes()) return fail(id, ErrorCode::kInternal);
  encoder().rpc(message(), id, answer.data);
  send();
}

void Session::handle(std::uint32_t id, const RpcCommand& command, Instant now) {
  if (!asks(ProxyMethod::kRpc)) return fail(id, ErrorCode::kNotAvailable);
  if (command.method.size() > kMaxRpcMethod) return fail(id, ErrorCode::kBadRequest);
  if (!ask({.method = ProxyMethod::kRpc,
            .rpc_method = command.method,
            .data = command.data,
            .data_is_json = format_ == WireFormat::kJson},
           now)) {
    fail(id, ErrorCode::kInternal);
  }
}

void Session::handle(std::uint32_t, const SendCommand& command, Instant now) {
  if (!asks(ProxyMethod::kSend)) return disconnect(DisconnectCode::kNotAvailable, now);
  tell({.method = ProxyMethod::kSend,
        .data = command.data,
        .data_is_json = format_ == WireFormat::kJson},
       now);
}

void Session::tell(ApplicationQuestion question, Instant now) {
  const Uuid::Text client = client_.text();
  const ApplicationNote* note = context_.application_notes.find(transport_.id().index);
  question.who = transport_.id();
  question.client = client.view();
  question.user = user();
  question.flat = format_ != WireFormat::kJson;
  if (note != nullptr) question.meta = note->meta;
  context_.application->tell(question, now);
}

// --- the end -------------------------------------------------------------------------------------

void Session::note_leaving(std::uint16_t code, Bytes reason) {
  if (client_.none() || !transport_.open() || !asks(ProxyMethod::kDisconnect)) return;
  ApplicationNote& note = context_.application_notes.at(transport_.id().index);
  note.code = code;
  note.reason = reason;
}

void Session::leave_application(Instant now) {
  if (context_.application == nullptr) return;
  const SubscriberId self = transport_.id().index;
  const ApplicationNote* note = context_.application_notes.find(self);
  if (!client_.none() && asks(ProxyMethod::kDisconnect)) {
    const bool told = note != nullptr && note->code != 0;
    constexpr DisconnectCode kByItself = DisconnectCode::kConnectionClosed;
    tell({.method = ProxyMethod::kDisconnect,
          .code = told ? note->code : static_cast<std::uint16_t>(kByItself),
          .reason = told ? Bytes(note->reason) : disconnect_text(kByItself)},
         now);
  }
  if (note == nullptr) return;
  for (const ApplicationAsked& asked : note->asked) context_.application->forget(asked.ticket);
  context_.application_notes.erase(self);
}

}  // namespace millrace
