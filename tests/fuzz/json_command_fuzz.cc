// A JSON frame through the command decoder, and what it found back onto the wire.
//
// A frame means what its lines mean one by one; a command that is written down again is read again
// as the same; payloads keep their bytes and fit on one line, inside a push too.
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "core/base/assert.h"
#include "core/base/utf8.h"
#include "proto/command_decoder.h"
#include "proto/json_encoder.h"
#include "proto/json_fields.h"
#include "proto/json_string.h"
#include "tests/fuzz/fuzz_input.h"
#include "tests/unit/proto/reference_json.h"

namespace millrace {
namespace {

using Outcome = JsonCommandDecoder::Outcome;

class Writer {
 public:
  explicit Writer(std::uint32_t id) {
    if (id != 0) text_ += "\"id\":" + std::to_string(id) + ",";
  }
  Writer& begin(Bytes name) {
    append_json_string(text_, name);
    text_ += ":{";
    return *this;
  }
  Writer& string(Bytes name, Bytes value) {
    if (value.empty()) return *this;
    append_json_string(text_, name);
    text_ += ':';
    append_json_string(text_, value);
    return comma();
  }
  Writer& raw(Bytes name, Bytes value) {
    if (value.empty()) return *this;
    text_.append("\"").append(name).append("\":").append(value);
    return comma();
  }
  template <typename Number>
  Writer& number(Bytes name, Number value) {
    return value == 0 ? *this : raw(name, std::to_string(value));
  }
  Writer& flag(Bytes name, bool value) { return value ? raw(name, "true") : *this; }
  Writer& close() {
    if (text_.ends_with(',')) text_.pop_back();
    text_ += '}';
    return comma();
  }
  std::string end() {
    close();
    close();
    text_.pop_back();
    return text_;
  }

 private:
  Writer& comma() {
    text_ += ',';
    return *this;
  }

  std::string text_ = "{";
};

void check_data(Bytes data) {
  if (data.empty()) return;
  CHECK(test::ReferenceJson::valid(data, kMaxJsonDepth));
  CHECK_EQ(data.find_first_of("\r\n"), Bytes::npos);
}

std::string written(std::uint32_t, const PongCommand&) { return "{}"; }

std::string written(std::uint32_t id, const ConnectCommand& connect) {
  check_data(connect.data);
  Writer writer(id);
  writer.begin("connect").string("token", connect.token).string("name", connect.name);
  writer.string("version", connect.version).raw("data", connect.data).begin("subs");
  CHECK_LE(connect.subs.size(), JsonFieldReader::kMaxKnownSubscriptions);
  const KnownSubscription* before = nullptr;
  for (const KnownSubscription& known : connect.subs) {
    CHECK(before == nullptr || before->channel < known.channel);
    before = &known;
    writer.begin(known.channel).flag("recover", known.recover);
    writer.number("offset", known.position.offset).string("epoch", known.position.epoch).close();
  }
  return writer.close().end();
}

std::string written(std::uint32_t id, const SubscribeCommand& subscribe) {
  check_data(subscribe.data);
  Writer writer(id);
  writer.begin("subscribe").string("channel", subscribe.channel).string("token", subscribe.token);
  writer.flag("recover", subscribe.recover).string("epoch", subscribe.position.epoch);
  writer.number("offset", subscribe.position.offset).raw("data", subscribe.data);
  writer.flag("positioned", subscribe.positioned).flag("recoverable", subscribe.recoverable);
  writer.flag("join_leave", subscribe.join_leave).string("delta", subscribe.delta);
  writer.flag("tf", subscribe.has_filter).number("flag", subscribe.flag);
  return writer.number("type", subscribe.type).end();
}

std::string written_channel(std::uint32_t id, Bytes request, Bytes channel) {
  return Writer(id).begin(request).string("channel", channel).end();
}

std::string written(std::uint32_t id, const UnsubscribeCommand& unsubscribe) {
  return written_channel(id, "unsubscribe", unsubscribe.channel);
}

std::string written(std::uint32_t id, const PresenceCommand& presence) {
  return written_channel(id, "presence", presence.channel);
}

std::string written(std::uint32_t id, const PresenceStatsCommand& stats) {
  return written_channel(id, "presence_stats", stats.channel);
}

std::string written(std::uint32_t id, const PublishCommand& publish) {
  check_data(publish.data);
  Writer writer(id);
  return writer.begin("publish").string("channel", publish.channel).raw("data", publish.data).end();
}

std::string written(std::uint32_t id, const HistoryCommand& history) {
  Writer writer(id);
  writer.begin("history").string("channel", history.channel).number("limit", history.limit);
  if (history.since) {
    writer.begin("since").number("offset", history.since->offset);
    writer.string("epoch", history.since->epoch).close();
  }
  return writer.flag("reverse", history.reverse).end();
}

std::string written(std::uint32_t id, const RpcCommand& rpc) {
  check_data(rpc.data);
  return Writer(id).begin("rpc").string("method", rpc.method).raw("data", rpc.data).end();
}

std::string written(std::uint32_t id, const RefreshCommand& refresh) {
  return Writer(id).begin("refresh").string("token", refresh.token).end();
}

std::string written(std::uint32_t id, const SubRefreshCommand& refresh) {
  Writer writer(id);
  writer.begin("sub_refresh").string("channel", refresh.channel);
  return writer.string("token", refresh.token).end();
}

std::string written(std::uint32_t id, const SendCommand& send) {
  CHECK_EQ(id, 0U);
  check_data(send.data);
  return Writer(0).begin("send").raw("data", send.data).end();
}

// The one member of that name. REQUIRES: `object` is a JSON object.
Bytes member(Bytes object, Bytes name) {
  JsonMembers members(object);
  Bytes found;
  while (members.next()) {
    if (members.key() == name) found = members.value();
  }
  return found;
}

// A push takes a payload and a name as they are, and gives them back.
void try_push(const PublishCommand& publish) {
  if (publish.data.empty()) return;
  std::string push = "before";
  JsonEncoder().publication_push(push, publish.channel,
                                 {.data = publish.data, .info = {.client = publish.channel}});
  CHECK(push.starts_with("before"));
  const std::string line = push.substr(6);
  CHECK_EQ(line.find_first_of("\r\n"), std::string::npos);
  CHECK(test::ReferenceJson::valid(line, kMaxJsonDepth + 3));
  const Bytes inner = member(line, "push");
  const Bytes pub = member(inner, "pub");
  CHECK_EQ(member(pub, "data"), json_trim(publish.data));
  const Bytes quoted = member(inner, "channel");
  std::string channel;
  CHECK(append_json_unescaped(channel, quoted.substr(1, quoted.size() - 2)));
  CHECK_EQ(channel, publish.channel);
}

// Commands as lines that are read as the same command again. Stops at the `stop_at`th.
class Lines final : public CommandSink {
 public:
  explicit Lines(std::size_t stop_at = SIZE_MAX) : stop_at_(stop_at) {}
  bool on_command(const Command& command, Bytes behind) override {
    rest = behind;
    const auto line = [&command](const auto& body) { return written(command.id, body); };
    lines.push_back(std::visit(line, command.body));
    CHECK(utf8_valid(lines.back()));
    if (const auto* publish = std::get_if<PublishCommand>(&command.body)) try_push(*publish);
    return lines.size() < stop_at_;
  }

