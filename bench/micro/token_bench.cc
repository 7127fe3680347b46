// What checking one token costs, by algorithm.
#include <benchmark/benchmark.h>

#include "net/auth/token_verifier.h"
#include "tests/unit/net/auth/token_test_keys.h"

namespace millrace {
namespace {

void verify_token(benchmark::State& state) {
  const auto algorithm = static_cast<TokenAlgorithm>(state.range(0));
  TokenSettings settings;
  if (token_key_kind(algorithm) == TokenKeyKind::kHmac) {
    settings.hmac_secret = test::kSecret;
  } else {
    settings.public_keys = {"alg=" + std::string(token_algorithm_name(algorithm)) + " " +
                            test::public_pem(test::key_for(algorithm))};
  }
  auto keys = TokenKeys::load(settings);
  TokenVerifier verifier(std::make_shared<const TokenKeys>(std::move(*keys)), {});
  const std::string token = test::token_of(
      algorithm, test::header_of(algorithm),
      R"({"sub":"9f8b3c52-6f0e-4d3a-9f55-0b6a4f1c2d3e","iat":1799999000,"exp":1800003600,)"
      R"("jti":"0b6a4f1c-6f0e-4d3a-9f55-9f8b3c522d3e","info":{"name":"Ann"}})");
  for (auto unused : state) {
    (void)unused;
    const auto claims = verifier.connect(token, test::kNow);
    CHECK(claims.ok());
    benchmark::DoNotOptimize(claims->user.data());
  }
  state.SetLabel(std::string(token_algorithm_name(algorithm)));
}
BENCHMARK(verify_token)->DenseRange(0, kTokenAlgorithms - 1);

}  // namespace
}  // namespace millrace
