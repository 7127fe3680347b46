// A JSON frame through the command decoder, and what it found back onto the wire.
//
// A frame means what its lines mean one by one; a command that is written down again is read again
// as the same; payloads keep their bytes and fit on one line, inside a push too.
#include <string>
#include <utility>
#include <vector>

#include "core/base/assert.h"
#include "core/base/utf8.h"
#include "proto/command_decoder.h"
#include "proto/json_string.h"
#include "proto/push_encoder.h"
#include "proto/reply_encoder.h"
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
  void begin(Bytes request) { text_.append("\"").append(request).append("\":{"); }
  void string(Bytes name, Bytes value) {
    if (value.empty()) return;
    text_.append("\"").append(name).append("\":");
    append_json_string(text_, value);
    text_ += ',';
  }
  void raw(Bytes name, Bytes value) {
    if (!value.empty()) text_.append("\"").append(name).append("\":").append(value) += ',';
  }
  std::string end() {
    if (text_.ends_with(',')) text_.pop_back();
    return text_ + "}}";
  }

 private:
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
  writer.begin("connect");
  writer.string("token", connect.token);
  writer.string("name", connect.name);
  writer.string("version", connect.version);
  writer.raw("data", connect.data);
  return writer.end();
}

std::string written(std::uint32_t id, const SubscribeCommand& subscribe) {
  Writer writer(id);
  writer.begin("subscribe");
  writer.string("channel", subscribe.channel);
  writer.string("token", subscribe.token);
  return writer.end();
}

std::string written(std::uint32_t id, const UnsubscribeCommand& unsubscribe) {
  Writer writer(id);
  writer.begin("unsubscribe");
  writer.string("channel", unsubscribe.channel);
  return writer.end();
}

std::string written(std::uint32_t id, const PublishCommand& publish) {
  check_data(publish.data);
  Writer writer(id);
  writer.begin("publish");
  writer.string("channel", publish.channel);
  writer.raw("data", publish.data);
  return writer.end();
}

std::string written(std::uint32_t id, const UnavailableCommand& unavailable) {
  constexpr Bytes kNames[] = {"presence", "presence_stats", "history",
                              "rpc",      "refresh",        "sub_refresh"};
  Writer writer(id);
  writer.begin(kNames[static_cast<std::size_t>(unavailable.what)]);
  return writer.end();
}

std::string written(std::uint32_t id, const SendCommand& send) {
  CHECK_EQ(id, 0U);
  check_data(send.data);
  Writer writer(0);
  writer.begin("send");
  writer.raw("data", send.data);
  return writer.end();
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
  append_publication_push(
      push, {.channel = publish.channel, .data = publish.data, .info = {{}, publish.channel}});
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
  bool on_command(const Command& command) override {
    const auto line = [&command](const auto& body) { return written(command.id, body); };
    lines.push_back(std::visit(line, command.body));
    CHECK(utf8_valid(lines.back()));
    if (const auto* publish = std::get_if<PublishCommand>(&command.body)) try_push(*publish);
    return lines.size() < stop_at_;
  }

  std::vector<std::string> lines;

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
}

// Replies hold names that came from outside.
void try_replies(Bytes text) {
  if (!utf8_valid(text)) return;
  const std::string reply = encode_connect_reply(7, {.client = text, .version = text});
  CHECK(test::ReferenceJson::valid(reply, 3));
  CHECK_EQ(reply.find_first_of("\r\n"), std::string::npos);
}

}  // namespace
}  // namespace millrace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const millrace::Bytes frame = millrace::FuzzInput(data, size).rest();
  millrace::try_frame(frame);
  millrace::try_replies(frame);
  return 0;
}
