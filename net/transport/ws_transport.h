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
// Beyond that only the newest pong is kept and follows the next send (RFC 6455 section 5.5.3): a
// flood of pings from a peer that does not read costs at most kPongsAtOnce pongs and one, 2.2 KB.
// Each send that ends lets one more follow, so that a busy queue does not hold pongs back: from a
// peer that reads little by little the queue's own limit is the bound.
//
// A decoder is lent for what is read at once; while others wait for one, for a message. What stands
// behind it is kept by the connection until it is this one's turn again. So nobody keeps a decoder
// by pipelining, and who waits gets one when each before it had a message.
//
// Nor by sending slowly. While others wait, a message has kContendedMessageTime from the moment
// that the first of them began to wait, or from its own first byte if that comes later: so the
// longest waiting is served within that time. This harms honest clients with a big message on a
// slow link, who are told 1008, but only while the shard's decoders do not suffice; whose time ends
// when nobody waits any more has all of message_timeout again. And who waits for the peer's close
// frame holds no decoder then: it stops listening, as after a violation.
//
// Owned by its connection, in one allocation with its user (WsTransportOf). Memory while idle: no
// decoder, no buffer, no deadline but the connection's. What few have at a moment is kept by the
// shard (WsShared), under the connection's slot.
#pragma once

#include <deque>
#include <string>
#include <unordered_map>
#include <utility>

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
  // For a message while others wait for a decoder: what an honest client sends in one go is here
  // within a round trip or two.
  static constexpr Duration kContendedMessageTime = seconds(2);

  WsShared(ConnectionTable& table, ShardMetrics& metrics, const WsLimits& limits,
           std::uint32_t decoders);

  // A decoder, or nullptr: then `who` is handed the first that comes back and is not due to one who
  // waits longer. REQUIRES: `who` has a WsTransport and does not wait already.
  [[nodiscard]] FrameDecoder* lend(ConnId who, Instant now);
  void give_back(FrameDecoder* decoder);
  // True if others wait: who has a decoder may finish a message with it, and begin none.
  [[nodiscard]] bool awaited() const { return !waiting_.empty(); }

  [[nodiscard]] const WsLimits& limits() const { return limits_; }
  [[nodiscard]] ShardMetrics& metrics() { return metrics_; }
  [[nodiscard]] std::uint32_t lent() const { return pool_.lent(); }

 private:
  friend class WsTransport;

  // A message that did not come in one piece. The connection's deadline is the earlier of the first
  // two.
  struct OpenMessage {
    Instant deadline;       // of its last byte
    Instant user_deadline;  // what the user wants meanwhile
    Instant unhurried;      // the deadline if nobody waited
  };
  using OpenMessages = std::unordered_map<std::uint32_t, OpenMessage>;  // by slot

  void open_message(std::uint32_t slot, Instant user_deadline, Instant now);
  OpenMessage& message_of(std::uint32_t slot);
  OpenMessage close_message(std::uint32_t slot);
  // Gives a message whose deadline has come its unhurried one, if that is later and nobody waits.
  bool spare(std::uint32_t slot, Instant now);
  void hurry(Instant now);

  ConnectionTable& table_;
  ShardMetrics& metrics_;
  const WsLimits limits_;
  DecoderPool pool_;
  std::deque<ConnId> waiting_;  // for a decoder, the longest first; some may be gone
  // Two, so that each is hurried but once, however often somebody begins to wait.
  OpenMessages unhurried_;
  OpenMessages hurried_;
  std::unordered_map<std::uint32_t, std::string> pongs_;  // by slot, to follow the next send
};

class WsTransport : public Protocol, public Transport {
 public:
  static constexpr Duration kLinger = seconds(1);
  static constexpr std::uint8_t kPongsAtOnce = 16;

  WsTransport(Connection& connection, WsShared& shared);
  ~WsTransport() override;

  // Protocol.
  std::size_t on_bytes(Bytes bytes, Instant now) override;
  void on_end_of_stream(Instant now) override;
  void on_deadline(Instant now) override;
  void on_sent(Instant now) override;
  void on_too_slow(Instant now) override;
  void on_closing(Instant now) override;
  void on_drain(Instant now) override;
  HubClient* hub_client() override { return &user(); }

  // Transport.
  void send_message(Opcode opcode, Bytes payload) override;
  void send_frame(const SharedBytes& frame) override;
  void close(std::uint16_t code, Bytes reason, Instant now) override;
  void set_user_deadline(Instant deadline) override;
  std::size_t queued_bytes() const override { return connection_.queued_bytes(); }
  void tell_when_sent() override;
  bool input_waits() const override { return input_waits_; }
  // Not if something did not fit into its queue: whatever else it is told gets lost.
  bool open() const override {
    return state_ == State::kOpen && connection_.open() && !connection_.overflowed();
  }
  ConnId id() const override { return connection_.id(); }

 private:
  class Decoding;
  friend class WsShared;
  enum class State : std::uint8_t {
    kOpen,
    kCloseSent,  // waits for the peer's close frame
    kDone,       // nothing more is decoded
  };

  virtual TransportUser& user() = 0;

  // One has come back for this connection, which waits for it.
  void take_decoder(FrameDecoder* decoder);
  void return_decoder();
  // False once there is nothing more to decode. Takes what it decoded off `bytes`.
  bool decode(Bytes& bytes, Instant now);
  void count_disconnect(std::uint16_t code);
  void set_deadline(Instant user_deadline);
  void await_rest_of_message(Instant now);
  void message_ended();
  void message_is_late(Instant now);
  // Without the peer's close frame, in order to give back the decoder.
  void stop_listening(Instant now);
  void keep_pong(Bytes payload);
  void forget_what_is_kept();

  Connection& connection_;
  WsShared& shared_;
  FrameDecoder* decoder_ = nullptr;  // lent while inside a frame or a message
  State state_ = State::kOpen;
  std::uint8_t pongs_ = 0;     // queued since nothing was
  bool decoding_ = false;      // inside the decoder, which must not be given back then
  bool message_open_ = false;  // one of WsShared's open messages is ours
  bool pong_waits_ = false;    // so is one of its pongs
  bool tells_ = false;         // its user when something is sent
  bool awaits_decoder_ : 1 = false;
  bool input_waits_ : 1 = false;
};

// With its user, which is given the transport and `args`.
template <typename User>
class WsTransportOf final : public WsTransport {
 public:
  template <typename... Args>
  WsTransportOf(Connection& connection, WsShared& shared, Args&&... args)
      : WsTransport(connection, shared),
        user_(static_cast<Transport&>(*this), std::forward<Args>(args)...) {}

 private:
  TransportUser& user() override { return user_; }

  User user_;
};

static_assert(sizeof(WsTransport) == 48, "docs/memory.md adds up what a connection costs");

}  // namespace millrace
