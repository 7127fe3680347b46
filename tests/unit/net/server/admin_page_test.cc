#include "net/server/admin_page.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>

namespace millrace {
namespace {

std::size_t count_of(Bytes text) {
  std::size_t count = 0;
  for (std::size_t at = kAdminPage.find(text); at != Bytes::npos;
       at = kAdminPage.find(text, at + 1)) {
    ++count;
  }
  return count;
}

TEST(AdminPage, IsOneWholeDocument) {
  EXPECT_TRUE(kAdminPage.starts_with("<!doctype html>\n"));
  EXPECT_TRUE(kAdminPage.ends_with("</html>\n"));
  for (const Bytes tag : {"<html", "</html>", "<style>", "</style>", "<script>", "</script>"}) {
    EXPECT_EQ(count_of(tag), 1U) << tag;
  }
}

// Its parts are literals, each with a NUL at its end that must not get between them.
TEST(AdminPage, HoldsTextOnly) {
  const bool text = std::all_of(kAdminPage.begin(), kAdminPage.end(),
                                [](char c) { return c == '\n' || (c >= 0x20 && c <= 0x7e); });
  EXPECT_TRUE(text);
}

TEST(AdminPage, LoadsNothingFromElsewhere) {
  EXPECT_EQ(count_of("default-src 'none'"), 1U);
  for (const Bytes loads : {"https://", "src=\"", "@import", "import(", "url("}) {
    EXPECT_EQ(count_of(loads), 0U) << loads;
  }
  EXPECT_EQ(count_of("http://"), 1U);  // the icon's XML namespace, a name that nothing loads
}

TEST(AdminPage, MakesNoMarkupOfForeignText) {
  for (const Bytes writer :
       {"innerHTML", "outerHTML", "insertAdjacent", "document.write", "eval("}) {
    EXPECT_EQ(count_of(writer), 0U) << writer;
  }
}

TEST(AdminPage, EveryElementThatTheScriptAsksForIsThere) {
  const Bytes ask = "byId('";
  std::size_t asked = 0;
  for (std::size_t at = kAdminPage.find(ask); at != Bytes::npos;
       at = kAdminPage.find(ask, at + 1)) {
    const Bytes rest = kAdminPage.substr(at + ask.size());
    const std::string id(rest.substr(0, rest.find('\'')));
    EXPECT_EQ(count_of(" id=\"" + id + "\""), 1U) << id;
    ++asked;
  }
  EXPECT_GT(asked, 20U);
}

TEST(AdminPage, FitsOneAnswer) { EXPECT_LT(kAdminPage.size(), 64U * 1024U); }

}  // namespace
}  // namespace millrace
