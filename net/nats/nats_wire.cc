#include "net/nats/nats_wire.h"

#include "core/base/assert.h"

namespace millrace {
namespace {

constexpr int kClosedCallbackMs = 10'000;

}  // namespace

NatsWire::~NatsWire() {
  CHECK(connection == nullptr);
  subscriptions.wait_until_quiet();
}

void NatsWire::close() {
  if (connection == nullptr) return;
  natsConnection_Destroy(connection);
  connection = nullptr;
  for (int waited = 0; !watch.closed.load(std::memory_order_acquire); ++waited) {
    CHECK_LT(waited, kClosedCallbackMs);  // nats_Close() before the last link would be one cause
    nats_Sleep(1);
  }
  subscriptions.forget_connection();
}

}  // namespace millrace
