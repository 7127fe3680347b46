// A FlatBuffers frame through the command decoder, wherever in memory it lies.
//
// A frame means what its messages mean one by one; where it lies changes nothing; every view of a
// command stays inside and every text is UTF-8.
#include <cstring>
#include <memory>
#include <string>
#include <vector>

#include "core/base/assert.h"
#include "core/base/utf8.h"
#include "proto/flat_decoder.h"
#include "tests/fuzz/fuzz_input.h"

namespace millrace {
namespace {

using Outcome = CommandDecoder::Outcome;

// A command as text, every byte of it read.
class Printer {
 public:
  std::string out;

  void text(Bytes value) {
    CHECK(utf8_valid(value));
    bytes(value);
  }
  void bytes(Bytes value) { out.append(std::to_string(value.size())).append(":").append(value); }
  void number(std::uint64_t value) { out.append(std::to_string(value)).append(","); }
  void position(const KnownPosition& at) {
    text(at.epoch);
    number(at.offset);
  }

  void operator()(const PongCommand&) {}
  void operator()(const ConnectCommand& connect) {
    CHECK_LE(connect.subs.size(), FlatCommandDecoder::kMaxKnownSubscriptions);
    text(connect.token);
    text(connect.name);
    text(connect.version);
    bytes(connect.data);
    for (const KnownSubscription& known : connect.subs) {
      text(known.channel);
      number(known.recover ? 1 : 0);
      position(known.position);
    }
  }
  void operator()(const SubscribeCommand& subscribe) {
    text(subscribe.channel);
    text(subscribe.token);
    position(subscribe.position);
    bytes(subscribe.data);
    text(subscribe.delta);
    number(subscribe.flag);
    number(static_cast<std::uint32_t>(subscribe.type));
    for (const bool flag : {subscribe.recover, subscribe.positioned, subscribe.recoverable,
                            subscribe.join_leave, subscribe.has_filter}) {
      number(flag ? 1 : 0);
    }
  }
  void operator()(const UnsubscribeCommand& unsubscribe) { text(unsubscribe.channel); }
  void operator()(const PublishCommand& publish) {
    text(publish.channel);
    bytes(publish.data);
  }
  void operator()(const PresenceCommand& presence) { text(presence.channel); }
  void operator()(const PresenceStatsCommand& stats) { text(stats.channel); }
  void operator()(const HistoryCommand& history) {
    text(history.channel);
    number(static_cast<std::uint32_t>(history.limit));
    if (history.since) position(*history.since);
  }
  void operator()(const RpcCommand& rpc) {
    text(rpc.method);
    bytes(rpc.data);
  }
  void operator()(const RefreshCommand& refresh) { text(refresh.token); }
  void operator()(const SubRefreshCommand& refresh) {
    text(refresh.channel);
    text(refresh.token);
  }
  void operator()(const SendCommand& send) { bytes(send.data); }
};

class Prints final : public CommandSink {
 public:
  explicit Prints(bool one = false) : one_(one) {}
  bool on_command(const Command& command, Bytes behind) override {
    const bool without_id = std::holds_alternative<PongCommand>(command.body) ||
                            std::holds_alternative<SendCommand>(command.body);
    CHECK_EQ(command.id == 0, without_id);
    Printer printer;
    printer.number(command.id);
    printer.number(command.body.index());
    std::visit(printer, command.body);
    all.push_back(printer.out);
    rest = behind;
    return !one_;
  }
  std::vector<std::string> all;
  Bytes rest;

 private:
  const bool one_;
};

void try_frame(Bytes frame, std::size_t shift) {
  const auto block = std::make_unique<char[]>(frame.size() + shift);
  if (!frame.empty()) std::memcpy(block.get() + shift, frame.data(), frame.size());
  FlatCommandDecoder decoder;
  Prints whole;
  const Outcome outcome = decoder.decode({block.get() + shift, frame.size()}, whole);
  CHECK_NE(outcome, Outcome::kStopped);
  CHECK_EQ(outcome == Outcome::kBad, !decoder.bad_reason().empty());
  CHECK_LE(whole.all.size(), FlatCommandDecoder::kMaxCommands);

  std::vector<std::string> each;
  Outcome last = Outcome::kStopped;
  Bytes left = frame;
  while (last == Outcome::kStopped && each.size() < whole.all.size()) {
    Prints one(true);
    last = decoder.decode(left, one);
    CHECK_EQ(last, Outcome::kStopped);
    CHECK_EQ(one.all.size(), 1U);
    each.push_back(one.all.front());
    left = one.rest;
  }
  CHECK(each == whole.all);
}

}  // namespace
}  // namespace millrace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  millrace::FuzzInput input(data, size);
  const std::size_t shift = input.byte() % 8;
  millrace::try_frame(input.rest(), shift);
  return 0;
}
