#include "net/auth/token_signature.h"

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/params.h>
#include <openssl/rsa.h>

#include "core/base/assert.h"
#include "net/auth/public_key.h"

namespace millrace {
namespace {

const unsigned char* raw(Bytes bytes) {
  return reinterpret_cast<const unsigned char*>(bytes.data());
}

std::size_t hash_index(TokenAlgorithm algorithm) { return static_cast<std::size_t>(algorithm) % 3; }

void append_der_number(std::string& out, Bytes number) {
  while (number.starts_with('\0')) number.remove_prefix(1);
  const bool looks_negative = (static_cast<unsigned char>(number.front()) & 0x80) != 0;
  out.push_back('\x02');
  out.push_back(static_cast<char>(number.size() + (looks_negative ? 1 : 0)));
  if (looks_negative) out.push_back('\0');
  out.append(number);
}

EVP_MAC_CTX* keyed_mac(const TokenKey& key, TokenAlgorithm algorithm) {
  EVP_MAC* mac = EVP_MAC_fetch(nullptr, "HMAC", nullptr);
  EVP_MAC_CTX* context = EVP_MAC_CTX_new(mac);  // nullptr for nullptr
  EVP_MAC_free(mac);
  std::string hash = token_hash_name(algorithm);
  const std::array<OSSL_PARAM, 2> params{
      OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, hash.data(), 0),
      OSSL_PARAM_construct_end()};
  if (context != nullptr &&
      EVP_MAC_init(context, raw(key.secret), key.secret.size(), params.data()) == 1) {
    return context;
  }
  EVP_MAC_CTX_free(context);
  return nullptr;
}

EVP_PKEY_CTX* verifying(const TokenKey& key, TokenAlgorithm algorithm, const EVP_MD* hash) {
  EVP_PKEY_CTX* context = EVP_PKEY_CTX_new_from_pkey(nullptr, key.public_key.get(), nullptr);
  const bool rsa = token_key_kind(algorithm) == TokenKeyKind::kRsa;
  if (context != nullptr && EVP_PKEY_verify_init(context) == 1 &&
      (!rsa || EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_PADDING) == 1) &&
      EVP_PKEY_CTX_set_signature_md(context, hash) == 1) {
    return context;
  }
  EVP_PKEY_CTX_free(context);
  return nullptr;
}

}  // namespace

std::string ecdsa_der(Bytes signature) {
  const std::size_t half = signature.size() / 2;
  const Bytes r = signature.substr(0, half);
  const Bytes s = signature.substr(half);
  constexpr Bytes kZero("\0", 1);
  if (r.size() != s.size() || r.find_first_not_of(kZero) == Bytes::npos ||
      s.find_first_not_of(kZero) == Bytes::npos) {
    return {};
  }
  std::string numbers;
  append_der_number(numbers, r);
  append_der_number(numbers, s);
  std::string der("\x30");
  if (numbers.size() > 0x7f) der.push_back('\x81');
  der.push_back(static_cast<char>(numbers.size()));
  return der + numbers;
}

bool TokenSignatures::good(std::size_t index, TokenAlgorithm algorithm, Bytes text,
                           Bytes signature) {
  const TokenKey& key = keys_.all()[index];
  CHECK(key.is_for(algorithm));
  Slot& slot = slots_[index];
  bool is_good = false;
  switch (token_key_kind(algorithm)) {
    case TokenKeyKind::kHmac:
      is_good = hmac_good(slot, key, algorithm, text, signature);
      break;
    case TokenKeyKind::kRsa:
      is_good = hashed_good(slot, key, algorithm, text, signature);
      break;
    case TokenKeyKind::kEc: {
      if (signature.size() != 2 * ec_number_bytes(algorithm)) return false;
      const std::string der = ecdsa_der(signature);
      is_good = !der.empty() && hashed_good(slot, key, algorithm, text, der);
      break;
    }
    case TokenKeyKind::kEd25519:
      is_good = ed25519_good(key, text, signature);
      break;
  }
  if (!is_good) ERR_clear_error();
  return is_good;
}

bool TokenSignatures::hmac_good(Slot& slot, const TokenKey& key, TokenAlgorithm algorithm,
                                Bytes text, Bytes signature) {
  auto& mac = slot.macs[hash_index(algorithm)];
  if (!mac) mac.reset(keyed_mac(key, algorithm));
  std::array<unsigned char, EVP_MAX_MD_SIZE> sum{};
  std::size_t size = 0;
  // Begins anew with the key that it has.
  const bool summed = mac && EVP_MAC_init(mac.get(), nullptr, 0, nullptr) == 1 &&
                      EVP_MAC_update(mac.get(), raw(text), text.size()) == 1 &&
                      EVP_MAC_final(mac.get(), sum.data(), &size, sum.size()) == 1;
  // What is left half-way may not be gone on with.
  if (!summed) mac.reset();
  return summed && size > 0 && signature.size() == size &&
         CRYPTO_memcmp(sum.data(), signature.data(), size) == 0;
}

bool TokenSignatures::hashed_good(Slot& slot, const TokenKey& key, TokenAlgorithm algorithm,
                                  Bytes text, Bytes signature) {
  EVP_MD* md = hash(algorithm);
  if (md == nullptr) return false;
  // One context is enough: a public key is for one algorithm.
  if (!slot.verify) slot.verify.reset(verifying(key, algorithm, md));
  if (!digest_) digest_.reset(EVP_MD_CTX_new());
  std::array<unsigned char, EVP_MAX_MD_SIZE> sum{};
  unsigned size = 0;
  return slot.verify && digest_ && EVP_DigestInit_ex2(digest_.get(), md, nullptr) == 1 &&
         EVP_DigestUpdate(digest_.get(), text.data(), text.size()) == 1 &&
         EVP_DigestFinal_ex(digest_.get(), sum.data(), &size) == 1 &&
         EVP_PKEY_verify(slot.verify.get(), raw(signature), signature.size(), sum.data(), size) ==
             1;
}

bool TokenSignatures::ed25519_good(const TokenKey& key, Bytes text, Bytes signature) {
  const std::unique_ptr<EVP_MD_CTX, Free> context(EVP_MD_CTX_new());
  return context &&
         EVP_DigestVerifyInit(context.get(), nullptr, nullptr, nullptr, key.public_key.get()) ==
             1 &&
         EVP_DigestVerify(context.get(), raw(signature), signature.size(), raw(text),
                          text.size()) == 1;
}

EVP_MD* TokenSignatures::hash(TokenAlgorithm algorithm) {
  auto& hash = hashes_[hash_index(algorithm)];
  if (!hash) hash.reset(EVP_MD_fetch(nullptr, token_hash_name(algorithm), nullptr));
  return hash.get();
}

}  // namespace millrace
