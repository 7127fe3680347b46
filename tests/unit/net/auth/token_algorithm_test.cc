#include "net/auth/token_algorithm.h"

#include <gtest/gtest.h>

namespace millrace {
namespace {

TEST(TokenAlgorithm, NamesGoThereAndBack) {
  for (std::size_t i = 0; i < kTokenAlgorithms; ++i) {
    const auto algorithm = static_cast<TokenAlgorithm>(i);
    EXPECT_EQ(token_algorithm(token_algorithm_name(algorithm)), algorithm);
    if (algorithm == TokenAlgorithm::kEdDsa) continue;
    // HS512 is of SHA512, and so on.
    EXPECT_EQ("SHA" + std::string(token_algorithm_name(algorithm).substr(2)),
              token_hash_name(algorithm));
  }
  EXPECT_EQ(token_key_kind(TokenAlgorithm::kHs512), TokenKeyKind::kHmac);
  EXPECT_EQ(token_key_kind(TokenAlgorithm::kRs256), TokenKeyKind::kRsa);
  EXPECT_EQ(token_key_kind(TokenAlgorithm::kEs384), TokenKeyKind::kEc);
  EXPECT_EQ(token_key_kind(TokenAlgorithm::kEdDsa), TokenKeyKind::kEd25519);
}

TEST(TokenAlgorithm, NothingElseIsOne) {
  for (const Bytes name : {"", "none", "None", "hs256", "HS256 ", "HS1", "PS256", "ES256K", "HS"}) {
    EXPECT_FALSE(token_algorithm(name).has_value()) << name;
  }
}

}  // namespace
}  // namespace millrace
