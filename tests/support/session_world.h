// Shards whose clients come with tokens, and what such clients say and hear.
//
// Namespaces: channels without a boundary are everybody's; see options().
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include "net/auth/token_maker.h"
#include "tests/support/shard_world.h"

namespace millrace {

class SessionWorld : public ShardWorld {
 public:
  static constexpr Bytes kSecret = "a-secret-that-is-only-for-tests-0123456789";
  static constexpr std::uint32_t kKept = 5;  // publications of a channel of kept, bin and delta

  static ClientShardOptions options() {
    ClientShardOptions options = insecure_options();
    options.sessions.insecure = false;
    TokenSettings tokens;
    tokens.hmac_secret = kSecret;
    auto keys = TokenKeys::load(tokens);
    CHECK(keys.ok());
    options.token_keys = std::make_shared<const TokenKeys>(std::move(*keys));
    auto& namespaces = options.sessions.namespaces.by_name;
    constexpr Audience kAll{.clients = true, .subscribers = false, .anonymous = true};
    NamespaceSettings open;
    open.subscribe = open.publish = open.read_presence = open.read_history = kAll;
    namespaces["default"] = open;
    NamespaceSettings kept = open;
    kept.stream = {kKept, seconds(60), seconds(600)};
    kept.recoverable = true;
    namespaces["kept"] = kept;
    NamespaceSettings room = open;
    room.presence = {.members = true, .announce = true};
    namespaces["room"] = room;
    namespaces["shut"] = {};
    NamespaceSettings members;  // who is in it may do all, but only users get in
    members.subscribe = {.clients = true};
    members.publish = members.read_presence = members.read_history = {.subscribers = true};
    members.stream = kept.stream;
    members.presence = room.presence;
    namespaces["members"] = members;
    NamespaceSettings binary = kept;
    binary.payload = PayloadKind::kBinary;
    namespaces["bin"] = binary;
    NamespaceSettings delta = kept;
    delta.delta = true;
    namespaces["delta"] = delta;
    return options;
  }

  explicit SessionWorld(const ClientShardOptions& options = SessionWorld::options(),
                        std::size_t shards = 1, std::uint32_t per_user = 0)
      : ShardWorld(options, shards, 1'000, 256, 0, per_user) {}

  static std::string sign(const std::string& claims) {
    return sign_hs256(R"({"alg":"HS256"})", claims, kSecret);
  }
  // {"sub":"anna","exp":.., and whatever more: R"(,"info":1)"}.
  std::string token(const std::string& user, std::int64_t lifetime, const std::string& more = "") {
    return sign(R"({"sub":")" + user + R"(","iat":)" + std::to_string(calendar()) + R"(,"exp":)" +
                std::to_string(calendar() + lifetime) + more + "}");
  }
  // Without an end.
  static std::string lasting(const std::string& user, const std::string& more = "") {
    return sign(R"({"sub":")" + user + "\"" + more + "}");
  }
  using ShardWorld::connect;
  static std::string connect(const std::string& token, const std::string& more = "") {
    return R"({"id":1,"connect":{"token":")" + token + "\"" + more + "}}";
  }
  static std::string subscribe(int id, const std::string& channel, const std::string& more = "") {
    return R"({"id":)" + std::to_string(id) + R"(,"subscribe":{"channel":")" + channel + "\"" +
           more + "}}";
  }
  static std::string with_token(const std::string& token) { return R"(,"token":")" + token + "\""; }
  static std::string publish(int id, const std::string& channel, const std::string& data) {
    return R"({"id":)" + std::to_string(id) + R"(,"publish":{"channel":")" + channel +
           R"(","data":)" + data + "}}";
  }

  // All that is answered, with the close frame as "CODE reason"; one line each.
  std::string ask(FileSlot file, const std::string& command, std::size_t shard = 0) {
    send_text(file, command, shard);
    return heard(file, shard);
  }
  std::string heard(FileSlot file, std::size_t shard = 0) {
    std::string all;
    for (const ServerFrame& frame : frames(file, shard)) {
      if (!all.empty()) all.push_back('\n');
      if (frame.opcode != Opcode::kClose) {
        all += frame.payload;
        continue;
      }
      const auto byte = [&frame](std::size_t i) {
        return static_cast<unsigned>(static_cast<unsigned char>(frame.payload.at(i)));
      };
      all += std::to_string(byte(0) << 8 | byte(1)) + " " + frame.payload.substr(2);
    }
    return all;
  }
  FileSlot open_with(const std::string& token, std::size_t shard = 0) {
    const FileSlot file = open_websocket(shard);
    const std::string reply = ask(file, connect(token), shard);
    CHECK(reply.starts_with(R"({"id":1,"connect":{)"));
    return file;
  }
  FileSlot open_as(const std::string& user, std::size_t shard = 0) {
    return open_with(lasting(user), shard);
  }

  // The text behind `"name":` up to the next comma, bracket or quote; quotes of its own are off.
  static std::string value_of(const std::string& text, const std::string& name) {
    const std::size_t at = text.find("\"" + name + "\":");
    if (at == std::string::npos) return "";
    std::size_t begin = at + name.size() + 3;
    if (text[begin] == '"') ++begin;
    return text.substr(begin, text.find_first_of(",}]\"", begin) - begin);
  }
};

inline bool holds(const std::string& text, Bytes part) {
  return text.find(part) != std::string::npos;
}

// How often.
inline std::size_t count_of(const std::string& text, Bytes part) {
  std::size_t count = 0;
  for (std::size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) {
    ++count;
  }
  return count;
}

}  // namespace millrace
