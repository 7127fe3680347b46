#include "proto/payload.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>

#include "proto/json_text.h"
#include "tests/unit/proto/random_json.h"
#include "tests/unit/proto/reference_json.h"

namespace millrace {
namespace {

using std::string_literals::operator""s;

std::string without_line_breaks(std::string text) {
  text.erase(
      std::remove_if(text.begin(), text.end(), [](char c) { return c == '\r' || c == '\n'; }),
      text.end());
  return text;
}

TEST(PayloadTest, KeepsBytesAsTheyAre) {
  JsonPayloadChecker checker;
  for (const std::string& payload :
       {R"({"n":1.50,"m":-0,"e":1E+05,"big":123456789012345678901234567890,"x":1e400})"s,
        R"("\u00e9\/\ud83d\ude00 \"é\"")"s, "  { \"a\" :\t[ 1 ,2 ] } "s, "1"s, "null"s,
        R"({"a":1,"a":2})"s}) {
    Bytes out;
    ASSERT_TRUE(checker.check(payload, out)) << payload;
    EXPECT_EQ(out, payload);
    EXPECT_EQ(out.data(), payload.data());  // a view, not a copy
  }
}

TEST(PayloadTest, TakesLineBreaksOutAndNothingElse) {
  JsonPayloadChecker checker;
  Bytes out;
  ASSERT_TRUE(checker.check("\r\n{\n  \"a\":\r [1,\n\t2],\"b\":\"\\n\\r\"\r\n}\n", out));
  EXPECT_EQ(out, "{  \"a\": [1,\t2],\"b\":\"\\n\\r\"}");
  ASSERT_TRUE(checker.check("1\n", out));
  EXPECT_EQ(out, "1");
  ASSERT_TRUE(checker.check("\r2", out));
  EXPECT_EQ(out, "2");
}

TEST(PayloadTest, LineBreaksDoNotJoinTokens) {
  JsonPayloadChecker checker;
  Bytes out = "before";
  for (const Bytes payload :
       {"1\n2", "[1\n2]", "-\n1", "tr\nue", "\"a\nb\"", "1\n.5", "\"\\\nn\""}) {
    EXPECT_FALSE(checker.check(payload, out)) << payload;
    EXPECT_EQ(out, "before");
  }
}

TEST(PayloadTest, RefusesWhatIsNotJson) {
  JsonPayloadChecker checker;
  Bytes out;
  for (const std::string& payload :
       {""s, " "s, "\n"s, "move 1"s, "{}{}"s, "{}\n{}"s, "{\"a\":1"s, "\xff"s, "\"\xc0\xaf\""s,
        "\"\\ud800\""s, "1\0"s, "\xef\xbb\xbf{}"s}) {
    EXPECT_FALSE(checker.check(payload, out)) << payload;
  }
}

TEST(PayloadTest, DepthLimitIsExact) {
  JsonPayloadChecker checker;
  Bytes out;
  const auto nested = [](std::size_t depth) {
    return std::string(depth, '[') + std::string(depth, ']');
  };
  EXPECT_TRUE(checker.check(nested(kMaxJsonDepth - 1), out));
  EXPECT_TRUE(checker.check(nested(kMaxJsonDepth), out));
  EXPECT_FALSE(checker.check(nested(kMaxJsonDepth + 1), out));
  EXPECT_FALSE(checker.check(nested(10'000), out));
}

void compare(JsonPayloadChecker& checker, const std::string& payload) {
  const bool expected = test::ReferenceJson::valid(payload, kMaxJsonDepth);
  Bytes out;
  ASSERT_EQ(checker.check(payload, out), expected) << payload;
  if (!expected) return;
  EXPECT_EQ(out, without_line_breaks(payload));
  EXPECT_TRUE(test::ReferenceJson::valid(out, kMaxJsonDepth)) << payload;
}

TEST(PayloadTest, AgreesWithAnIndependentParser) {
  JsonPayloadChecker checker;
  test::RandomJson random(1);
  int damaged_but_valid = 0;
  for (int i = 0; i < 20'000; ++i) {
    const std::string payload = random.value();
    ASSERT_TRUE(test::ReferenceJson::valid(payload, kMaxJsonDepth)) << payload;
    compare(checker, payload);
    for (int j = 0; j < 5; ++j) {
      const std::string damaged = random.damaged(payload);
      compare(checker, damaged);
      if (test::ReferenceJson::valid(damaged, kMaxJsonDepth)) ++damaged_but_valid;
    }
    if (HasFatalFailure()) return;
  }
  // Both verdicts were compared, often.
  EXPECT_GT(damaged_but_valid, 1'000);
  EXPECT_LT(damaged_but_valid, 90'000);
}

TEST(PayloadTest, AgreesOnShortTextsOfEveryShape) {
  constexpr Bytes kAlphabet = "[]{}\":,1-.e \\ut";
  JsonPayloadChecker checker;
  for (std::size_t length = 1; length <= 4; ++length) {
    std::size_t count = 1;
    for (std::size_t i = 0; i < length; ++i) count *= kAlphabet.size();
    for (std::size_t number = 0; number < count; ++number) {
      std::string payload;
      for (std::size_t rest = number; payload.size() < length; rest /= kAlphabet.size()) {
        payload.push_back(kAlphabet[rest % kAlphabet.size()]);
      }
      compare(checker, payload);
      if (HasFatalFailure()) return;
    }
  }
}

TEST(PayloadTest, AgreesOnEveryTruncation) {
  const std::string payload =
      "{\"a\":[1.5e3,true,null,\"\\ud83d\\ude00\xf0\x9f\x98\x80\\n\"],\"b\":{\"c\":-0}}";
  JsonPayloadChecker checker;
  for (std::size_t size = 0; size < payload.size(); ++size) {
    Bytes out;
    EXPECT_FALSE(checker.check(Bytes(payload).substr(0, size), out)) << size;
  }
}

}  // namespace
}  // namespace millrace
