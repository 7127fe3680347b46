// One NATS connection and the thread of ours that talks to it, so that the shard never waits for
// it.
//
//   shard --requests (lane)--> link's thread --calls that may block--> nats.c
//   shard <--answers (lane)---/
//   shard <--messages (inbox)-- nats.c's delivery threads
//
// The thread takes a batch of requests, makes the library's calls, flushes once (a PING and its
// PONG), and answers all: what stood before the PING has been processed by the server. A server
// that is stopped keeps the thread for a write deadline and a flush timeout, and for a connect
// timeout if the library begins to reconnect just then.
//
// What nats.c 3.4.1 does and this file lives with:
//  - natsConnection_FlushTimeout() returns OK if its PING could not be written; the thread's last
//    error tells.
//  - After a reconnect a flush succeeds though what stood before it is lost: count reconnects.
//  - An -ERR that it does not know, or the same authorization error twice, closes the connection
//    for good: the link makes another.
//  - It holds the connection's lock while it connects (up to the connect timeout), so the shard
//    calls nothing of it.
//  - A TLS handshake has no timeout: a server that falls silent in it keeps the thread.
//  - It tells of a server in lame duck mode and stays there until it is thrown out.
//
// A server that is about to shut down (lame duck) is left before it does: a second connection is
// made to another one, all is subscribed there as well, and when that is known in the cluster the
// shard's inbox hears the one for the other (nats_overlap.h). up() and lives() don't change.
//
// Owner: the shard; made, used and destroyed on its thread. Limits: the options'. Destroying it
// waits for the library's threads: at most about a flush, a write deadline and a connect timeout.
// REQUIRES: nats_Close() is not called before the last link is gone.
#pragma once

#include <nats/nats.h>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "core/base/random.h"
#include "core/base/result.h"
#include "core/shard/lane.h"
#include "core/shard/waker.h"
#include "net/nats/broker_link.h"
#include "net/nats/nats_options.h"
#include "net/nats/nats_wire.h"

namespace millrace {

class NatsLink final : public BrokerLink {
 public:
  NatsLink(const NatsOptions& options, Waker& waker);
  ~NatsLink() override;
  NatsLink(const NatsLink&) = delete;
  NatsLink& operator=(const NatsLink&) = delete;

  // Once, before all else. Fails only for what cannot work with any server.
  Result<void> start();

  // BrokerLink.
  [[nodiscard]] bool send(NatsRequest& request) override;
  [[nodiscard]] bool take_answer(NatsAnswer& answer) override { return answers_.pop(answer); }
  [[nodiscard]] bool take_note(std::string& note) override { return notes_.pop(note); }
  [[nodiscard]] NatsInbox& inbox() override { return inbox_; }
  [[nodiscard]] bool waiting() const override { return inbox_.waiting() || !answers_.empty(); }
  [[nodiscard]] bool up() const override {
    return (state_.load(std::memory_order_acquire) & kLive) != 0;
  }
  [[nodiscard]] std::uint64_t lives() const override {
    return lives_.load(std::memory_order_acquire);
  }
  [[nodiscard]] NatsLinkCause cause() const override {
    return cause_.load(std::memory_order_acquire);
  }
  [[nodiscard]] std::uint64_t dropped() const override {
    return inbox_.dropped() + library_dropped_.load(std::memory_order_relaxed);
  }

 private:
  enum class Phase : std::uint8_t { kAway, kConnected, kClosed };
  struct OptionsDestroy {
    void operator()(natsOptions* options) const { natsOptions_Destroy(options); }
  };
  using LibraryOptions = std::unique_ptr<natsOptions, OptionsDestroy>;
  struct StatisticsDestroy {
    void operator()(natsStatistics* statistics) const { natsStatistics_Destroy(statistics); }
  };

  // The library's callbacks of the connection: one thread, in order.
  static void on_connected(natsConnection* connection, void* watch);
  static void on_disconnected(natsConnection* connection, void* watch);
  static void on_closed(natsConnection* connection, void* watch);
  static void on_lame_duck(natsConnection* connection, void* watch);
  static void on_error(natsConnection* connection, natsSubscription* subscription,
                       natsStatus status, void* watch);
  // False, and without effect, if the wire of that number is not the one in use.
  bool change(std::uint32_t wire, Phase phase);
  void note(const char* text);
  void wake_link();

