// What an application's replies may be, and how much may be asked of it.
#include "net/proxy/circuit_breaker.h"
#include "net/proxy/proxy_door.h"
#include "net/proxy/reply_reader.h"
#include "net/proxy/request_body.h"
#include "net/proxy/retry_plan.h"
#include "tests/limits/limit.h"
#include "tests/support/mem_ring.h"
#include "tests/support/played_door.h"
#include "tests/support/played_link.h"

namespace millrace {
namespace {

std::string read(const std::string& reply) {
  ReplyReader reader;
  const auto answer = reader.read(ProxyMethod::kRpc, false, reply);
  return answer.ok() ? "" : std::string(reply_fault_text(answer.error()));
}

std::string said(ReplyFault fault) { return std::string(reply_fault_text(fault)); }

std::string reply_of(std::uint64_t bytes) {
  std::string reply = R"({"result":{"data":")";
  reply.append(bytes - reply.size() - 3, 'x').append("\"}}");
  CHECK_EQ(reply.size(), bytes);
  return read(reply);
}

std::string error_code(std::uint64_t code) {
  return read(R"({"error":{"code":)" + std::to_string(code) + "}}");
}
std::string disconnect_code(std::uint64_t code) {
  return read(R"({"disconnect":{"code":)" + std::to_string(code) + "}}");
}
std::string message_of(std::uint64_t bytes) {
  return read(R"({"error":{"code":400,"message":")" + std::string(bytes, 'x') + "\"}}");
}
std::string reason_of(std::uint64_t bytes) {
  return read(R"({"disconnect":{"code":4000,"reason":")" + std::string(bytes, 'x') + "\"}}");
}

// --- a shard's door ------------------------------------------------------------------------------

class DoorWorld final : public ApplicationListener {
 public:
  explicit DoorWorld(const ProxySettings& settings) {
    options_.lane_bytes = 2 * ProxyDoor::kMaxBodyBytes;
    options_.max_payload = options_.lane_bytes;
    auto link = std::make_unique<PlayedLink>(waker_);
    link->come_up();
    port_ = std::make_unique<NatsPort>(options_, std::move(link), timers_, random_, metrics_);
    port_->drain(now_);
    door_ =
        std::make_unique<ProxyDoor>(*port_, ProxyOrigin{}, static_cast<ApplicationListener&>(*this),
                                    timers_, random_, metrics_);
    door_->use(settings);
  }
  void on_application_answer(ConnId, std::uint64_t, ApplicationAnswer&, Instant) override {
    ++answers_;
  }
  bool answered_after(Duration span) {
    timers_.advance(now_ + span);
    port_->drain(now_ + span);
    return answers_ > 0;
  }

  bool ask(std::size_t data_bytes = 1) {
    data_ = std::string(data_bytes, '1');
    return door_->ask(question(), now_) != 0;
  }
  // Of a question with so much data.
  std::size_t body_bytes(std::size_t data_bytes) {
    data_ = std::string(data_bytes, '1');
    return proxy_request_body(question(), "").size();
  }

 private:
  [[nodiscard]] ApplicationQuestion question() const {
    ApplicationQuestion question;
    question.client = "c";
    question.data = data_;
    return question;
  }

  NatsOptions options_;
  RecvBuffers buffers_{1, 16};
  MemRing ring_{buffers_};
  Waker waker_{ring_};
  Instant now_{};
  int answers_ = 0;
  TimerWheel timers_{now_};
  Random random_{1};
  ShardMetrics metrics_;
  std::string data_;
  std::unique_ptr<NatsPort> port_;
  std::unique_ptr<ProxyDoor> door_;
};

ProxySettings asking_rpc(std::uint32_t requests) {
  ProxySettings settings;
  settings.methods[static_cast<std::size_t>(ProxyMethod::kRpc)].on = true;
  settings.requests = requests;
  return settings;
}

std::string questions_out(std::uint64_t n) {
  DoorWorld door(asking_rpc(100));
  bool taken = true;
  for (std::uint64_t i = 0; i < n; ++i) taken = door.ask() && taken;
  return taken ? "" : "error 100";
}

std::string patience(std::uint64_t ms) {
  ProxySettings settings = asking_rpc(100);
  settings.methods[static_cast<std::size_t>(ProxyMethod::kRpc)].timeout = seconds(1);
  DoorWorld door(settings);
  CHECK(door.ask());
  return door.answered_after(milliseconds(static_cast<std::int64_t>(ms))) ? "error 100" : "";
}

std::string retries(std::uint64_t n) {
  Random random(1);
  const auto tries = static_cast<std::uint32_t>(n);
  return RetryPlan::pause(ProxyMethod::kConnect, true, tries, 3, random) ? "" : "error 100";
}

std::string bodies_out(std::uint64_t n) {
  DoorWorld door(asking_rpc(100));
  const std::size_t around = door.body_bytes(1) - 1;
  return door.ask(n - around) ? "" : "error 100";
}

std::string failures_in_a_row(std::uint64_t n) {
  CircuitBreaker breaker;
  for (std::uint64_t i = 0; i < n; ++i) breaker.failed(false, {5, seconds(1)}, Instant{1});
  return breaker.may_ask(Instant{1}) == CircuitBreaker::Verdict::kAsk ? "" : "refused";
}

std::string asked_after_pause(std::uint64_t ms) {
  CircuitBreaker breaker;
  breaker.failed(false, {1, seconds(1)}, Instant{});
  const Instant later = Instant{} + milliseconds(static_cast<std::int64_t>(ms));
  return breaker.may_ask(later) == CircuitBreaker::Verdict::kRefuse ? "" : "a trial";
}

