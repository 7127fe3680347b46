#include "net/auth/permissions.h"

#include <gtest/gtest.h>

namespace millrace {
namespace {

constexpr bool kNo = false;
constexpr bool kYes = true;

// What `audience` allows to the four kinds of clients there are.
struct Row {
  Audience audience;
  bool user;
  bool subscribed_user;
  bool anonymous;
  bool subscribed_anonymous;
};

// All that can be configured, and what can't be: `anonymous` alone is nobody.
const Row kRows[] = {
    {{kNo, kNo, kNo}, kNo, kNo, kNo, kNo},     {{kYes, kNo, kNo}, kYes, kYes, kNo, kNo},
    {{kNo, kYes, kNo}, kNo, kYes, kNo, kNo},   {{kYes, kYes, kNo}, kYes, kYes, kNo, kNo},
    {{kNo, kNo, kYes}, kNo, kNo, kNo, kNo},    {{kYes, kNo, kYes}, kYes, kYes, kYes, kYes},
    {{kNo, kYes, kYes}, kNo, kYes, kNo, kYes}, {{kYes, kYes, kYes}, kYes, kYes, kYes, kYes},
};

std::string text(const Audience& audience) {
  return std::string(audience.clients ? "client " : "") +
         (audience.subscribers ? "subscriber " : "") + (audience.anonymous ? "anonymous" : "");
}

TEST(Permissions, AreATable) {
  for (const Row& row : kRows) {
    SCOPED_TRACE(text(row.audience));
    EXPECT_EQ(may(row.audience, {.user = "42"}), row.user);
    EXPECT_EQ(may(row.audience, {.user = "42", .subscribed = true}), row.subscribed_user);
    EXPECT_EQ(may(row.audience, {.user = ""}), row.anonymous);
    EXPECT_EQ(may(row.audience, {.user = "", .subscribed = true}), row.subscribed_anonymous);
  }
}

TEST(Permissions, AreAllGrantedUnderInsecure) {
  for (const Row& row : kRows) {
    SCOPED_TRACE(text(row.audience));
    for (const Bytes user : {Bytes("42"), Bytes()}) {
      for (const bool subscribed : {false, true}) {
        const Asker asker{.user = user, .subscribed = subscribed, .insecure = true};
        EXPECT_TRUE(may(row.audience, asker));
        EXPECT_TRUE(may_subscribe(row.audience, asker, false));
      }
    }
  }
}

TEST(Permissions, OfSubscribingAreThoseAndAToken) {
  for (const Row& row : kRows) {
    SCOPED_TRACE(text(row.audience));
    EXPECT_EQ(may_subscribe(row.audience, {.user = "42"}, false), row.user);
    EXPECT_EQ(may_subscribe(row.audience, {.user = ""}, false), row.anonymous);
    EXPECT_TRUE(may_subscribe(row.audience, {.user = "42"}, true));
    EXPECT_TRUE(may_subscribe(row.audience, {.user = ""}, true)) << "a token may name nobody";
  }
}

}  // namespace
}  // namespace millrace
