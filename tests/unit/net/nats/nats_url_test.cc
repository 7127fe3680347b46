#include "net/nats/nats_url.h"

#include <gtest/gtest.h>

#include <string>

namespace millrace {
namespace {

TEST(NatsUrl, TakesWhatTheLibraryTakes) {
  for (const char* url :
       {"nats://127.0.0.1:4222", "nats://localhost", "nats://nats-1.example:1", "nats://h:65535",
        "nats://[::1]:4222", "nats://[::1]", "nats://user:pass@host:4222", "nats://token@host",
        "nats://user:p@ss:word@host:4222", "tls://h:4222", "tls://u:p@[::1]:4222"}) {
    EXPECT_TRUE(check_nats_url(url).ok()) << url;
  }
}

TEST(NatsUrl, RefusesTheRestAndNamesAFix) {
  for (const char* url : {"",
                          "nats://",
                          "127.0.0.1:4222",
                          "http://h:4222",
                          "tls://",
                          "TLS://h:4222",
                          "tls:h:4222",
                          "nats://h:0",
                          "nats://h:65536",
                          "nats://h:",
                          "nats://h:x",
                          "nats://h:4222x",
                          "nats://h:42 22",
                          "nats://h:4222\r\nPUB x",
                          "nats://:4222",
                          "nats://h/path",
                          "nats://a,nats://b",
                          "nats://[::1",
                          "nats://::1:4222",
                          "nats://[]:4222",
                          "nats://[::1]x:4222",
                          "nats://h\xc3\xa9:4222",
                          "nats://user@",
                          "nats://h:-1",
                          "nats://h:+1"}) {
    const auto checked = check_nats_url(url);
    ASSERT_FALSE(checked.ok()) << url;
    EXPECT_NE(checked.error().text.find("nats://host:port"), std::string::npos) << url;
  }
}

TEST(NatsUrl, HasALimit) {
  const std::string fits = "nats://" + std::string(kMaxNatsUrl - 7, 'h');
  EXPECT_TRUE(check_nats_url(fits.substr(0, kMaxNatsUrl - 1)).ok());
  EXPECT_TRUE(check_nats_url(fits).ok());
  EXPECT_FALSE(check_nats_url(fits + "h").ok());
}

TEST(NatsUrl, ACutUrlShowsNoCredentialsEither) {
  const std::string secret(kMaxNatsUrl, 's');
  const auto checked = check_nats_url("nats://user:" + secret + "@host:4222");
  ASSERT_FALSE(checked.ok());
  EXPECT_EQ(checked.error().text.find("sss"), std::string::npos) << checked.error().text;
  EXPECT_NE(checked.error().text.find("host:4222"), std::string::npos) << checked.error().text;
}

TEST(NatsUrl, NeverShowsCredentials) {
  EXPECT_EQ(masked_nats_url("nats://user:pass@host:4222"), "nats://host:4222");
  EXPECT_EQ(masked_nats_url("nats://user:p@ss@host:4222"), "nats://host:4222");
  EXPECT_EQ(masked_nats_url("nats://token@[::1]"), "nats://[::1]");
  EXPECT_EQ(masked_nats_url("nats://host:4222"), "nats://host:4222");
  EXPECT_EQ(masked_nats_url("nats://ho\r\nst"), "nats://ho??st");
  const auto checked = check_nats_url("nats://user:pass@host:0");
  ASSERT_FALSE(checked.ok());
  EXPECT_EQ(checked.error().text.find("pass"), std::string::npos);
}

TEST(NatsUrl, TheSchemeStaysWhereTheUserIsMasked) {
  EXPECT_EQ(masked_nats_url("tls://user:secret@h:1"), "tls://h:1");
  EXPECT_EQ(masked_nats_url("tls://h:1"), "tls://h:1");
  EXPECT_TRUE(has_user("tls://user:secret@h:1"));
  EXPECT_TRUE(has_user("nats://token@h:1"));
  EXPECT_FALSE(has_user("nats://h:1"));
}

}  // namespace
}  // namespace millrace
