#include "proto/command_decoder.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>
#include <span>
#include <string>
#include <utility>

#include "core/base/assert.h"
#include "proto/json_fields.h"
#include "proto/json_text.h"

namespace millrace {
namespace {

enum class Request : std::uint8_t {
  kConnect,
  kSubscribe,
  kUnsubscribe,
  kPublish,
  kPresence,
  kPresenceStats,
  kHistory,
  kRpc,
  kRefresh,
  kSubRefresh,
  kSend,
  kPing,
};

constexpr std::array<std::pair<Bytes, Request>, 12> kRequests{{
    {"connect", Request::kConnect},
    {"subscribe", Request::kSubscribe},
    {"unsubscribe", Request::kUnsubscribe},
    {"publish", Request::kPublish},
    {"presence", Request::kPresence},
    {"presence_stats", Request::kPresenceStats},
    {"history", Request::kHistory},
    {"rpc", Request::kRpc},
    {"refresh", Request::kRefresh},
    {"sub_refresh", Request::kSubRefresh},
    {"send", Request::kSend},
    {"ping", Request::kPing},
}};

std::optional<Request> request_named(Bytes name) {
  for (const auto& [known, request] : kRequests) {
    if (known == name) return request;
  }
  return std::nullopt;
}

}  // namespace

struct JsonCommandDecoder::State {
  // What one line says before its request is read.
  struct Line {
    std::uint32_t id = 0;
    bool has_id = false;
    std::optional<Request> request;
    Bytes body;
  };

  JsonValidator validator;
  JsonFieldReader fields;
  std::string reason;

  bool bad(Bytes why) {
    reason = why;
    return false;
  }
  bool read_line(Bytes text, Command& command);
  bool read_members(Bytes text, Line& line);
  bool read_id(Bytes value, Line& line);
  bool read_request(Request request, Bytes value, Line& line);
  bool read_body(const Line& line, Command& command);
  bool read_fields(Bytes body, std::span<JsonField> wanted);

