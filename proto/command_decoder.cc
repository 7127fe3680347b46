#include "proto/command_decoder.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <iterator>
#include <optional>
#include <span>
#include <string>
#include <utility>

#include "core/base/assert.h"

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

enum class FieldType : std::uint8_t { kString, kRaw, kBool, kUint64 };

// A field that a request may have. `out` is null for one whose type is checked and whose value this
// server has no use for yet.
struct Field {
  Bytes name;
  FieldType type;
  Bytes* out;
  bool seen = false;
};

template <typename Number>
bool parse_whole(Bytes text, Number& number) {
  const char* const end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, number);
  return error == std::errc() && stop == end;
}

bool has_type(Bytes value, FieldType type) {
  std::uint64_t number = 0;
  switch (type) {
    case FieldType::kString:
      return value.starts_with('"');
    case FieldType::kRaw:
      return true;
    case FieldType::kBool:
      return value == "true" || value == "false";
    case FieldType::kUint64:
      return parse_whole(value, number);
  }
  CHECK(false);
  return false;
}

Bytes type_text(FieldType type) {
  switch (type) {
    case FieldType::kString:
      return "a string";
    case FieldType::kRaw:
      return "a JSON value";
    case FieldType::kBool:
      return "true or false";
    case FieldType::kUint64:
      return "an integer from 0 to 2^64-1";
  }
  CHECK(false);
  return {};
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
  // Unescaped strings and joined payloads of this frame. Each piece of the frame gets here once and
  // no longer than it was, so room for the frame is room for all, and views stay good.
  std::string scratch;
  std::string key_scratch;
  std::string reason;

  bool bad(Bytes why) {
    reason = why;
    return false;
  }
  Bytes key_text(Bytes key);
  Bytes string_text(Bytes value);
  Bytes raw_text(Bytes value);
  bool read_line(Bytes text, Command& command);
  bool read_members(Bytes text, Line& line);
  bool read_id(Bytes value, Line& line);
  bool read_request(Request request, Bytes value, Line& line);
  bool read_body(const Line& line, Command& command);
  bool read_fields(Bytes body, std::span<Field> fields);
  bool take_field(Bytes key, Bytes value, std::span<Field> fields);
  bool read_connect(Bytes body, Command& command);
  bool read_subscribe(Bytes body, Command& command);
  bool read_unsubscribe(Bytes body, Command& command);
  bool read_publish(Bytes body, Command& command);
  bool read_send(Bytes body, Command& command);
};

// Valid until the next call.
Bytes JsonCommandDecoder::State::key_text(Bytes key) {
  if (key.find('\\') == Bytes::npos) return key;
  key_scratch.clear();
  CHECK(append_json_unescaped(key_scratch, key));
  return key_scratch;
}

Bytes JsonCommandDecoder::State::string_text(Bytes value) {
  const Bytes inner = value.substr(1, value.size() - 2);
  if (inner.find('\\') == Bytes::npos) return inner;
  const std::size_t begin = scratch.size();
  const std::size_t room = scratch.capacity();
  CHECK(append_json_unescaped(scratch, inner));
  CHECK_EQ(scratch.capacity(), room);
  return Bytes(scratch).substr(begin);
}

Bytes JsonCommandDecoder::State::raw_text(Bytes value) {
  // A payload goes out again in a line of its own; CR stands between tokens only, LF not at all.
  if (value.find('\r') == Bytes::npos) return value;
  const std::size_t begin = scratch.size();
  const std::size_t room = scratch.capacity();
  std::copy_if(value.begin(), value.end(), std::back_inserter(scratch),
               [](char c) { return c != '\r'; });
  CHECK_EQ(scratch.capacity(), room);
  return Bytes(scratch).substr(begin);
}

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
    const Bytes key = key_text(members.key());
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
  if (!parse_whole(value, line.id)) return bad("an id is not an integer from 0 to 4294967295");
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
  using What = UnavailableCommand::What;
  const auto unavailable = [&command](What what) {
    command.body = UnavailableCommand{what};
    return true;
  };
  CHECK(line.request.has_value());
  switch (*line.request) {
    case Request::kConnect:
      return read_connect(line.body, command);
    case Request::kSubscribe:
      return read_subscribe(line.body, command);
    case Request::kUnsubscribe:
      return read_unsubscribe(line.body, command);
    case Request::kPublish:
      return read_publish(line.body, command);
    case Request::kSend:
      return read_send(line.body, command);
    case Request::kPresence:
      return unavailable(What::kPresence);
    case Request::kPresenceStats:
      return unavailable(What::kPresenceStats);
    case Request::kHistory:
      return unavailable(What::kHistory);
    case Request::kRpc:
      return unavailable(What::kRpc);
    case Request::kRefresh:
      return unavailable(What::kRefresh);
    case Request::kSubRefresh:
      return unavailable(What::kSubRefresh);
    case Request::kPing:
      break;
  }
  CHECK(false);
  return false;
}

