#include "proto/json_fields.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "proto/json_text.h"

namespace millrace {
namespace {

class JsonFieldsTest : public testing::Test {
 protected:
  // REQUIRES: valid JSON, an object.
  bool read(std::string object) {
    object_ = std::move(object);
    JsonValidator validator;
    EXPECT_TRUE(validator.valid(object_)) << object_;
    fields_.begin(object_.size());
    JsonField wanted[] = {{"string", JsonString{&string_}},
                          {"raw", JsonRaw{&raw_}},
                          {"present", JsonPresent{&present_}},
                          {"flag", &flag_},
                          {"whole", &whole_},
                          {"number", &number_},
                          {"position", JsonPosition{&position_}},
                          {"known", JsonKnownSubscriptions{&known_}}};
    const bool good = fields_.read(object_, wanted);
    EXPECT_EQ(good, fields_.reason().empty()) << object_;
    return good;
  }
  void expect_bad(const std::string& object, Bytes reason) {
    EXPECT_FALSE(read(object)) << object;
    EXPECT_EQ(fields_.reason(), reason) << object;
  }

  std::string object_;
  JsonFieldReader fields_;
  Bytes string_;
  Bytes raw_;
  bool present_ = false;
  bool flag_ = false;
  std::uint64_t whole_ = 0;
  std::int32_t number_ = 0;
  std::optional<KnownPosition> position_;
  std::span<const KnownSubscription> known_;
};

TEST_F(JsonFieldsTest, EachGoesToItsPlace) {
  ASSERT_TRUE(read(R"({"known":{"a":{"recover":true,"offset":7,"epoch":"e"}},"number":-5,)"
                   R"("position":{"epoch":"p","offset":9},"whole":18446744073709551615,)"
                   R"("flag":true,"present":null,"raw":[1, 2],"string":"s"})"));
  EXPECT_EQ(string_, "s");
  EXPECT_EQ(raw_, "[1, 2]");
  EXPECT_TRUE(present_);
  EXPECT_TRUE(flag_);
  EXPECT_EQ(whole_, UINT64_MAX);
  EXPECT_EQ(number_, -5);
  ASSERT_TRUE(position_);
  EXPECT_EQ(position_->epoch, "p");
  EXPECT_EQ(position_->offset, 9U);
  ASSERT_EQ(known_.size(), 1U);
  EXPECT_EQ(known_[0].channel, "a");
  EXPECT_TRUE(known_[0].recover);
  EXPECT_EQ(known_[0].position.offset, 7U);
  EXPECT_EQ(known_[0].position.epoch, "e");
}

TEST_F(JsonFieldsTest, AbsentOnesStayAsTheyWere) {
  string_ = "before";
  whole_ = 3;
  ASSERT_TRUE(read(R"({"other":1,"other":2,"String":"x"})"));
  EXPECT_EQ(string_, "before");
  EXPECT_EQ(whole_, 3U);
  EXPECT_FALSE(present_);
  EXPECT_FALSE(position_);
  EXPECT_TRUE(read("{}"));
}

TEST_F(JsonFieldsTest, TypesAreStrict) {
  for (const char* value : {"1", "null", "{}", "[\"a\"]", "true"}) {
    expect_bad(std::string(R"({"string":)") + value + "}", "'string' must be a string");
  }
  for (const char* value : {"1", "0", "null", "\"true\"", "[]"}) {
    expect_bad(std::string(R"({"flag":)") + value + "}", "'flag' must be true or false");
  }
  for (const char* value : {"-1", "-0", "1.0", "1e3", "\"1\"", "null", "18446744073709551616"}) {
    expect_bad(std::string(R"({"whole":)") + value + "}",
               "'whole' must be an integer from 0 to 2^64-1");
  }
  for (const char* value : {"2147483648", "-2147483649", "1.5", "\"1\"", "null", "1e1"}) {
    expect_bad(std::string(R"({"number":)") + value + "}",
               "'number' must be an integer of 32 bits");
  }
  for (const char* value : {"1", "null", "[]", "\"\""}) {
    expect_bad(std::string(R"({"position":)") + value + "}", "'position' must be an object");
    expect_bad(std::string(R"({"known":)") + value + "}", "'known' must be an object");
    expect_bad(std::string(R"({"known":{"a":)") + value + "}}",
               "'known' must be an object of objects");
  }
  expect_bad(R"({"position":{"offset":"1"}})", "'offset' must be an integer from 0 to 2^64-1");
  expect_bad(R"({"position":{"epoch":1}})", "'epoch' must be a string");
  expect_bad(R"({"known":{"a":{"recover":1}}})", "'recover' must be true or false");
}

TEST_F(JsonFieldsTest, NumbersAtTheirEdges) {
  EXPECT_TRUE(read(R"({"number":2147483647,"whole":0})"));
  EXPECT_EQ(number_, INT32_MAX);
  EXPECT_TRUE(read(R"({"number":-2147483648})"));
  EXPECT_EQ(number_, INT32_MIN);
}

TEST_F(JsonFieldsTest, NoneStandsTwice) {
  expect_bad(R"({"string":"a","string":"a"})", "a request has two of 'string'");
  expect_bad(R"({"raw":1,"r\u0061w":1})", "a request has two of 'raw'");
  expect_bad(R"({"position":{"offset":1,"offset":1}})", "a request has two of 'offset'");
  expect_bad(R"({"known":{"a":{"epoch":"","epoch":""}}})", "a request has two of 'epoch'");
  expect_bad(R"({"known":{"a":{},"b":{},"\u0061":{}}})", "'known' has a channel twice");
  // The same name in two objects is not twice.
  EXPECT_TRUE(read(R"({"position":{"offset":1},"known":{"a":{"offset":1},"b":{"offset":1}}})"));
}

TEST_F(JsonFieldsTest, EscapedTextLivesUntilTheNextFrame) {
  ASSERT_TRUE(read(R"({"string":"\u0041\n","position":{"epoch":"\ud83d\ude00"},)"
                   R"("known":{"b\u0061":{"epoch":"\""},"\u0000":{"epoch":"\\"}},)"
                   "\"raw\":[\r\"\\r\",\r1]}"));
  EXPECT_EQ(string_, "A\n");
  EXPECT_EQ(position_->epoch, "\xf0\x9f\x98\x80");
  EXPECT_EQ(raw_, "[\"\\r\",1]");
  ASSERT_EQ(known_.size(), 2U);
  EXPECT_EQ(known_[0].channel, std::string(1, '\0'));
  EXPECT_EQ(known_[0].position.epoch, "\\");
  EXPECT_EQ(known_[1].channel, "ba");
  EXPECT_EQ(known_[1].position.epoch, "\"");
}

