#include "net/jet/jet_json.h"

#include <gtest/gtest.h>

namespace millrace {
namespace {

class JetJson : public testing::Test {
 protected:
  JetAnswer read(Bytes text) { return {validator_, text}; }
  JsonValidator validator_;
};

TEST_F(JetJson, ReadsWhatAStreamIs) {
  const std::string text =
      R"({"type":"io.nats","total":2,"config":{"name":"S"},"created":"2026-11-24T03:02:52.1Z",)"
      R"("state":{"messages":4,"first_seq":4,"last_seq":7,)"
      R"("subjects":{"game.a":3,"game\u002eb":1}}})";
  const auto info = read(text).stream_info();
  ASSERT_TRUE(info);
  EXPECT_EQ(info->created, "2026-11-24T03:02:52.1Z");
  EXPECT_EQ(info->config, R"({"name":"S"})");
  EXPECT_EQ(info->first, 4U);
  EXPECT_EQ(info->last, 7U);
  EXPECT_EQ(info->subjects, (std::vector<std::string>{"game.a", "game.b"}));
  EXPECT_EQ(info->counts, (std::vector<std::uint64_t>{3, 1}));
  EXPECT_FALSE(info->more);
}

TEST_F(JetJson, KnowsThatThereAreMoreSubjects) {
  const auto info = read(R"({"total":3,"config":{},"created":"x",)"
                         R"("state":{"first_seq":1,"last_seq":1,"subjects":{"a":1}}})")
                        .stream_info();
  ASSERT_TRUE(info);
  EXPECT_TRUE(info->more);
}

TEST_F(JetJson, ReadsErrors) {
  const JetAnswer answer =
      read(R"({"error":{"code":404,"err_code":10059,"description":"stream not found"}})");
  ASSERT_TRUE(answer.error());
  EXPECT_EQ(answer.error()->code, kJetNotFound);
  EXPECT_EQ(answer.error()->err_code, 10'059U);
  EXPECT_EQ(answer.error()->text, "stream not found");
  EXPECT_FALSE(answer.stream_info());
  EXPECT_FALSE(answer.message());
  EXPECT_FALSE(answer.ack());
  EXPECT_FALSE(answer.success());
}

TEST_F(JetJson, ReadsAStoredMessage) {
  const auto stored =
      read(R"({"message":{"subject":"game.a","seq":6,"hdrs":"TkFUUy8xLjANCk5hdHMtTXNnLUlkOiBpZDYN)"
           R"(Ck1pbGxyYWNlLUluZm86IGFiYw0KDQo=","data":"eyJpIjo2fQ==",)"
           R"("time":"1970-01-02T00:00:01.5Z"}})")
          .message();
  ASSERT_TRUE(stored);
  EXPECT_EQ(stored->sequence, 6U);
  EXPECT_EQ(stored->time, 86'401);
  EXPECT_EQ(stored->data, R"({"i":6})");
  EXPECT_EQ(jet_header(stored->headers, "Millrace-Info"), "abc");
  EXPECT_EQ(jet_header(stored->headers, "Nats-Msg-Id"), "id6");
  EXPECT_EQ(jet_header(stored->headers, "Nats"), "");
}

TEST_F(JetJson, ReadsAcks) {
  const auto ack = read(R"({"stream":"S", "seq":6,"duplicate": true})").ack();
  ASSERT_TRUE(ack);
  EXPECT_EQ(ack->stream, "S");
  EXPECT_EQ(ack->sequence, 6U);
  EXPECT_TRUE(ack->duplicate);
  EXPECT_FALSE(read(R"({"stream":"S","seq":0})").ack());
  EXPECT_FALSE(read(R"({"seq":1})").ack());
  EXPECT_TRUE(read(R"({"success":true,"purged":2})").success());
  EXPECT_EQ(read(R"({"removed_until":12})").removed_until(), 12U);
}

// It comes from a peer: an application may answer on the same subject.
TEST_F(JetJson, WhatIsNoAnswerIsNothing) {
  for (const Bytes text :
       {"", " ", "[]", "{", "{}", "null", "{\"state\":3}", "{\"message\":{\"seq\":-1}}",
        "{\"message\":{\"seq\":1.5}}", "{\"message\":{\"seq\":1,\"data\":\"%\"}}", "+OK",
        "{\"seq\":99999999999999999999999,\"stream\":\"S\"}"}) {
    const JetAnswer answer = read(text);
    EXPECT_FALSE(answer.error()) << text;
    EXPECT_FALSE(answer.stream_info()) << text;
    EXPECT_FALSE(answer.message()) << text;
    EXPECT_FALSE(answer.ack()) << text;
    EXPECT_FALSE(answer.success()) << text;
  }
}

TEST_F(JetJson, ReadsTimesOfOneForm) {
  EXPECT_EQ(jet_time("1970-01-01T00:00:00Z"), 0);
  EXPECT_EQ(jet_time("2026-11-24T03:02:52.518289928Z"), 1'795'489'372);
  EXPECT_EQ(jet_time("2024-02-29T23:59:59Z"), 1'709'251'199);
  for (const Bytes text : {"", "Z", "2026-11-24", "2026-11-24T03:02:52", "2026-11-24 03:02:52Z",
                           "2026-11-24T03:02:-1Z", "20a6-11-24T03:02:52Z"}) {
    EXPECT_FALSE(jet_time(text)) << text;
  }
}

TEST_F(JetJson, ReadsListsOfTexts) {
  EXPECT_EQ(jet_texts(R"(["a","b\"c", "\u003e"])"), (std::vector<std::string>{"a", "b\"c", ">"}));
  EXPECT_TRUE(jet_texts("[]").empty());
  EXPECT_TRUE(jet_texts("{}").empty());
}

}  // namespace
}  // namespace millrace
