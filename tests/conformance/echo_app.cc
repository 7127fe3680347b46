#include "tests/conformance/echo_app.h"

#include <utility>

#include "core/base/assert.h"
#include "net/ws/close_code.h"

namespace millrace {

void EchoUser::on_message(Opcode opcode, Bytes payload, Instant) {
  transport_.send_message(opcode, payload);
}

void EchoUser::on_pong(Instant) {}

void EchoUser::on_deadline(Instant) { CHECK(false); }  // it asks for none

void EchoUser::on_too_slow(Instant now) {
  transport_.close(static_cast<std::uint16_t>(CloseCode::kPolicyViolation), "read faster", now);
}

void EchoUser::on_drain(Instant now) {
  transport_.close(static_cast<std::uint16_t>(CloseCode::kGoingAway), "the server ends", now);
}

void EchoUser::on_closing(Instant) {}

void EchoApp::on_request(HttpConnection& http, const HttpRequest& request, Instant now) {
  const UpgradeDecision decision = decide_upgrade(request, http.bytes_behind(), origins_);
  if (decision.status != 101 || !http.upgradable()) {
    http.refuse(decision.response, RejectReason::kHandshake, now);
    return;
  }
  http.upgrade(decision.response,
               std::make_unique<WsTransportOf<EchoUser>>(http.connection(), ws_));
}

}  // namespace millrace
