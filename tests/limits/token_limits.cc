// Tokens, the keys that they are checked with, and revocations.
#include <unistd.h>

#include <array>
#include <cstdio>

#include "net/api/revoke_request.h"
#include "net/auth/jwks.h"
#include "net/auth/public_key.h"
#include "net/auth/revocations.h"
#include "net/auth/token_maker.h"
#include "net/auth/token_verifier.h"
#include "tests/limits/limit.h"
#include "tests/unit/net/auth/token_test_keys.h"

namespace millrace {
namespace {

using test::kNow;
using test::kSecret;

std::string said(TokenError error) { return std::string(token_error_text(error)); }

std::string connect(const std::string& token) {
  TokenSettings settings;
  settings.hmac_secret = kSecret;
  auto keys = TokenKeys::load(settings);
  TokenVerifier verifier(std::make_shared<const TokenKeys>(std::move(*keys)), {});
  const auto claims = verifier.connect(token, kNow);
  return claims ? "" : said(claims.error());
}

std::string claims(const std::string& json) { return connect(test::hs256(json)); }

std::string members(std::uint64_t count) {
  std::string text;
  for (std::uint64_t i = 0; i < count; ++i) {
    text += (i == 0 ? "\"m" : ",\"m") + std::to_string(i) + "\":1";
  }
  return text;
}

// A rightly signed token of exactly so many bytes: what base64 can't reach, the header does.
std::string token_of_size(std::uint64_t size) {
  const auto make = [](std::size_t header, std::size_t claim) {
    return test::token_of(TokenAlgorithm::kHs256,
                          R"({"alg":"HS256","x":")" + std::string(header, 'x') + "\"}",
                          R"({"x":")" + std::string(claim, 'x') + "\"}");
  };
  for (std::size_t header = 0; header < 8; ++header) {
    const std::size_t around = (size - make(header, 0).size()) / 4 * 3;
    for (std::size_t claim = around - 4; claim < around + 4; ++claim) {
      std::string token = make(header, claim);
      if (token.size() == size) return token;
    }
  }
  return "";
}

std::string secret_of(std::uint64_t bytes) {
  TokenSettings settings;
  settings.hmac_secret = std::string(bytes, 's');
  return unless(TokenKeys::load(settings).ok(), "refused");
}

TokenKey key_of(std::uint64_t kid_bytes) {
  return {.name = "k",
          .kid = std::string(kid_bytes, 'k'),
          .algorithms = {TokenAlgorithm::kHs256},
          .secret = kSecret,
          .public_key = {}};
}

std::string keys_of(std::uint64_t count) {
  TokenKeys keys;
  for (std::uint64_t i = 0; i < count; ++i) {
    if (!keys.add(key_of(0)).ok()) return "refused";
  }
  return "";
}

// The last of so many keys is the right one.
std::string nth_key(std::uint64_t count) {
  TokenKeys keys;
  for (std::uint64_t i = 1; i <= count; ++i) {
    TokenKey key = key_of(0);
    if (i < count) key.secret = std::string(32, static_cast<char>('a' + i));
    if (!keys.add(std::move(key)).ok()) return "refused";
  }
  TokenVerifier verifier(std::make_shared<const TokenKeys>(std::move(keys)), {});
  const auto result = verifier.connect(test::hs256("{}"), kNow);
  return result ? "" : said(result.error());
}

// The highest and the lowest bit are set: an odd number of exactly so many bits.
std::string odd_number(std::uint64_t bits) {
  std::string number((bits + 7) / 8, '\0');
  number.front() = static_cast<char>(1 << (bits - 1) % 8);
  number.back() = static_cast<char>(number.back() | 1);
  return number;
}

// What is wrong with a key of such sizes, as far as these limits are concerned: "" for any other
// fault, since a number of a chosen size is seldom a key.
std::string rsa(std::uint64_t modulus_bits, std::uint64_t exponent_bits) {
  const auto key = rsa_public_key(odd_number(modulus_bits), odd_number(exponent_bits), {});
  if (key) return "";
  const Bytes text = key.error().text;
  for (const Bytes what : {"too weak", "too slow", "exponent"}) {
    if (text.find(what) != Bytes::npos) return std::string(what);
  }
  return "";
}

