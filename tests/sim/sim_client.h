// A WebSocket client of the JSON protocol: it subscribes, publishes, answers pings, breaks rules
// when a fault says so, and knows what it may be told.
//
// Whatever the server says that this client has given no reason for is a finding: a close code, an
// error, an end without a close frame, a command that is never answered.
#pragma once

#include <map>
#include <set>
#include <string>

#include "net/ws/frame_header.h"
#include "tests/sim/peer.h"

namespace millrace::sim {

class SimClient final : public Peer {
 public:
  SimClient(World& world, std::string name);

  void start(Duration delay) { reconnect(delay); }
  // Begins nothing new any more; answers, pings and the like go on.
  void stop() { stopped_ = true; }
  // Asks for one more thing, if it is connected.
  void probe();
  // Nothing is on its way any more: who is connected has all its answers and all its publications.
  void check_settled() const;
  [[nodiscard]] bool live() const { return connected() && state_ == State::kLive; }

 private:
  enum class State : std::uint8_t { kHandshake, kNew, kLive, kClosing };
  enum class Asked : std::uint8_t { kConnect, kSubscribe, kUnsubscribe, kPublish };
  struct Command {
    Asked what;
    std::string channel;
    std::uint64_t publication = 0;
    std::uint32_t subscribe = 0;  // of an unsubscribe: the command that it ends
  };
  // Why a server may end this connection.
  struct Excuses {
    bool slow = false;    // stopped reading
    bool mute = false;    // stopped answering
    bool broke = false;   // broke a rule
    bool leaves = false;  // wants to go
  };

  void on_bytes(Bytes bytes) override;
  void on_gone(bool reset) override;
  void reconnect(Duration delay);
  void begin();
  void on_handshake();
  bool take_frame();
  void on_frame(Opcode opcode, Bytes payload);
  void on_line(Bytes line);
  void on_reply(std::uint32_t id, Bytes line);
  void on_push(Bytes line);
  void on_error(const Command& command, std::uint32_t code);
  void on_close(std::uint16_t code, Bytes reason);
  [[nodiscard]] bool may_be_told(std::uint16_t code) const;
  void end_periods();

  void think();
  void act();
  void misbehave();
  void subscribe(const std::string& channel);
  void unsubscribe();
  void publish(bool fragmented);
  void bad_frame();
  void bad_command();
  void send_text(Bytes text);
  void ask(Asked what, const std::string& channel, const std::string& body,
           std::uint64_t publication = 0);

  State state_ = State::kHandshake;
  Excuses excuses_;
  std::string in_;
  std::uint64_t publisher_ = 0;
  std::uint32_t last_command_ = 0;
  std::map<std::uint32_t, Command> pending_;
  std::map<std::string, Period> periods_;  // by channel
  std::set<std::string> pings_;            // payloads sent on this connection
  bool close_seen_ = false;
  bool stopped_ = false;
};

}  // namespace millrace::sim
