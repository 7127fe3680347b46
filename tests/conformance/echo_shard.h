// The one shard of millrace-echo: a ClientShard's wire with an echo where the sessions would be.
//
//   ListenerSet -> ConnectionTable -> HttpConnection -> WsTransport -> EchoUser
//
// All of it but the last is what the server ships. Made, used and destroyed on one thread.
#pragma once

#include <atomic>
#include <memory>

#include "core/base/result.h"
#include "core/limit/quota.h"
#include "core/ring/uring.h"
#include "core/shard/reactor.h"
#include "core/shard/shard_group.h"
#include "net/tcp/listener.h"
#include "tests/conformance/echo_app.h"

namespace millrace {

struct EchoOptions {
  std::uint32_t connections = 1'024;
  std::uint32_t recv_buffers = 256;
  std::uint32_t recv_buffer_size = 16 * 1'024;
  // Four of the largest messages may wait for their reader.
  ConnectionLimits sends{.capacity = 1'024, .queue_bytes = 64 * 1024 * 1024};
  // Large enough for 4 MiB cut into frames of 64 B.
  WsLimits ws{.frames = {.message_bytes = 16 * 1024 * 1024, .fragments = 128 * 1'024}};
  HttpLimits http;
  HttpTimeouts timeouts;
  Duration drain_timeout = seconds(5);
};

class EchoShard final : public ShardBody,
                        private AcceptHandler,
                        private InboundSource,
                        private TimerHandler {
 public:
  // Over any kernel and clock; both must outlive the shard, `options` too. `listen_fd` is borrowed.
  EchoShard(const EchoOptions& options, std::unique_ptr<RecvBuffers> buffers,
            std::unique_ptr<Ring> ring, Clock& clock, int listen_fd);
  ~EchoShard() override;
  // The same over io_uring.
  static Result<std::unique_ptr<EchoShard>> make(const EchoOptions& options, Clock& clock,
                                                 int listen_fd);

  void run() override { reactor_.run(); }
  [[nodiscard]] Reactor& reactor() { return reactor_; }
  [[nodiscard]] ShardMetrics& metrics() { return metrics_; }
  [[nodiscard]] std::uint32_t decoders_lent() const { return ws_.lent(); }
  [[nodiscard]] bool drained() const { return listeners_.idle() && table_.idle(); }
  // Says goodbye to all and ends run(). Any thread's.
  void drain();

 private:
  void on_accept(FileSlot file, const Peer& peer, std::uint32_t listener, Instant now) override;
  // InboundSource: sees that drain() was called.
  void drain(Instant now) override;
  [[nodiscard]] bool ready() const override;
  // TimerHandler: the drain's deadline.
  void on_timer(Timer& timer, Instant now) override;

  const EchoOptions& options_;
  ShardMetrics metrics_;
  Quota quota_;
  std::unique_ptr<RecvBuffers> buffers_;
  std::unique_ptr<Ring> ring_;
  Reactor reactor_;
  ConnectionTable table_;
  WsShared ws_;
  EchoApp app_;
  ListenerSet listeners_;
  Timer drain_timer_;
  std::atomic<bool> asked_to_drain_{false};
  bool draining_ = false;
};

}  // namespace millrace
