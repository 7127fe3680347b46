#include "bench/load/client_tokens.h"

#include <fmt/core.h>

#include "net/auth/token_maker.h"

namespace millrace::load {

std::string ClientTokens::token(std::uint32_t client) const {
  const std::string claims =
      fmt::format(R"({{"sub":"{0:08x}-10ad-4000-8000-{0:012x}","iat":{1},"exp":{2},"jti":"{0}"}})",
                  client, issued_at_, issued_at_ + kLifetime);
  return sign_hs256(R"({"alg":"HS256","typ":"JWT"})", claims, secret_);
}

}  // namespace millrace::load
