// Replies of an application, against what must hold of whatever is accepted: it can be put into any
// message that a client is sent.
//
// A first byte chooses the method, a second one whether the client takes any bytes as data.
#include "core/base/assert.h"
#include "core/base/utf8.h"
#include "core/hub/channel_name.h"
#include "net/proxy/reply_reader.h"
#include "net/session/identity.h"
#include "tests/fuzz/fuzz_input.h"

namespace millrace {
namespace {

void check_line(Bytes text) {
  JsonValidator json;
  CHECK(text.empty() || json.valid(text));
  CHECK_EQ(text.find_first_of("\r\n"), Bytes::npos);
}

void check_sub(const ClaimedSubscription& sub, bool named) {
  if (named) CHECK(check_channel_name(sub.channel) == ChannelNameError::kOk);
  check_line(sub.info);
  check_line(sub.data);
}

void check_text(const ApplicationAnswer& answer, std::uint32_t least, std::uint32_t most,
                std::size_t longest) {
  CHECK(answer.code >= least && answer.code <= most);
  CHECK(answer.text.size() <= longest && utf8_valid(answer.text));
  for (const char c : answer.text) CHECK(static_cast<unsigned char>(c) >= 0x20);
}

void check(const ApplicationAnswer& answer, bool flat) {
  switch (answer.kind) {
    case ApplicationAnswer::Kind::kUnavailable:
      CHECK(false);
      return;
    case ApplicationAnswer::Kind::kError:
      return check_text(answer, kLeastProxyError, kMostProxyError, kMaxProxyMessage);
    case ApplicationAnswer::Kind::kDisconnect:
      check_text(answer, kLeastProxyDisconnect, kMostProxyDisconnect, kMaxProxyReason);
      CHECK(!answer.text.empty() && answer.text.front() != '{');
      return;
    case ApplicationAnswer::Kind::kAllowed:
      break;
  }
  CHECK(answer.user.size() <= Identity::kMaxUser && utf8_valid(answer.user));
  CHECK(answer.sub.info.size() <= Identity::kMaxInfo);
  CHECK(answer.expires_at >= 0 && answer.expires_at <= kLatestTokenTime);
  CHECK(answer.data.size() <= kMaxProxyReply);
  if (!flat) check_line(answer.data);
  check_line(answer.meta);
  check_sub(answer.sub, false);
  CHECK(answer.subs.size() <= kMaxTokenSubscriptions);
  for (const ClaimedSubscription& sub : answer.subs) check_sub(sub, true);
}

}  // namespace
}  // namespace millrace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using millrace::ProxyMethod;
  static millrace::ReplyReader reader;
  millrace::FuzzInput input(data, size);
  constexpr auto kAnswered = static_cast<std::uint8_t>(ProxyMethod::kSend);
  const auto method = static_cast<ProxyMethod>(input.byte() % kAnswered);
  const bool flat = input.flag();
  const auto answer = reader.read(method, flat, input.rest());
  if (answer.ok()) {
    millrace::check(*answer, flat);
  } else {
    CHECK(!millrace::reply_fault_text(answer.error()).empty());
  }
  return 0;
}
