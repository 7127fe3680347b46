#include "tests/conformance/echo_shard.h"

#include <utility>

namespace millrace {

EchoShard::EchoShard(const EchoOptions& options, std::unique_ptr<RecvBuffers> buffers,
                     std::unique_ptr<Ring> ring, Clock& clock, int listen_fd)
    : options_(options),
      quota_(options.connections),
      buffers_(std::move(buffers)),
      ring_(std::move(ring)),
      reactor_(*ring_, clock),
      table_(reactor_, *buffers_, metrics_, options.sends),
      ws_(table_, metrics_, options.ws, options.connections),
      app_(ws_),
      listeners_(reactor_, *this, metrics_) {
  reactor_.add_source(*this);
  listeners_.add(listen_fd);
}

EchoShard::~EchoShard() { reactor_.timers().cancel(drain_timer_); }

Result<std::unique_ptr<EchoShard>> EchoShard::make(const EchoOptions& options, Clock& clock,
                                                   int listen_fd) {
  auto buffers = std::make_unique<RecvBuffers>(options.recv_buffers, options.recv_buffer_size);
  auto ring = make_uring({.files = options.connections}, *buffers);
  if (!ring.ok()) return ring.error();
  return std::make_unique<EchoShard>(options, std::move(buffers), std::move(*ring), clock,
                                     listen_fd);
}

void EchoShard::on_accept(FileSlot file, const Peer& peer, std::uint32_t, Instant now) {
  // Where the table has no slot left, it closes the socket by itself.
  static_cast<void>(table_.adopt(file, peer, quota_.try_take(), [&](Connection& connection) {
    auto http = std::make_unique<HttpConnection>(connection, app_, options_.http, options_.timeouts,
                                                 metrics_, now);
    if (draining_) http->on_drain(now);
    return http;
  }));
}

void EchoShard::drain() {
  asked_to_drain_.store(true, std::memory_order_release);
  reactor_.waker().wake();
}

bool EchoShard::ready() const {
  return !draining_ && asked_to_drain_.load(std::memory_order_acquire);
}

void EchoShard::drain(Instant now) {
  if (draining_) {
    if (drained()) reactor_.stop();
    return;
  }
  if (!ready()) return;
  draining_ = true;
  listeners_.stop();
  table_.for_each([now](Connection& connection) {
    if (connection.open()) connection.protocol()->on_drain(now);
  });
  reactor_.timers().arm(drain_timer_, now + options_.drain_timeout, *this);
}

void EchoShard::on_timer(Timer&, Instant now) {
  table_.for_each([now](Connection& connection) { connection.terminate(now); });
  reactor_.timers().arm(drain_timer_, now + milliseconds(20), *this);
}

}  // namespace millrace
