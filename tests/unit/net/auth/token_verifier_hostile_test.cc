// Tokens that somebody would try (X-12), by name. None may be accepted, whatever is configured.
#include <gtest/gtest.h>

#include <functional>
#include <set>

#include "net/auth/token_maker.h"
#include "net/auth/token_verifier.h"
#include "tests/unit/net/auth/token_test_keys.h"

namespace millrace {
namespace {

using test::header_of;
using test::hs256;
using test::kNow;
using test::kSecret;
using test::token_of;
using A = TokenAlgorithm;

const std::string kClaims = R"({"sub":"ann","aud":"me","iss":"us"})";

struct Hostile {
  std::string name;
  std::string token;
};

std::string unsigned_token(const std::string& header, Bytes signature = "") {
  return encode_base64url(header) + "." + encode_base64url(kClaims) + "." + std::string(signature);
}

// Signed as HS256 is, with the right secret, whatever the header says.
std::string with_header(const std::string& header) { return token_of(A::kHs256, header, kClaims); }

std::string with_claims(const std::string& more) {
  return hs256(R"({"sub":"ann","aud":"me","iss":"us",)" + more + "}");
}

std::string nested(const std::string& open, const std::string& close, std::size_t depth) {
  std::string text;
  for (std::size_t i = 0; i < depth; ++i) text += open;
  text += "1";
  for (std::size_t i = 0; i < depth; ++i) text += close;
  return text;
}

std::string good() { return hs256(kClaims); }

std::vector<Hostile> of_algorithms() {
  const std::string pem = test::public_pem(test::key_for(A::kRs256));
  const std::string ec_pem = test::public_pem(test::key_for(A::kEs256));
  const std::string hs = R"({"alg":"HS256"})";
  const std::string hmac_sum = encode_base64url(test::hmac(A::kHs256, kSecret, "x"));
  return {
      {"alg none", unsigned_token(R"({"alg":"none"})")},
      {"alg None", unsigned_token(R"({"alg":"None"})")},
      {"alg NONE", unsigned_token(R"({"alg":"NONE"})")},
      {"alg nOnE", unsigned_token(R"({"alg":"nOnE"})")},
      {"alg none with a signature", unsigned_token(R"({"alg":"none"})", hmac_sum)},
      {"alg none, rightly signed", with_header(R"({"alg":"none"})")},
      {"alg missing", with_header(R"({"typ":"JWT"})")},
      {"alg empty", with_header(R"({"alg":""})")},
      {"alg null", with_header(R"({"alg":null})")},
      {"alg a number", with_header(R"({"alg":256})")},
      {"alg a list", with_header(R"({"alg":["HS256"]})")},
      {"alg in small letters", with_header(R"({"alg":"hs256"})")},
      {"alg with a blank", with_header(R"({"alg":"HS256 "})")},
      {"alg with a NUL", with_header("{\"alg\":\"HS256\\u0000\"}")},
      {"alg HS1", with_header(R"({"alg":"HS1"})")},
      {"alg PS256", with_header(R"({"alg":"PS256"})")},
      {"alg ES256K", with_header(R"({"alg":"ES256K"})")},
      {"alg RS256 over an HMAC", with_header(R"({"alg":"RS256"})")},
      {"alg HS512 over HS256", with_header(R"({"alg":"HS512"})")},
      {"ALG as name", with_header(R"({"ALG":"HS256"})")},
      {"alg twice", with_header(R"({"alg":"none","alg":"HS256"})")},
      {"alg twice, once escaped", with_header(R"({"alg":"HS256","\u0061lg":"none"})")},
      {"HS256 with the RSA key's PEM", sign_hs256(hs, kClaims, pem)},
      {"HS256 with the PEM, trimmed", sign_hs256(hs, kClaims, pem.substr(0, pem.size() - 1))},
      {"HS256 with the EC key's PEM", sign_hs256(hs, kClaims, ec_pem)},
      {"HS256 with an empty secret", sign_hs256(hs, kClaims, "")},
      {"HS256 with one NUL", sign_hs256(hs, kClaims, Bytes("\0", 1))},
      {"HS256 with `secret`", sign_hs256(hs, kClaims, "secret")},
      {"HS256 with the secret's beginning", sign_hs256(hs, kClaims, kSecret.substr(0, 32))},
      {"HS256 of an HMAC for the RSA key, kid said",
       sign_hs256(R"({"alg":"HS256","kid":"rsa"})", kClaims, pem)},
      {"ES256 with the P-384 key's size",
       unsigned_token(R"({"alg":"ES256"})", std::string(128, 'A'))},
      {"RS384 by the key that is for RS256", token_of(A::kRs384, header_of(A::kRs384), kClaims)},
      {"RS512 by the key that is for RS256", token_of(A::kRs512, header_of(A::kRs512), kClaims)},
  };
}

std::vector<Hostile> of_signatures() {
  const std::string text = encode_base64url(header_of(A::kEs256)) + "." + encode_base64url(kClaims);
  const std::string der = test::sign_openssl(test::key_for(A::kEs256), A::kEs256, text);
  const std::string raw = test::raw_of_der(der, 32);
  const auto es = [&text](const std::string& signature) {
    return text + "." + encode_base64url(signature);
  };
  std::string order_r(64, '\xff');
  const std::string token = good();
  const std::string stripped = token.substr(0, token.rfind('.') + 1);
  const std::string rs = encode_base64url(header_of(A::kRs256)) + "." + encode_base64url(kClaims);
  const std::string ed = encode_base64url(header_of(A::kEdDsa)) + "." + encode_base64url(kClaims);
  const std::string ed_good = test::signature_of(A::kEdDsa, ed);
  return {
      {"signature stripped", stripped},
      {"signature and its dot stripped", stripped.substr(0, stripped.size() - 1)},
      {"signature of one letter", stripped + "AA"},
      {"signature cut", token.substr(0, token.size() - 4)},
      {"signature longer", token + "AAAA"},
      {"signature of zeros", stripped + encode_base64url(std::string(32, '\0'))},
      {"signature of another token", stripped + hs256("{}").substr(hs256("{}").rfind('.') + 1)},
      {"claims of another token", token.substr(0, token.find('.') + 1) + encode_base64url("{}") +
                                      token.substr(token.rfind('.'))},
      {"ECDSA as DER", es(der)},
      {"ECDSA r=s=0", es(std::string(64, '\0'))},
      {"ECDSA r=0", es(std::string(32, '\0') + raw.substr(32))},
      {"ECDSA s=0", es(raw.substr(0, 32) + std::string(32, '\0'))},
      {"ECDSA r and s beyond the order", es(order_r)},
      {"ECDSA r and s changed places", es(raw.substr(32) + raw.substr(0, 32))},
      {"ECDSA a byte short", es(raw.substr(0, 63))},
      {"ECDSA a byte long", es(raw + '\0')},
      {"ECDSA wider numbers",
       es(std::string(1, '\0') + raw.substr(0, 32) + std::string(1, '\0') + raw.substr(32))},
      {"ECDSA empty", es("")},
      {"RSA of zeros", rs + "." + encode_base64url(std::string(256, '\0'))},
      {"RSA of ones", rs + "." + encode_base64url(std::string(255, '\0') + "\x01")},
      {"RSA empty", rs + "."},
      {"RSA a NUL longer",
       rs + "." + encode_base64url(std::string(1, '\0') + test::signature_of(A::kRs256, rs))},
      {"EdDSA of zeros", ed + "." + encode_base64url(std::string(64, '\0'))},
      {"EdDSA cut", ed + "." + encode_base64url(ed_good.substr(0, 32))},
      {"EdDSA empty", ed + "."},
  };
}

std::vector<Hostile> of_forms() {
  const std::string token = good();
  const std::size_t first = token.find('.');
  const std::size_t last = token.rfind('.');
  // The last letter of 32 bytes carries two bits of nothing.
  std::string spare = token;
  spare.back() = static_cast<char>(spare.back() + 1);
  return {
      {"nothing", ""},
      {"a dot", "."},
      {"two dots", ".."},
      {"three dots", "..."},
      {"four parts", token + ".AAAA"},
      {"five parts, as encrypted ones have", token + ".AAAA.AAAA"},
      {"header empty", token.substr(first)},
      {"claims empty", token.substr(0, first) + "." + token.substr(last)},
      {"padding behind the signature", token + "="},
      {"padding behind the header", token.substr(0, first) + "=" + token.substr(first)},
      {"blank in front", " " + token},
      {"line break behind", token + "\n"},
      {"tab inside", token.substr(0, 5) + "\t" + token.substr(5)},
      {"NUL behind", token + std::string(1, '\0')},
      {"plus of the plain alphabet", token.substr(0, last + 1) + "+" + token.substr(last + 2)},
      {"slash of the plain alphabet", token.substr(0, last + 1) + "/" + token.substr(last + 2)},
      {"bits behind the end", spare},
      {"one letter too many", token + "A"},
      {"UTF-8 outside of base64", token + "\xc3\xa4"},
      {"percent escapes", token + "%3D"},
      {"in quotes", "\"" + token + "\""},
      {"Bearer in front", "Bearer " + token},
      {"1 MiB of letters", std::string(1024 * 1024, 'A')},
      {"1 MiB of dots", std::string(1024 * 1024, '.')},
      {"1 MiB of claims, rightly signed",
       with_claims("\"x\":\"" + std::string(1024 * 1024, 'x') + "\"")},
      {"JSON serialization", R"({"payload":"e30","protected":"e30","signature":"AA"})"},
  };
}

std::vector<Hostile> of_headers() {
  return {
      {"header is no JSON", with_header("HS256")},
      {"header is a list", with_header(R"(["HS256"])")},
      {"header is a text", with_header(R"("HS256")")},
      {"header is null", with_header("null")},
      {"header with something behind", with_header(R"({"alg":"HS256"}{})")},
      {"header with a byte order mark", with_header("\xef\xbb\xbf{\"alg\":\"HS256\"}")},
      {"header is no UTF-8", with_header("{\"alg\":\"HS256\",\"x\":\"\xff\"}")},
      {"header 10,000 deep",
       with_header("{\"alg\":\"HS256\",\"x\":" + nested("[", "]", 10'000).substr(0) + "}")},
      {"header 100 deep", with_header("{\"alg\":\"HS256\",\"x\":" + nested("[", "]", 100) + "}")},
      {"crit", with_header(R"({"alg":"HS256","crit":["exp"]})")},
      {"crit empty", with_header(R"({"alg":"HS256","crit":[]})")},
      {"crit null", with_header(R"({"alg":"HS256","crit":null})")},
      {"b64 false", with_header(R"({"alg":"HS256","b64":false})")},
      {"b64 false and crit", with_header(R"({"alg":"HS256","b64":false,"crit":["b64"]})")},
      {"kid with a path", with_header(R"({"alg":"HS256","kid":"../../../../dev/null"})")},
      {"kid with a path, empty secret",
       sign_hs256(R"({"alg":"HS256","kid":"../../../../dev/null"})", kClaims, "")},
      {"kid with SQL", with_header(R"({"alg":"HS256","kid":"x' UNION SELECT 'k"})")},
      {"kid with a command", with_header(R"({"alg":"HS256","kid":"k|id"})")},
      {"kid with a NUL behind", with_header("{\"alg\":\"HS256\",\"kid\":\"rsa\\u0000\"}")},
      {"kid empty", with_header(R"({"alg":"HS256","kid":""})")},
      {"kid null", with_header(R"({"alg":"HS256","kid":null})")},
      {"kid a number", with_header(R"({"alg":"HS256","kid":0})")},
      {"kid a list", with_header(R"({"alg":"HS256","kid":["rsa"]})")},
      {"kid of a key of another kind", with_header(R"({"alg":"HS256","kid":"rsa"})")},
      {"kid twice", with_header(R"({"alg":"HS256","kid":"a","kid":"b"})")},
      {"jwk with the attacker's secret",
       sign_hs256(R"({"alg":"HS256","jwk":{"kty":"oct","k":"c2VjcmV0"}})", kClaims, "secret")},
      {"jku of the attacker",
       sign_hs256(R"({"alg":"HS256","jku":"http://127.0.0.1/k"})", kClaims, "secret")},
      {"x5u of the attacker",
       sign_hs256(R"({"alg":"HS256","x5u":"http://127.0.0.1/k"})", kClaims, "secret")},
      {"x5c of the attacker",
       sign_hs256(R"({"alg":"HS256","x5c":["c2VjcmV0"]})", kClaims, "secret")},
  };
}

std::vector<Hostile> of_times() {
  const auto at = [](const char* claim, std::int64_t time) {
    return with_claims("\"" + std::string(claim) + "\":" + std::to_string(time));
  };
  return {
      {"exp a second ago", at("exp", kNow - 1)},
      {"exp now", at("exp", kNow)},
      {"exp now and a half", with_claims("\"exp\":1800000000.5")},
      {"exp 0", at("exp", 0)},
      {"exp negative", with_claims("\"exp\":-1")},
      {"exp a text", with_claims("\"exp\":\"1900000000\"")},
      {"exp null", with_claims("\"exp\":null")},
      {"exp true", with_claims("\"exp\":true")},
      {"exp a list", with_claims("\"exp\":[1900000000]")},
      {"exp in milliseconds", with_claims("\"exp\":1900000000000")},
      {"exp of 20 digits", with_claims("\"exp\":99999999999999999999")},
      {"exp 2^63", with_claims("\"exp\":9223372036854775808")},
      {"exp 1e400", with_claims("\"exp\":1e400")},
      {"exp NaN", with_claims("\"exp\":NaN")},
      {"exp twice", with_claims("\"exp\":1,\"exp\":1900000000")},
      {"exp twice, once escaped", with_claims("\"exp\":1900000000,\"\\u0065xp\":1")},
      {"exp with a leading zero", with_claims("\"exp\":01900000000")},
      {"nbf in a second", at("nbf", kNow + 1)},
      {"nbf in half a second", with_claims("\"nbf\":1800000000.5")},
      {"nbf a text", with_claims("\"nbf\":\"1\"")},
      {"nbf negative", with_claims("\"nbf\":-5")},
      {"iat beyond the leeway", at("iat", kNow + kIssuedLeeway + 1)},
      {"iat a text", with_claims("\"iat\":\"1\"")},
      {"iat negative", with_claims("\"iat\":-1")},
      {"expire_at a text", with_claims("\"expire_at\":\"0\"")},
  };
}

std::vector<Hostile> of_claims() {
  std::string names;
  for (int i = 0; i < 129; ++i) names += (i == 0 ? "\"c" : ",\"c") + std::to_string(i) + "\"";
  const std::string rest = R"("aud":"me","iss":"us"})";
  return {
      {"claims are no JSON", hs256("sub=ann")},
      {"claims are a list", hs256("[" + kClaims + "]")},
      {"claims are null", hs256("null")},
      {"claims cut", hs256(kClaims.substr(0, kClaims.size() - 1))},
      {"claims with something behind", hs256(kClaims + "x")},
      {"claims 10,000 deep", with_claims("\"x\":" + nested("{\"a\":", "}", 10'000))},
      {"claims 100 deep", with_claims("\"x\":" + nested("[", "]", 100))},
      {"claims are no UTF-8", with_claims("\"x\":\"\xc0\xaf\"")},
      {"half a character", with_claims("\"x\":\"\\ud800\"")},
      {"sub a number", hs256("{\"sub\":42," + rest)},
      {"sub null", hs256("{\"sub\":null," + rest)},
      {"sub an object", hs256("{\"sub\":{}," + rest)},
      {"sub twice", hs256("{\"sub\":\"ann\",\"sub\":\"root\"," + rest)},
      {"sub too long", hs256("{\"sub\":\"" + std::string(256, 'u') + "\"," + rest)},
      {"jti a number", with_claims("\"jti\":7")},
      {"jti too long", with_claims("\"jti\":\"" + std::string(256, 'j') + "\"")},
      {"aud missing", hs256(R"({"sub":"ann","iss":"us"})")},
      {"aud of another", hs256(R"({"sub":"ann","aud":"you","iss":"us"})")},
      {"aud as a beginning", hs256(R"({"sub":"ann","aud":"m","iss":"us"})")},
      {"aud in other letters", hs256(R"({"sub":"ann","aud":"ME","iss":"us"})")},
      {"aud a list of others", hs256(R"({"sub":"ann","aud":["you","them"],"iss":"us"})")},
      {"aud an empty list", hs256(R"({"sub":"ann","aud":[],"iss":"us"})")},
      {"aud a list with a number", hs256(R"({"sub":"ann","aud":["me",1],"iss":"us"})")},
      {"aud a list in a list", hs256(R"({"sub":"ann","aud":[["me"]],"iss":"us"})")},
      {"aud an object", hs256(R"({"sub":"ann","aud":{"me":1},"iss":"us"})")},
      {"iss missing", hs256(R"({"sub":"ann","aud":"me"})")},
      {"iss of another", hs256(R"({"sub":"ann","aud":"me","iss":"u"})")},
      {"iss a list", hs256(R"({"sub":"ann","aud":"me","iss":["us"]})")},
      {"channel to connect", with_claims("\"channel\":\"news\"")},
      {"channel empty", with_claims("\"channel\":\"\"")},
      {"channel null", with_claims("\"channel\":null")},
      {"channels a text", with_claims("\"channels\":\"news\"")},
      {"channels with a number", with_claims("\"channels\":[1]")},
      {"channels with an invalid one", with_claims("\"channels\":[\"a..b\"]")},
      {"channels of 129", with_claims("\"channels\":[" + names + "]")},
      {"subs a list", with_claims("\"subs\":[\"news\"]")},
      {"subs with a number inside", with_claims("\"subs\":{\"news\":1}")},
      {"subs with a channel twice", with_claims("\"subs\":{\"a\":{},\"\\u0061\":{}}")},
      {"subs with an invalid channel", with_claims("\"subs\":{\"\":{}}")},
      {"override a list", with_claims("\"subs\":{\"a\":{\"override\":[]}}")},
      {"override of a number",
       with_claims("\"subs\":{\"a\":{\"override\":{\"presence\":{\"value\":1}}}}")},
      {"b64info is no base64", with_claims("\"b64info\":\"*\"")},
      {"b64info is no JSON", with_claims("\"b64info\":\"eHg=\"")},
      {"b64info a number", with_claims("\"b64info\":1")},
  };
}

std::vector<Hostile> all_hostile() {
  std::vector<Hostile> all;
  for (const auto& make :
       {of_algorithms, of_signatures, of_forms, of_headers, of_times, of_claims}) {
    for (Hostile& hostile : make()) all.push_back(std::move(hostile));
  }
  return all;
}

// A secret and a public key of each kind, all at once, so that a confusion has something to find.
TokenVerifier server() {
  TokenSettings settings;
  settings.hmac_secret = kSecret;
  settings.public_keys.push_back("kid=rsa " + test::public_pem(test::key_for(A::kRs256)));
  for (const A algorithm : {A::kEs256, A::kEs384, A::kEs512, A::kEdDsa}) {
    settings.public_keys.push_back(test::public_pem(test::key_for(algorithm)));
  }
  auto keys = TokenKeys::load(settings);
  CHECK(keys.ok());
  return {std::make_shared<const TokenKeys>(std::move(*keys)), {"me", "us"}};
}

TEST(HostileToken, NoneIsAccepted) {
  TokenVerifier verifier = server();
  const std::vector<Hostile> all = all_hostile();
  EXPECT_GE(all.size(), 60U);
  std::set<std::string> names;
  for (const Hostile& hostile : all) {
    EXPECT_TRUE(names.insert(hostile.name).second) << hostile.name;
    EXPECT_FALSE(verifier.connect(hostile.token, kNow).ok()) << hostile.name;
    // None has a channel that is right.
    if (hostile.name != "channel to connect") {
      EXPECT_FALSE(verifier.subscribe(hostile.token, kNow).ok()) << hostile.name;
    }
    // What it left behind does not lock others out.
    EXPECT_TRUE(verifier.connect(good(), kNow).ok()) << hostile.name;
  }
}

TEST(HostileToken, OnlyAnOverExpIsExpired) {
  TokenVerifier verifier = server();
  std::set<std::string> expired;
  for (const Hostile& hostile : all_hostile()) {
    const auto claims = verifier.connect(hostile.token, kNow);
    if (!claims && token_expired(claims.error())) expired.insert(hostile.name);
  }
  EXPECT_EQ(expired,
            (std::set<std::string>{"exp a second ago", "exp now", "exp now and a half", "exp 0"}));
}

TEST(HostileToken, TheOtherSideOfEachEdgeIsAccepted) {
  TokenVerifier verifier = server();
  for (const std::string& more : {
           "\"exp\":" + std::to_string(kNow + 1),
           "\"nbf\":" + std::to_string(kNow),
           "\"nbf\":" + std::to_string(kNow - 1),
           "\"iat\":" + std::to_string(kNow + 1),
           "\"iat\":" + std::to_string(kNow + kIssuedLeeway),
           std::string("\"exp\":1900000000.75,\"iat\":1.8e9"),
           std::string("\"exp\":253402300799"),
           std::string("\"jti\":\"\xc3\xa4\\ud83c\\udfb2\""),
       }) {
    EXPECT_TRUE(verifier.connect(with_claims(more), kNow).ok()) << more;
  }
  EXPECT_TRUE(verifier.connect(hs256(R"({"aud":["you","me"],"iss":"us"})"), kNow).ok());
}

}  // namespace
}  // namespace millrace
