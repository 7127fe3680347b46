#include "net/server/origin.h"

#include <gtest/gtest.h>

#include <string>

namespace millrace {
namespace {

TEST(Origin, TakesWhatBrowsersSend) {
  for (const char* text :
       {"*", "http://localhost", "http://localhost:8080", "https://example.org",
        "https://a.b-c.example.org:8443", "http://127.0.0.1:3000", "http://[::1]:3000",
        "https://[2001:db8::1]", "http://a:443", "https://a:80", "capacitor://localhost",
        "chrome-extension://abcdef", "http://a:1", "http://a:65535"}) {
    EXPECT_TRUE(is_origin(text)) << text;
  }
}

TEST(Origin, RefusesWhatNoBrowserSends) {
  for (const char* text : {"",
                           "null",
                           "example.org",
                           "http://",
                           "://a",
                           "http:/a",
                           "http//a",
                           "https://example.org/",
                           "https://example.org/path",
                           "https://*.example.org",
                           "https://Example.org",
                           "HTTPS://example.org",
                           "http://a:80",
                           "https://a:443",
                           "http://a:0",
                           "http://a:08080",
                           "http://a:65536",
                           "http://a:",
                           "http://a:b",
                           "http://u@a",
                           "http://a b",
                           "http://a?x",
                           "http://a#x",
                           "http://.a",
                           "http://a..b",
                           "http://-a",
                           "http://[::1",
                           "http://::1",
                           "http://[zz]",
                           "1http://a",
                           "ht_tp://a",
                           "http://a:80:80",
                           "https://example.org,https://b",
                           "http://a\n",
                           "http://\xc3\xa9"}) {
    EXPECT_FALSE(is_origin(text)) << text;
  }
}

TEST(Origin, IsBounded) {
  const std::string scheme(kMaxOrigin - 4, 'a');
  EXPECT_TRUE(is_origin(scheme + "://h"));
  EXPECT_FALSE(is_origin(scheme + "a://h"));
  EXPECT_TRUE(is_origin("http://" + std::string(252, 'h')));
  EXPECT_TRUE(is_origin("http://" + std::string(253, 'h')));
  EXPECT_FALSE(is_origin("http://" + std::string(254, 'h')));
}

}  // namespace
}  // namespace millrace
