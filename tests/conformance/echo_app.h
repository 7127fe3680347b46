// What millrace-echo serves on every path: a WebSocket that sends each message back.
//
// Text comes back as text, binary as binary. There are no rates and no sessions, so that nothing
// but the wire is under test.
//
// Owner: an EchoShard.
#pragma once

#include <memory>

#include "net/http/http_connection.h"
#include "net/http/upgrade.h"
#include "net/transport/ws_transport.h"

namespace millrace {

class EchoUser final : public TransportUser {
 public:
  // `transport` owns it.
  explicit EchoUser(Transport& transport) : transport_(transport) {}

  void on_message(Opcode opcode, Bytes payload, Instant now) override;
  void on_pong(Instant now) override;
  void on_deadline(Instant now) override;
  void on_too_slow(Instant now) override;
  void on_drain(Instant now) override;
  void on_closing(Instant now) override;
  void on_sent() override {}

 private:
  Transport& transport_;
};

class EchoApp final : public HttpApp {
 public:
  // `ws` must outlive it.
  explicit EchoApp(WsShared& ws) : ws_(ws) {}

  void on_request(HttpConnection& http, const HttpRequest& request, Instant now) override;

 private:
  WsShared& ws_;
  const OriginPolicy origins_{{"*"}};  // a browser's page from anywhere may test against it
};

}  // namespace millrace