  // The link's thread.
  void run();
  bool work();
  void connect();
  void disconnect();
  bool resume();
  void serve();
  void carry_out(NatsRequest& request, bool up);
  void publish(const NatsPost& post, NatsAnswer& answer);
  // NATS_OK: the server has processed all that was sent since reconnects() was `connected`.
  [[nodiscard]] natsStatus flush(natsConnection& connection, int timeout_ms,
                                 std::uint64_t connected);
  [[nodiscard]] std::uint64_t reconnects(natsConnection& connection) const;
  void fail(NatsLinkCause cause);
  void count_dropped();

  // Moving away from a server that is about to shut down (nats_link_move.cc).
  [[nodiscard]] bool moving() const { return next_ != nullptr || old_ != nullptr || tail_; }
  void move();
  void begin_move();
  void abandon_move();
  [[nodiscard]] bool open_next(const std::vector<std::string>& servers);
  void switch_over();
  void end_old();
  [[nodiscard]] std::vector<std::string> other_servers() const;
  void pause_before_connect();
  void pause(int ms);
  [[nodiscard]] Phase phase() const;
  [[nodiscard]] natsStatus make_options(const std::vector<std::string>& servers, NatsWatch& watch,
                                        LibraryOptions& made) const;
  [[nodiscard]] bool stopping() const { return stop_.load(std::memory_order_acquire); }

  const NatsOptions options_;
  Waker& waker_;
  NatsInbox inbox_;
  Lane<NatsRequest> requests_;  // from the shard
  Lane<NatsAnswer> answers_;    // to the shard; has room for every request's answer
  Lane<std::string> notes_;     // from the library's callbacks to the shard; full: not told

  // A count of the changes, the number of the wire in use, whether all is subscribed and flushed
  // since the last change (kLive), and in the lowest bits the phase.
  static constexpr unsigned kPhaseBits = 2;
  static constexpr std::uint64_t kPhaseMask = (std::uint64_t{1} << kPhaseBits) - 1;
  static constexpr std::uint64_t kLive = std::uint64_t{1} << kPhaseBits;
  static constexpr unsigned kWireShift = kPhaseBits + 1;
  static constexpr std::uint64_t kWireMask = 0xffff;  // of numbers; they come round
  static constexpr unsigned kCountShift = kWireShift + 16;
  static constexpr std::uint32_t wire_of(std::uint64_t state) {
    return static_cast<std::uint32_t>((state >> kWireShift) & kWireMask);
  }
  static constexpr std::uint64_t next_state(std::uint64_t state, std::uint32_t wire, Phase phase) {
    return ((state >> kCountShift) + 1) << kCountShift | std::uint64_t{wire} << kWireShift |
           static_cast<std::uint64_t>(phase);
  }
  std::atomic<std::uint64_t> state_{0};
  std::atomic<std::uint64_t> lives_{0};
  std::atomic<NatsLinkCause> cause_{NatsLinkCause::kNotReached};
  std::atomic<std::uint64_t> library_dropped_{0};
  std::atomic<int> signal_{0};  // counts the reasons for the thread to look again
  std::atomic<bool> stop_{false};
  std::atomic<bool> library_drops_{false};
  std::atomic<bool> lame_{false};  // the server of the wire in use is about to shut down

  // The link's thread's.
  std::unique_ptr<natsStatistics, StatisticsDestroy> statistics_;
  std::unique_ptr<NatsWire> wire_;  // in use; its connection may be null
  std::unique_ptr<NatsWire> next_;  // to another server, while the one of wire_ is lame
  std::unique_ptr<NatsWire> old_;   // of which the last messages are waited for
  bool tail_ = false;               // copies of what the old one brought may be late
  std::uint32_t last_wire_ = 0;     // the last number given
  std::int64_t step_at_ms_ = 0;     // when the move goes on
  std::int64_t drained_by_ms_ = 0;
  std::vector<NatsAnswer> batch_;
  bool flush_wanted_ = false;
  Random jitter_{random_seed()};

  std::thread thread_;
};

}  // namespace millrace
