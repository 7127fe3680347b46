#include "net/nats/nats_security.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <fstream>
#include <memory>

#include "tests/unit/net/nats/nats_test_keys.h"

namespace millrace {
namespace {

using Urls = std::vector<std::string>;

const Urls kPlain{"nats://a:1", "nats://b:1"};
const Urls kTls{"tls://a:1", "tls://b:1"};

std::string fault(const NatsSecurity& security, const Urls& urls) {
  const auto found = find_security_fault(security, urls);
  return found ? std::string(found->key) : "";
}

TEST(NatsSecurity, TakesWhatFitsTogether) {
  EXPECT_EQ(fault({}, kPlain), "");
  EXPECT_EQ(fault({}, kTls), "");
  EXPECT_EQ(fault({}, {"nats://u:p@a:1"}), "");
  EXPECT_EQ(fault({.credentials = "c"}, kPlain), "");
  EXPECT_EQ(fault({.nkey_seed = "s"}, kPlain), "");
  EXPECT_EQ(fault({.tls = true, .tls_ca = "ca"}, kPlain), "");
  EXPECT_EQ(fault({.tls_ca = "ca", .tls_cert = "c", .tls_key = "k", .tls_name = "n"}, kTls), "");
  EXPECT_EQ(fault({.tls = true}, {"nats://a:1", "tls://b:1"}), "");
}

TEST(NatsSecurity, NamesTheKeyThatDoesNot) {
  EXPECT_EQ(fault({.credentials = "c", .nkey_seed = "s"}, kPlain), "nkey_seed");
  EXPECT_EQ(fault({.credentials = "c"}, {"nats://a:1", "nats://u:p@b:1"}), "credentials");
  EXPECT_EQ(fault({.nkey_seed = "s"}, {"nats://token@b:1"}), "nkey_seed");
  EXPECT_EQ(fault({}, {"nats://a:1", "tls://b:1"}), "nats");
  EXPECT_EQ(fault({.tls_ca = "ca"}, kPlain), "tls_ca");
  EXPECT_EQ(fault({.tls_name = "n"}, kPlain), "tls_name");
  EXPECT_EQ(fault({.tls_cert = "c", .tls_key = "k"}, kPlain), "tls_cert");
  EXPECT_EQ(fault({.tls = true, .tls_cert = "c"}, kPlain), "tls_cert");
  EXPECT_EQ(fault({.tls = true, .tls_key = "k"}, kPlain), "tls_key");
  const auto text = find_security_fault({.tls_ca = "ca"}, kPlain)->text;
  EXPECT_NE(text.find("set tls = true"), std::string::npos) << text;
}

TEST(NatsSecurity, AUrlOrTheKeyAsksForTls) {
  EXPECT_FALSE(wants_tls({}, kPlain));
  EXPECT_TRUE(wants_tls({}, kTls));
  EXPECT_TRUE(wants_tls({.tls = true}, kPlain));
}

struct OptionsFree {
  void operator()(natsOptions* options) const { natsOptions_Destroy(options); }
};

natsStatus told(const NatsSecurity& security, bool tls) {
  natsOptions* made = nullptr;
  EXPECT_EQ(natsOptions_Create(&made), NATS_OK);
  const std::unique_ptr<natsOptions, OptionsFree> options(made);
  return set_nats_security(*options, security, tls);
}

// What the library does with it, tests/e2e/nats_security.test.mjs shows.
TEST(NatsSecurity, TheLibraryIsToldOfTheUser) {
  const std::string seed = ::testing::TempDir() + "/nats_security.nk";
  const std::string other = ::testing::TempDir() + "/nats_security.pem";
  std::ofstream(seed) << kUserSeed << "\n";
  std::ofstream(other) << kCertificatePem;
  EXPECT_EQ(told({}, false), NATS_OK);
  EXPECT_EQ(told({.credentials = "anything"}, false), NATS_OK) << "read when it connects";
  EXPECT_EQ(told({.nkey_seed = seed}, false), NATS_OK);
  EXPECT_NE(told({.nkey_seed = other}, false), NATS_OK);
  EXPECT_NE(told({.nkey_seed = seed + "x"}, false), NATS_OK);
  nats_ReleaseThreadMemory();
}

// In a process of its own: after TLS, nats_Close() frees what OpenSSL frees at the end once more.
TEST(NatsSecurityDeathTest, TheLibraryIsToldOfTls) {
  const std::string folder = ::testing::TempDir() + "/nats_security_tls";
  const std::string seed = folder + ".nk";
  const std::string certificate = folder + ".cert";
  const std::string key = folder + ".key";
  std::ofstream(seed) << kUserSeed << "\n";
  std::ofstream(certificate) << kCertificatePem;
  std::ofstream(key) << kPrivateKeyPem;
  const NatsSecurity good{
      .tls_ca = certificate, .tls_cert = certificate, .tls_key = key, .tls_name = "n"};
  const auto right = [&] {
    return told(good, true) == NATS_OK && told({.tls_ca = seed}, true) != NATS_OK &&
           told({.tls_cert = certificate, .tls_key = seed}, true) != NATS_OK;
  };
  EXPECT_EXIT(_exit(right() ? 0 : 1), ::testing::ExitedWithCode(0), "");
}

}  // namespace
}  // namespace millrace
