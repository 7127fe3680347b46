#include "net/auth/token_signature.h"

#include <gtest/gtest.h>

#include "tests/unit/net/auth/token_test_keys.h"

namespace millrace {
namespace {

using A = TokenAlgorithm;

TEST(TokenSignature, DerIsWhatOpensslMakes) {
  for (const A algorithm : {A::kEs256, A::kEs384, A::kEs512}) {
    // Some begin with zeros, some with a high bit.
    for (int i = 0; i < 50; ++i) {
      const std::string der = test::sign_openssl(test::key_for(algorithm), algorithm, "text");
      EXPECT_EQ(ecdsa_der(test::raw_of_der(der, ec_number_bytes(algorithm))), der);
    }
  }
}

TEST(TokenSignature, DerOfNoSignatureIsEmpty) {
  EXPECT_EQ(ecdsa_der(""), "");
  EXPECT_EQ(ecdsa_der("abc"), "");
  EXPECT_EQ(ecdsa_der(std::string(64, '\0')), "");
  EXPECT_EQ(ecdsa_der(std::string(32, '\0') + std::string(32, 'x')), "");
  EXPECT_EQ(ecdsa_der(std::string(32, 'x') + std::string(32, '\0')), "");
}

TEST(TokenSignature, ContextsAreGoodForMoreThanOne) {
  TokenKeys keys;
  ASSERT_TRUE(keys.add({.name = "a",
                        .kid = {},
                        .algorithms = {A::kHs256, A::kHs384, A::kHs512},
                        .secret = test::kSecret,
                        .public_key = {}})
                  .ok());
  TokenSignatures signatures(keys);
  for (int round = 0; round < 3; ++round) {
    for (const A algorithm : {A::kHs256, A::kHs384, A::kHs512}) {
      const std::string sum = test::hmac(algorithm, test::kSecret, "text");
      EXPECT_TRUE(signatures.good(0, algorithm, "text", sum));
      EXPECT_FALSE(signatures.good(0, algorithm, "texts", sum));
      EXPECT_FALSE(signatures.good(0, algorithm, "text", ""));
      EXPECT_FALSE(signatures.good(0, algorithm, "text", sum.substr(1)));
    }
  }
}

}  // namespace
}  // namespace millrace
