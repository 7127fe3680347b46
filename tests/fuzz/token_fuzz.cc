// Tokens and sets of keys, against what must hold of whatever is accepted.
//
// A first byte chooses: the token as it comes, a header and claims that are signed rightly (so that
// the claims are reached), or a JWKS file. A token without a good signature is never accepted; that
// of an accepted one, made anew, is the same text.
#include "core/base/assert.h"
#include "core/hub/channel_name.h"
#include "net/auth/base64url.h"
#include "net/auth/jwks.h"
#include "net/auth/token_maker.h"
#include "net/auth/token_verifier.h"
#include "tests/fuzz/fuzz_input.h"

namespace millrace {
namespace {

constexpr std::int64_t kNow = 1'800'000'000;
constexpr Bytes kSecret = "a-secret-that-is-only-for-tests-0123456789";

TokenVerifier& verifier() {
  static TokenVerifier* made = [] {
    TokenKeys keys;
    CHECK(keys.add({.name = "k",
                    .kid = {},
                    .algorithms = {TokenAlgorithm::kHs256},
                    .secret = std::string(kSecret),
                    .public_key = {}})
              .ok());
    static TokenVerifier only(std::make_shared<const TokenKeys>(std::move(keys)), {});
    return &only;
  }();
  return *made;
}

void check_sub(const ClaimedSubscription& sub) {
  JsonValidator json;
  CHECK(check_channel_name(sub.channel) == ChannelNameError::kOk);
  for (const Bytes text : {Bytes(sub.info), Bytes(sub.data)}) {
    CHECK(text.empty() || json.valid(text));
    CHECK_EQ(text.find_first_of("\r\n"), Bytes::npos);
  }
}

void try_token(Bytes token) {
  const auto connect = verifier().connect(token, kNow);
  const auto subscribe = verifier().subscribe(token, kNow);
  CHECK(!connect.ok() || !subscribe.ok());
  if (connect) {
    CHECK(connect->user.size() <= kMaxTokenUser && connect->subs.size() <= kMaxTokenSubscriptions);
    for (const ClaimedSubscription& sub : connect->subs) check_sub(sub);
  }
  if (subscribe) check_sub(subscribe->sub);
  if (!connect && !subscribe) return;
  CHECK(token.size() <= kMaxToken);
  const std::size_t first = token.find('.');
  std::string header;
  std::string claims;
  CHECK(decode_base64url(token.substr(0, first), header));
  CHECK(decode_base64url(token.substr(first + 1, token.rfind('.') - first - 1), claims));
  CHECK_EQ(sign_hs256(header, claims, kSecret), token);
}

}  // namespace
}  // namespace millrace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  millrace::FuzzInput input(data, size);
  switch (input.byte() % 4) {
    case 0:
      millrace::try_token(input.rest());
      break;
    case 1:
      millrace::try_token(
          millrace::sign_hs256(input.rest(), R"({"sub":"ann"})", millrace::kSecret));
      break;
    case 2:
      millrace::try_token(
          millrace::sign_hs256(R"({"alg":"HS256"})", input.rest(), millrace::kSecret));
      break;
    default: {
      const auto set = millrace::read_jwks(input.rest());
      CHECK(!set.ok() || (!set->keys.empty() && set->keys.size() <= millrace::kMaxTokenKeys));
    }
  }
  return 0;
}
