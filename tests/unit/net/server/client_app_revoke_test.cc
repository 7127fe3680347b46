// POST /api/revoke: tokens taken back, on every shard.
#include <gtest/gtest.h>

#include <memory>
#include <string>

#include "core/time/clock.h"
#include "net/auth/token_maker.h"
#include "tests/support/shard_world.h"

namespace millrace {
namespace {

const std::string kSecret = "a-secret-that-is-only-for-tests-0123456789";

ClientShardOptions with_tokens() {
  ClientShardOptions options = ShardWorld::insecure_options();
  options.sessions.insecure = false;
  TokenSettings settings;
  settings.hmac_secret = kSecret;
  auto keys = TokenKeys::load(settings);
  CHECK(keys.ok());
  options.token_keys = std::make_shared<const TokenKeys>(std::move(*keys));
  return options;
}

std::string token_of(ShardWorld& world, const std::string& user, const std::string& id = "",
                     std::int64_t age = 0) {
  TokenOrder order;
  order.user = user;
  order.token_id = id;
  order.issued_at = world.calendar() - age;
  const auto token = make_token(order, kSecret);
  CHECK(token.ok());
  return *token;
}

FileSlot come(ShardWorld& world, const std::string& token, std::size_t shard) {
  const FileSlot file = world.open_websocket(shard);
  world.send_text(file, R"({"id":1,"connect":{"token":")" + token + R"("}})", shard);
  return file;
}

FileSlot come_in(ShardWorld& world, const std::string& token, std::size_t shard) {
  const FileSlot file = come(world, token, shard);
  const auto texts = world.texts(file, shard);
  CHECK_EQ(texts.size(), 1U);
  CHECK(texts[0].starts_with(R"({"id":1,"connect":{)"));
  return file;
}

std::string revoke(ShardWorld& world, const std::string& body,
                   Bytes fields = "X-API-Key: 0123456789abcdef\r\n", Bytes method = "POST") {
  const FileSlot file = world.connect();
  world.send(file, std::string(method) + " /api/revoke HTTP/1.1\r\nHost: a\r\n" +
                       std::string(fields) + "Content-Length: " + std::to_string(body.size()) +
                       "\r\n\r\n" + body);
  const std::string answer = world.ring().take_sent(file);
  const std::size_t end = answer.find("\r\n\r\n");
  return answer.starts_with("HTTP/1.1 200") ? answer.substr(end + 4) : answer;
}

constexpr Bytes kDone = R"({"result":{}})";

TEST(ClientAppRevoke, AUserIsGoneFromEveryShardAndDoesNotComeBack) {
  ShardWorld world(with_tokens(), 3);
  std::vector<FileSlot> ann;
  std::vector<FileSlot> ben;
  for (std::size_t shard = 0; shard < 3; ++shard) {
    ann.push_back(come_in(world, token_of(world, "ann"), shard));
    ben.push_back(come_in(world, token_of(world, "ben"), shard));
  }
  EXPECT_EQ(revoke(world, R"({"user":"ann"})"), kDone);
  for (std::size_t shard = 0; shard < 3; ++shard) {
    EXPECT_EQ(world.close_code(ann[shard], shard), 3500) << shard;
    EXPECT_TRUE(world.frames(ben[shard], shard).empty()) << shard;
    EXPECT_EQ(world.close_code(come(world, token_of(world, "ann"), shard), shard), 3500) << shard;
    static_cast<void>(come_in(world, token_of(world, "ben"), shard));
  }
}

TEST(ClientAppRevoke, ATokenAloneIsRefusedWhenItComesBack) {
  ShardWorld world(with_tokens(), 2);
  const FileSlot bad = come_in(world, token_of(world, "ann", "t1"), 1);
  const FileSlot good = come_in(world, token_of(world, "ann", "t2"), 1);
  EXPECT_EQ(revoke(world, R"({"token_id":"t1"})"), kDone);
  EXPECT_EQ(world.close_code(bad, 1), 3011);
  EXPECT_TRUE(world.frames(good, 1).empty());
  for (std::size_t shard = 0; shard < 2; ++shard) {
    EXPECT_EQ(world.close_code(come(world, token_of(world, "ann", "t1"), shard), shard), 3500);
    static_cast<void>(come_in(world, token_of(world, "ann", "t2"), shard));
  }
}

TEST(ClientAppRevoke, EverythingBeforeATime) {
  ShardWorld world(with_tokens(), 2);
  const FileSlot old = come_in(world, token_of(world, "ann", "", 100), 1);
  const FileSlot young = come_in(world, token_of(world, "ben", "", 10), 1);
  EXPECT_EQ(revoke(world, R"({"issued_before":)" + std::to_string(world.calendar() - 50) + "}"),
            kDone);
  EXPECT_EQ(world.close_code(old, 1), 3500);
  EXPECT_TRUE(world.frames(young, 1).empty());
}

TEST(ClientAppRevoke, ARevocationEndsWhenItSays) {
  ShardWorld world(with_tokens(), 2);
  EXPECT_NE(revoke(world, R"({"user":"ann","expire_at":1000})").find("ends in the past"),
            std::string::npos);
  EXPECT_NE(revoke(world, R"({"user":""})").find(R"("code":107)"), std::string::npos);
  for (const std::size_t size : {255U, 256U}) {
    const std::string answer = revoke(world, R"({"user":")" + std::string(size, 'u') + R"("})");
    EXPECT_EQ(answer == kDone, size == 255) << answer;
  }
  static_cast<void>(come_in(world, token_of(world, "ann"), 1));
}

TEST(ClientAppRevoke, ItNeedsTheKeyAndAnOrder) {
  ShardWorld world(with_tokens());
  const std::string order = R"({"user":"ann"})";
  EXPECT_TRUE(revoke(world, order, "").starts_with("HTTP/1.1 401"));
  EXPECT_TRUE(revoke(world, order, "X-API-Key: wrong\r\n").starts_with("HTTP/1.1 401"));
  EXPECT_TRUE(revoke(world, order, "", "GET").starts_with("HTTP/1.1 405"));
  for (const char* body : {"", "{}", "garbage", R"({"user":"ann","token_id":"t"})"}) {
    EXPECT_NE(revoke(world, body).find(R"("code":107)"), std::string::npos) << body;
  }
  static_cast<void>(come_in(world, token_of(world, "ann"), 0));
}

}  // namespace
}  // namespace millrace
