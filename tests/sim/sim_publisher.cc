#include "tests/sim/sim_publisher.h"

#include <algorithm>
#include <charconv>

#include "tests/sim/world.h"

namespace millrace::sim {

SimPublisher::SimPublisher(World& world, std::string name) : Peer(world, std::move(name)) {}

void SimPublisher::reconnect(Duration delay) {
  later(delay, [this] {
    if (world_.draining()) return;
    in_.clear();
    asked_ = 0;
    revoking_.clear();
    connect();
    publisher_ = world_.next_wire();
    request();
  });
}

void SimPublisher::request() {
  if (stopped_ || asked_ != 0) return;
  if (world_.options().tokens && world_.random().below(20) == 0) return revoke();
  const std::string channel = world_.random_channel();
  const std::size_t padding = world_.random().below(8) == 0 ? world_.random().below(3'000) : 10;
  const std::string data = world_.oracle().published(channel, publisher_, padding);
  asked_ = Oracle::id_of(data);
  const std::string body = R"({"channel":")" + channel + R"(","data":)" + data + "}";
  say("publishes {} to {}", asked_, channel);
  post("/api/publish", body);
  if (world_.faults().strikes(Fault::kReset)) {
    later(world_.between(microseconds(1), milliseconds(2)), [this] {
      reset();
      reconnect(world_.between(milliseconds(1), milliseconds(50)));
    });
  }
}

void SimPublisher::post(const std::string& path, const std::string& body) {
  write("POST " + path +
        " HTTP/1.1\r\nHost: sim\r\nX-API-Key: 0123456789abcdef\r\nContent-Length: " +
        std::to_string(body.size()) + "\r\n\r\n" + body);
}

void SimPublisher::revoke() {
  revoking_ = "u" + std::to_string(world_.random().below(World::kUsers));
  say("revokes the tokens of {}", revoking_);
  revoke_before_ = world_.calendar().seconds();
  std::int64_t& may_be = world_.revoked(revoking_).may_be;
  may_be = std::max(may_be, revoke_before_ - 1);
  post("/api/revoke",
       R"({"user":")" + revoking_ + R"(","issued_before":)" + std::to_string(revoke_before_) + "}");
}

void SimPublisher::on_bytes(Bytes bytes) {
  in_ += bytes;
  const std::size_t head = in_.find("\r\n\r\n");
  if (head == std::string::npos) return;
  const std::size_t at = in_.find("Content-Length: ");
  if (at == std::string::npos || at > head) finding(name() + " got " + excerpt(in_, 200));
  std::size_t length = 0;
  std::from_chars(in_.data() + at + 16, in_.data() + head, length);
  const std::size_t whole = head + 4 + length;
  if (in_.size() < whole) return;
  unsigned status = 0;
  std::from_chars(in_.data() + 9, in_.data() + 12, status);
  const std::string response = in_.substr(0, whole);
  in_.erase(0, whole);
  on_response(status, Bytes(response).substr(head + 4));
}

void SimPublisher::on_response(unsigned status, Bytes body) {
  say("is answered {} {}", status, excerpt(body));
  if (status == 503) return;  // refused at the cap; the end follows
  // A drain gives what is half sent less time, and faults make it late.
  if (status == 408 && world_.draining()) return;
  if (status == 200 && !revoking_.empty()) return on_revoked(body);
  if (status != 200 || asked_ == 0) {
    finding(name() + " got " + std::to_string(status) + " " + std::string(body));
  }
  // With an offset where the namespace keeps a history.
  const bool accepted =
      body == R"({"result":{}})" || body.find(R"({"result":{"offset":)") != Bytes::npos;
  if (!accepted && body.find(R"("code":100)") == Bytes::npos) {
    finding(name() + " got " + std::string(body));
  }
  world_.oracle().outcome(asked_, accepted);
  asked_ = 0;
  later(world_.between(microseconds(50), milliseconds(40)), [this] { request(); });
}

// Without NATS nobody can say whether other nodes know: the shards of this one may.
void SimPublisher::on_revoked(Bytes body) {
  const bool done = body.find("error") == Bytes::npos;
  if (!done && (!world_.options().nats || body.find(R"("code":100)") == Bytes::npos)) {
    finding(name() + " got " + std::string(body));
  }
  if (done) {
    RevokedUntil& revoked = world_.revoked(revoking_);
    revoked.surely = std::max(revoked.surely, revoke_before_ - 1);
  }
  revoking_.clear();
  later(world_.between(microseconds(50), milliseconds(40)), [this] { request(); });
}

void SimPublisher::on_gone(bool) { reconnect(world_.between(milliseconds(1), milliseconds(100))); }

void SimPublisher::check_answered() const {
  if (connected() && asked_ != 0) {
    finding(name() + " got no answer to publication " + std::to_string(asked_) + " on shard " +
            std::to_string(shard()));
  }
}

}  // namespace millrace::sim
