// What a frame of the binary protocol may hold.
#include "core/base/assert.h"
#include "proto/flat_decoder.h"
#include "proto/flat_writer.h"
#include "proto/millrace_generated.h"
#include "tests/limits/limit.h"
#include "tests/support/flat_command.h"

namespace millrace {
namespace {

class Nobody final : public CommandSink {
 public:
  bool on_command(const Command&, Bytes) override { return true; }
};

std::string decode(const std::string& frame) {
  FlatCommandDecoder decoder;
  Nobody sink;
  return unless(decoder.decode(frame, sink) == CommandDecoder::Outcome::kDone, "bad frame");
}

std::string pongs(std::uint64_t count) {
  std::string frame;
  for (std::uint64_t i = 0; i < count; ++i) {
    FlatMessage message(frame, flat::CommandIdentifier());
    message.table(begin_flat_command(message, 0, flat::CommandBody::Pong), {});
    message.finish();
  }
  return frame;
}

std::string connect(std::uint64_t subs) {
  std::string frame;
  FlatMessage message(frame, flat::CommandIdentifier());
  FlatPlace list;
  message.table(begin_flat_command(message, 1, flat::CommandBody::Connect),
                FlatTable().child(flat::Connect::VT_SUBS, list));
  FlatPlace each = message.tables(list, subs);
  for (std::uint64_t i = 0; i < subs; ++i) {
    message.table(each, FlatTable().text(flat::KnownSubscription::VT_CHANNEL, "c"));
    each = FlatMessage::next(each);
  }
  message.finish();
  return frame;
}

}  // namespace

Limits flat_limits() {
  return {
      {.name = "commands of a binary frame",
       .covers = {"flat_decoder.h:kMaxCommands"},
       .value = FlatCommandDecoder::kMaxCommands,
       .unit = "commands",
       .refusal = "bad frame",
       .attempt = [](auto n) { return decode(pongs(n)); }},
      {.name = "subs of a binary connect",
       .covers = {"flat_decoder.h:kMaxKnownSubscriptions", "flat_decoder.cc:kMaxTables"},
       .value = FlatCommandDecoder::kMaxKnownSubscriptions,
       .unit = "channels",
       .refusal = "bad frame",
       .attempt = [](auto n) { return decode(connect(n)); }},
  };
}

}  // namespace millrace