bool JsonCommandDecoder::State::read_fields(Bytes body, std::span<Field> fields) {
  JsonMembers members(body);
  while (members.next()) {
    if (!take_field(key_text(members.key()), members.value(), fields)) return false;
  }
  return true;
}

bool JsonCommandDecoder::State::take_field(Bytes key, Bytes value, std::span<Field> fields) {
  const auto field = std::find_if(fields.begin(), fields.end(),
                                  [key](const Field& each) { return each.name == key; });
  if (field == fields.end()) return true;
  if (field->seen) {
    reason.assign("a request has two of '").append(field->name).append("'");
    return false;
  }
  field->seen = true;
  if (!has_type(value, field->type)) {
    reason.assign("'").append(field->name).append("' must be ").append(type_text(field->type));
    return false;
  }
  if (field->out == nullptr) return true;
  *field->out = field->type == FieldType::kString ? string_text(value) : raw_text(value);
  return true;
}

bool JsonCommandDecoder::State::read_connect(Bytes body, Command& command) {
  auto& connect = command.body.emplace<ConnectCommand>();
  Field fields[] = {{"token", FieldType::kString, &connect.token},
                    {"name", FieldType::kString, &connect.name},
                    {"version", FieldType::kString, &connect.version},
                    {"data", FieldType::kRaw, &connect.data}};
  return read_fields(body, fields);
}

bool JsonCommandDecoder::State::read_subscribe(Bytes body, Command& command) {
  auto& subscribe = command.body.emplace<SubscribeCommand>();
  Field fields[] = {{"channel", FieldType::kString, &subscribe.channel},
                    {"token", FieldType::kString, &subscribe.token},
                    {"recover", FieldType::kBool, nullptr},
                    {"epoch", FieldType::kString, nullptr},
                    {"offset", FieldType::kUint64, nullptr},
                    {"positioned", FieldType::kBool, nullptr},
                    {"recoverable", FieldType::kBool, nullptr},
                    {"join_leave", FieldType::kBool, nullptr},
                    {"delta", FieldType::kString, nullptr}};
  return read_fields(body, fields);
}

bool JsonCommandDecoder::State::read_unsubscribe(Bytes body, Command& command) {
  auto& unsubscribe = command.body.emplace<UnsubscribeCommand>();
  Field fields[] = {{"channel", FieldType::kString, &unsubscribe.channel}};
  return read_fields(body, fields);
}

bool JsonCommandDecoder::State::read_publish(Bytes body, Command& command) {
  auto& publish = command.body.emplace<PublishCommand>();
  Field fields[] = {{"channel", FieldType::kString, &publish.channel},
                    {"data", FieldType::kRaw, &publish.data}};
  return read_fields(body, fields);
}

bool JsonCommandDecoder::State::read_send(Bytes body, Command& command) {
  auto& send = command.body.emplace<SendCommand>();
  Field fields[] = {{"data", FieldType::kRaw, &send.data}};
  return read_fields(body, fields);
}

JsonCommandDecoder::JsonCommandDecoder() : state_(std::make_unique<State>()) {}
JsonCommandDecoder::~JsonCommandDecoder() = default;

JsonCommandDecoder::Outcome JsonCommandDecoder::decode(Bytes frame, CommandSink& sink) {
  State& state = *state_;
  state.reason.clear();
  state.scratch.clear();
  state.scratch.reserve(frame.size());
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
    if (!sink.on_command(command)) return Outcome::kStopped;
    begin = end + 1;
  }
  return Outcome::kDone;
}

Bytes JsonCommandDecoder::bad_reason() const { return state_->reason; }

}  // namespace millrace
