#include "tests/conformance/harness/case_run.h"

#include <algorithm>
#include <utility>

#include "tests/conformance/harness/server_frames.h"

namespace millrace::conformance {
namespace {

using Clock = std::chrono::steady_clock;

constexpr Bytes kRequest =
    "GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
// Of RFC 6455 section 1.3, for that key.
constexpr Bytes kAccept = "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n";

// One connection of a client that plays a script.
class Client {
 public:
  Client(PlainSocket socket, Milliseconds patience)
      : socket_(std::move(socket)), patience_(patience) {}

  bool shake_hands() {
    write(kRequest, 0);
    const auto end = [this] { return head_.find("\r\n\r\n"); };
    if (!until(patience_, [&] { return end() != std::string::npos; })) return false;
    if (!head_.starts_with("HTTP/1.1 101 ") || head_.find(kAccept) == std::string::npos) {
      return false;
    }
    upgraded_ = true;
    frames_.feed(Bytes(head_).substr(end() + 4));
    return true;
  }

  // False if there is no point in going on.
  bool take(const Step& step) {
    switch (step.kind) {
      case Step::Kind::kSend:
        write(step.bytes, step.chop);
        return true;
      case Step::Kind::kAwait:
        return await(step.events);
      case Step::Kind::kWait:
        if (until(step.longest, [this] { return over(); })) return false;
        frames_.add_event(waited());
        return true;
    }
    return false;
  }

  // False if they don't come.
  bool await(std::size_t events) {
    return until(patience_, [&] { return over() || frames_.events().size() >= events; }) && !over();
  }

  void say_goodbye() {
    write(client_close_frame(kNormal), 0);
    said_goodbye_ = true;
  }

  // Answers a close frame that was not an answer, and leaves the end of TCP to the server.
  void see_it_out(bool said_goodbye) {
    said_goodbye_ = said_goodbye_ || said_goodbye;
    static_cast<void>(until(patience_, [this] { return over(); }));
    if (frames_.close_code() && !said_goodbye_) say_goodbye();
    static_cast<void>(until(patience_, [this] { return ended_; }));
  }

  Heard heard() const {
    Heard heard{frames_.events(), frames_.close_code(), ended_, frames_.fault()};
    if (heard.fault.empty() && ended_ && !frames_.at_rest()) heard.fault = "TCP ends in a frame";
    return heard;
  }

 private:
  [[nodiscard]] bool over() const {
    return ended_ || frames_.close_code() || !frames_.fault().empty();
  }

  // Reads all the while, so that neither side waits for the other's buffer.
  void write(Bytes bytes, std::size_t chop) {
    const std::size_t octets = chop == 0 ? std::max<std::size_t>(bytes.size(), 1) : chop;
    auto progress = Clock::now();
    while (!bytes.empty() && !ended_) {
      const long sent = socket_.send_some(bytes.substr(0, octets));
      if (sent < 0) return;  // it is gone: what it said last is still to be read
      if (sent > 0) {
        bytes.remove_prefix(static_cast<std::size_t>(sent));
        progress = Clock::now();
      } else {
        if (Clock::now() - progress > patience_) return;
        socket_.wait(patience_, true);
      }
      if (sent == 0 || chop == 0) read();
    }
  }

  void read() {
    std::string bytes;
    PlainSocket::Read last = PlainSocket::Read::kNothing;
    while ((last = socket_.read_some(bytes)) == PlainSocket::Read::kBytes &&
           bytes.size() < 1'000'000) {
    }
    if (upgraded_) {
      frames_.feed(bytes);
    } else {
      head_ += bytes;
    }
    ended_ = last == PlainSocket::Read::kEnd || last == PlainSocket::Read::kReset;
  }

  template <typename Fn>
  bool until(Milliseconds longest, const Fn& holds) {
    const auto deadline = Clock::now() + longest;
    while (!holds()) {
      if (ended_) return false;
      const auto left = std::chrono::ceil<Milliseconds>(deadline - Clock::now());
      if (left.count() <= 0) return false;
      socket_.wait(left);
      read();
    }
    return true;
  }

  PlainSocket socket_;
  const Milliseconds patience_;
  std::string head_;
  bool upgraded_ = false;
  bool said_goodbye_ = false;
  bool ended_ = false;
  ServerFrames frames_;
};

std::string name_of(Event::Kind kind) {
  switch (kind) {
    case Event::Kind::kText:
      return "text";
    case Event::Kind::kBinary:
      return "binary";
    case Event::Kind::kPing:
      return "ping";
    case Event::Kind::kPong:
      return "pong";
    case Event::Kind::kWaited:
      return "waited";
  }
  return "?";
}

bool fits(const Ending& ending, const Heard& heard) {
  if (!heard.close_code) return ending.drop;
  return ending.any_code ||
         std::ranges::find(ending.codes, *heard.close_code) != ending.codes.end();
}

std::string describe(const Ending& ending) {
  std::string shown = ending.any_code ? "any close" : "close";
  for (const std::uint16_t code : ending.codes) shown += " " + std::to_string(code);
  return ending.codes.empty() && !ending.any_code ? "end of TCP" : shown;
}

}  // namespace

std::string describe(const std::vector<Event>& events) {
  constexpr std::size_t kShown = 24;
  constexpr std::size_t kEvents = 6;
  std::string shown = "[";
  for (std::size_t i = 0; i < events.size() && i < kEvents; ++i) {
    const Event& event = events[i];
    shown += (i > 0 ? ", " : "") + name_of(event.kind) + " " + event.payload.substr(0, kShown);
    if (event.payload.size() > kShown) {
      shown += "... (" + std::to_string(event.payload.size()) + " B)";
    }
  }
  if (events.size() > kEvents) shown += ", ... (" + std::to_string(events.size()) + ")";
  return shown + "]";
}

Heard play(const Script& script, const RunOptions& options) {
  Heard failed;
  PlainSocket socket = PlainSocket::connect(options.address);
  if (!socket) {
    failed.fault = "nobody listens on " + options.address;
    return failed;
  }
  Client client(std::move(socket), options.patience);
  if (!client.shake_hands()) {
    failed.fault = "the handshake is not answered with a right 101";
    return failed;
  }
  bool going_on = true;
  for (const Step& step : script.steps()) going_on = going_on && client.take(step);
  if (script.client_closes()) {
    // Without its answer there is nothing to wait for behind a close.
    if (!going_on || !client.await(script.outcomes().front().events.size())) return client.heard();
    client.say_goodbye();
  }
  client.see_it_out(script.has_close_frame());
  return client.heard();
}

Judgement judge(const Script& script, const Heard& heard) {
  const std::string ending = heard.close_code ? "close " + std::to_string(*heard.close_code)
                             : heard.ended    ? "end of TCP"
                                              : "silence";
  std::string text = "heard " + describe(heard.events) + " then " + ending;
  if (!heard.fault.empty()) return {Verdict::kFailed, heard.fault + "; " + text};
  if (heard.ended) {
    for (const Outcome& outcome : script.outcomes()) {
      if (outcome.events != heard.events || !fits(outcome.ending, heard)) continue;
      return {outcome.verdict, outcome.verdict == Verdict::kOk ? "" : text};
    }
  } else if (heard.close_code) {
    text += ", and TCP was left open";
  }
  const Outcome& wanted = script.outcomes().front();
  return {Verdict::kFailed,
          text + "; expected " + describe(wanted.events) + " then " + describe(wanted.ending)};
}

Judgement run_case(const Case& one, const RunOptions& options) {
  const Script script = one.script(options.effort);
  return judge(script, play(script, options));
}

}  // namespace millrace::conformance
