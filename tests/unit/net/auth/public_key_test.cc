#include "net/auth/public_key.h"

#include <gtest/gtest.h>

#include "tests/unit/net/auth/token_test_keys.h"

namespace millrace {
namespace {

using A = TokenAlgorithm;

std::string error_of(const Result<PinnedKey>& key) { return key.ok() ? "" : key.error().text; }

bool has(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

TEST(PublicKey, RefusesWhatIsNoPublicKey) {
  const std::string pem = test::public_pem(test::key_for(A::kEs256));
  EXPECT_TRUE(has(error_of(public_key_of_pem("", {})), "no PEM"));
  EXPECT_TRUE(has(error_of(public_key_of_pem(pem + pem, {})), "more than one key"));
  EXPECT_TRUE(has(error_of(public_key_of_pem(pem.substr(0, 60), {})), "can't be read"));
  const std::string secret = test::private_pem(test::key_for(A::kEs256));
  EXPECT_TRUE(has(error_of(public_key_of_pem(secret, {})), "is a private key"));
  EXPECT_FALSE(has(error_of(public_key_of_pem(secret, {})), secret.substr(40, 20)));
  EXPECT_TRUE(has(error_of(public_key_of_pem("-----BEGIN CERTIFICATE-----\n", {})), "x509"));
}

TEST(PublicKey, RefusesWeakRsa) {
  EXPECT_TRUE(has(error_of(public_key_of_pem(test::public_pem(test::make_rsa(1'024).get()), {})),
                  "1024 bits is too weak"));
  std::string modulus(256, '\xff');
  modulus.back() = '\xfd';
  EXPECT_TRUE(has(error_of(rsa_public_key(modulus, "\x01", {})), "exponent"));
  EXPECT_TRUE(has(error_of(rsa_public_key(modulus, "\x04", {})), "exponent"));
  EXPECT_TRUE(has(error_of(rsa_public_key(modulus, std::string(9, '\x01'), {})), "exponent"));
  EXPECT_TRUE(has(error_of(rsa_public_key(std::string(1'025, '\xff'), "\x03", {})), "too slow"));
}

TEST(PublicKey, RefusesOtherCurvesAndKinds) {
  for (const char* curve : {"secp256k1", "brainpoolP256r1"}) {
    const std::string pem = test::public_pem(test::make_ec(curve).get());
    EXPECT_TRUE(has(error_of(public_key_of_pem(pem, {})), "curve")) << curve;
  }
  const PublicKey x25519(EVP_PKEY_Q_keygen(nullptr, nullptr, "X25519"));
  EXPECT_TRUE(has(error_of(public_key_of_pem(test::public_pem(x25519.get()), {})), "no RSA, EC"));
}

TEST(PublicKey, RefusesPointsThatAreOnNoCurve) {
  const std::string zeros(32, '\0');
  EXPECT_FALSE(ec_public_key(A::kEs256, zeros, zeros).ok());
  EXPECT_TRUE(has(error_of(ec_public_key(A::kEs256, "x", "y")), "32 bytes"));
  EXPECT_TRUE(has(error_of(ed25519_public_key("x")), "32 bytes"));
}

}  // namespace
}  // namespace millrace
