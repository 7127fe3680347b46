#include "proto/command_decoder.h"

#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "tests/unit/proto/command_decoder_fixture.h"
#include "tests/unit/proto/random_json.h"
#include "tests/unit/proto/reference_json.h"

namespace millrace {
namespace {

using std::string_literals::operator""s;
using CommandDecoderTest = test::CommandDecoderFixture;
using Outcome = JsonCommandDecoder::Outcome;

TEST_F(CommandDecoderTest, Connect) {
  const Command command = one(
      R"({"connect":{"token":"a.b.c","name":"js","version":"5.5.3","data":{"x": 1.0}},"id":1})");
  EXPECT_EQ(command.id, 1U);
  ASSERT_TRUE(std::holds_alternative<ConnectCommand>(command.body));
  const auto& connect = std::get<ConnectCommand>(command.body);
  EXPECT_EQ(connect.token, "a.b.c");
  EXPECT_EQ(connect.name, "js");
  EXPECT_EQ(connect.version, "5.5.3");
  EXPECT_EQ(connect.data, R"({"x": 1.0})");
}

TEST_F(CommandDecoderTest, FrameOfAnSdkAtItsStart) {
  ASSERT_EQ(decode("{\"connect\":{\"token\":\"t\",\"name\":\"js\"},\"id\":1}\n"
                   "{\"subscribe\":{\"channel\":\"recovery:x\",\"flag\":1,\"recover\":true,"
                   "\"offset\":2,\"epoch\":\"tKqV\"},\"id\":2}\n"
                   "{\"publish\":{\"channel\":\"recovery:x\",\"data\":{\"a\":1}},\"id\":3}\n"
                   "{\"unsubscribe\":{\"channel\":\"recovery:x\"},\"id\":4}\n"
                   "{}"),
            Outcome::kDone);
  ASSERT_EQ(sink_.commands.size(), 5U);
  for (std::uint32_t i = 0; i < 4; ++i) EXPECT_EQ(sink_.commands[i].id, i + 1);
  EXPECT_EQ(std::get<ConnectCommand>(sink_.commands[0].body).token, "t");
  EXPECT_EQ(std::get<SubscribeCommand>(sink_.commands[1].body).channel, "recovery:x");
  EXPECT_EQ(std::get<SubscribeCommand>(sink_.commands[1].body).token, "");
  EXPECT_EQ(std::get<PublishCommand>(sink_.commands[2].body).channel, "recovery:x");
  EXPECT_EQ(std::get<PublishCommand>(sink_.commands[2].body).data, R"({"a":1})");
  EXPECT_EQ(std::get<UnsubscribeCommand>(sink_.commands[3].body).channel, "recovery:x");
  EXPECT_TRUE(std::holds_alternative<PongCommand>(sink_.commands[4].body));
  EXPECT_EQ(sink_.commands[4].id, 0U);
}

TEST_F(CommandDecoderTest, LineEnds) {
  EXPECT_EQ(decode("{}\n"), Outcome::kDone);
  EXPECT_EQ(sink_.commands.size(), 1U);
  EXPECT_EQ(decode("{}\r\n{}\r\n"), Outcome::kDone);
  EXPECT_EQ(sink_.commands.size(), 2U);
  EXPECT_EQ(decode(" {}\t\n {} "), Outcome::kDone);
  EXPECT_EQ(sink_.commands.size(), 2U);
  for (const std::string& frame : {""s, "\n"s, "\n\n"s, "\r\n"s, " "s, "\n{}"s}) expect_bad(frame);
  for (const std::string& frame : {"{}\n\n"s, "{}\n\n{}"s, "{}\n \n{}"s, "{}\n\r\n"s}) {
    EXPECT_EQ(decode(frame), Outcome::kBad) << frame;
    EXPECT_EQ(sink_.commands.size(), 1U) << frame;
  }
  // A command is one line.
  expect_bad("{\n}");
  expect_bad("{} {}");
}

TEST_F(CommandDecoderTest, Pong) {
  for (const std::string& frame :
       {"{}"s, "{ }"s, R"({"unknown":1})"s, R"({"id":0})"s, R"({"push":{},"connected":{}})"s}) {
    const Command command = one(frame);
    EXPECT_EQ(command.id, 0U);
    EXPECT_TRUE(std::holds_alternative<PongCommand>(command.body)) << frame;
  }
}

TEST_F(CommandDecoderTest, Ids) {
  EXPECT_EQ(one(R"({"id":1,"rpc":{}})").id, 1U);
  EXPECT_EQ(one(R"({"id":4294967295,"rpc":{}})").id, 4'294'967'295U);
  for (const std::string& id :
       {"0"s, "-0"s, "-1"s, "4294967296"s, "18446744073709551617"s, "1.0"s, "1e0"s, "1e400"s,
        "\"1\""s, "null"s, "true"s, "{}"s, "[1]"s, "01"s, "+1"s, std::string(10'000, '9')}) {
    expect_bad("{\"id\":" + id + ",\"rpc\":{}}");
    if (id != "0") expect_bad("{\"id\":" + id + "}");
  }
  expect_bad(R"({"rpc":{}})");
  expect_bad(R"({"id":1})");
  expect_bad(R"({"id":1,"unknown":{}})");
}

TEST_F(CommandDecoderTest, SendHasNoId) {
  EXPECT_EQ(body<SendCommand>(R"({"send":{"data":[1, 2]}})").data, "[1, 2]");
  EXPECT_EQ(body<SendCommand>(R"({"send":{}})").data, "");
  EXPECT_EQ(one(R"({"send":{},"id":7})").id, 0U);
}

TEST_F(CommandDecoderTest, ClientsDoNotPing) {
  expect_bad(R"({"ping":{},"id":1})");
  expect_bad(R"({"ping":{}})");
}

TEST_F(CommandDecoderTest, OneRequestACommand) {
  expect_bad(R"({"id":1,"subscribe":{"channel":"a"},"publish":{"channel":"a"}})");
  expect_bad(R"({"id":1,"subscribe":{"channel":"a"},"subscribe":{"channel":"a"}})");
  expect_bad(R"({"id":1,"subscribe":{"channel":"a"},"subscr\u0069be":{"channel":"b"}})");
  expect_bad(R"({"id":1,"rpc":{},"send":{}})");
  expect_bad(R"({"id":1,"id":1,"rpc":{}})");
  expect_bad(R"({"id":1,"\u0069d":2,"rpc":{}})");
  expect_bad(R"({"id":1,"publish":{"channel":"a","channel":"b","data":1}})");
  expect_bad(R"({"id":1,"publish":{"channel":"a","data":1,"data":2}})");
  // Unknown names may come as they like.
  EXPECT_EQ(one(R"({"x":1,"x":2,"id":1,"rpc":{},"x":3})").id, 1U);
}

TEST_F(CommandDecoderTest, RequestsAreObjects) {
  for (const std::string& name : {"connect"s, "subscribe"s, "publish"s, "unsubscribe"s, "rpc"s,
                                  "send"s, "history"s, "presence"s, "refresh"s}) {
    for (const std::string& value : {"null"s, "1"s, "\"{}\""s, "[]"s, "true"s}) {
      expect_bad("{\"id\":1,\"" + name + "\":" + value + "}");
    }
  }
}

TEST_F(CommandDecoderTest, FieldsHaveTheirTypes) {
  const auto wrong = [this](const std::string& request, const std::string& field,
                            const std::vector<std::string>& values) {
    for (const std::string& value : values) {
      expect_bad("{\"id\":1,\"" + request + "\":{\"" + field + "\":" + value + "}}");
    }
  };
  const std::vector<std::string> not_strings = {"1", "null", "{}", "[\"a\"]", "true"};
  for (const char* field : {"token", "name", "version"}) wrong("connect", field, not_strings);
  for (const char* field : {"channel", "token", "epoch", "delta"}) {
    wrong("subscribe", field, not_strings);
  }
  wrong("unsubscribe", "channel", not_strings);
  wrong("publish", "channel", not_strings);
  for (const char* field : {"recover", "positioned", "recoverable", "join_leave"}) {
    wrong("subscribe", field, {"1", "null", "\"true\"", "{}"});
  }
  wrong("subscribe", "offset",
        {"-1", "1.0", "1e3", "\"1\"", "null", "18446744073709551616", "1e400"});
  EXPECT_EQ(body<SubscribeCommand>(
                R"({"id":1,"subscribe":{"offset":18446744073709551615,"channel":"c"}})")
                .channel,
            "c");
}

TEST_F(CommandDecoderTest, ReasonNamesTheField) {
  expect_bad(R"({"id":1,"subscribe":{"channel":5}})");
  EXPECT_EQ(decoder_.bad_reason(), "'channel' must be a string");
  expect_bad("");
  EXPECT_EQ(decoder_.bad_reason(), "the frame is empty");
  EXPECT_EQ(decode("{}"), Outcome::kDone);
  EXPECT_EQ(decoder_.bad_reason(), "");
}

TEST_F(CommandDecoderTest, MissingFieldsAreEmpty) {
  EXPECT_EQ(body<SubscribeCommand>(R"({"id":1,"subscribe":{}})").channel, "");
  EXPECT_EQ(body<UnsubscribeCommand>(R"({"id":1,"unsubscribe":{}})").channel, "");
  EXPECT_EQ(body<PublishCommand>(R"({"id":1,"publish":{}})").data, "");
  EXPECT_EQ(body<PublishCommand>(R"({"id":1,"publish":{"data":null}})").data, "null");
  EXPECT_EQ(body<PublishCommand>(R"({"id":1,"publish":{"data":""}})").data, "\"\"");
}

TEST_F(CommandDecoderTest, StringsAreUnescaped) {
  EXPECT_EQ(
      body<SubscribeCommand>(R"({"id":1,"subscribe":{"channel":"a\"\\\/\n\u00e9\ud83d\ude00"}})")
          .channel,
      "a\"\\/\n\xc3\xa9\xf0\x9f\x98\x80");
  EXPECT_EQ(body<SubscribeCommand>(R"({"id":1,"subscribe":{"channel":"a\u0000b"}})").channel,
            "a\0b"s);
  // Escaped names are the same names.
  EXPECT_EQ(body<PublishCommand>(
                R"({"\u0069d":1,"publ\u0069sh":{"ch\u0061nnel":"c","d\u0061ta":"\u0064"}})")
                .data,
            R"("\u0064")");
}

TEST_F(CommandDecoderTest, ScratchLivesForTheWholeFrame) {
  std::string frame;
  for (int i = 1; i <= 500; ++i) {
    frame += "{\"id\":" + std::to_string(i) + R"(,"publish":{"channel":"\u0041)" +
             std::to_string(i) + "\",\"data\":[\r" + std::to_string(i) + "]}}\n";
  }
  ASSERT_EQ(decode(frame), Outcome::kDone);
  ASSERT_EQ(sink_.commands.size(), 500U);
  for (int i = 1; i <= 500; ++i) {
    const auto& publish = std::get<PublishCommand>(sink_.commands[i - 1].body);
    EXPECT_EQ(publish.channel, "A" + std::to_string(i));
    EXPECT_EQ(publish.data, "[" + std::to_string(i) + "]");
  }
}

TEST_F(CommandDecoderTest, DataIsByteForByte) {
  for (const std::string& data :
       {R"({"n":1.50,"m":-0,"e":1E+05,"big":123456789012345678901234567890,"x":1e400})"s,
        R"("\u00e9\/\ud83d\ude00")"s, "{ \"a\" :\t[ 1 ,2 ] }"s, "1"s, "-0.0"s, "\"\""s, "[]"s,
        "true"s, R"({"a":1,"a":2,"id":5,"channel":"other"})"s, R"("}]\\\"{")"s}) {
    const auto publish =
        body<PublishCommand>("{\"id\":1,\"publish\":{\"data\": " + data + " ,\"channel\":\"c\"}}");
    EXPECT_EQ(publish.data, data);
    EXPECT_EQ(publish.channel, "c");
    // Nothing was copied: the view is of the frame.
    EXPECT_EQ(publish.data.data(), frame_.data() + frame_.find("data") + 7);
    EXPECT_EQ(body<ConnectCommand>("{\"id\":1,\"connect\":{\"data\":" + data + "}}").data, data);
    EXPECT_EQ(body<SendCommand>("{\"send\":{\"data\":" + data + "}}").data, data);
  }
}

