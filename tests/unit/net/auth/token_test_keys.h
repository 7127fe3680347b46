// Keys made anew for each run, and tokens signed with them by OpenSSL.
#pragma once

#include <openssl/bio.h>
#include <openssl/ec.h>
#include <openssl/ecdsa.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>

#include <memory>
#include <string>

#include "core/base/assert.h"
#include "net/auth/base64url.h"
#include "net/auth/public_key.h"
#include "net/auth/token_algorithm.h"
#include "net/auth/token_keys.h"

namespace millrace::test {

inline constexpr std::int64_t kNow = 1'800'000'000;
inline const std::string kSecret = "a-secret-that-is-only-for-tests-0123456789";

inline PublicKey make_rsa(unsigned bits = 2'048) { return PublicKey(EVP_RSA_gen(bits)); }
inline PublicKey make_ec(const char* curve) { return PublicKey(EVP_EC_gen(curve)); }
inline PublicKey make_ed25519() {
  return PublicKey(EVP_PKEY_Q_keygen(nullptr, nullptr, "ED25519"));
}

// For any algorithm but those of secrets; RSA and P-256 are slow enough to be made once.
inline EVP_PKEY* key_for(TokenAlgorithm algorithm) {
  static const PublicKey rsa = make_rsa();
  static const PublicKey p256 = make_ec("P-256");
  static const PublicKey p384 = make_ec("P-384");
  static const PublicKey p521 = make_ec("P-521");
  static const PublicKey ed = make_ed25519();
  if (token_key_kind(algorithm) == TokenKeyKind::kRsa) return rsa.get();
  if (algorithm == TokenAlgorithm::kEs256) return p256.get();
  if (algorithm == TokenAlgorithm::kEs384) return p384.get();
  if (algorithm == TokenAlgorithm::kEs512) return p521.get();
  return ed.get();
}

inline std::string text_of(BIO* bio) {
  char* data = nullptr;
  const long size = BIO_get_mem_data(bio, &data);
  std::string text(data, static_cast<std::size_t>(size));
  BIO_free(bio);
  return text;
}

inline std::string public_pem(EVP_PKEY* key) {
  BIO* bio = BIO_new(BIO_s_mem());
  CHECK_EQ(PEM_write_bio_PUBKEY(bio, key), 1);
  return text_of(bio);
}

inline std::string private_pem(EVP_PKEY* key) {
  BIO* bio = BIO_new(BIO_s_mem());
  CHECK_EQ(PEM_write_bio_PrivateKey(bio, key, nullptr, nullptr, 0, nullptr, nullptr), 1);
  return text_of(bio);
}

inline const unsigned char* raw(Bytes bytes) {
  return reinterpret_cast<const unsigned char*>(bytes.data());
}

inline std::string hmac(TokenAlgorithm algorithm, Bytes secret, Bytes text) {
  std::string sum(EVP_MAX_MD_SIZE, '\0');
  unsigned size = 0;
  HMAC(EVP_get_digestbyname(token_hash_name(algorithm)), secret.data(),
       static_cast<int>(secret.size()), raw(text), text.size(),
       reinterpret_cast<unsigned char*>(sum.data()), &size);
  sum.resize(size);
  return sum;
}

// As OpenSSL makes it: DER for ECDSA.
inline std::string sign_openssl(EVP_PKEY* key, TokenAlgorithm algorithm, Bytes text) {
  const bool hashed = algorithm != TokenAlgorithm::kEdDsa;
  EVP_MD_CTX* context = EVP_MD_CTX_new();
  CHECK_EQ(EVP_DigestSignInit_ex(context, nullptr, hashed ? token_hash_name(algorithm) : nullptr,
                                 nullptr, nullptr, key, nullptr),
           1);
  std::size_t size = 0;
  CHECK_EQ(EVP_DigestSign(context, nullptr, &size, raw(text), text.size()), 1);
  std::string signature(size, '\0');
  CHECK_EQ(EVP_DigestSign(context, reinterpret_cast<unsigned char*>(signature.data()), &size,
                          raw(text), text.size()),
           1);
  signature.resize(size);
  EVP_MD_CTX_free(context);
  return signature;
}

inline std::string raw_of_der(const std::string& der, std::size_t bytes) {
  const unsigned char* at = raw(der);
  ECDSA_SIG* parsed = d2i_ECDSA_SIG(nullptr, &at, static_cast<long>(der.size()));
  CHECK(parsed != nullptr);
  std::string out(2 * bytes, '\0');
  auto* to = reinterpret_cast<unsigned char*>(out.data());
  BN_bn2binpad(ECDSA_SIG_get0_r(parsed), to, static_cast<int>(bytes));
  BN_bn2binpad(ECDSA_SIG_get0_s(parsed), to + bytes, static_cast<int>(bytes));
  ECDSA_SIG_free(parsed);
  return out;
}

// The signature as a token has it, with key_for(algorithm) or kSecret.
inline std::string signature_of(TokenAlgorithm algorithm, Bytes text) {
  if (token_key_kind(algorithm) == TokenKeyKind::kHmac) return hmac(algorithm, kSecret, text);
  const std::string made = sign_openssl(key_for(algorithm), algorithm, text);
  if (token_key_kind(algorithm) != TokenKeyKind::kEc) return made;
  return raw_of_der(made, ec_number_bytes(algorithm));
}

inline std::string token_of(TokenAlgorithm algorithm, Bytes header, Bytes claims) {
  const std::string text = encode_base64url(header) + "." + encode_base64url(claims);
  return text + "." + encode_base64url(signature_of(algorithm, text));
}

inline std::string header_of(TokenAlgorithm algorithm, const std::string& more = "") {
  return R"({"alg":")" + std::string(token_algorithm_name(algorithm)) + "\"" + more + "}";
}

// HS256 with kSecret.
inline std::string hs256(Bytes claims) {
  return token_of(TokenAlgorithm::kHs256, header_of(TokenAlgorithm::kHs256), claims);
}

}  // namespace millrace::test