  bool read(Bytes body, ConnectCommand& connect);
  bool read(Bytes body, SubscribeCommand& subscribe);
  bool read(Bytes body, UnsubscribeCommand& unsubscribe);
  bool read(Bytes body, PublishCommand& publish);
  bool read(Bytes body, PresenceCommand& presence);
  bool read(Bytes body, PresenceStatsCommand& stats);
  bool read(Bytes body, HistoryCommand& history);
  bool read(Bytes body, RpcCommand& rpc);
  bool read(Bytes body, RefreshCommand& refresh);
  bool read(Bytes body, SubRefreshCommand& refresh);
  bool read(Bytes body, SendCommand& send);
};

bool JsonCommandDecoder::State::read_line(Bytes text, Command& command) {
  const Bytes object = json_trim(text);
  if (!object.starts_with('{')) return bad("a line is not a JSON object");
  if (!validator.valid(object)) return bad("a line is not valid JSON, or is nested too deep");
  Line line;
  if (!read_members(object, line)) return false;
  if (!line.request) {
    if (line.id != 0) return bad("a command has an id and no known request");
    command.body = PongCommand{};
    return true;
  }
  if (*line.request == Request::kPing) return bad("clients answer pings, they don't send them");
  if (*line.request != Request::kSend) {
    if (line.id == 0) return bad("a request has no id; number requests from 1");
    command.id = line.id;
  }
  return read_body(line, command);
}

bool JsonCommandDecoder::State::read_members(Bytes text, Line& line) {
  JsonMembers members(text);
  while (members.next()) {
    const Bytes key = fields.key_text(members.key());
    if (key == "id") {
      if (!read_id(members.value(), line)) return false;
    } else if (const auto request = request_named(key)) {
      if (!read_request(*request, members.value(), line)) return false;
    }
  }
  return true;
}

bool JsonCommandDecoder::State::read_id(Bytes value, Line& line) {
  if (line.has_id) return bad("a command has two ids");
  line.has_id = true;
  const char* const end = value.data() + value.size();
  const auto [stop, error] = std::from_chars(value.data(), end, line.id);
  if (error != std::errc() || stop != end)
    return bad("an id is not an integer from 0 to 4294967295");
  return true;
}

bool JsonCommandDecoder::State::read_request(Request request, Bytes value, Line& line) {
  if (line.request) return bad("a command has two requests; send each on its own line");
  if (!value.starts_with('{')) return bad("a request is not a JSON object");
  line.request = request;
  line.body = value;
  return true;
}

bool JsonCommandDecoder::State::read_body(const Line& line, Command& command) {
  CHECK(line.request.has_value());
  switch (*line.request) {
    case Request::kConnect:
      return read(line.body, command.body.emplace<ConnectCommand>());
    case Request::kSubscribe:
      return read(line.body, command.body.emplace<SubscribeCommand>());
    case Request::kUnsubscribe:
      return read(line.body, command.body.emplace<UnsubscribeCommand>());
    case Request::kPublish:
      return read(line.body, command.body.emplace<PublishCommand>());
    case Request::kPresence:
      return read(line.body, command.body.emplace<PresenceCommand>());
    case Request::kPresenceStats:
      return read(line.body, command.body.emplace<PresenceStatsCommand>());
    case Request::kHistory:
      return read(line.body, command.body.emplace<HistoryCommand>());
    case Request::kRpc:
      return read(line.body, command.body.emplace<RpcCommand>());
    case Request::kRefresh:
      return read(line.body, command.body.emplace<RefreshCommand>());
    case Request::kSubRefresh:
      return read(line.body, command.body.emplace<SubRefreshCommand>());
    case Request::kSend:
      return read(line.body, command.body.emplace<SendCommand>());
    case Request::kPing:
      break;
  }
  CHECK(false);
  return false;
}

bool JsonCommandDecoder::State::read_fields(Bytes body, std::span<JsonField> wanted) {
  return fields.read(body, wanted) || bad(fields.reason());
}

bool JsonCommandDecoder::State::read(Bytes body, ConnectCommand& connect) {
  JsonField wanted[] = {{"token", JsonString{&connect.token}},
                        {"name", JsonString{&connect.name}},
                        {"version", JsonString{&connect.version}},
                        {"data", JsonRaw{&connect.data}},
                        {"subs", JsonKnownSubscriptions{&connect.subs}}};
  return read_fields(body, wanted);
}

bool JsonCommandDecoder::State::read(Bytes body, SubscribeCommand& subscribe) {
  JsonField wanted[] = {{"channel", JsonString{&subscribe.channel}},
                        {"token", JsonString{&subscribe.token}},
                        {"recover", &subscribe.recover},
                        {"epoch", JsonString{&subscribe.position.epoch}},
                        {"offset", &subscribe.position.offset},
                        {"data", JsonRaw{&subscribe.data}},
                        {"positioned", &subscribe.positioned},
                        {"recoverable", &subscribe.recoverable},
                        {"join_leave", &subscribe.join_leave},
                        {"delta", JsonString{&subscribe.delta}},
                        {"tf", JsonPresent{&subscribe.has_filter}},
                        {"flag", &subscribe.flag},
                        {"type", &subscribe.type}};
  return read_fields(body, wanted);
}

bool JsonCommandDecoder::State::read(Bytes body, UnsubscribeCommand& unsubscribe) {
  JsonField wanted[] = {{"channel", JsonString{&unsubscribe.channel}}};
  return read_fields(body, wanted);
}

bool JsonCommandDecoder::State::read(Bytes body, PublishCommand& publish) {
  JsonField wanted[] = {{"channel", JsonString{&publish.channel}},
                        {"data", JsonRaw{&publish.data}}};
  return read_fields(body, wanted);
}

bool JsonCommandDecoder::State::read(Bytes body, PresenceCommand& presence) {
  JsonField wanted[] = {{"channel", JsonString{&presence.channel}}};
  return read_fields(body, wanted);
}

bool JsonCommandDecoder::State::read(Bytes body, PresenceStatsCommand& stats) {
  JsonField wanted[] = {{"channel", JsonString{&stats.channel}}};
  return read_fields(body, wanted);
}

bool JsonCommandDecoder::State::read(Bytes body, HistoryCommand& history) {
  JsonField wanted[] = {{"channel", JsonString{&history.channel}},
                        {"limit", &history.limit},
                        {"since", JsonPosition{&history.since}},
                        {"reverse", &history.reverse}};
  return read_fields(body, wanted);
}

bool JsonCommandDecoder::State::read(Bytes body, RpcCommand& rpc) {
  JsonField wanted[] = {{"method", JsonString{&rpc.method}}, {"data", JsonRaw{&rpc.data}}};
  return read_fields(body, wanted);
}

bool JsonCommandDecoder::State::read(Bytes body, RefreshCommand& refresh) {
  JsonField wanted[] = {{"token", JsonString{&refresh.token}}};
  return read_fields(body, wanted);
}

bool JsonCommandDecoder::State::read(Bytes body, SubRefreshCommand& refresh) {
  JsonField wanted[] = {{"channel", JsonString{&refresh.channel}},
                        {"token", JsonString{&refresh.token}}};
  return read_fields(body, wanted);
}

bool JsonCommandDecoder::State::read(Bytes body, SendCommand& send) {
  JsonField wanted[] = {{"data", JsonRaw{&send.data}}};
  return read_fields(body, wanted);
}

JsonCommandDecoder::JsonCommandDecoder() : state_(std::make_unique<State>()) {}
JsonCommandDecoder::~JsonCommandDecoder() = default;

JsonCommandDecoder::Outcome JsonCommandDecoder::decode(Bytes frame, CommandSink& sink) {
  State& state = *state_;
  state.reason.clear();
  state.fields.begin(frame.size());
  // With the line end that may be dropped here, so that decoding the rest later finds the same.
  const Bytes sent = frame;
  if (frame.ends_with('\n')) frame.remove_suffix(1);
  if (frame.empty()) {
    state.bad("the frame is empty");
    return Outcome::kBad;
  }
  std::size_t begin = 0;
  for (std::size_t count = 0; begin <= frame.size(); ++count) {
    if (count == kMaxCommandsPerFrame) {
      state.bad("too many commands in one frame; send at most 1024");
      return Outcome::kBad;
    }
    const std::size_t end = std::min(frame.find('\n', begin), frame.size());
    Command command;
    if (!state.read_line(frame.substr(begin, end - begin), command)) return Outcome::kBad;
    if (!sink.on_command(command, sent.substr(std::min(end + 1, sent.size())))) {
      return Outcome::kStopped;
    }
    begin = end + 1;
  }
  return Outcome::kDone;
}

Bytes JsonCommandDecoder::bad_reason() const { return state_->reason; }

}  // namespace millrace