TEST_F(CommandDecoderTest, CarriageReturnsLeaveData) {
  EXPECT_EQ(body<PublishCommand>("{\"id\":1,\"publish\":{\"data\":{\r\"a\":\r \"\\r\"}\r}}").data,
            "{\"a\": \"\\r\"}");
  expect_bad("{\"id\":1,\"publish\":{\"data\":\"a\rb\"}}");
}

TEST_F(CommandDecoderTest, SinkStopsTheFrame) {
  sink_.stop_after = 2;
  EXPECT_EQ(decode("{}\n{}\nnot json"), Outcome::kStopped);
  EXPECT_EQ(sink_.commands.size(), 2U);
  sink_.stop_after = 1;
  EXPECT_EQ(decode("{}"), Outcome::kStopped);
}

TEST_F(CommandDecoderTest, CommandsBeforeABadOneAreHandedOver) {
  EXPECT_EQ(decode("{\"id\":1,\"rpc\":{}}\n{}\n{\"id\":2\n{}"), Outcome::kBad);
  ASSERT_EQ(sink_.commands.size(), 2U);
  EXPECT_EQ(sink_.commands[0].id, 1U);
  // A line that breaks late hands over nothing.
  expect_bad(R"({"id":1,"subscribe":{"channel":"a"},"x":[1,]})");
}

