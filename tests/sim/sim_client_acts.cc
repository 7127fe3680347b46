// What a simulated client does by itself.
#include <array>

#include "tests/sim/sim_client.h"
#include "tests/sim/world.h"
#include "tests/support/client_frames.h"

namespace millrace::sim {

void SimClient::think() {
  later(world_.between(milliseconds(1), milliseconds(60)), [this] {
    if (stopped_ || excuses_.leaves) return;
    const bool same = connected();
    act();
    if (same && connected()) think();
  });
}

void SimClient::act() {
  Random& random = world_.random();
  misbehave();
  if (!connected() || state_ != State::kLive) return;
  const std::uint64_t what = random.below(100);
  if (what < 30) {
    subscribe(world_.random_channel());
  } else if (what < 42) {
    unsubscribe();
  } else if (what < 80) {
    publish(what < 50);
  } else if (what < 88) {
    const std::string payload = "ping " + std::to_string(random.below(1'000));
    pings_.insert(payload);
    write(client_frame(Opcode::kPing, payload));
  } else if (what < 90) {
    say("says goodbye");
    excuses_.leaves = true;
    state_ = State::kClosing;
    write(client_frame(Opcode::kClose, Bytes("\x03\xe8", 2)));
  } else if (world_.options().streams) {
    const std::string channel = world_.random_channel();
    if (what < 96) {
      ask_history(channel);
    } else {
      ask_presence(channel);
    }
  }
}

void SimClient::probe() {
  if (!live()) return;
  subscribe(world_.random_channel());
  publish(false);
}

// What its faults make it do, at any time in its life.
void SimClient::misbehave() {
  Faults& faults = world_.faults();
  if (faults.strikes(Fault::kSlowReader)) {
    excuses_.slow = true;
    pause_reading(world_.between(milliseconds(10), milliseconds(12'000)));
  }
  if (faults.strikes(Fault::kMute)) {
    say("answers no more pings");
    excuses_.mute = true;
  }
  if (faults.strikes(Fault::kReset)) {
    end_periods();
    reset();
    return come_back();
  }
  if (faults.strikes(Fault::kHalfClose)) {
    say("ends its half");
    excuses_.leaves = true;
    if (state_ != State::kHandshake) state_ = State::kClosing;
    return finish();
  }
  if (state_ == State::kHandshake) return;
  if (faults.strikes(Fault::kBadFrame)) return bad_frame();
  if (faults.strikes(Fault::kBadCommand)) bad_command();
}

void SimClient::ask(Asked what, const std::string& channel, const std::string& body,
                    std::uint64_t publication) {
  const std::uint32_t id = ++last_command_;
  pending_[id] = {what, channel, publication, 0, world_.oracle().accepted(channel)};
  say("asks {}", excerpt(body));
  send_text(R"({"id":)" + std::to_string(id) + "," + body + "}");
}

void SimClient::send_text(Bytes text) { write(client_frame(Opcode::kText, text)); }

void SimClient::subscribe(const std::string& channel) {
  if (periods_.contains(channel)) return;
  Period& period = periods_[channel];
  period.client = name();
  period.shard = shard();
  period.channel = channel;
  period.log_at_command = world_.oracle().log_size(shard(), channel);
  ask(Asked::kSubscribe, channel,
      R"("subscribe":{"channel":")" + channel + '"' + stream_wishes(period) + "}");
  period.command = last_command_;
}

void SimClient::unsubscribe() {
  for (auto& [channel, period] : periods_) {
    if (period.leaving || world_.random().below(2) == 0) continue;
    // One that is still pending is answered first; both may be on their way.
    period.leaving = true;
    period.log_at_leave = world_.oracle().log_size(shard(), channel);
    ask(Asked::kUnsubscribe, channel, R"("unsubscribe":{"channel":")" + channel + R"("})");
    pending_[last_command_].subscribe = period.command;
    return;
  }
}

void SimClient::publish(bool fragmented) {
  const std::string channel = world_.random_channel();
  Random& random = world_.random();
  const std::size_t padding = random.below(10) == 0 ? random.below(5'000) : random.below(60);
  const std::string data = world_.oracle().published(channel, publisher_, padding);
  const std::uint64_t publication = Oracle::id_of(data);
  const std::uint32_t id = ++last_command_;
  pending_[id] = {Asked::kPublish, channel, publication, 0, 0};
  say("publishes {} to {}", publication, channel);
  const std::string text = R"({"id":)" + std::to_string(id) + R"(,"publish":{"channel":")" +
                           channel + R"(","data":)" + data + "}}";
  if (!fragmented) return send_text(text);
  // In three frames, a ping between two of them, one of them perhaps empty.
  const std::size_t first = random.below(text.size());
  const std::size_t second = first + random.below(text.size() - first + 1);
  const Bytes bytes = text;
  const std::string ping = "inside " + std::to_string(id);
  pings_.insert(ping);
  write(client_header(0x01, first) + mask_payload(bytes.substr(0, first)));
  write(client_frame(Opcode::kPing, ping));
  write(client_header(0x00, second - first) + mask_payload(bytes.substr(first, second - first)));
  write(client_header(0x80, text.size() - second) + mask_payload(bytes.substr(second)));
}

void SimClient::bad_frame() {
  static const std::array<std::string, 8> kBad{
      client_header(0xc1, 0),                             // a reserved bit
      client_header(0x83, 0),                             // a reserved opcode
      client_header(0x09, 0),                             // a ping in fragments
      client_header(0x81, 0, LengthForm::kMinimal, {}),   // unmasked
      client_header(0x80, 0),                             // continues nothing
      client_header(0x82, 1ULL << 40),                    // more than any message may have
      client_header(0x81, 5, LengthForm::k16Bits),        // a longer length than needed
      client_header(0x81, 2) + mask_payload("\xc3\x28"),  // not UTF-8
  };
  say("breaks a rule of frames");
  excuses_.broke = true;
  write(kBad.at(world_.random().below(kBad.size())));
}

void SimClient::bad_command() {
  static const std::array<std::string, 5> kBad{"{", R"({"id":1})", R"({"id":9,"connect":{}})",
                                               R"({"id":9,"subscribe":{"channel":""}})", R"([])"};
  say("breaks a rule of commands");
  excuses_.broke = true;
  send_text(kBad.at(world_.random().below(kBad.size())));
}

}  // namespace millrace::sim
