// A ConnectionTable on an in-memory ring, and connections whose protocol writes down what it is
// told.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "core/limit/quota.h"
#include "core/time/clock.h"
#include "net/tcp/connection_table.h"
#include "tests/support/mem_ring.h"

namespace millrace {

// What a connection's protocol was told, and what it does about it. Outlives the protocol.
struct Record {
  Connection* connection = nullptr;
  FileSlot file;
  ConnId id;
  std::string bytes;
  int ends = 0;
  int deadlines = 0;
  int sents = 0;
  int too_slow = 0;
  int closings = 0;
  bool destroyed = false;
  std::function<std::size_t(Bytes, Instant)> take;  // instead of taking all
  std::function<void(Instant)> when_ended;          // instead of terminating
  std::function<void(Instant)> when_too_slow;       // instead of terminating
  std::function<void(Instant)> when_closing;
};

class Scribe final : public Protocol {
 public:
  Scribe(Connection& connection, Record& record) : connection_(connection), record_(record) {}
  ~Scribe() override { record_.destroyed = true; }

  std::size_t on_bytes(Bytes bytes, Instant now) override {
    const std::size_t taken = record_.take ? record_.take(bytes, now) : bytes.size();
    record_.bytes += bytes.substr(0, taken);
    return taken;
  }
  void on_end_of_stream(Instant now) override {
    ++record_.ends;
    record_.when_ended ? record_.when_ended(now) : connection_.terminate(now);
  }
  void on_deadline(Instant now) override {
    ++record_.deadlines;
    connection_.terminate(now);
  }
  void on_sent(Instant) override { ++record_.sents; }
  void on_too_slow(Instant now) override {
    ++record_.too_slow;
    record_.when_too_slow ? record_.when_too_slow(now) : connection_.terminate(now);
  }
  void on_closing(Instant now) override {
    ++record_.closings;
    if (record_.when_closing) record_.when_closing(now);
  }
  void on_drain(Instant now) override { connection_.terminate(now); }

 private:
  Connection& connection_;
  Record& record_;
};

class TableHarness : private CompletionHandler {
 public:
  explicit TableHarness(const ConnectionLimits& limits = {}, std::uint32_t buffer_count = 8,
                        std::uint32_t buffer_size = 16)
      : buffers(buffer_count, buffer_size),
        ring(buffers),
        reactor(ring, clock),
        table(reactor, buffers, metrics, limits) {
    reactor.route(OpKind::kAccept, *this);
  }
  // Closes what is open and checks that everything came back.
  ~TableHarness() {
    table.for_each([this](Connection& connection) { connection.terminate(clock.now()); });
    settle();
    CHECK(table.idle());
    CHECK_EQ(ring.in_flight(), 0U);
    CHECK_EQ(ring.open_slots(), 0U);
    CHECK_EQ(ring.free_buffers(), buffers.count());
    CHECK_EQ(metrics.connections, 0U);
    CHECK_EQ(metrics.queued_bytes, 0U);
    CHECK_EQ(quota.taken(), 0U);
    CHECK(reactor.timers().empty());
    for (const auto& record : records_) CHECK_EQ(record->closings, record->destroyed ? 1 : 0);
  }

  void turn(Duration longest_wait = Duration{}) { reactor.turn(longest_wait); }
  void settle() {
    for (int i = 0; i < 8; ++i) turn();
  }
  void advance(Duration span) {
    clock.advance(span);
    settle();
  }

  // A new connection, adopted but not turned. `prepare` runs when its protocol is made.
  Record& open(const std::function<void(Record&)>& prepare = {}) {
    prepare_ = prepare;
    PeerAddress address;
    ring.submit(Op::accept({OpKind::kAccept, 0, 0}, kListener, address));
    file_ = ring.connect(kListener);
    turn();
    return *records_.back();
  }
  // The same, with so much input that it holds a multishot receive, all of which was taken.
  Record& open_busy() {
    Record& record = open();
    make_busy(record);
    return record;
  }
  void make_busy(Record& record) {
    for (int i = 0; i < kBusyInputs; ++i) {
      ring.client_send(record.file, "-");
      settle();
    }
    CHECK(ring.receive_armed(record.file));
    CHECK(!ring.poll_armed(record.file));
    CHECK_EQ(record.bytes, std::string(kBusyInputs, '-'));
    record.bytes.clear();
  }
  // The timer of a connection fires and nothing is due, `span` from now.
  void fire_timer(Record& record, Duration span) {
    record.connection->set_deadline(clock.now() + span);
    record.connection->set_deadline(Instant::never());
    clock.advance(span);
    turn();
  }
  [[nodiscard]] bool adopted() const { return adopted_; }
  [[nodiscard]] FileSlot last_file() const { return file_; }

  ManualClock clock;
  ShardMetrics metrics;
  Quota quota{1'000};
  RecvBuffers buffers;
  MemRing ring;
  Reactor reactor;
  ConnectionTable table;

 private:
  static constexpr int kListener = 7;

  void on_completion(const CompletionEvent& event, Instant) override {
    adopted_ = table.adopt(FileSlot{event.result}, Peer{}, quota.try_take(),
                           [this](Connection& connection) {
                             records_.push_back(std::make_unique<Record>());
                             Record& record = *records_.back();
                             record.connection = &connection;
                             record.file = file_;
                             record.id = connection.id();
                             auto scribe = std::make_unique<Scribe>(connection, record);
                             if (prepare_) prepare_(record);
                             return scribe;
                           });
  }

  std::function<void(Record&)> prepare_;
  FileSlot file_;
  bool adopted_ = false;
  std::vector<std::unique_ptr<Record>> records_;
};

inline SharedBytes shared(Bytes bytes) { return SharedBytes::copy_of(bytes); }

}  // namespace millrace
