#include "net/api/api_members.h"

#include <gtest/gtest.h>

namespace millrace {
namespace {

TEST(ApiMembers, AreTakenByNameAndType) {
  ApiMembers members(R"({"t":"x","f":true,"n":7,"w":-7,"at":12,"no":null,"list":["a","b"]})");
  EXPECT_EQ(members.text("t", 1), "x");
  EXPECT_EQ(members.needed_text("t", 1), "x");
  EXPECT_TRUE(members.flag("f"));
  EXPECT_EQ(members.number("n"), 7U);
  EXPECT_EQ(members.whole("w"), -7);
  EXPECT_EQ(members.time("at"), 12);
  EXPECT_EQ(members.texts("list", 2, 1), (std::vector<std::string>{"a", "b"}));
  EXPECT_FALSE(members.find("no")) << "null is the same as not there";
  EXPECT_TRUE(members.raw("no"));
  EXPECT_EQ(members.text("no", 1), "");
  EXPECT_FALSE(members.flag("gone"));
  EXPECT_TRUE(members.ok());
}

TEST(ApiMembers, WhatIsOfAnotherTypeIsMalformed) {
  const auto fault = [](const auto& take) {
    ApiMembers members(R"({"a":1,"b":"x","c":[1],"d":-1,"e":1.5,"f":99999999999999})");
    take(members);
    return !members.ok() && members.fault().malformed;
  };
  EXPECT_TRUE(fault([](ApiMembers& m) { m.text("a", 9); }));
  EXPECT_TRUE(fault([](ApiMembers& m) { m.flag("a"); }));
  EXPECT_TRUE(fault([](ApiMembers& m) { m.number("b"); }));
  EXPECT_TRUE(fault([](ApiMembers& m) { m.number("d"); }));
  EXPECT_TRUE(fault([](ApiMembers& m) { m.whole("e"); }));
  EXPECT_TRUE(fault([](ApiMembers& m) { m.texts("a", 9, 9); }));
  EXPECT_TRUE(fault([](ApiMembers& m) { m.texts("c", 9, 9); }));
  EXPECT_TRUE(fault([](ApiMembers& m) { m.time("f"); })) << "milliseconds";
  EXPECT_FALSE(fault([](ApiMembers& m) { m.whole("d"); }));
}

TEST(ApiMembers, WhatIsMissingOrTooLongIsABadRequest) {
  ApiMembers missing("{}");
  EXPECT_EQ(missing.channel("channel"), "");
  EXPECT_FALSE(missing.fault().malformed);
  EXPECT_EQ(missing.fault().code, ErrorCode::kBadRequest);
  EXPECT_EQ(missing.fault().text, "`channel` is missing");
  ApiMembers longer(R"({"t":"abc"})");
  longer.text("t", 2);
  EXPECT_FALSE(longer.fault().malformed);
  longer.malformed("later");
  EXPECT_EQ(longer.fault().text, "`t` is longer than 2 bytes") << "the first one stays";
}

TEST(ApiMembers, AnObjectOfOtherShapeHasNone) {
  for (const Bytes body : {"[]", "1", "\"a\"", R"({"a":1,"a":2})", R"({"a":1,"\u0061":2})"}) {
    const ApiMembers members(body);
    EXPECT_FALSE(members.ok()) << body;
  }
}

TEST(ApiMembers, AnInfoIsJsonInOneLine) {
  ApiMembers members("{\"info\":{\"a\":\n1},\"data\":1,\"b64data\":\"WzEs\\nMl0=\"}");
  EXPECT_EQ(members.info("info", 100), R"({"a":1})");
  EXPECT_EQ(members.info("data", 100), "");
  EXPECT_TRUE(members.fault().malformed) << "a line break is not base64";
  ApiMembers encoded(R"({"data":1,"b64data":"WzEsMl0="})");
  EXPECT_EQ(encoded.info("data", 100), "[1,2]") << "it wins";
  ApiMembers other(R"({"b64info":"eA=="})");
  EXPECT_EQ(other.info("info", 100), "");
  EXPECT_TRUE(other.fault().malformed) << "x is no JSON";
}

}  // namespace
}  // namespace millrace
