#include "net/auth/token_algorithm.h"

#include <array>

#include "core/base/assert.h"

namespace millrace {
namespace {

constexpr std::array<Bytes, kTokenAlgorithms> kNames{"HS256", "HS384", "HS512", "RS256", "RS384",
                                                     "RS512", "ES256", "ES384", "ES512", "EdDSA"};

}  // namespace

std::optional<TokenAlgorithm> token_algorithm(Bytes name) {
  for (std::size_t i = 0; i < kNames.size(); ++i) {
    if (kNames[i] == name) return static_cast<TokenAlgorithm>(i);
  }
  return std::nullopt;
}

Bytes token_algorithm_name(TokenAlgorithm algorithm) {
  return kNames[static_cast<std::size_t>(algorithm)];
}

TokenKeyKind token_key_kind(TokenAlgorithm algorithm) {
  switch (algorithm) {
    case TokenAlgorithm::kHs256:
    case TokenAlgorithm::kHs384:
    case TokenAlgorithm::kHs512:
      return TokenKeyKind::kHmac;
    case TokenAlgorithm::kRs256:
    case TokenAlgorithm::kRs384:
    case TokenAlgorithm::kRs512:
      return TokenKeyKind::kRsa;
    case TokenAlgorithm::kEs256:
    case TokenAlgorithm::kEs384:
    case TokenAlgorithm::kEs512:
      return TokenKeyKind::kEc;
    case TokenAlgorithm::kEdDsa:
      return TokenKeyKind::kEd25519;
  }
  CHECK(false);
  return TokenKeyKind::kHmac;
}

const char* token_hash_name(TokenAlgorithm algorithm) {
  switch (algorithm) {
    case TokenAlgorithm::kHs256:
    case TokenAlgorithm::kRs256:
    case TokenAlgorithm::kEs256:
      return "SHA256";
    case TokenAlgorithm::kHs384:
    case TokenAlgorithm::kRs384:
    case TokenAlgorithm::kEs384:
      return "SHA384";
    case TokenAlgorithm::kHs512:
    case TokenAlgorithm::kRs512:
    case TokenAlgorithm::kEs512:
      return "SHA512";
    case TokenAlgorithm::kEdDsa:
      break;
  }
  CHECK(false);  // EdDSA has a hash of its own
  return "";
}

}  // namespace millrace
