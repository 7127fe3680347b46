#include "net/nats/nats_files.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "tests/unit/net/nats/nats_test_keys.h"

namespace millrace {
namespace {

const std::string kJwt = "eyJ0eXAiOiJKV1QifQ.eyJqdGkiOiIxIn0.c2lnbmF0dXJl";

std::string credentials_text(const std::string& jwt, const std::string& seed) {
  return "-----BEGIN NATS USER JWT-----\n" + jwt +
         "\n------END NATS USER JWT------\n\n*** IMPORTANT ***\n\n"
         "-----BEGIN USER NKEY SEED-----\n" +
         seed + "\n------END USER NKEY SEED------\n";
}

class NatsFiles : public ::testing::Test {
 protected:
  NatsFiles() { std::filesystem::create_directories(folder_); }
  ~NatsFiles() override { std::filesystem::remove_all(folder_); }

  std::string write(const std::string& name, const std::string& text, mode_t mode = 0600) {
    const std::string path = folder_ + "/" + name;
    std::ofstream(path, std::ios::binary) << text;
    EXPECT_EQ(chmod(path.c_str(), mode), 0);
    return path;
  }
  static std::string refusal(const NatsSecurity& security) {
    const auto checked = check_nats_files(security);
    return checked.ok() ? "" : checked.error().text;
  }
  static std::size_t warnings(const NatsSecurity& security) {
    const auto checked = check_nats_files(security);
    EXPECT_TRUE(checked.ok()) << checked.error().text;
    return checked->size();
  }
  static bool has(const std::string& text, const std::string& part) {
    return text.find(part) != std::string::npos;
  }

