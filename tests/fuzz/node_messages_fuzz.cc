// What comes on nodes' subjects: beats, and what is said of presence.
//
// Whatever is accepted is what it says: it can be written and read again, an info is one line of
// JSON, and no limit is passed.
#include <string>
#include <vector>

#include "core/base/assert.h"
#include "net/nodes/node_beat.h"
#include "net/nodes/node_subjects.h"
#include "net/nodes/presence_wire.h"
#include "tests/fuzz/fuzz_input.h"

namespace millrace {
namespace {

void check_info(Bytes info) {
  JsonValidator validator;
  CHECK(info.empty() || validator.valid(info));
  CHECK(info.find_first_of("\r\n") == Bytes::npos);
}

void check_member(const ClientInfo& member) {
  CHECK(!member.client.empty());
  check_info(member.conn_info);
  check_info(member.chan_info);
}

void try_beat(Bytes body) {
  NodeBeatReader reader;
  const auto beat = reader.read(body);
  if (!beat) return;
  CHECK(!beat->id.none());
  const auto again = reader.read(node_beat_json(*beat));
  CHECK(again.has_value() && *again == *beat);
}

void try_presence(Bytes body) {
  PresenceReader reader;
  if (const auto question = reader.question(body)) {
    const std::string json = presence_question_json(question->channel, question->counts_only);
    CHECK(reader.question(json).has_value());
  }
  if (const auto answer = reader.answer(body)) {
    CHECK_LE(answer->members.size(), kMaxListed);
    CHECK_LE(answer->users.size(), kUsersCompared);
    for (const ClientInfo& member : answer->members) check_member(member);
    const std::string json = presence_list_json(answer->counts, answer->members);
    PresenceReader other;
    const auto again = other.answer(json);
    CHECK(again.has_value() && again->members == answer->members);
  }
  if (const auto news = reader.news(body)) {
    for (const PresenceChange& change : *news) check_member(change.member);
  }
}

}  // namespace
}  // namespace millrace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const millrace::Bytes body(reinterpret_cast<const char*>(data), size);
  millrace::try_beat(body);
  millrace::try_presence(body);
  if (millrace::is_inbox(body)) CHECK(body.find_first_of(" \r\n*>") == millrace::Bytes::npos);
  return 0;
}