std::string jwk(std::uint64_t count) {
  const std::string more = count > 2 ? "," + members(count - 2) : "";
  const std::string key = R"({"kty":"oct","k":")" + encode_base64url(kSecret) + "\"" + more + "}";
  return unless(read_jwks("{\"keys\":[" + key + "]}").ok(), "refused");
}

std::string key_file(std::uint64_t bytes) {
  const std::string path = "/tmp/millrace_key_file_" + std::to_string(::getpid());
  std::string pem = test::public_pem(test::key_for(TokenAlgorithm::kEs256));
  pem.resize(bytes, '\n');
  std::FILE* file = std::fopen(path.c_str(), "wb");
  CHECK(file != nullptr && std::fwrite(pem.data(), 1, pem.size(), file) == pem.size());
  std::fclose(file);
  TokenSettings settings;
  settings.public_keys = {path};
  const bool ok = TokenKeys::load(settings).ok();
  std::remove(path.c_str());
  return unless(ok, "refused");
}

std::string revoke(Revocation::What what, std::uint64_t count) {
  Revocations table;
  for (std::uint64_t i = 0; i < count; ++i) {
    if (!table.apply({what, "n" + std::to_string(i), 1, kNow + 1}, kNow).ok()) return "full";
  }
  return "";
}

std::string revoked_name(std::uint64_t bytes) {
  Revocations table;
  return unless(
      table.apply({Revocation::What::kUser, std::string(bytes, 'u'), 1, kNow + 1}, kNow).ok(),
      "refused");
}

std::string revocation_of(std::uint64_t members) {
  constexpr std::array<const char*, 4> kMembers{R"("user":"a")", R"("issued_before":1)",
                                                R"("expire_at":2)", R"("token_id":"b")"};
  std::string body = "{";
  for (std::uint64_t i = 0; i < members; ++i)
    body += (i == 0 ? "" : ",") + std::string(kMembers.at(i));
  JsonValidator validator;
  return unless(read_revoke_request(validator, body + "}", kNow).ok(), "HTTP 400");
}

std::string subscriptions(std::uint64_t count) {
  std::string list;
  for (std::uint64_t i = 0; i < count; ++i) list += (i ? ",\"c" : "\"c") + std::to_string(i) + "\"";
  return claims("{\"channels\":[" + list + "]}");
}

Limits limits_of_tokens() {
  return {
      {.name = "token",
       .covers = {"token_verifier.h:kMaxToken"},
       .value = kMaxToken,
       .unit = "bytes",
       .refusal = said(TokenError::kTooLong),
       .attempt = [](auto n) { return connect(token_of_size(n)); }},
      {.name = "members of a token's header",
       .covers = {"token_verifier.h:kMaxTokenHeaderMembers"},
       .value = kMaxTokenHeaderMembers,
       .unit = "members",
       .refusal = said(TokenError::kBadHeader),
       .attempt =
           [](auto n) {
             return connect(test::token_of(TokenAlgorithm::kHs256,
                                           "{\"alg\":\"HS256\"," + members(n - 1) + "}", "{}"));
           }},
      {.name = "claims of a token",
       .covers = {"subscription_reader.h:kMaxClaims"},
       .value = kMaxClaims,
       .unit = "members",
       .refusal = said(TokenError::kBadClaims),
       .attempt = [](auto n) { return claims("{" + members(n) + "}"); }},
      {.name = "user, token id or client id in a token",
       .covers = {"claims_reader.h:kMaxTokenUser"},
       .value = kMaxTokenUser,
       .unit = "bytes",
       .refusal = said(TokenError::kBadUser),
       .attempt = [](auto n) { return claims("{\"sub\":\"" + std::string(n, 'u') + "\"}"); }},
      {.name = "channels that a token subscribes to",
       .covers = {"subscription_reader.h:kMaxTokenSubscriptions"},
       .value = kMaxTokenSubscriptions,
       .unit = "channels",
       .refusal = said(TokenError::kTooManySubscriptions),
       .attempt = subscriptions},
      {.name = "`iat` of a token ahead of the server's clock",
       .covers = {"claims_reader.h:kIssuedLeeway"},
       .value = kIssuedLeeway,
       .unit = "s",
       .refusal = said(TokenError::kIssuedLater),
       .attempt = [](auto n) { return claims("{\"iat\":" + std::to_string(kNow + n) + "}"); }},
      {.name = "time in a token, of the year 9999",
       .covers = {"token_json.h:kLatestTokenTime"},
       .value = kLatestTokenTime,
       .unit = "s",
       .refusal = said(TokenError::kBadTime),
       .attempt = [](auto n) { return claims("{\"exp\":" + std::to_string(n) + "}"); }},
  };
}

