#include "net/auth/token_error.h"

#include <gtest/gtest.h>

#include <set>
#include <string>

#include "net/auth/token_verifier.h"

namespace millrace {
namespace {

TEST(TokenError, EachHasATextOfItsOwn) {
  std::set<Bytes> texts;
  for (int i = 0; i <= static_cast<int>(TokenError::kRevoked); ++i) {
    const Bytes text = token_error_text(static_cast<TokenError>(i));
    EXPECT_FALSE(text.empty());
    EXPECT_TRUE(texts.insert(text).second) << text;
  }
}

TEST(TokenError, TextsSayTheLimitsThatHold) {
  EXPECT_EQ(kMaxToken, 16U * 1024);
  EXPECT_NE(token_error_text(TokenError::kTooManySubscriptions)
                .find(std::to_string(kMaxTokenSubscriptions)),
            Bytes::npos);
  EXPECT_NE(token_error_text(TokenError::kBadUser).find(std::to_string(kMaxTokenUser)),
            Bytes::npos);
}

TEST(TokenError, OnlyExpiredIsExpired) {
  EXPECT_TRUE(token_expired(TokenError::kExpired));
  EXPECT_FALSE(token_expired(TokenError::kNotYetValid));
  EXPECT_FALSE(token_expired(TokenError::kBadSignature));
}

}  // namespace
}  // namespace millrace
