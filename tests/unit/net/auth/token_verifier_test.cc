#include "net/auth/token_verifier.h"

#include <gtest/gtest.h>

#include "tests/unit/net/auth/node_vectors.h"
#include "tests/unit/net/auth/token_test_keys.h"

namespace millrace {
namespace {

using test::kNow;
using test::kSecret;
using A = TokenAlgorithm;

const std::string kClaims = R"({"sub":"ann","exp":1800000100})";

TokenVerifier verifier_of(const TokenSettings& settings) {
  auto keys = TokenKeys::load(settings);
  CHECK(keys.ok());
  return {std::make_shared<const TokenKeys>(std::move(*keys)),
          {settings.audience, settings.issuer}};
}

TokenSettings secret_only() {
  TokenSettings settings;
  settings.hmac_secret = kSecret;
  return settings;
}

TokenSettings public_only(A algorithm) {
  TokenSettings settings;
  const std::string alg = "alg=" + std::string(token_algorithm_name(algorithm)) + " ";
  settings.public_keys.push_back(alg + test::public_pem(test::key_for(algorithm)));
  return settings;
}

class EveryAlgorithm : public testing::TestWithParam<int> {};
INSTANTIATE_TEST_SUITE_P(Tokens, EveryAlgorithm, testing::Range(0, int{kTokenAlgorithms}));

TEST_P(EveryAlgorithm, GoodIsAcceptedAndEveryFlippedBitIsNot) {
  const A algorithm = static_cast<A>(GetParam());
  const bool secret = token_key_kind(algorithm) == TokenKeyKind::kHmac;
  auto verifier = verifier_of(secret ? secret_only() : public_only(algorithm));
  const std::string token = test::token_of(algorithm, test::header_of(algorithm), kClaims);
  // Twice: contexts are used again, after a failure too.
  for (int round = 0; round < 2; ++round) {
    const auto claims = verifier.connect(token, kNow);
    ASSERT_TRUE(claims.ok()) << token_error_text(claims.error());
    EXPECT_EQ(claims->user, "ann");
    EXPECT_EQ(claims->times.expires_at, 1'800'000'100);
    for (std::size_t at = 0; at < token.size(); at += 7) {
      std::string changed = token;
      changed[at] = changed[at] == 'A' ? 'B' : 'A';
      EXPECT_FALSE(verifier.connect(changed, kNow).ok()) << at;
    }
  }
}

TEST_P(EveryAlgorithm, NoOtherAlgorithmMayUseTheKey) {
  const A algorithm = static_cast<A>(GetParam());
  const bool secret = token_key_kind(algorithm) == TokenKeyKind::kHmac;
  auto verifier = verifier_of(secret ? secret_only() : public_only(algorithm));
  for (int other = 0; other < int{kTokenAlgorithms}; ++other) {
    const A wrong = static_cast<A>(other);
    // The secrets of the configuration are for all three.
    if (wrong == algorithm || (secret && token_key_kind(wrong) == TokenKeyKind::kHmac)) continue;
    const auto claims =
        verifier.connect(test::token_of(wrong, test::header_of(wrong), kClaims), kNow);
    ASSERT_FALSE(claims.ok());
    EXPECT_EQ(claims.error(), TokenError::kUnknownKey);
  }
}

TEST(TokenVerifier, AcceptsWhatNodeMakes) {
  for (const test::NodeVector& vector : test::kNodeVectors) {
    TokenSettings settings;
    if (vector.pem.empty()) {
      settings.hmac_secret = test::kNodeSecret;
    } else {
      settings.public_keys.push_back(
          std::string("alg=").append(vector.algorithm).append(" ").append(vector.pem));
    }
    auto verifier = verifier_of(settings);
    const auto claims = verifier.connect(vector.token, kNow);
    ASSERT_TRUE(claims.ok()) << vector.algorithm << ": " << token_error_text(claims.error());
    EXPECT_EQ(claims->user, "node");
    EXPECT_EQ(claims->times.issued_at, 1'700'000'000);
    EXPECT_EQ(claims->times.expires_at, 4'102'444'800);
  }
}

TEST(TokenVerifier, TriesThePreviousSecretToo) {
  TokenSettings settings;
  settings.hmac_secret = std::string(32, 'n');
  settings.hmac_previous_secret = kSecret;
  EXPECT_TRUE(verifier_of(settings).connect(test::hs256(kClaims), kNow).ok());
  settings.hmac_previous_secret = std::string(32, 'o');
  EXPECT_EQ(verifier_of(settings).connect(test::hs256(kClaims), kNow).error(),
            TokenError::kBadSignature);
}

TEST(TokenVerifier, FindsAKeyByItsKidAlone) {
  TokenSettings settings = secret_only();
  settings.public_keys.push_back("kid=one " + test::public_pem(test::key_for(A::kEs256)));
  settings.public_keys.push_back("kid=two " + test::public_pem(test::make_ec("P-256").get()));
  auto verifier = verifier_of(settings);
  const auto with = [](const std::string& more) {
    return test::token_of(A::kEs256, test::header_of(A::kEs256, more), kClaims);
  };
  EXPECT_TRUE(verifier.connect(with(R"(,"kid":"one")"), kNow).ok());
  EXPECT_TRUE(verifier.connect(with(""), kNow).ok());
  EXPECT_EQ(verifier.connect(with(R"(,"kid":"two")"), kNow).error(), TokenError::kBadSignature);
  EXPECT_EQ(verifier.connect(with(R"(,"kid":"on")"), kNow).error(), TokenError::kUnknownKey);
  EXPECT_EQ(verifier.connect(with(R"(,"kid":"")"), kNow).error(), TokenError::kUnknownKey);
}

TEST(TokenVerifier, WithoutKeysNothingIsAccepted) {
  TokenVerifier verifier(std::make_shared<const TokenKeys>(), {});
  EXPECT_EQ(verifier.connect(test::hs256(kClaims), kNow).error(), TokenError::kUnknownKey);
}

TEST(TokenVerifier, AnAttackersKeyInTheHeaderIsNotLookedAt) {
  auto verifier = verifier_of(secret_only());
  const std::string more = R"(,"jwk":{"kty":"oct","k":"eA"},"jku":"http://127.0.0.1/","x5c":["x"])";
  const std::string good = test::token_of(A::kHs256, test::header_of(A::kHs256, more), kClaims);
  EXPECT_TRUE(verifier.connect(good, kNow).ok());
}

TEST(TokenVerifier, TokensOfOneUseAreNotForTheOther) {
  auto verifier = verifier_of(secret_only());
  const std::string connect = test::hs256(R"({"sub":"ann"})");
  const std::string subscribe = test::hs256(R"({"sub":"ann","channel":"news","client":"c"})");
  EXPECT_TRUE(verifier.connect(connect, kNow).ok());
  EXPECT_EQ(verifier.connect(subscribe, kNow).error(), TokenError::kIsForSubscribing);
  EXPECT_EQ(verifier.subscribe(connect, kNow).error(), TokenError::kIsForConnecting);
  const auto claims = verifier.subscribe(subscribe, kNow);
  ASSERT_TRUE(claims.ok());
  EXPECT_EQ(claims->sub.channel, "news");
  EXPECT_EQ(claims->client, "c");
}

// RFC 7515 appendix A.1: its header has line breaks, its claims a member with a URL for a name.
TEST(TokenVerifier, Rfc7515AppendixA1) {
  const std::string token =
      "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQo"
      "gImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ.dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOE"
      "jXk";
  std::string secret;
  ASSERT_TRUE(
      decode_base64url("AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0"
                       "iPS4hcgUuTwjAzZr1Z9CAow",
                       secret));
  TokenSettings settings;
  settings.hmac_secret = secret;
  auto verifier = verifier_of(settings);
  EXPECT_TRUE(verifier.connect(token, 1'300'819'379).ok());
  EXPECT_EQ(verifier.connect(token, 1'300'819'380).error(), TokenError::kExpired);
}

// Appendix A.3 (ES256), its key as a JWK would give it.
TEST(TokenVerifier, Rfc7515AppendixA3) {
  const std::string token =
      "eyJhbGciOiJFUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGx"
      "lLmNvbS9pc19yb290Ijp0cnVlfQ.DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8I"
      "SlSApmWQxfKTUJqPP3-Kg6NU1Q";
  std::string x;
  std::string y;
  ASSERT_TRUE(decode_base64url("f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU", x));
  ASSERT_TRUE(decode_base64url("x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0", y));
  auto key = ec_public_key(A::kEs256, x, y);
  ASSERT_TRUE(key.ok());
  TokenSettings settings;
  settings.public_keys.push_back(test::public_pem(key->key.get()));
  auto verifier = verifier_of(settings);
  EXPECT_TRUE(verifier.connect(token, 1'300'819'379).ok());
}

}  // namespace
}  // namespace millrace