Limits limits_of_keys() {
  return {
      {.name = "secret of tokens, at least",
       .covers = {"token_keys.h:kLeastTokenSecret"},
       .value = kLeastTokenSecret,
       .unit = "bytes",
       .refusal = "refused",
       .attempt = secret_of,
       .edge = Edge::kLeast},
      {.name = "secret of tokens",
       .covers = {"token_keys.h:kMaxTokenSecret"},
       .value = kMaxTokenSecret,
       .unit = "bytes",
       .refusal = "refused",
       .attempt = secret_of},
      {.name = "keys of tokens, all together",
       .covers = {"token_keys.h:kMaxTokenKeys"},
       .value = kMaxTokenKeys,
       .unit = "keys",
       .refusal = "refused",
       .attempt = keys_of},
      {.name = "keys that are tried for a token without kid",
       .covers = {"token_keys.h:kMaxTriedKeys"},
       .value = kMaxTriedKeys,
       .unit = "keys",
       .refusal = said(TokenError::kBadSignature),
       .attempt = nth_key},
      {.name = "kid of a key",
       .covers = {"token_keys.h:kMaxKeyId"},
       .value = kMaxKeyId,
       .unit = "bytes",
       .refusal = "refused",
       .attempt = [](auto n) { return unless(TokenKeys().add(key_of(n)).ok(), "refused"); }},
      {.name = "file with keys of tokens",
       .covers = {"token_keys.h:kMaxTokenKeyFile"},
       .value = kMaxTokenKeyFile,
       .unit = "bytes",
       .refusal = "refused",
       .attempt = key_file},
      {.name = "RSA key, at least",
       .covers = {"token_keys.h:kLeastRsaBits"},
       .value = kLeastRsaBits,
       .unit = "bits",
       .refusal = "too weak",
       .attempt = [](auto n) { return rsa(n, 17); },
       .edge = Edge::kLeast},
      {.name = "RSA key",
       .covers = {"token_keys.h:kMaxRsaBits"},
       .value = kMaxRsaBits,
       .unit = "bits",
       .refusal = "too slow",
       .attempt = [](auto n) { return rsa(n, 17); }},
      {.name = "exponent of an RSA key",
       .covers = {"token_keys.h:kMaxRsaExponentBits"},
       .value = kMaxRsaExponentBits,
       .unit = "bits",
       .refusal = "exponent",
       .attempt = [](auto n) { return rsa(2'048, n); }},
      {.name = "members of a key in a JWKS file",
       .covers = {"jwks.h:kMaxJwkMembers"},
       .value = kMaxJwkMembers,
       .unit = "members",
       .refusal = "refused",
       .attempt = jwk},
  };
}

Limits limits_of_revocations() {
  using What = Revocation::What;
  return {
      {.name = "users that are revoked",
       .covers = {"revocations.h:kMaxRevokedUsers"},
       .value = kMaxRevokedUsers,
       .unit = "users",
       .refusal = "full",
       .attempt = [](auto n) { return revoke(What::kUser, n); }},
      {.name = "token ids that are revoked",
       .covers = {"revocations.h:kMaxRevokedTokens"},
       .value = kMaxRevokedTokens,
       .unit = "tokens",
       .refusal = "full",
       .attempt = [](auto n) { return revoke(What::kToken, n); }},
      {.name = "user or token id that is revoked",
       .covers = {"revocations.h:kMaxRevokedName"},
       .value = kMaxRevokedName,
       .unit = "bytes",
       .refusal = "refused",
       .attempt = revoked_name},
      {.name = "members of a revocation",
       .covers = {"revoke_request.cc:kMembers"},
       .value = 3,
       .unit = "members",
       .refusal = "HTTP 400",
       .attempt = revocation_of},
  };
}

}  // namespace

Limits token_limits() {
  Limits all = limits_of_tokens();
  for (Limit& limit : limits_of_keys()) all.push_back(std::move(limit));
  for (Limit& limit : limits_of_revocations()) all.push_back(std::move(limit));
  return all;
}

}  // namespace millrace
