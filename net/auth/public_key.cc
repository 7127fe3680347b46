#include "net/auth/public_key.h"

#include <openssl/bio.h>
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/param_build.h>
#include <openssl/pem.h>

#include <algorithm>
#include <array>
#include <memory>
#include <utility>

#include "core/base/assert.h"

namespace millrace {
namespace {

template <typename T, void (*kFree)(T*)>
struct Freeing {
  void operator()(T* thing) const { kFree(thing); }
};
using BigNumber = std::unique_ptr<BIGNUM, Freeing<BIGNUM, BN_free>>;
using KeyContext = std::unique_ptr<EVP_PKEY_CTX, Freeing<EVP_PKEY_CTX, EVP_PKEY_CTX_free>>;
using ParamBuilder = std::unique_ptr<OSSL_PARAM_BLD, Freeing<OSSL_PARAM_BLD, OSSL_PARAM_BLD_free>>;
using Params = std::unique_ptr<OSSL_PARAM, Freeing<OSSL_PARAM, OSSL_PARAM_free>>;
struct BioFree {
  void operator()(BIO* bio) const { BIO_free_all(bio); }
};

// What a failing call leaves behind would be taken for the next one's.
struct ErrorsCleared {
  ~ErrorsCleared() { ERR_clear_error(); }
};

const unsigned char* raw(Bytes bytes) {
  return reinterpret_cast<const unsigned char*>(bytes.data());
}

BigNumber number_of(Bytes bytes) {
  return BigNumber(BN_bin2bn(raw(bytes), static_cast<int>(bytes.size()), nullptr));
}

constexpr std::array<const char*, 3> kCurves{"prime256v1", "secp384r1", "secp521r1"};

const char* curve_of(TokenAlgorithm algorithm) {
  CHECK(token_key_kind(algorithm) == TokenKeyKind::kEc);
  return kCurves[static_cast<std::size_t>(algorithm) -
                 static_cast<std::size_t>(TokenAlgorithm::kEs256)];
}

std::optional<TokenAlgorithm> algorithm_of_curve(EVP_PKEY* key) {
  std::array<char, 80> name{};
  std::size_t size = 0;
  if (EVP_PKEY_get_group_name(key, name.data(), name.size(), &size) != 1) return std::nullopt;
  for (const TokenAlgorithm algorithm :
       {TokenAlgorithm::kEs256, TokenAlgorithm::kEs384, TokenAlgorithm::kEs512}) {
    if (Bytes(name.data(), size) == curve_of(algorithm)) return algorithm;
  }
  return std::nullopt;
}

// An exponent of 1 would let everybody sign, and a long one would make every check slow.
Result<void> check_rsa(EVP_PKEY* key) {
  const auto bits = static_cast<std::size_t>(EVP_PKEY_get_bits(key));
  if (bits < kLeastRsaBits || bits > kMaxRsaBits) {
    return Error{"an RSA key of " + std::to_string(bits) + " bits is too " +
                 (bits < kLeastRsaBits ? "weak" : "slow") + "; make one with 2048 to 8192 bits, " +
                 "such as `openssl genrsa 3072`"};
  }
  BIGNUM* taken = nullptr;
  const bool got = EVP_PKEY_get_bn_param(key, OSSL_PKEY_PARAM_RSA_E, &taken) == 1;
  const BigNumber exponent(taken);
  if (!got || BN_is_odd(exponent.get()) == 0 || BN_is_one(exponent.get()) == 1 ||
      static_cast<std::size_t>(BN_num_bits(exponent.get())) > kMaxRsaExponentBits) {
    return Error{
        "the RSA key's exponent is no odd number from 3 to 64 bits; make a key with "
        "65537, as `openssl genrsa 3072` does"};
  }
  return {};
}

// What the key can be used for; an error if that is nothing.
Result<TokenAlgorithm> natural_algorithm(EVP_PKEY* key) {
  switch (EVP_PKEY_get_base_id(key)) {
    case EVP_PKEY_RSA: {
      if (auto checked = check_rsa(key); !checked) return checked.error();
      return TokenAlgorithm::kRs256;
    }
    case EVP_PKEY_EC: {
      const auto algorithm = algorithm_of_curve(key);
      if (!algorithm) return Error{"its curve is none of P-256, P-384 and P-521; use one of them"};
      return *algorithm;
    }
    case EVP_PKEY_ED25519:
      return TokenAlgorithm::kEdDsa;
    default:
      return Error{"it is no RSA, EC or Ed25519 key; use one of these"};
  }
}

Result<PinnedKey> pin(PublicKey key, std::optional<TokenAlgorithm> wanted) {
  const ErrorsCleared cleared;
  const auto natural = natural_algorithm(key.get());
  if (!natural) return natural.error();
  TokenAlgorithm algorithm = *natural;
  if (wanted) {
    const bool rsa = token_key_kind(*natural) == TokenKeyKind::kRsa &&
                     token_key_kind(*wanted) == TokenKeyKind::kRsa;
    if (!rsa && *wanted != *natural) {
      return Error{"the key can't be for " + std::string(token_algorithm_name(*wanted)) +
                   ", it is one for " + std::string(token_algorithm_name(*natural)) +
                   "; correct `alg` or the key"};
    }
    algorithm = *wanted;
  }
  const KeyContext context(EVP_PKEY_CTX_new_from_pkey(nullptr, key.get(), nullptr));
  if (!context || EVP_PKEY_public_check(context.get()) != 1) {
    return Error{"its numbers make no key; take the file anew from where the key was made"};
  }
  return PinnedKey{std::move(key), algorithm};
}

Result<PinnedKey> from_params(const char* type, OSSL_PARAM_BLD* builder,
                              std::optional<TokenAlgorithm> wanted) {
  const ErrorsCleared cleared;
  const Params params(OSSL_PARAM_BLD_to_param(builder));
  const KeyContext context(EVP_PKEY_CTX_new_from_name(nullptr, type, nullptr));
  EVP_PKEY* made = nullptr;
  const bool ok = params && context && EVP_PKEY_fromdata_init(context.get()) == 1 &&
                  EVP_PKEY_fromdata(context.get(), &made, EVP_PKEY_PUBLIC_KEY, params.get()) == 1;
  PublicKey key(made);
  if (!ok) return Error{"its numbers make no key; take it anew from where it was made"};
  return pin(std::move(key), wanted);
}

}  // namespace

std::size_t ec_number_bytes(TokenAlgorithm algorithm) {
  constexpr std::array<std::size_t, 3> kBytes{32, 48, 66};
  CHECK(token_key_kind(algorithm) == TokenKeyKind::kEc);
  return kBytes[static_cast<std::size_t>(algorithm) -
                static_cast<std::size_t>(TokenAlgorithm::kEs256)];
}

Result<PinnedKey> public_key_of_pem(Bytes pem, std::optional<TokenAlgorithm> wanted) {
  constexpr Bytes kBegin = "-----BEGIN ";
  const std::size_t begin = pem.find(kBegin);
  if (begin == Bytes::npos) {
    return Error{"there is no PEM in it; it should begin with -----BEGIN PUBLIC KEY-----"};
  }
  if (pem.find(kBegin, begin + 1) != Bytes::npos) {
    return Error{"there is more than one key in it; put each into a file of its own"};
  }
  const Bytes label = pem.substr(begin + kBegin.size(), 40);
  if (label.substr(0, label.find('-')).find("PRIVATE") != Bytes::npos) {
    return Error{
        "it is a private key, which a server should not have; make the public one with "
        "`openssl pkey -in private.pem -pubout`"};
  }
  if (!label.starts_with("PUBLIC KEY-----")) {
    return Error{
        "it is no PUBLIC KEY; of a certificate, make one with `openssl x509 -pubkey "
        "-noout`, of an RSA PUBLIC KEY with `openssl rsa -RSAPublicKey_in -pubout`"};
  }
  const ErrorsCleared cleared;
  const std::unique_ptr<BIO, BioFree> bio(
      BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
  PublicKey key(bio ? PEM_read_bio_PUBKEY(bio.get(), nullptr, nullptr, nullptr) : nullptr);
  if (!key) {
    return Error{"the PEM can't be read; `openssl pkey -pubin -in FILE -text` says more"};
  }
  return pin(std::move(key), wanted);
}

Result<PinnedKey> rsa_public_key(Bytes modulus, Bytes exponent,
                                 std::optional<TokenAlgorithm> wanted) {
  const BigNumber n = number_of(modulus);
  const BigNumber e = number_of(exponent);
  const ParamBuilder builder(OSSL_PARAM_BLD_new());
  CHECK(n && e && builder);
  CHECK(OSSL_PARAM_BLD_push_BN(builder.get(), OSSL_PKEY_PARAM_RSA_N, n.get()) == 1);
  CHECK(OSSL_PARAM_BLD_push_BN(builder.get(), OSSL_PKEY_PARAM_RSA_E, e.get()) == 1);
  return from_params("RSA", builder.get(), wanted);
}

Result<PinnedKey> ec_public_key(TokenAlgorithm algorithm, Bytes x, Bytes y) {
  if (x.size() != ec_number_bytes(algorithm) || y.size() != x.size()) {
    return Error{"x and y must have " + std::to_string(ec_number_bytes(algorithm)) +
                 " bytes each on this curve; take the key anew from where it was made"};
  }
  std::string point("\x04");
  point.append(x).append(y);
  const ParamBuilder builder(OSSL_PARAM_BLD_new());
  CHECK(builder);
  CHECK(OSSL_PARAM_BLD_push_utf8_string(builder.get(), OSSL_PKEY_PARAM_GROUP_NAME,
                                        curve_of(algorithm), 0) == 1);
  CHECK(OSSL_PARAM_BLD_push_octet_string(builder.get(), OSSL_PKEY_PARAM_PUB_KEY, point.data(),
                                         point.size()) == 1);
  return from_params("EC", builder.get(), algorithm);
}

Result<PinnedKey> ed25519_public_key(Bytes x) {
  constexpr std::size_t kBytes = 32;
  if (x.size() != kBytes) return Error{"x must have 32 bytes on the curve Ed25519"};
  PublicKey key(EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, nullptr, raw(x), x.size()));
  if (!key) return Error{"its numbers make no key; take it anew from where it was made"};
  return pin(std::move(key), TokenAlgorithm::kEdDsa);
}

}  // namespace millrace
