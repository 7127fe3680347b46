// One client of the generator, as the protocol of a Connection (net/tcp/connection.h):
//
//   handshake -> joining (connect and subscribe are answered) -> up -> gone
//
// It answers pings by itself and tells its owner everything else. An idle client holds no buffer.
//
// Owner: its Connection. What it tells goes to a ClientOwner, which outlives it.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "bench/load/channel_pattern.h"
#include "bench/load/client_flat.h"
#include "bench/load/client_text.h"
#include "bench/load/client_tokens.h"
#include "bench/load/handshake.h"
#include "bench/load/options.h"
#include "bench/load/server_frames.h"
#include "net/tcp/connection.h"

namespace millrace::load {

class Client;

class ClientOwner {
 public:
  virtual void on_up(Client& client, Instant now) = 0;
  // An attempt that did not come up, once: a 503 with its Retry-After, or another cause.
  virtual void on_refused(Client& client, const HttpHead& head, Instant now) = 0;
  virtual void on_failed(Client& client, const std::string& cause, Instant now) = 0;
  // Was up, and is no more. 1006: without a close frame.
  virtual void on_gone(Client& client, std::uint16_t code, bool by_us, Instant now) = 0;
  virtual void on_ping() = 0;
  // `data` holds the publication; `channel` is empty in raw mode.
  virtual void on_publication(Client& client, Bytes channel, Bytes data, Instant now) = 0;
  virtual void on_unsubscribed() = 0;
  // The answer to a publish of the client's.
  virtual void on_answer(Client& client, std::uint32_t id, std::uint32_t error, Instant now) = 0;
  // An error to connect or subscribe: the attempt fails with it.
  virtual void on_command_error(std::uint32_t error) = 0;
  // Of clients that recover: where subscription `which` is to go on, and that it does.
  virtual SubscribeFrom stands_at(Client&, std::size_t) { return {}; }
  virtual void on_subscribed(Client&, std::size_t, const SubscribeAnswer&, Instant) {}

 protected:
  ~ClientOwner() = default;
};

// What all clients of a thread have in common. But for `now` constant while they live.
struct ClientContext {
  explicit ClientContext(ClientOwner& to) : owner(to) {}

  ClientOwner& owner;
  Instant now{};  // of the call that is under way
  WireProtocol protocol = WireProtocol::kJson;
  FlatMessages flat_messages;
  std::string token;
  ClientTokens tokens;
  bool recover = false;
  std::uint64_t offset = 0;  // of the publication that is told, if they recover
  std::vector<ChannelPattern> channels;
  Duration join_timeout = seconds(30);  // from the TCP connection to the last answer
  std::vector<SharedBytes> requests;    // by target
  SharedBytes pong;                     // an answer to a ping that is a message
  SharedBytes close;
};

class Client final : public Protocol {
 public:
  enum class State : std::uint8_t { kHandshake, kJoining, kUp, kLeaving, kGone };

  // `number` is the client's among all. `began` is when the attempt began, or was due. A client
  // that only publishes subscribes to nothing.
  Client(Connection& connection, ClientContext& context, std::uint32_t number, bool subscribes,
         std::size_t target, Instant began, Instant now);

  [[nodiscard]] std::uint32_t number() const { return number_; }
  [[nodiscard]] bool up() const { return state_ == State::kUp; }
  [[nodiscard]] Instant began() const { return began_; }
  [[nodiscard]] Connection& connection() { return connection_; }

  // The close handshake.
  void leave(Instant now);
  // The connection just ends.
  void cut(Instant now);
  void publish(std::uint32_t id, Bytes channel, Bytes data);

  std::size_t on_bytes(Bytes bytes, Instant now) override;
  void on_end_of_stream(Instant now) override;
  void on_deadline(Instant now) override;
  void on_sent(Instant now) override;
  void on_too_slow(Instant now) override;
  void on_closing(Instant now) override;
  void on_drain(Instant now) override;

 private:
  class Taker;  // hands frames on; it lives for one call

  bool take_frame(Opcode opcode, Bytes payload);
  void take_handshake(Bytes bytes, Instant now);
  [[nodiscard]] bool raw() const { return context_.protocol == WireProtocol::kRaw; }
  [[nodiscard]] bool flat() const { return context_.protocol == WireProtocol::kFlat; }
  void join(Instant now);
  void come_up(Instant now);
  void take_message(Bytes payload);
  void take_flat(Bytes payload);
  bool take_line(const ServerLine& line);
  bool take_reply(const ServerLine& line);
  void take_close(Bytes payload);
  // The attempt's or the connection's end, told once.
  void fail(const std::string& cause, Instant now);
  [[nodiscard]] std::uint32_t answers_wanted() const;

  Connection& connection_;
  ClientContext& context_;
  const Instant began_;
  ServerFrames frames_;
  std::unique_ptr<std::string> head_;  // of an answer that is not whole
  std::uint32_t number_;
  std::uint16_t close_code_ = 0;  // that the server sent
  std::uint8_t answers_ = 0;      // to connect and subscribe
  State state_ = State::kHandshake;
  bool subscribes_ : 1;
  bool by_us_ : 1 = false;
};

static_assert(sizeof(Client) <= 64, "a million of them");

}  // namespace millrace::load
