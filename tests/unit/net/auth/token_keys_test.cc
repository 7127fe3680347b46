#include "net/auth/token_keys.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "tests/unit/net/auth/token_test_keys.h"

namespace millrace {
namespace {

using test::kSecret;
using A = TokenAlgorithm;

std::string error_of(const TokenSettings& settings) {
  const auto keys = TokenKeys::load(settings);
  return keys.ok() ? "" : keys.error().text;
}

bool has(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

std::string pem_of(A algorithm) { return test::public_pem(test::key_for(algorithm)); }

TEST(TokenKeys, SecretsAreForTheThreeHmacsOnly) {
  TokenSettings settings;
  settings.hmac_secret = kSecret;
  const auto keys = TokenKeys::load(settings);
  ASSERT_TRUE(keys.ok());
  std::vector<std::size_t> found;
  for (std::size_t i = 0; i < kTokenAlgorithms; ++i) {
    const auto algorithm = static_cast<A>(i);
    keys->find(algorithm, std::nullopt, found);
    EXPECT_EQ(found.size(), token_key_kind(algorithm) == TokenKeyKind::kHmac ? 1U : 0U);
    keys->find(algorithm, Bytes(), found);
    EXPECT_TRUE(found.empty());
  }
}

TEST(TokenKeys, APublicKeyIsForOneAlgorithm) {
  for (const A algorithm : {A::kRs256, A::kEs256, A::kEs384, A::kEs512, A::kEdDsa}) {
    TokenSettings settings;
    settings.public_keys.push_back(pem_of(algorithm));
    const auto keys = TokenKeys::load(settings);
    ASSERT_TRUE(keys.ok());
    EXPECT_EQ(keys->all()[0].algorithms, std::vector<A>{algorithm});
  }
}

TEST(TokenKeys, RefusesWeakSecretsWithoutShowingThem) {
  TokenSettings settings;
  settings.hmac_secret = "hush-hush";
  EXPECT_TRUE(has(error_of(settings), "hmac_secret has 9 bytes"));
  EXPECT_TRUE(has(error_of(settings), "openssl rand -hex 32"));
  EXPECT_FALSE(has(error_of(settings), "hush"));
  settings.hmac_secret = kSecret;
  settings.hmac_previous_secret = "hush";
  EXPECT_TRUE(has(error_of(settings), "hmac_previous_secret has 4 bytes"));
  settings.hmac_secret.clear();
  EXPECT_TRUE(has(error_of(settings), "without hmac_secret"));
}

TEST(TokenKeys, ReadsFilesAndSaysWhatIsWrongWithThem) {
  const auto folder = std::filesystem::temp_directory_path() /
                      ("millrace_token_keys_" + std::to_string(::getpid()));
  std::filesystem::create_directories(folder);
  const std::string good = folder / "good.pem";
  const std::string set = folder / "set.json";
  std::ofstream(good) << pem_of(A::kEs256);
  std::ofstream(set) << R"({"keys":[{"kty":"oct","kid":"s","k":")" + encode_base64url(kSecret) +
                            R"("},{"kty":"RSA","use":"enc"}]})";
  TokenSettings settings;
  settings.public_keys = {"kid=one " + good};
  settings.jwks = set;
  const auto keys = TokenKeys::load(settings);
  ASSERT_TRUE(keys.ok()) << error_of(settings);
  EXPECT_EQ(keys->all().size(), 2U);
  EXPECT_EQ(keys->skipped().size(), 1U);
  settings.public_keys = {folder / "none.pem"};
  EXPECT_TRUE(has(error_of(settings), "public_keys[0]: the file can't be opened: No such file"));
  settings.public_keys = {folder};
  EXPECT_TRUE(has(error_of(settings), "name a file, not a folder"));
  settings.public_keys = {};
  settings.jwks = good;
  EXPECT_TRUE(has(error_of(settings), "jwks: it is no JSON object"));
  std::filesystem::remove_all(folder);
}

TEST(TokenKeys, RefusesEntriesThatMakeNoSense) {
  const auto entry = [](const std::string& text) {
    TokenSettings settings;
    settings.public_keys = {text};
    return error_of(settings);
  };
  EXPECT_TRUE(has(entry("kid= /a"), "needs a value"));
  EXPECT_TRUE(has(entry("kid=a"), "needs a value"));
  EXPECT_TRUE(has(entry("alg=HS256 " + pem_of(A::kRs256)), "no algorithm of public keys"));
  EXPECT_TRUE(has(entry("alg=none " + pem_of(A::kRs256)), "no algorithm of public keys"));
  EXPECT_TRUE(has(entry("alg=ES384 " + pem_of(A::kEs256)), "can't be for ES384"));
  EXPECT_TRUE(has(entry("alg=RS256 " + pem_of(A::kEs256)), "can't be for RS256"));
  EXPECT_TRUE(has(entry(std::string("a\0b", 3)), "NUL"));
  EXPECT_EQ(entry("alg=RS512 kid=x " + pem_of(A::kRs256)), "");
}

TEST(TokenKeys, RefusesTheSameKidTwice) {
  TokenSettings settings;
  settings.public_keys = {"kid=a " + pem_of(A::kEs256), "kid=a " + pem_of(A::kEdDsa)};
  EXPECT_TRUE(has(error_of(settings), "public_keys[1]: has the same kid as public_keys[0]"));
}

TEST(TokenKeys, WithoutAKidAFewAreTried) {
  TokenSettings settings;
  for (std::size_t i = 0; i <= kMaxTriedKeys; ++i)
    settings.public_keys.push_back(pem_of(A::kEs256));
  const auto keys = TokenKeys::load(settings);
  ASSERT_TRUE(keys.ok());
  std::vector<std::size_t> found;
  keys->find(A::kEs256, std::nullopt, found);
  EXPECT_EQ(found, (std::vector<std::size_t>{0, 1, 2, 3}));
}

}  // namespace
}  // namespace millrace
