// An application that a test plays: what sessions asked it, and its answers.
#pragma once

#include <algorithm>
#include <array>
#include <string>
#include <vector>

#include "core/base/assert.h"
#include "net/session/application.h"
#include "tests/support/session_world.h"

namespace millrace {

class PlayedDoor final : public ApplicationDoor {
 public:
  struct Asked {
    std::uint64_t ticket = 0;
    ProxyMethod method = ProxyMethod::kRpc;
    ConnId who = {};
    std::string client = {};
    std::string user = {};
    std::string channel = {};
    std::string data = {};
    std::string meta = {};
    std::string path = {};
    std::string address = {};
    std::string token = {};
    std::size_t headers = 0;
    std::uint16_t code = 0;
    std::string reason = {};
  };

  // Everything is asked.
  PlayedDoor() { on.fill(true); }

  [[nodiscard]] bool asks(ProxyMethod method) const override {
    return on.at(static_cast<std::size_t>(method));
  }
  std::uint64_t ask(const ApplicationQuestion& question, Instant) override {
    if (closed) return 0;
    asked.push_back(copy_of(question));
    asked.back().ticket = ++last_;
    return last_;
  }
  void forget(std::uint64_t ticket) override {
    CHECK_EQ(std::erase_if(asked, [ticket](const Asked& one) { return one.ticket == ticket; }), 1U);
    ++forgotten;
  }
  void tell(const ApplicationQuestion& message, Instant) override {
    told.push_back(copy_of(message));
  }
  [[nodiscard]] const std::vector<std::string>& headers() const override { return header_names; }

  void turn_off(ProxyMethod method) { on.at(static_cast<std::size_t>(method)) = false; }

  std::vector<Asked> asked;  // and not answered yet
  std::vector<Asked> told;
  std::array<bool, kProxyMethods> on{};
  std::vector<std::string> header_names;
  bool closed = false;
  std::size_t forgotten = 0;

 private:
  static Asked copy_of(const ApplicationQuestion& question) {
    Asked one{.method = question.method, .who = question.who};
    one.client = question.client;
    one.user = question.user;
    one.channel = question.channel;
    one.data = question.data;
    one.meta = question.meta;
    one.token = question.token;
    one.code = question.code;
    one.reason = question.reason;
    if (question.place != nullptr) {
      one.path = question.place->path;
      one.address = question.place->address;
      one.headers = question.place->headers.size();
    }
    return one;
  }

  std::uint64_t last_ = 0;
};

// A shard whose application is played. Namespaces: those of SessionWorld, and `app`, where the
// application decides all.
struct ApplicationWorld {
  static ClientShardOptions options() {
    ClientShardOptions options = SessionWorld::options();
    NamespaceSettings app;
    app.proxy_subscribe = app.proxy_publish = app.proxy_sub_refresh = true;
    options.sessions.namespaces.by_name["app"] = app;
    NamespaceSettings kept = app;
    kept.stream = {5, seconds(60), seconds(600)};
    kept.recoverable = true;
    options.sessions.namespaces.by_name["appkept"] = kept;
    return options;
  }

  explicit ApplicationWorld(const ClientShardOptions& settings = options()) : world(settings) {
    world.shard().desk().context().application = &door;
  }

  // To the oldest question.
  void answer(ApplicationAnswer answer) {
    CHECK(!door.asked.empty());
    const PlayedDoor::Asked one = door.asked.front();
    door.asked.erase(door.asked.begin());
    set_this_shard(ShardId{0});
    world.shard().desk().on_application_answer(one.who, one.ticket, answer, world.clock().now());
    world.turn();
  }
  static ApplicationAnswer allowed() { return {.kind = ApplicationAnswer::Kind::kAllowed}; }
  static ApplicationAnswer user(const std::string& name, std::int64_t expires_at = 0) {
    ApplicationAnswer answer = allowed();
    answer.user = name;
    answer.expires_at = expires_at;
    return answer;
  }
  static ApplicationAnswer error(std::uint32_t code) {
    return {.kind = ApplicationAnswer::Kind::kError, .code = code, .text = "no"};
  }
  static ApplicationAnswer disconnect(std::uint32_t code) {
    return {.kind = ApplicationAnswer::Kind::kDisconnect, .code = code, .text = "out"};
  }

  // Connected as the application says.
  FileSlot open(const ApplicationAnswer& as = user("anna")) {
    const FileSlot file = world.open_websocket();
    CHECK_EQ(world.ask(file, kConnect), "");
    answer(as);
    CHECK(world.heard(file).starts_with(R"({"id":1,"connect":{)"));
    return file;
  }

  static constexpr Bytes kConnectText = R"({"id":1,"connect":{}})";
  const std::string kConnect{kConnectText};
  PlayedDoor door;  // outlives the sessions
  SessionWorld world;
};

}  // namespace millrace
