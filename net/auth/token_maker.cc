#include "net/auth/token_maker.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <array>
#include <memory>

#include "core/base/assert.h"
#include "net/auth/base64url.h"
#include "net/auth/token_keys.h"
#include "net/auth/token_verifier.h"
#include "proto/json_string.h"
#include "proto/json_text.h"

namespace millrace {
namespace {

void append_text(std::string& out, Bytes name, Bytes text) {
  if (text.empty()) return;
  out.append(",\"").append(name).append("\":");
  append_json_string(out, text);
}

std::string claims_of(const TokenOrder& order) {
  std::string out = "{\"sub\":";
  append_json_string(out, order.user);
  out.append(",\"iat\":").append(std::to_string(order.issued_at));
  out.append(",\"exp\":").append(std::to_string(order.issued_at + order.lifetime));
  append_text(out, "jti", order.token_id);
  append_text(out, "aud", order.audience);
  append_text(out, "iss", order.issuer);
  if (order.channel) append_text(out, "channel", *order.channel);
  for (std::size_t i = 0; i < order.channels.size(); ++i) {
    out.append(i == 0 ? ",\"channels\":[" : ",");
    append_json_string(out, order.channels[i]);
  }
  if (!order.channels.empty()) out.push_back(']');
  if (!order.info.empty()) out.append(",\"info\":").append(order.info);
  return out + "}";
}

}  // namespace

std::string sign_hs256(Bytes header, Bytes payload, Bytes secret) {
  std::string token = encode_base64url(header) + "." + encode_base64url(payload);
  std::array<unsigned char, EVP_MAX_MD_SIZE> sum{};
  unsigned size = 0;
  CHECK(HMAC(EVP_sha256(), secret.data(), static_cast<int>(secret.size()),
             reinterpret_cast<const unsigned char*>(token.data()), token.size(), sum.data(),
             &size) != nullptr);
  token.push_back('.');
  return token + encode_base64url({reinterpret_cast<const char*>(sum.data()), size});
}

Result<std::string> make_token(const TokenOrder& order, Bytes secret) {
  if (order.lifetime < 1 || order.lifetime > kLatestTokenTime - order.issued_at) {
    return Error{
        "the token would be over at once, or not before the year 10000; take a span "
        "such as 1h"};
  }
  if (order.channel && !order.channels.empty()) {
    return Error{
        "a token to subscribe to a channel has no list of channels; leave one of both "
        "out"};
  }
  // As a part of the claims, half of an object could end them.
  JsonValidator validator;
  if (!order.info.empty() && !validator.valid(order.info)) {
    return Error{"the info is no JSON; write a text as '\"text\"' and an object as '{\"name\":1}'"};
  }
  TokenKeys keys;
  auto added = keys.add({.name = "hmac_secret",
                         .kid = {},
                         .algorithms = {TokenAlgorithm::kHs256},
                         .secret = std::string(secret),
                         .public_key = {}});
  if (!added) return added.error();
  std::string token = sign_hs256(R"({"alg":"HS256","typ":"JWT"})", claims_of(order), secret);
  TokenVerifier verifier(std::make_shared<const TokenKeys>(std::move(keys)),
                         {order.audience, order.issuer});
  std::optional<TokenError> refused;
  if (order.channel) {
    const auto claims = verifier.subscribe(token, order.issued_at);
    if (!claims) refused = claims.error();
  } else {
    const auto claims = verifier.connect(token, order.issued_at);
    if (!claims) refused = claims.error();
  }
  if (refused) return Error{std::string(token_error_text(*refused))};
  return token;
}

}  // namespace millrace
