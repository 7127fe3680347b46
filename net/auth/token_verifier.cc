#include "net/auth/token_verifier.h"

#include <optional>
#include <utility>

#include "core/base/assert.h"
#include "net/auth/base64url.h"

namespace millrace {

TokenVerifier::TokenVerifier(std::shared_ptr<const TokenKeys> keys, TokenExpectations expected)
    : keys_(std::move(keys)), signatures_(*keys_), claims_(std::move(expected)) {
  candidates_.reserve(kMaxTriedKeys);
}

Result<ConnectClaims, TokenError> TokenVerifier::connect(Bytes token, std::int64_t now) {
  if (auto opened = open(token); !opened) return opened.error();
  return claims_.connect(payload_, now);
}

Result<SubscribeClaims, TokenError> TokenVerifier::subscribe(Bytes token, std::int64_t now) {
  if (auto opened = open(token); !opened) return opened.error();
  return claims_.subscribe(payload_, now);
}

Result<void, TokenError> TokenVerifier::open(Bytes token) {
  if (token.size() > kMaxToken) return TokenError::kTooLong;
  const std::size_t first = token.find('.');
  const std::size_t second = first == Bytes::npos ? first : token.find('.', first + 1);
  if (second == Bytes::npos || token.find('.', second + 1) != Bytes::npos) {
    return TokenError::kNotThreeParts;
  }
  if (auto read = read_header(token.substr(0, first)); !read) return read.error();
  if (!decode_base64url(token.substr(second + 1), signature_) ||
      !decode_base64url(token.substr(first + 1, second - first - 1), payload_)) {
    return TokenError::kBadBase64;
  }
  bool is_good = false;
  for (const std::size_t key : candidates_) {
    is_good = is_good || signatures_.good(key, algorithm_, token.substr(0, second), signature_);
  }
  if (!is_good) return TokenError::kBadSignature;
  return {};
}

Result<void, TokenError> TokenVerifier::read_header(Bytes encoded) {
  if (!decode_base64url(encoded, header_)) return TokenError::kBadBase64;
  if (!validator_.valid(header_) || !header_members_.read(header_, kMaxTokenHeaderMembers)) {
    return TokenError::kBadHeader;
  }
  if (header_members_.find("crit") || header_members_.find("b64")) return TokenError::kCritical;
  const auto alg = header_members_.find("alg");
  const auto name = alg ? json_string(*alg) : std::nullopt;
  const auto algorithm = name ? token_algorithm(*name) : std::nullopt;
  if (!algorithm) return TokenError::kBadAlgorithm;
  algorithm_ = *algorithm;
  std::optional<std::string> kid;
  if (const auto value = header_members_.find("kid")) {
    kid = json_string(*value);
    if (!kid) return TokenError::kBadHeader;
  }
  keys_->find(algorithm_, kid ? std::optional<Bytes>(*kid) : std::nullopt, candidates_);
  if (candidates_.empty()) return TokenError::kUnknownKey;
  return {};
}

}  // namespace millrace