// Every byte of the frame an escape: the scratch must hold them without moving.
TEST_F(JsonFieldsTest, NothingButEscapes) {
  std::string object = R"({"known":{)";
  for (int i = 0; i < 1'000; ++i) {
    if (i > 0) object += ",";
    object += "\"\\n\\u00e9" + std::to_string(i) + R"(":{"epoch":"\t\t\t\t"})";
  }
  ASSERT_TRUE(read(object + R"(},"string":"\"\"\"\"","raw":")" + "\"}"));
  ASSERT_EQ(known_.size(), 1'000U);
  for (const KnownSubscription& known : known_) {
    EXPECT_TRUE(known.channel.starts_with("\n\xc3\xa9"));
    EXPECT_EQ(known.position.epoch, "\t\t\t\t");
  }
  EXPECT_EQ(string_, "\"\"\"\"");
}

TEST_F(JsonFieldsTest, KnownSubscriptionsHaveALimit) {
  const auto object = [](std::size_t count) {
    std::string text = R"({"known":{)";
    for (std::size_t i = 0; i < count; ++i) {
      text += (i == 0 ? "\"c" : ",\"c") + std::to_string(i) + "\":{}";
    }
    return text + "}}";
  };
  constexpr std::size_t kMost = JsonFieldReader::kMaxKnownSubscriptions;
  for (const std::size_t count : {std::size_t{0}, kMost - 1, kMost}) {
    ASSERT_TRUE(read(object(count)));
    EXPECT_EQ(known_.size(), count);
  }
  expect_bad(object(kMost + 1), "'known' must be of at most 1024 channels");
}

TEST_F(JsonFieldsTest, KeysAreUnescaped) {
  EXPECT_EQ(fields_.key_text("plain"), "plain");
  EXPECT_EQ(fields_.key_text(R"(a\u0062\/)"), "ab/");
}

}  // namespace
}  // namespace millrace
