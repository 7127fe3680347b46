#include "net/auth/jwks.h"

#include <gtest/gtest.h>

#include "tests/unit/net/auth/token_test_keys.h"

namespace millrace {
namespace {

using A = TokenAlgorithm;

std::string set_of(const std::string& keys) { return "{\"keys\":[" + keys + "]}"; }

std::string error_of(const std::string& text) {
  const auto set = read_jwks(text);
  return set.ok() ? "" : set.error().text;
}

bool has(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

const std::string kOct = R"({"kty":"oct","k":")" + encode_base64url(test::kSecret) + R"("})";

// RFC 7517 appendix A.1, and RFC 8037 appendix A.2.
const std::string kEc =
    R"({"kty":"EC","crv":"P-256","kid":"1","x":"MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4",)"
    R"("y":"4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM"})";
const std::string kRsa =
    R"({"kty":"RSA","kid":"2011-04-29","alg":"RS256","e":"AQAB","n":"0vx7agoebGcQSuuPiLJXZptN9nndr)"
    R"(QmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknjhMstn64t)"
    R"(Z_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-)"
    R"(65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0z)"
    R"(gdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTW)"
    R"(hAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqb)"
    R"(w0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw"})";
const std::string kOkp =
    R"({"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"})";

TEST(Jwks, ReadsTheExamplesOfTheRfcs) {
  const auto set = read_jwks(set_of(kEc + "," + kRsa + "," + kOkp + "," + kOct));
  ASSERT_TRUE(set.ok()) << set.error().text;
  ASSERT_EQ(set->keys.size(), 4U);
  EXPECT_EQ(set->keys[0].algorithms, std::vector<A>{A::kEs256});
  EXPECT_EQ(set->keys[0].kid, "1");
  EXPECT_EQ(set->keys[1].algorithms, std::vector<A>{A::kRs256});
  EXPECT_EQ(set->keys[2].algorithms, std::vector<A>{A::kEdDsa});
  EXPECT_EQ(set->keys[3].algorithms, std::vector<A>{A::kHs256});
  EXPECT_EQ(set->keys[3].secret, test::kSecret);
}

TEST(Jwks, SkipsWhatIsForSomethingElse) {
  for (const std::string other :
       {R"({"kty":"RSA","use":"enc"})", R"({"kty":"RSA","key_ops":["encrypt"]})",
        R"({"kty":"RSA","alg":"PS256"})", R"({"kty":"PQ"})", R"({"kty":"EC","crv":"secp256k1"})",
        R"({"kty":"OKP","crv":"X25519"})"}) {
    const auto set = read_jwks(set_of(other + "," + kOct));
    ASSERT_TRUE(set.ok()) << set.error().text;
    EXPECT_EQ(set->keys.size(), 1U);
    EXPECT_EQ(set->skipped.size(), 1U) << other;
    EXPECT_TRUE(has(error_of(set_of(other)), "no key in it")) << other;
  }
}

TEST(Jwks, RefusesWhatIsBroken) {
  for (const std::string text : {"", "[]", "{}", R"({"keys":{}})", R"({"keys":1})", "{\"keys\":[]}",
                                 R"({"keys":[],"keys":[]})"}) {
    EXPECT_FALSE(read_jwks(text).ok()) << text;
  }
  for (const std::string key : {
           "1",
           "{}",
           R"({"kty":1})",
           R"({"kty":"oct"})",
           R"({"kty":"oct","k":"AAAA"})",
           R"({"kty":"oct","k":"*"})",
           R"({"kty":"oct","kty":"RSA","k":"AAAA"})",
           R"({"kty":"oct","kid":"","k":"AAAA"})",
           R"({"kty":"oct","kid":7,"k":"AAAA"})",
           R"({"kty":"oct","alg":"RS256","k":"AAAA"})",
           R"({"kty":"RSA","n":"AA"})",
           R"({"kty":"RSA","n":"AAAA","e":"AQAB"})",
           R"({"kty":"RSA","n":"AA=","e":"AQAB"})",
           R"({"kty":"EC"})",
           R"({"kty":"EC","crv":"P-256","x":"AA","y":"AA"})",
           R"({"kty":"EC","crv":"P-256","alg":"ES384","x":"AA","y":"AA"})",
           R"({"kty":"OKP","crv":"Ed25519","x":"AA"})",
       }) {
    EXPECT_FALSE(read_jwks(set_of(key)).ok()) << key;
  }
}

TEST(Jwks, RefusesPrivateKeysWithoutShowingThem) {
  const std::string key = R"({"kty":"OKP","crv":"Ed25519","x":"AA","d":"aHVzaA"})";
  EXPECT_TRUE(has(error_of(set_of(key)), "key 1 of the set: it is a private key"));
  EXPECT_FALSE(has(error_of(set_of(key)), "aHVzaA"));
}

}  // namespace
}  // namespace millrace
