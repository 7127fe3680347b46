#include "tests/sim/sim_client.h"

#include <algorithm>

#include "tests/sim/server_lines.h"
#include "tests/sim/world.h"
#include "tests/support/client_frames.h"

namespace millrace::sim {
namespace {

// There are decoders for some only, which makes two seconds of thirty, and the kernel may keep each
// piece of a message back for up to one.
bool a_message_may_take_long(const SimOptions& options) {
  const auto strikes = [&options](Fault fault) {
    return options.rates.at(static_cast<std::size_t>(fault)) > 0;
  };
  return options.shard.decoders < options.clients &&
         (strikes(Fault::kLateCompletion) || strikes(Fault::kAfterShutdown) ||
          strikes(Fault::kStall));
}

}  // namespace

SimClient::SimClient(World& world, std::string name) : Peer(world, std::move(name)) {}

void SimClient::reconnect(Duration delay) {
  later(delay, [this] {
    if (!stopped_ && !world_.draining()) begin();
  });
}

void SimClient::begin() {
  state_ = State::kHandshake;
  excuses_ = {};
  in_.clear();
  last_command_ = 0;
  pending_.clear();
  periods_.clear();
  pings_.clear();
  close_seen_ = false;
  client_id_.clear();
  user_.clear();
  publisher_ = world_.next_wire();
  connect();
  const bool frame_pings = world_.random().below(4) == 0;
  write(std::string("GET /connection/websocket") +
        (frame_pings ? "?cf_ws_frame_ping_pong=true" : "") +
        " HTTP/1.1\r\nHost: sim\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n");
  think();
}

// --- what the server says ------------------------------------------------------------------------

void SimClient::on_bytes(Bytes bytes) {
  in_ += bytes;
  if (state_ == State::kHandshake) on_handshake();
  if (state_ == State::kHandshake) return;
  while (connected() && take_frame()) {
  }
}

void SimClient::on_handshake() {
  const std::size_t end = in_.find("\r\n\r\n");
  if (end == std::string::npos) return;
  const Bytes status = Bytes(in_).substr(9, 3);
  if (status != "101") {
    // 503 is the cap's; a drain gives what is half sent less time, and faults make it late.
    const bool late = status == "408" && world_.draining();
    if (status != "503" && !late)
      finding(name() + "'s handshake was answered " + excerpt(in_, 200));
    excuses_.leaves = true;
    in_.clear();
    return;
  }
  say("is upgraded");
  in_.erase(0, end + 4);
  state_ = excuses_.leaves ? State::kClosing : State::kNew;
  if (!excuses_.leaves) ask(Asked::kConnect, "", connect_body());
}

// A server's frame: unmasked, whole, of the shortest length (RFC 6455 section 5).
bool SimClient::take_frame() {
  const auto byte = [this](std::size_t i) { return static_cast<unsigned char>(in_[i]); };
  if (in_.size() < 2) return false;
  std::size_t header = 2;
  std::uint64_t length = byte(1);
  if (length > 127) finding(name() + " got a masked frame");
  if (length == 126 || length == 127) {
    const std::size_t extended = length == 126 ? 2 : 8;
    header += extended;
    if (in_.size() < header) return false;
    length = 0;
    for (std::size_t i = 0; i < extended; ++i) length = length << 8 | byte(2 + i);
    if (length < (extended == 2 ? 126U : 65'536U)) finding(name() + " got a longer length");
  }
  if (length > 1'000'000) finding(name() + " got a frame of " + std::to_string(length) + " bytes");
  if (in_.size() < header + length) return false;
  if ((byte(0) & 0xf0) != 0x80) finding(name() + " got a first byte " + std::to_string(byte(0)));
  const auto opcode = static_cast<Opcode>(byte(0) & 0x0f);
  const std::string payload = in_.substr(header, length);
  in_.erase(0, header + length);
  if (close_seen_) finding(name() + " got a frame behind a close frame");
  on_frame(opcode, payload);
  return true;
}

void SimClient::on_frame(Opcode opcode, Bytes payload) {
  switch (opcode) {
    case Opcode::kText:
      for (Bytes rest = payload; !rest.empty();) {
        const std::size_t end = std::min(rest.find('\n'), rest.size());
        on_line(rest.substr(0, end));
        rest.remove_prefix(std::min(end + 1, rest.size()));
      }
      return;
    case Opcode::kPing:
      if (!excuses_.mute) write(client_frame(Opcode::kPong, payload));
      return;
    case Opcode::kPong:
      if (!pings_.contains(std::string(payload))) finding(name() + " got an unknown pong");
      return;
    case Opcode::kClose:
      if (payload.size() < 2) return on_close(1005, {});
      return on_close(static_cast<std::uint16_t>(static_cast<unsigned char>(payload[0]) << 8 |
                                                 static_cast<unsigned char>(payload[1])),
                      payload.substr(2));
    case Opcode::kContinuation:
    case Opcode::kBinary:
      break;
  }
  finding(name() + " got opcode " + std::to_string(static_cast<int>(opcode)));
}

void SimClient::on_line(Bytes line) {
  if (line == "{}") {
    if (!excuses_.mute) send_text("{}");
  } else if (line.starts_with(R"({"push":)")) {
    on_push(line);
  } else {
    on_reply(static_cast<std::uint32_t>(number_behind(line, R"("id":)")), line);
  }
}

void SimClient::on_push(Bytes line) {
  const std::string channel(string_behind(line, R"("channel":")"));
  if (line.find(R"(,"join":{)") != Bytes::npos) return on_others(channel, line, true);
  if (line.find(R"(,"leave":{)") != Bytes::npos) return on_others(channel, line, false);
  if (line.find(R"(,"unsubscribe":{)") != Bytes::npos) return on_loss(line);
  constexpr Bytes kData = R"("pub":{"data":)";
  const std::size_t at = line.find(kData);
  const auto found = periods_.find(channel);
  if (at == Bytes::npos) finding(name() + " got " + std::string(line));
  const Bytes data = line.substr(at + kData.size());
  if (found == periods_.end()) {
    finding(name() + " got a publication of " + channel +
            " without a subscription: " + excerpt(data));
  }
  say("gets {} of {}", Oracle::id_of(data), channel);
  const Bytes payload = data.substr(0, data.find('}') + 1);
  world_.oracle().received(found->second, payload);
  const Bytes rest = data.substr(payload.size());
  const std::uint64_t offset = number_behind(rest, R"("offset":)");
  const NamespaceSettings& settings = world_.settings_of(channel);
  if (settings.stream.kept() != (offset > 0)) finding(name() + " got " + std::string(line));
  if (found->second.positioned) step(found->second, offset, Oracle::id_of(data));
}

void SimClient::on_reply(std::uint32_t id, Bytes line) {
  const auto found = pending_.find(id);
  if (found == pending_.end()) finding(name() + " got an answer to nothing: " + std::string(line));
  const Command command = found->second;
  pending_.erase(found);
  say("is answered {}", excerpt(line));
  if (const std::uint64_t code = number_behind(line, R"("error":{"code":)"); code != 0) {
    return on_error(command, static_cast<std::uint32_t>(code));
  }
  switch (command.what) {
    case Asked::kConnect:
      state_ = State::kLive;
      client_id_ = string_behind(line, R"("client":")");
      world_.add_client(client_id_);
      if (excuses_.stranger) finding(name() + " connected without a good token");
      if (!user_.empty()) world_.deeds().count(Deed::kTokenAccepted);
      return resubscribe();
    case Asked::kSubscribe: {
      Period& period = periods_.at(command.channel);
      if (period.replied) finding(name() + " was told twice that it is subscribed");
      period.replied = true;
      period.replied_at_id = world_.oracle().last_id();
      period.log_at_reply = world_.oracle().log_size(shard(), command.channel);
      return on_position(command, period, line);
    }
    case Asked::kUnsubscribe: {
      const auto period = periods_.find(command.channel);
      // The subscribe may have been refused meanwhile, and tried again.
      if (period == periods_.end() || period->second.command != command.subscribe) return;
      world_.oracle().left(period->second);
      periods_.erase(period);
      return;
    }
    case Asked::kPublish:
      world_.oracle().outcome(command.publication, true);
      return;
    case Asked::kHistory:
      return on_history(command, line);
    case Asked::kPresence:
      return on_presence(command, line);
  }
}

void SimClient::on_error(const Command& command, std::uint32_t code) {
  const std::uint32_t limit = world_.options().shard.hub.channels_per_subscriber;
  if (command.what == Asked::kPublish && (code == 100 || code == 111)) {
    return world_.oracle().outcome(command.publication, false);
  }
  if (command.what == Asked::kSubscribe && code == 106 && periods_.size() > limit) {
    periods_.erase(command.channel);
    return;
  }
  // A question that found a lane full, or too many others.
  if (world_.options().streams && (code == 100 || code == 111) && command.what != Asked::kConnect) {
    if (code == 100) world_.deeds().count(Deed::kUnavailable);
    if (command.what == Asked::kSubscribe) periods_.erase(command.channel);
    if (command.what != Asked::kUnsubscribe) return;
  }
  if (command.what == Asked::kHistory && code == 112 && !world_.options().steady) return;
  if (command.what == Asked::kSubscribe && code == 112) {
    const auto period = periods_.find(command.channel);
    if (period != periods_.end() && period->second.recovers && period->second.whole) {
      world_.deeds().count(Deed::kRecoveryRefused);
      places_.erase(command.channel);
      periods_.erase(period);
      return;
    }
  }
  const bool over = !user_.empty() && world_.calendar().seconds() >= expires_at_;
  if (command.what == Asked::kConnect && code == 109 && over) {
    excuses_.leaves = true;
    state_ = State::kClosing;
    return write(client_frame(Opcode::kClose, Bytes("\x03\xe8", 2)));
  }
  finding(name() + " got error " + std::to_string(code) + " for " + command.channel);
}

void SimClient::on_close(std::uint16_t code, Bytes reason) {
  say("is told to close: {} {}", code, reason);
  close_seen_ = true;
  if (!may_be_told(code)) {
    finding(name() + " on shard " + std::to_string(shard()) + " was closed with " +
            std::to_string(code) + " " + std::string(reason));
  }
  if (state_ != State::kClosing) {
    state_ = State::kClosing;
    write(client_frame(Opcode::kClose, code == 1005 ? Bytes() : Bytes("\x03\xe8", 2)));
  }
  excuses_.leaves = true;
}

bool SimClient::may_be_told(std::uint16_t code) const {
  constexpr std::size_t kTightQueue = 70'000;
  switch (code) {
    case 3001:
      return world_.draining();
    case 3008:
      return excuses_.slow || world_.options().shard.connections.queue_bytes <= kTightQueue;
    case 3012:
      return excuses_.mute || excuses_.slow;
    case 1008:
      return excuses_.leaves || a_message_may_take_long(world_.options());
    case 1002:
    case 1003:
    case 1007:
    case 1009:
    case 3501:
      return excuses_.broke;
    case 3502:  // the answer to the handshake may have waited for the client
      return excuses_.slow;
    case 3005:
    case 3500:
      return may_be_refused(code);
    default:
      return excuses_.leaves;
  }
}

void SimClient::on_gone(bool) {
  if (!excuses_.leaves && !excuses_.broke && state_ != State::kHandshake) {
    const bool slow = excuses_.slow && may_be_told(3008);
    if (!slow && !world_.draining()) finding(name() + "'s connection ended without a word");
  }
  end_periods();
  come_back();
}

// Mostly at once.
void SimClient::come_back() {
  const bool late = world_.faults().strikes(Fault::kAway);
  reconnect(late ? world_.between(milliseconds(500), seconds(4))
                 : world_.between(milliseconds(1), milliseconds(200)));
}

void SimClient::end_periods() {
  if (!client_id_.empty()) world_.remove_client(client_id_);
  for (const auto& [channel, period] : periods_) world_.oracle().broken_off(period);
  periods_.clear();
  pending_.clear();
}

void SimClient::check_settled() const {
  if (connected() && state_ == State::kHandshake && !excuses_.leaves) {
    finding(name() + " still waits for its handshake on shard " + std::to_string(shard()));
  }
  if (!live()) return;
  for (const auto& [id, command] : pending_) {
    finding(name() + " got no answer to its command " + std::to_string(id) + " about `" +
            command.channel + "` on shard " + std::to_string(shard()));
  }
  for (const auto& [channel, period] : periods_) world_.oracle().stays(period);
  check_positions();
  check_not_revoked();
}

}  // namespace millrace::sim
