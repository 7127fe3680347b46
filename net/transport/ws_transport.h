// A WebSocket over a connection: Connection's Protocol below, a session's Transport above.
//
//   bytes -> FrameDecoder (lent) -> message -> TransportUser
//
// The closing handshake in both directions (RFC 6455 section 7): who gets a close frame answers
// with one and closes the TCP connection after it; who sends one waits for the answer, at most
// close_timeout. After a violation nothing more is decoded: the close frame goes out and input is
// dropped for kLinger.
//
// Pings are answered with their own payload, kPongsAtOnce of them until all that is queued is sent.
// Beyond that, and while a send is under way, only the newest pong is kept and follows the next
// send (RFC 6455 section 5.5.3): a flood of pings from a peer that does not read costs at most
// kPongsAtOnce pongs and one, 2.2 KB.
//
// Owned by its connection. Memory while idle: no decoder, no buffer.
#pragma once

#include <deque>
#include <memory>
#include <string>

#include "core/metrics/shard_metrics.h"
#include "net/tcp/connection_table.h"
#include "net/transport/transport.h"
#include "net/ws/frame_decoder.h"

namespace millrace {

struct WsLimits {
  FrameLimits frames;
  Duration close_timeout = seconds(5);     // for the peer's half of the closing handshake
  Duration message_timeout = seconds(30);  // from the first to the last byte of a message
};

// What the WebSockets of one shard share.
class WsShared {
 public:
  WsShared(ConnectionTable& table, ShardMetrics& metrics, const WsLimits& limits,
           std::uint32_t decoders);

  // A decoder, or nullptr: then `who` is handed the first that comes back and is not due to one who
  // waits longer. REQUIRES: `who` has a WsTransport and does not wait already.
  [[nodiscard]] FrameDecoder* lend(ConnId who);
  void give_back(FrameDecoder* decoder);

  [[nodiscard]] const WsLimits& limits() const { return limits_; }
  [[nodiscard]] ShardMetrics& metrics() { return metrics_; }
  [[nodiscard]] std::uint32_t lent() const { return pool_.lent(); }

 private:
  ConnectionTable& table_;
  ShardMetrics& metrics_;
  const WsLimits limits_;
  DecoderPool pool_;
  std::deque<ConnId> waiting_;  // for a decoder, the longest first; some may be gone
};

class WsTransport final : public Protocol, public Transport, private FrameHandler {
 public:
  static constexpr Duration kLinger = seconds(1);
  static constexpr std::uint8_t kPongsAtOnce = 16;

  WsTransport(Connection& connection, WsShared& shared);
  ~WsTransport() override;

  // Set once, before the first byte. It gets this transport by reference, hence not in the
  // constructor.
  void set_user(std::unique_ptr<TransportUser> user) { user_ = std::move(user); }

  // Protocol.
  bool on_bytes(Bytes bytes, Instant now) override;
  void on_end_of_stream(Instant now) override;
  void on_deadline(Instant now) override;
  void on_sent(Instant now) override;
  void on_too_slow(Instant now) override;
  void on_closing(Instant now) override;
  void on_drain(Instant now) override;
  HubClient* hub_client() override { return user_->hub_client(); }

  // Transport.
  void send_message(Opcode opcode, Bytes payload) override;
  void send_frame(const SharedBytes& frame) override;
  void close(std::uint16_t code, Bytes reason, Instant now) override;
  void set_user_deadline(Instant deadline) override;
  bool open() const override { return state_ == State::kOpen && connection_.open(); }
  ConnId id() const override { return connection_.id(); }

 private:
  enum class State : std::uint8_t {
    kOpen,
    kCloseSent,  // waits for the peer's close frame
    kDone,       // nothing more is decoded
  };

  // FrameHandler.
  bool on_message(Opcode opcode, Bytes payload) override;
  bool on_ping(Bytes payload) override;
  bool on_pong(Bytes payload) override;
  void on_close(std::uint16_t code, Bytes reason) override;
  void on_violation(CloseCode code, Bytes reason) override;

  friend class WsShared;
  // One has come back for this connection, which waits for it.
  void take_decoder(FrameDecoder* decoder);
  void return_decoder();
  void count_disconnect(std::uint16_t code);
  void update_deadline();

  Connection& connection_;
  WsShared& shared_;
  std::unique_ptr<TransportUser> user_;
  FrameDecoder* decoder_ = nullptr;  // lent while inside a frame or a message
  std::unique_ptr<std::string> pending_pong_;
  Instant user_deadline_ = Instant::never();
  Instant own_deadline_ = Instant::never();  // of the open message, or of the peer's close frame
  Instant now_{};                            // of the call that is decoding
  State state_ = State::kOpen;
  std::uint8_t pongs_ = 0;  // queued since nothing was
  bool decoding_ = false;   // inside the decoder, which must not be given back then
};

}  // namespace millrace
