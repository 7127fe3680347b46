#include "net/proxy/request_body.h"

#include <gtest/gtest.h>

#include "proto/json_text.h"

namespace millrace {
namespace {

std::string body(const ApplicationQuestion& question, Bytes node = "") {
  std::string text = proxy_request_body(question, node);
  JsonValidator validator;
  EXPECT_TRUE(validator.valid(text)) << text;
  EXPECT_EQ(text.find_first_of("\r\n"), std::string::npos);
  return text;
}

ApplicationQuestion question_of(ProxyMethod method) {
  ApplicationQuestion question;
  question.method = method;
  question.client = "c-1";
  question.user = "anna";
  return question;
}

TEST(RequestBody, TellsWhichNodeAsks) {
  const ApplicationQuestion question = question_of(ProxyMethod::kConnect);
  EXPECT_NE(body(question, "node-\"1").find(R"("node":"node-\"1")"), std::string::npos);
  EXPECT_EQ(body(question).find(R"("node")"), std::string::npos);
}

TEST(RequestBody, OfConnectTellsWhereTheClientComesFrom) {
  ClientPlace place;
  place.address = "192.0.2.1";
  place.path = "/game/abc";
  place.headers = {{"Cookie", "a=\"1\""}, {"Origin", "http://x"}};
  ApplicationQuestion question = question_of(ProxyMethod::kConnect);
  question.user = "";
  question.data = R"({"a":1})";
  question.token = "t";
  question.name = "js";
  question.version = "5";
  question.place = &place;
  EXPECT_EQ(body(question),
            R"({"client":"c-1","transport":"websocket","protocol":"json","encoding":"json",)"
            R"("token":"t","name":"js","version":"5","data":{"a":1},"address":"192.0.2.1",)"
            R"("path":"/game/abc","headers":{"Cookie":"a=\"1\"","Origin":"http://x"}})");
}

TEST(RequestBody, OfTheOthersTellsWhoAsks) {
  ApplicationQuestion question = question_of(ProxyMethod::kRpc);
  question.rpc_method = "move";
  question.data = "[1,\n2]";
  question.meta = R"({"x":1})";
  EXPECT_EQ(body(question),
            R"({"client":"c-1","transport":"websocket","protocol":"json","encoding":"json",)"
            R"("user":"anna","method":"move","data":[1,2],"meta":{"x":1}})");
  question = question_of(ProxyMethod::kDisconnect);
  question.code = 3001;
  question.reason = "shutdown";
  EXPECT_EQ(body(question),
            R"({"client":"c-1","transport":"websocket","protocol":"json","encoding":"json",)"
            R"("user":"anna","code":3001,"reason":"shutdown"})");
}

TEST(RequestBody, AnyBytesAreBase64) {
  ApplicationQuestion question = question_of(ProxyMethod::kPublish);
  question.flat = true;
  question.channel = "bin:a";
  question.data = Bytes("\x00\xff\"}", 4);
  question.data_is_json = false;
  const std::string text = body(question);
  EXPECT_NE(text.find(R"("protocol":"flatbuffers","encoding":"binary")"), std::string::npos);
  EXPECT_NE(text.find(R"("channel":"bin:a","b64data":"AP8ifQ==")"), std::string::npos);
}

TEST(RequestBody, NothingThatAClientSaysBecomesAMember) {
  ClientPlace place;
  place.path = "\",\"user\":\"admin";
  ApplicationQuestion question = question_of(ProxyMethod::kConnect);
  question.name = "x\"},{\r\n";
  question.token = "\\";
  question.place = &place;
  const std::string text = body(question);
  EXPECT_EQ(text.find(R"("user":"admin)"), std::string::npos);
  EXPECT_NE(text.find(R"("path":"\",\"user\":\"admin")"), std::string::npos);
}

TEST(RequestBody, OddBytesOfTextAreReplaced) {
  ClientPlace place;
  place.path = "a\xff\xc3(";
  ApplicationQuestion question = question_of(ProxyMethod::kConnect);
  question.place = &place;
  EXPECT_NE(body(question).find(R"("path":"a??(")"), std::string::npos);
}

TEST(RequestHeaders, CarryAUserOfTheFixedAlphabetOnly) {
  using Headers = std::vector<std::pair<std::string, std::string>>;
  ApplicationQuestion question = question_of(ProxyMethod::kSubRefresh);
  EXPECT_EQ(proxy_request_headers(question), (Headers{{"Millrace-Method", "sub_refresh"},
                                                      {"Millrace-Client", "c-1"},
                                                      {"Millrace-User", "anna"}}));
  for (const Bytes user : {Bytes(""), Bytes("a b"), Bytes("a\r\nX: y"), Bytes("\xc3\xa9"),
                           Bytes("a:b"), Bytes("a\0", 2)}) {
    question.user = user;
    EXPECT_EQ(proxy_request_headers(question).size(), 2U) << user;
  }
}

TEST(RequestSubject, IsOneAMethod) {
  EXPECT_EQ(proxy_subject_rest(ProxyMethod::kConnect), "proxy.connect");
  EXPECT_EQ(proxy_subject_rest(ProxyMethod::kSubRefresh), "proxy.sub_refresh");
}

}  // namespace
}  // namespace millrace
