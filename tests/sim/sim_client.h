// A WebSocket client of the JSON protocol: it subscribes, publishes, answers pings, breaks rules
// when a fault says so, and knows what it may be told.
//
// Whatever the server says that this client has given no reason for is a finding: a close code, an
// error, an end without a close frame, a command that is never answered.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <span>
#include <string>

#include "net/ws/frame_header.h"
#include "tests/sim/peer.h"
#include "tests/sim/stream_model.h"

namespace millrace::sim {

class SimClient final : public Peer {
 public:
  SimClient(World& world, std::string name);

  void start(Duration delay) { reconnect(delay); }
  // Begins nothing new any more; answers, pings and the like go on.
  void stop() { stopped_ = true; }
  // Asks for one more thing, if it is connected.
  void probe();
  // Asks about every channel that keeps something; nothing changes meanwhile.
  void look();
  // Nothing is on its way any more: who is connected has all its answers and all its publications.
  void check_settled() const;
  // It has asked something and is not answered yet.
  [[nodiscard]] bool asks() const { return !pending_.empty(); }
  [[nodiscard]] bool live() const { return connected() && state_ == State::kLive; }
  // In the channel, and told so.
  [[nodiscard]] bool in(const std::string& channel) const;
  [[nodiscard]] const std::string& client_id() const { return client_id_; }

 private:
  enum class State : std::uint8_t { kHandshake, kNew, kLive, kClosing };
  enum class Asked : std::uint8_t {
    kConnect,
    kSubscribe,
    kUnsubscribe,
    kPublish,
    kHistory,
    kPresence,
  };
  struct Command {
    Asked what;
    std::string channel;
    std::uint64_t publication = 0;
    std::uint32_t subscribe = 0;  // of an unsubscribe: the command that it ends
    std::uint64_t accepted = 0;   // of the channel's publications when it was asked
    // Of a question about history.
    std::uint32_t limit = 0;
    bool reverse = false;
    std::optional<Place> since = {};
    bool was_in = false;  // of one about presence: it was subscribed, and told so
  };
  // Why a server may end this connection.
  struct Excuses {
    bool slow = false;      // stopped reading
    bool mute = false;      // stopped answering
    bool broke = false;     // broke a rule
    bool leaves = false;    // wants to go
    bool stranger = false;  // came with no token that is good
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
  void come_back();

  void think();
  void act();
  void misbehave();
  void subscribe(const std::string& channel);
  void unsubscribe();
  void publish(bool fragmented);
  // Channels that keep a stream.
  [[nodiscard]] std::string stream_wishes(Period& period);
  void on_position(const Command& command, Period& period, Bytes line);
  void on_recovery(Period& period, const Place& top, bool recovered, Bytes line);
  void step(Period& period, std::uint64_t offset, std::uint64_t id);
  void remember(const Period& period);
  void on_loss(Bytes line);
  void resubscribe();
  void ask_history(const std::string& channel);
  void on_history(const Command& command, Bytes line);
  void check_page(const Command& command, std::span<const std::uint64_t> offsets,
                  std::uint64_t top) const;
  void check_positions() const;
  // Who is there.
  void ask_presence(const std::string& channel);
  void on_presence(const Command& command, Bytes line);
  void on_others(const std::string& channel, Bytes line, bool joined);
  // Tokens.
  [[nodiscard]] std::string connect_body();
  [[nodiscard]] bool may_be_refused(std::uint16_t code) const;
  void check_not_revoked() const;
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
  std::map<std::string, Place> places_;    // where it was, over all of its connections
  std::string client_id_;                  // that the server gave this connection
  std::string user_;                       // of its token, which was made and is good for so long
  std::int64_t issued_at_ = 0;
  std::int64_t expires_at_ = 0;
  std::set<std::string> pings_;  // payloads sent on this connection
  bool close_seen_ = false;
  bool stopped_ = false;
};

}  // namespace millrace::sim