TEST_F(CommandDecoderTest, CommandLimitIsExact) {
  const auto frame = [](std::size_t lines) {
    std::string out;
    for (std::size_t i = 0; i < lines; ++i) out += "{}\n";
    return out;
  };
  for (const std::size_t lines : {kMaxCommandsPerFrame - 1, kMaxCommandsPerFrame}) {
    EXPECT_EQ(decode(frame(lines)), Outcome::kDone);
    EXPECT_EQ(sink_.commands.size(), lines);
    std::string unended = frame(lines);
    unended.pop_back();
    EXPECT_EQ(decode(unended), Outcome::kDone);
    EXPECT_EQ(sink_.commands.size(), lines);
  }
  EXPECT_EQ(decode(frame(kMaxCommandsPerFrame + 1)), Outcome::kBad);
  EXPECT_EQ(sink_.commands.size(), kMaxCommandsPerFrame);
}

TEST_F(CommandDecoderTest, DepthLimitIsExactAndCountsTheCommand) {
  const auto frame = [](std::size_t depth) {
    return "{\"id\":1,\"publish\":{\"data\":" + std::string(depth, '[') + std::string(depth, ']') +
           "}}";
  };
  EXPECT_EQ(decode(frame(kMaxJsonDepth - 3)), Outcome::kDone);
  EXPECT_EQ(decode(frame(kMaxJsonDepth - 2)), Outcome::kDone);
  expect_bad(frame(kMaxJsonDepth - 1));
  expect_bad(frame(10'000));
  expect_bad(std::string(10'000, '['));
  expect_bad("{\"a\":" + std::string(10'000, '{'));
}

TEST_F(CommandDecoderTest, HostileLinesAreBad) {
  for (const std::string& line : {"[]"s,
                                  "[{}]"s,
                                  "1"s,
                                  "\"a\""s,
                                  "null"s,
                                  "{"s,
                                  "}"s,
                                  "{]"s,
                                  "{}}"s,
                                  "{},"s,
                                  "{\"id\"}"s,
                                  "{\"id\":}"s,
                                  "{id:1}"s,
                                  "{'id':1}"s,
                                  "{\"a\":1,}"s,
                                  "{}\0"s,
                                  "\0"s,
                                  "{\0}"s,
                                  "{\"a\":\"\0\"}"s,
                                  "\xef\xbb\xbf{}"s,
                                  "{\"a\":\"\\ud800\"}"s,
                                  "{\"\\udc00\":1}"s,
                                  "{\"a\":\"\xed\xa0\x80\"}"s,
                                  "{\"a\":\"\xc0\xaf\"}"s,
                                  "{\"a\":\"\xf0\x80\x80\xaf\"}"s,
                                  "{\"a\":\"\xff\"}"s,
                                  "\xff"s,
                                  "{\xc2\xa0}"s,
                                  "{\"a\":01}"s,
                                  "{\"a\":1e}"s,
                                  "{\"a\":--1}"s,
                                  "GET / HTTP/1.1"s,
                                  "{\"a\":\"\t\"}"s,
                                  std::string(70'000, '{'),
                                  std::string(70'000, '"'),
                                  std::string(70'000, '\\'),
                                  "{\"" + std::string(70'001, '\\') + "\":1}",
                                  "{\"a\":" + std::string(70'000, '-') + "}"}) {
    expect_bad(line);
  }
}

TEST_F(CommandDecoderTest, HugeNumbersWhereNobodyReadsThemAreJson) {
  const std::string digits(50'000, '9');
  EXPECT_EQ(body<PublishCommand>("{\"id\":1,\"publish\":{\"data\":" + digits + "}}").data, digits);
  EXPECT_EQ(one("{\"x\":1e999999999,\"id\":1,\"rpc\":{}}").id, 1U);
}

TEST_F(CommandDecoderTest, EveryTruncationIsBad) {
  const std::vector<std::string> commands = {
      R"({"connect":{"token":"a\u00e9","name":"js","data":{"x":[1.5e3,null]}},"id":1})",
      R"({"id":2,"subscribe":{"channel":"recovery:x","recover":true,"offset":2,"epoch":"t"}})",
      "{\"publish\":{\"channel\":\"\xf0\x9f\x98\x80\",\"data\":\"\\ud83d\\ude00\"},\"id\":12}",
      R"({"send":{"data":-0}})", R"({"id":3,"rpc":{"data":{}}})"};
  for (const std::string& command : commands) {
    EXPECT_EQ(decode(command), Outcome::kDone);
    for (std::size_t size = 0; size < command.size(); ++size) {
      expect_bad(command.substr(0, size));
      EXPECT_EQ(decode("{}\n" + command.substr(0, size) + "\n{}"), Outcome::kBad);
      EXPECT_EQ(sink_.commands.size(), 1U);
    }
  }
}

TEST_F(CommandDecoderTest, DamagedCommandsAreJsonOrBad) {
  test::RandomJson random(2);
  std::size_t done = 0;
  for (int i = 0; i < 20'000; ++i) {
    std::string line = R"({"id":7,"publish":{"channel":"a\u0062:c","data":)" + random.value() +
                       R"(},"x":)" + random.value() + "}";
    std::erase(line, '\n');
    ASSERT_EQ(decode(line), Outcome::kDone) << line;
    const Bytes data = std::get<PublishCommand>(sink_.commands[0].body).data;
    ASSERT_TRUE(test::ReferenceJson::valid(data, kMaxJsonDepth)) << line;

    const std::string damaged = random.damaged(line);
    if (decode(damaged) == Outcome::kBad) continue;
    ++done;
    for (const Command& command : sink_.commands) {
      const auto* publish = std::get_if<PublishCommand>(&command.body);
      if (publish == nullptr || publish->data.empty()) continue;
      ASSERT_TRUE(test::ReferenceJson::valid(publish->data, kMaxJsonDepth)) << damaged;
      ASSERT_EQ(publish->data.find_first_of("\r\n"), Bytes::npos) << damaged;
    }
    if (damaged.find('\n') == std::string::npos) {
      ASSERT_TRUE(test::ReferenceJson::valid(damaged, kMaxJsonDepth)) << damaged;
    }
  }
  EXPECT_GT(done, 100U);
  EXPECT_LT(done, 19'000U);
}

}  // namespace
}  // namespace millrace
