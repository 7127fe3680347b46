#include "tests/faults/scenarios.h"

#include <array>
#include <string>

#include "tests/support/client_frames.h"

namespace millrace {
namespace {

using Peer = FaultWorld::Peer;

std::string publish(int id, const std::string& channel, const std::string& data) {
  return R"({"id":)" + std::to_string(id) + R"(,"publish":{"channel":")" + channel +
         R"(","data":")" + data + R"("}})";
}

std::string subscribe(int id, const std::string& channel) {
  return R"({"id":)" + std::to_string(id) + R"(,"subscribe":{"channel":")" + channel + R"("}})";
}

std::string post(const std::string& body) {
  return "POST /api/publish HTTP/1.1\r\nHost: a\r\nX-API-Key: 0123456789abcdef\r\n"
         "Content-Length: " +
         std::to_string(body.size()) + "\r\n\r\n" + body;
}

std::string get(const std::string& path, const std::string& fields = "") {
  return "GET " + path + " HTTP/1.1\r\nHost: a\r\n" + fields + "\r\n";
}

void publish_across_shards(FaultWorld& world) {
  const Peer first = world.open_client(0);
  const Peer second = world.open_client(1);
  for (const Peer peer : {first, second}) world.send_text(peer, subscribe(2, "news"));
  world.send_text(first, publish(3, "news", "hello"));
  world.send_text(second, publish(3, "news", std::string(600, 'x')));
  world.send_text(first, R"({"id":4,"unsubscribe":{"channel":"news"}})");
  world.send_text(second, publish(4, "news", "only to myself"));
  world.send(first, client_close_frame(1000, "bye"));
}

void publish_by_api(FaultWorld& world) {
  const Peer first = world.open_client(0);
  const Peer second = world.open_client(1);
  world.send_text(first, subscribe(2, "goals:1") + "\n" + subscribe(3, "goals"));
  world.send_text(second, subscribe(2, "goals"));
  const Peer api = world.connect(1);
  world.send(api, post(R"({"channel":"goals","data":{"n":1}})"));
  world.send(api, post(R"({"channel":"goals","data":)"));
  const Peer other = world.connect(0);
  world.send(other, post(R"({"channel":"nobody","data":[]})") +
                        post(R"({"channel":"goals","data":"two at once"})"));
  world.close(other);
}

void many_frames(FaultWorld& world) {
  const Peer peer = world.open_client(0);
  world.send(peer, client_frame(Opcode::kPing, "one"));
  const std::string command = subscribe(2, "pieces");
  world.send(peer, client_frame(Opcode::kText, command.substr(0, 9), false));
  world.send(peer, client_frame(Opcode::kPing, "between"));
  const std::string rest = client_frame(Opcode::kContinuation, command.substr(9));
  for (const char byte : rest.substr(0, 8)) world.send(peer, Bytes(&byte, 1));
  world.send(peer, rest.substr(8));
  world.send_text(peer, publish(3, "pieces", std::string(2'000, 'y')));
  world.send(peer, client_frame(Opcode::kPong, ""));
  const Peer breaks_rules = world.open_client(1);
  world.send(breaks_rules, client_header(0xc1, 5) + "12345");
  const Peer leaves_inside = world.open_client(0);
  world.send(leaves_inside, client_frame(Opcode::kText, "{\"id\":2", false));
  world.reset(leaves_inside);
  const Peer asks_nonsense = world.open_client(0);
  world.send_text(asks_nonsense, "not json");
}

void slow_reader(FaultWorld& world) {
  const Peer slow = world.open_client(0);
  const Peer fast = world.open_client(1);
  for (const Peer peer : {slow, fast}) world.send_text(peer, subscribe(2, "busy"));
  world.read_no_more(slow);
  for (int i = 0; i < 4; ++i) world.send_text(fast, publish(3 + i, "busy", std::string(900, 'z')));
  world.send(slow, client_frame(Opcode::kPing, "held back"));
  world.send(slow, client_frame(Opcode::kPing, "held back again"));
  world.read_again(slow);
  world.read_no_more(slow);
  for (int i = 0; i < 9; ++i) world.send_text(fast, publish(9 + i, "busy", std::string(900, 'z')));
  world.advance(seconds(11));
}

void http_requests(FaultWorld& world) {
  const Peer peer = world.connect(0);
  world.send(peer, get("/") + get("/nothing") + get("/", "Accept: */*\r\n"));
  world.send(peer, get("/connection/websocket", "Upgrade: websocket\r\n"));
  const Peer trickles = world.connect(1);
  world.send(trickles, "GET / HT");
  world.advance(seconds(60));
  const Peer from_elsewhere = world.connect(1);
  world.send(from_elsewhere,
             get("/connection/websocket",
                 "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
                 "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nOrigin: http://b\r\n"));
  const Peer chunked = world.connect(0);
  world.send(chunked,
             "POST /api/publish HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n");
  world.close(chunked);
}

void admin_pages(FaultWorld& world) {
  world.open_client(0);
  const Peer peer = world.connect(FaultWorld::kAdmin);
  for (const char* path : {"/healthz", "/readyz", "/stats", "/metrics", "/"}) {
    world.send(peer, get(path));
  }
  world.close(peer);
}

void quiet_clients(FaultWorld& world) {
  const Peer answers = world.open_client(0);
  world.open_client(1);
  world.open_websocket(0);
  const Peer pings = world.connect(1);
  world.send(pings, get("/connection/websocket?cf_ws_frame_ping_pong=true",
                        "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
                        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"));
  world.send_text(pings, R"({"id":1,"connect":{}})");
  for (int i = 0; i < 4; ++i) {
    world.advance(seconds(7));
    world.send_text(answers, "{}");
    world.send(pings, client_frame(Opcode::kPong, ""));
  }
}

constexpr std::array kScenarios = {
    Scenario{"publish_across_shards", publish_across_shards},
    Scenario{"publish_by_api", publish_by_api},
    Scenario{"many_frames", many_frames},
    Scenario{"slow_reader", slow_reader},
    Scenario{"http_requests", http_requests},
    Scenario{"admin_pages", admin_pages},
    Scenario{"quiet_clients", quiet_clients},
};

}  // namespace

std::span<const Scenario> scenarios() { return kScenarios; }

}  // namespace millrace
