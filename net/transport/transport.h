// What a session needs of any wire, and what the wire tells it.
//
// A Transport carries whole messages and says goodbye with a code; it owns its TransportUser, who
// also takes the hub's answers. The user never sees a socket, a frame or a deadline of the wire.
// Both live on the connection's shard.
#pragma once

#include <cstdint>

#include "core/base/bytes.h"
#include "core/base/ids.h"
#include "core/hub/hub_client.h"
#include "core/mem/shared_bytes.h"
#include "core/time/instant.h"
#include "net/ws/frame_header.h"

namespace millrace {

class Transport {
 public:
  // One message to this client alone.
  virtual void send_message(Opcode opcode, Bytes payload) = 0;
  // A frame that was made once and may be shared with others.
  virtual void send_frame(const SharedBytes& frame) = 0;
  // Says goodbye and closes; what was sent before goes out first. Idempotent.
  virtual void close(std::uint16_t code, Bytes reason, Instant now) = 0;
  // When TransportUser::on_deadline() is wanted; Instant::never() for not at all.
  virtual void set_user_deadline(Instant deadline) = 0;
  // What was sent, and the kernel has not taken.
  [[nodiscard]] virtual std::size_t queued_bytes() const = 0;
  // Wants TransportUser::on_sent(), once, when the kernel has taken some of it. Idempotent.
  // REQUIRES: queued_bytes() > 0.
  virtual void tell_when_sent() = 0;
  // True if, since that deadline was set, input came that had to wait until it was others' turn to
  // be read, whether it is read by now or not: who seems to be silent may have spoken. Nobody stays
  // for ever for it: who waits is read before long (WsTransport), and is judged by that then.
  [[nodiscard]] virtual bool input_waits() const = 0;
  // False once it is closing: nothing that is sent will arrive.
  [[nodiscard]] virtual bool open() const = 0;
  [[nodiscard]] virtual ConnId id() const = 0;

 protected:
  ~Transport() = default;
};

class TransportUser : public HubClient {
 public:
  virtual ~TransportUser() = default;
  virtual void on_message(Opcode opcode, Bytes payload, Instant now) = 0;
  virtual void on_pong(Instant now) = 0;
  virtual void on_deadline(Instant now) = 0;
  // The client reads too slowly: say so with close().
  virtual void on_too_slow(Instant now) = 0;
  virtual void on_drain(Instant now) = 0;
  // As it has asked for (Transport::tell_when_sent()).
  virtual void on_sent() = 0;
  // Once; no call follows but the destructor.
  virtual void on_closing(Instant now) = 0;
};

}  // namespace millrace
