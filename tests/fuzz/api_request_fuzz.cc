// Calls of the server API, and what other nodes answer, out of any bytes.
//
// The first byte chooses the method. What is accepted is within its limits, and means the same when
// it is read once more; a revocation survives the way to another node.
#include <string>
#include <variant>

#include "core/base/assert.h"
#include "core/base/utf8.h"
#include "core/hub/channel_name.h"
#include "net/api/node_answer.h"
#include "net/api/revoke_request.h"
#include "tests/fuzz/fuzz_input.h"

namespace millrace {
namespace {

constexpr std::int64_t kNow = 1'800'000'000;

bool is_channel(Bytes name) { return check_channel_name(name) == ChannelNameError::kOk; }

void check_who(const ApiWho& who) {
  CHECK(!who.user.empty() && who.user.size() <= kMaxApiUser && utf8_valid(who.user));
  CHECK_LE(who.client.size(), kMaxApiClient);
}

void check_publish(const ApiPublish& publish) {
  CHECK_LE(publish.idempotency_key.size(), kMaxIdempotencyKey);
  if (!publish.binary) CHECK(!publish.data.empty() && utf8_valid(publish.data));
  if (!publish.binary) CHECK_EQ(publish.data.find_first_of("\r\n"), std::string::npos);
}

void check(const ApiPublish& publish) {
  CHECK(is_channel(publish.channel));
  check_publish(publish);
}
void check(const ApiBroadcast& broadcast) {
  CHECK(!broadcast.channels.empty() && broadcast.channels.size() <= kMaxBroadcastChannels);
  check_publish(broadcast.publish);
}
void check(const ApiSubscribe& order) {
  check_who(order.who);
  CHECK(is_channel(order.grant.sub.channel));
  CHECK_LE(order.grant.sub.info.size(), kMaxApiInfo);
}
void check(const ApiUnsubscribe& order) {
  check_who(order.who);
  CHECK(is_channel(order.channel));
}
void check(const ApiDisconnect& order) {
  check_who(order.who);
  CHECK(order.code >= kLeastDisconnectCode && order.code <= kMaxDisconnectCode);
  CHECK(!order.reason.empty() && order.reason.size() <= kMaxDisconnectReason);
  CHECK_LE(order.whitelist.size(), kMaxWhitelist);
}
void check(const ApiRefresh& order) {
  check_who(order.who);
  if (order.renewal.info) CHECK_LE(order.renewal.info->size(), kMaxApiInfo);
}
void check(const ApiPresence& question) { CHECK(is_channel(question.channel)); }
void check(const ApiHistory& question) { CHECK(is_channel(question.channel)); }
void check(const ApiHistoryRemove& order) { CHECK(is_channel(order.channel)); }
void check(const ApiChannels& question) { CHECK_LE(question.pattern.size(), kMaxApiPattern); }
void check(const ApiInfo&) {}
void check(const ApiBatch& batch) {
  CHECK_LE(batch.commands.size(), kMaxBatchCommands);
  ApiReader reader;
  for (const ApiBatch::Command& each : batch.commands) {
    const auto read = reader.read(each.method, each.params, kNow);
    if (read.ok()) std::visit([](const auto& what) { CHECK_GT(sizeof(what), 0U); }, *read);
  }
}
void check(const ApiRevoke& revoke) {
  ApiReader reader;
  const auto again = reader.read(ApiMethod::kRevoke, revoke_request(revoke.revocation), kNow);
  CHECK(again.ok());
  const Revocation& other = std::get<ApiRevoke>(*again).revocation;
  CHECK(other.what == revoke.revocation.what && other.name == revoke.revocation.name);
  CHECK_EQ(other.before, revoke.revocation.before);
  CHECK_EQ(other.until, revoke.revocation.until);
}

void try_request(FuzzInput& input) {
  const auto method =
      static_cast<ApiMethod>(input.byte() % (static_cast<int>(ApiMethod::kRevoke) + 1));
  const std::string body(input.rest());
  ApiReader reader;
  const auto read = reader.read(method, body, kNow);
  if (read.ok()) {
    std::visit([](const auto& what) { check(what); }, *read);
    CHECK(reader.read(method, body, kNow).ok());
  } else {
    CHECK(!read.error().text.empty());
  }
  const auto line = reader.read_line(body);
  CHECK(line.ok() || line.error().malformed || line.error().code != ErrorCode::kInternal);
  JsonValidator validator;
  const NodeAnswer answer = read_node_answer(validator, method, body);
  for (const ApiChannelCount& each : answer.channels) CHECK(is_channel(each.channel));
  CHECK_LE(answer.nodes.size(), kMaxNodesListed);
}

}  // namespace
}  // namespace millrace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  millrace::FuzzInput input(data, size);
  millrace::try_request(input);
  return 0;
}