  const std::string folder_ = ::testing::TempDir() + "nats_files_" + std::to_string(getpid());
};

TEST_F(NatsFiles, GoodOnesPass) {
  EXPECT_EQ(refusal({}), "");
  EXPECT_EQ(refusal({.credentials = write("c", credentials_text(kJwt, kUserSeed))}), "");
  EXPECT_EQ(refusal({.nkey_seed = write("plain", std::string(kUserSeed) + "\n")}), "");
  EXPECT_EQ(refusal({.nkey_seed = write("bare", kUserSeed)}), "");
  EXPECT_EQ(refusal({.nkey_seed = write("creds", credentials_text(kJwt, kUserSeed))}), "");
  const std::string certificate = write("cert", kCertificatePem, 0644);
  EXPECT_EQ(refusal({.tls_ca = certificate}), "");
  EXPECT_EQ(refusal({.tls_cert = certificate, .tls_key = write("key", kPrivateKeyPem)}), "");
}

TEST_F(NatsFiles, AnErrorNamesTheKeyTheFileAndAFix) {
  const std::string missing = folder_ + "/missing";
  EXPECT_EQ(refusal({.credentials = missing}),
            "broker.credentials: the file " + missing +
                " can't be opened: No such file or directory; check the path and that the "
                "server's user may read it");
  EXPECT_TRUE(has(refusal({.nkey_seed = folder_}), "is no file"))
      << refusal({.nkey_seed = folder_});
  EXPECT_TRUE(has(refusal({.tls_ca = write("empty", "")}), "broker.tls_ca"));
  EXPECT_TRUE(has(refusal({.tls_ca = write("empty", "")}), "is empty"));
  EXPECT_TRUE(has(refusal({.tls_ca = "/dev/null"}), "is no file"));
  const std::string fifo = folder_ + "/fifo";
  ASSERT_EQ(mkfifo(fifo.c_str(), 0600), 0);
  EXPECT_TRUE(has(refusal({.tls_ca = fifo}), "is no file")) << "and nobody waits for it";
}

TEST_F(NatsFiles, WhatIsNotWhatItShouldBeIsRefusedAndNotShown) {
  const auto credentials = [&](const std::string& text) {
    return refusal({.credentials = write("c", text)});
  };
  EXPECT_TRUE(has(credentials(kUserSeed), "holds no user's JWT"));
  EXPECT_TRUE(has(credentials(kJwt), "holds no user's JWT")) << "nats.c would send all of the file";
  EXPECT_TRUE(has(credentials(credentials_text("", kUserSeed)), "holds no user's JWT"));
  EXPECT_TRUE(has(credentials(credentials_text("a.b", kUserSeed)), "holds no user's JWT"));
  EXPECT_TRUE(has(credentials(credentials_text("a.b.c.d", kUserSeed)), "holds no user's JWT"));
  EXPECT_TRUE(has(credentials(credentials_text("a.b\".c", kUserSeed)), "holds no user's JWT"));
  EXPECT_TRUE(has(credentials(credentials_text(kJwt, "SUxx")), "seed that is right"));
  EXPECT_TRUE(has(credentials(credentials_text(kJwt, kAccountSeed)), "seed that is right"));
  const std::string mistyped = std::string(kUserSeed).substr(0, 57) + "A";
  const std::string text = refusal({.nkey_seed = write("s", mistyped)});
  EXPECT_TRUE(has(text, "seed that is right")) << text;
  EXPECT_FALSE(has(text, "SUANFCLJ")) << text;
  EXPECT_TRUE(has(refusal({.tls_ca = write("k", kPrivateKeyPem)}), "holds no certificate"));
}

TEST_F(NatsFiles, ACertificateAndItsKeyBelongTogether) {
  const std::string certificate = write("cert", kCertificatePem);
  const auto with_key = [&](const char* key) {
    return refusal({.tls_cert = certificate, .tls_key = write("key", key)});
  };
  EXPECT_EQ(with_key(kPrivateKeyPem), "");
  EXPECT_TRUE(has(with_key(kOtherKeyPem), "another key than that")) << with_key(kOtherKeyPem);
  EXPECT_TRUE(has(with_key(kLockedKeyPem), "password")) << with_key(kLockedKeyPem);
  EXPECT_TRUE(has(with_key(kCertificatePem), "holds no private key"));
}

TEST_F(NatsFiles, SecretsThatOthersMayReadAreWarnedOf) {
  const auto seed = [&](mode_t mode) {
    return warnings({.nkey_seed = write("s", kUserSeed, mode)});
  };
  for (const mode_t mode : {0400U, 0600U, 0640U, 0440U, 0700U}) EXPECT_EQ(seed(mode), 0U) << mode;
  for (const mode_t mode : {0644U, 0604U, 0602U, 0660U, 0620U}) EXPECT_EQ(seed(mode), 1U) << mode;
  const auto checked = check_nats_files({.nkey_seed = write("s", kUserSeed, 0644)});
  EXPECT_TRUE(has(checked->front(), "broker.nkey_seed")) << checked->front();
  EXPECT_TRUE(has(checked->front(), "chmod 600")) << checked->front();
  const std::string certificate = write("cert", kCertificatePem, 0666);
  const std::string key = write("key", kPrivateKeyPem, 0644);
  EXPECT_EQ(warnings({.tls_ca = certificate, .tls_cert = certificate, .tls_key = key}), 1U);
}

TEST_F(NatsFiles, HaveALimit) {
  for (const std::size_t size : {kMaxNatsFile - 1, kMaxNatsFile, kMaxNatsFile + 1}) {
    std::string text = kCertificatePem;
    text.resize(size, '\n');
    EXPECT_EQ(refusal({.tls_ca = write("ca", text)}) == "", size <= kMaxNatsFile) << size;
  }
}

TEST_F(NatsFiles, ANkeyIsReadOfAFile) {
  EXPECT_EQ(read_nkey(write("s", std::string("# a user\n  ") + kUserSeed + "\r\n")), kUserKey);
  EXPECT_EQ(read_nkey(folder_ + "/missing"), std::nullopt);
  EXPECT_EQ(read_nkey(write("t", "nothing")), std::nullopt);
}

}  // namespace
}  // namespace millrace