  std::vector<std::string> lines;
  Bytes rest;  // behind the last command

 private:
  const std::size_t stop_at_;
};

void check_reason(const JsonCommandDecoder& decoder, Outcome outcome) {
  CHECK_EQ(outcome == Outcome::kBad, !decoder.bad_reason().empty());
  CHECK(utf8_valid(decoder.bad_reason()));
  CHECK_EQ(decoder.bad_reason().find_first_of("\r\n"), Bytes::npos);
}

void try_frame(Bytes frame) {
  JsonCommandDecoder decoder;
  Lines whole;
  const Outcome outcome = decoder.decode(frame, whole);
  CHECK_NE(outcome, Outcome::kStopped);
  CHECK_LE(whole.lines.size(), kMaxCommandsPerFrame);
  check_reason(decoder, outcome);

  // The same decoder, which has seen something by now, line by line.
  Lines each;
  Outcome last = Outcome::kDone;
  Bytes rest = frame.ends_with('\n') ? frame.substr(0, frame.size() - 1) : frame;
  while (last == Outcome::kDone) {
    const std::size_t end = rest.find('\n');
    last = each.lines.size() == kMaxCommandsPerFrame ? Outcome::kBad
                                                     : decoder.decode(rest.substr(0, end), each);
    if (end == Bytes::npos) break;
    rest.remove_prefix(end + 1);
  }
  CHECK_EQ(outcome, last);
  CHECK(whole.lines == each.lines);

  std::string again;
  for (const std::string& line : whole.lines) again += line + "\n";
  Lines second;
  CHECK(again.empty() || decoder.decode(again, second) == Outcome::kDone);
  CHECK(second.lines == whole.lines);

  if (whole.lines.empty()) return;
  Lines stopped(whole.lines.size());
  CHECK_EQ(decoder.decode(frame, stopped), Outcome::kStopped);
  CHECK(stopped.lines == whole.lines);

  // Whoever stops at the first command finds the others in the rest.
  Lines first(1);
  CHECK_EQ(decoder.decode(frame, first), Outcome::kStopped);
  if (first.rest.empty()) return;
  Lines others;
  const Outcome behind = decoder.decode(first.rest, others);
  CHECK(behind == outcome || others.lines.size() == kMaxCommandsPerFrame);
  others.lines.insert(others.lines.begin(), first.lines[0]);
  CHECK(others.lines == whole.lines || others.lines.size() > kMaxCommandsPerFrame);
}

void check_line(const std::string& line, std::size_t depth) {
  CHECK(test::ReferenceJson::valid(line, depth));
  CHECK_EQ(line.find_first_of("\r\n"), std::string::npos);
}

// Messages hold names that came from outside, and JSON that tokens brought.
void try_messages(Bytes text) {
  if (!utf8_valid(text)) return;
  const JsonEncoder encoder;
  std::string out;
  encoder.connect(out, 7, {.client = text, .version = text, .session = text, .node = text});
  check_line(out, 3);
  std::string quoted;
  append_json_string(quoted, text);
  const bool json = test::ReferenceJson::valid(text, kMaxJsonDepth);
  const ClientInfo info{.user = text, .client = text, .conn_info = json ? text : quoted};
  out.clear();
  encoder.presence(out, 7, std::span(&info, 1));
  check_line(out, kMaxJsonDepth + 4);
  if (text.empty()) return;
  for (const DataForm form : {DataForm::kFull, DataForm::kPatch}) {
    out.clear();
    encoder.publication_push(out, text, {.data = text, .info = info, .form = form});
    check_line(out, kMaxJsonDepth + 4);
    CHECK_EQ(member(member(member(out, "push"), "pub"), "data"), quoted);
  }
}

}  // namespace
}  // namespace millrace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const millrace::Bytes frame = millrace::FuzzInput(data, size).rest();
  millrace::try_frame(frame);
  millrace::try_messages(frame);
  return 0;
}