// --- a client ------------------------------------------------------------------------------------

std::string rpc(int id, const std::string& method) {
  return R"({"id":)" + std::to_string(id) + R"(,"rpc":{"method":")" + method + "\"}}";
}

std::string questions_of_a_client(std::uint64_t n) {
  ApplicationWorld app;
  const FileSlot file = app.open();
  for (std::uint64_t i = 0; i < n; ++i) {
    app.world.send_text(file, rpc(static_cast<int>(i) + 2, "m"));
  }
  return app.door.asked.size() == n ? "" : "waits";
}

std::string rpc_method(std::uint64_t bytes) {
  ApplicationWorld app;
  const FileSlot file = app.open();
  const std::string heard = app.world.ask(file, rpc(2, std::string(bytes, 'm')));
  return heard.empty() ? "" : holds(heard, R"("code":107)") ? "error 107" : heard;
}

std::string path_of(std::uint64_t bytes) {
  ApplicationWorld app;
  const FileSlot file = app.world.open_websocket(0, "?path=" + std::string(bytes, 'p'));
  app.world.send_text(file, app.kConnect);
  return app.door.asked.at(0).path.size() == bytes ? "" : "cut off";
}

std::string header_bytes(std::uint64_t bytes) {
  ApplicationWorld app;
  app.door.header_names = {"Sec-WebSocket-Key", "X-Much"};
  const FileSlot file = app.world.connect();
  std::string request = ShardWorld::handshake();
  const std::string key = "dGhlIHNhbXBsZSBub25jZQ==";
  request.insert(request.find("Host:"), "X-Much: " + std::string(bytes - key.size(), 'x') + "\r\n");
  app.world.send(file, request);
  static_cast<void>(app.world.ring().take_sent(file));
  app.world.send_text(file, app.kConnect);
  return app.door.asked.at(0).headers == 2 ? "" : "left out";
}

}  // namespace

Limits proxy_limits() {
  Limits all;
  const auto add = [&all](const char* name, std::vector<std::string> covers, std::uint64_t value,
                          const char* unit, std::string refusal,
                          std::function<std::string(std::uint64_t)> attempt,
                          Edge edge = Edge::kMost) {
    all.push_back(
        {name, std::move(covers), value, unit, std::move(refusal), std::move(attempt), edge});
  };
  add("reply of an application", {"reply_reader.h:kMaxProxyReply"}, kMaxProxyReply, "bytes",
      said(ReplyFault::kTooLong), reply_of);
  add("message of an application's error", {"reply_reader.h:kMaxProxyMessage"}, kMaxProxyMessage,
      "bytes", said(ReplyFault::kBadText), message_of);
  add("reason of an application's disconnect", {"reply_reader.h:kMaxProxyReason"}, kMaxProxyReason,
      "bytes", said(ReplyFault::kBadText), reason_of);
  add("lowest error of an application", {"reply_reader.h:kLeastProxyError"}, kLeastProxyError, "",
      said(ReplyFault::kBadCode), error_code, Edge::kLeast);
  add("highest error of an application", {"reply_reader.h:kMostProxyError"}, kMostProxyError, "",
      said(ReplyFault::kBadCode), error_code);
  add("lowest disconnect of an application", {"reply_reader.h:kLeastProxyDisconnect"},
      kLeastProxyDisconnect, "", said(ReplyFault::kBadCode), disconnect_code, Edge::kLeast);
  add("highest disconnect of an application", {"reply_reader.h:kMostProxyDisconnect"},
      kMostProxyDisconnect, "", said(ReplyFault::kBadCode), disconnect_code);
  add("questions out of a shard", {"ProxySettings.requests"}, 100, "questions", "error 100",
      questions_out);
  constexpr auto kTickMs = static_cast<std::uint64_t>(TimerWheel::kTick.ns / 1'000'000);
  add("patience with an application", {"ProxyMethodSettings.timeout"}, 1'000, "ms", "error 100",
      patience, Edge::kDeadline);
  all.back().step = kTickMs;
  add("retries of a question", {"ProxyMethodSettings.retries"}, 3, "retries", "error 100", retries);
  add("bodies of questions out", {"proxy_door.h:kMaxBodyBytes"}, ProxyDoor::kMaxBodyBytes, "bytes",
      "error 100", bodies_out);
  add("failures until a breaker opens",
      {"BreakerLimits.failures", "ProxySettings.breaker_failures"}, 5, "failures", "refused",
      failures_in_a_row, Edge::kDeadline);
  add("pause of an open breaker", {"BreakerLimits.pause", "ProxySettings.breaker_pause"}, 1'000,
      "ms", "a trial", asked_after_pause, Edge::kDeadline);
  add("questions out of a client", {"application_notes.h:kMaxQuestions"},
      ApplicationNotes::kMaxQuestions, "questions", "waits", questions_of_a_client);
  add("method of an rpc", {"session_application.cc:kMaxRpcMethod"}, 255, "bytes", "error 107",
      rpc_method);
  add("path that a client says", {"application.h:kMaxPath"}, ClientPlace::kMaxPath, "bytes",
      "cut off", path_of);
  add("headers told of a client", {"application.h:kMaxHeaderBytes"}, ClientPlace::kMaxHeaderBytes,
      "bytes", "left out", header_bytes);
  return all;
}

}  // namespace millrace
