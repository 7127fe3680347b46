// What may wait between a shard and NATS. The link is one that is up and answers nothing, so that
// what waits keeps waiting.
#include <unistd.h>

#include <climits>
#include <filesystem>
#include <fstream>

#include "net/nats/nats_broker.h"
#include "net/nats/nats_files.h"
#include "net/nats/nats_overlap.h"
#include "tests/limits/config_world.h"
#include "tests/limits/limit.h"
#include "tests/support/nats_harness.h"
#include "tests/unit/net/nats/nats_test_keys.h"

namespace millrace {
namespace {

class SilentLink final : public BrokerLink {
 public:
  SilentLink(const NatsOptions& options, Waker& waker)
      : inbox_(options.inbox_messages, options.inbox_bytes, waker) {}

  bool send(NatsRequest& request) override {
    if (request.kind == NatsRequestKind::kSubscribe) subscription = request.subscription;
    return true;
  }
  bool take_answer(NatsAnswer&) override { return false; }
  bool take_note(std::string&) override { return false; }
  NatsInbox& inbox() override { return inbox_; }
  [[nodiscard]] bool waiting() const override { return inbox_.waiting(); }
  [[nodiscard]] bool up() const override { return true; }
  [[nodiscard]] std::uint64_t lives() const override { return 1; }
  [[nodiscard]] NatsLinkCause cause() const override { return NatsLinkCause::kNotReached; }
  [[nodiscard]] std::uint64_t dropped() const override { return inbox_.dropped(); }

  NatsSubscriptionId subscription;  // the last one asked for

 private:
  NatsInbox inbox_;
};

NatsMessage message_of(std::size_t bytes) {
  static const natsStatus kOpened = nats_Open(-1);  // the library destroys its messages
  CHECK_EQ(kOpened, NATS_OK);
  const std::string data(bytes, '1');
  natsMsg* message = nullptr;
  CHECK_EQ(natsMsg_Create(&message, "a", nullptr, data.data(), static_cast<int>(bytes)), NATS_OK);
  return NatsMessage(message);
}

// A shard with a broker over that link, subscribed to one channel.
class NatsShard final : public BrokerEvents, private NatsAsker {
 public:
  explicit NatsShard(const NatsOptions& options) {
    auto link = std::make_unique<SilentLink>(options, waker_);
    link_ = link.get();
    port_ = std::make_unique<NatsPort>(options, std::move(link), timers_, random_, metrics);
    broker_ = std::make_unique<NatsBroker>(*port_, static_cast<BrokerEvents&>(*this), metrics);
    port_->drain(Instant{1});
    CHECK(!broker_->add_interest("a", 1));
  }

  // True while none of the requests was refused.
  bool publish(std::size_t bytes) {
    broker_->publish({.channel = "a", .data = std::string(bytes, '1')}, {}, 1, Instant{});
    return refused == 0;
  }
  void on_nats_answer(std::uint64_t, NatsAnswered, const NatsMessageView*, Instant) override {}
  void arrive(std::size_t bytes) { link_->inbox().push(message_of(bytes), link_->subscription); }
  [[nodiscard]] std::uint64_t dropped() const { return link_->dropped(); }
  void turn() { port_->drain(Instant{2}); }
  bool ask() { return port_->ask({.subject = "q", .data = ""}, seconds(1), *this, 1, {}) != 0; }

  void on_position(Bytes, const StreamPosition&) override {}
  void on_publication(const Publication&) override { ++received; }
  void on_interest_ready(Bytes, InterestToken) override {}
  void on_presence_changes(Bytes, std::span<const PresenceChange>) override {}
  void on_history(RequestToken, const HistoryPage&) override {}
  void on_presence(RequestToken, const PresencePage&) override {}
  void on_published(RequestToken, PublishOutcome outcome,
                    const StreamPosition& /*position*/) override {
    if (outcome == PublishOutcome::kUnavailable) ++refused;
  }

  ShardMetrics metrics;
  std::uint64_t refused = 0;
  std::uint64_t received = 0;

 private:
  NoRing ring_;
  Waker waker_{ring_};
  SilentLink* link_ = nullptr;
  TimerWheel timers_{Instant{}};
  Random random_{1};
  std::unique_ptr<NatsPort> port_;
  std::unique_ptr<NatsBroker> broker_;
};

std::string requests_in_flight(std::uint64_t n) {
  NatsOptions options;
  options.lane_requests = 5 + 1;  // and the subscription
  NatsShard shard(options);
  for (std::uint64_t i = 0; i < n; ++i) shard.publish(1);
  CHECK_EQ(shard.metrics.broker_dropped_full_total, shard.refused);
  return unless(shard.refused == 0, "unavailable");
}

std::string bytes_in_flight(std::uint64_t n) {
  NatsOptions options;
  options.lane_bytes = 100;
  NatsShard shard(options);
  shard.publish(40);
  shard.publish(n - 40);
  CHECK_EQ(shard.metrics.broker_dropped_full_total, shard.refused);
  return unless(shard.refused == 0, "unavailable");
}

// `[limits] publication_size` is what NATS is told.
std::string publication(std::uint64_t n) {
  const auto options =
      options_of({{"BROKER_NATS", "nats://127.0.0.1:4222"}, {"LIMITS_PUBLICATION_SIZE", "2KiB"}});
  NatsShard shard(*options.nats);
  return unless(shard.publish(n), "unavailable");
}

std::string messages_not_handled(std::uint64_t n) {
  NatsOptions options;
  options.inbox_messages = 5;
  NatsShard shard(options);
  for (std::uint64_t i = 0; i < n; ++i) shard.arrive(1);
  return unless(shard.dropped() == 0, "dropped");
}

std::string bytes_not_handled(std::uint64_t n) {
  NatsOptions options;
  options.inbox_bytes = 100;
  NatsShard shard(options);
  shard.arrive(40);
  shard.arrive(n - 40);
  return unless(shard.dropped() == 0, "dropped");
}

std::string messages_of_a_turn(std::uint64_t n) {
  NatsOptions options;
  NatsShard shard(options);
  for (std::uint64_t i = 0; i < n; ++i) shard.arrive(1);
  shard.turn();
  const std::uint64_t first = shard.received;
  shard.turn();
  CHECK_EQ(shard.received, n);
  return unless(first == n, "next turn");
}

std::string received_publication(std::uint64_t n) {
  NatsOptions options;
  options.max_payload = 2'048;
  NatsShard shard(options);
  shard.arrive(n);
  shard.turn();
  CHECK_EQ(shard.metrics.broker_dropped_payload_total, 1 - shard.received);
  return unless(shard.received == 1, "dropped");
}

std::string questions_without_an_answer(std::uint64_t n) {
  NatsOptions options;
  options.lane_requests = kMaxNatsLaneRequests;
  NatsShard shard(options);
  for (std::uint64_t i = 0; i + 1 < n; ++i) CHECK(shard.ask());
  return unless(shard.ask(), "unavailable");
}

// Of the connection that is moved to, which is ahead of the other.
std::string withheld(std::uint64_t n) {
  NatsOverlap<int> overlap(5);
  std::vector<int> heard;
  std::vector<int> copies;
  for (std::uint64_t i = 0; i < n; ++i) overlap.from_new(0, i, 0, heard, copies);
  return unless(heard.empty(), "heard at once");
}

// A CA file, of a certificate and blank lines behind it.
std::string file_of_the_broker(std::uint64_t bytes) {
  const std::string path = std::filesystem::temp_directory_path() /
                           ("millrace_limits_" + std::to_string(getpid()) + ".pem");
  std::string text = kCertificatePem;
  text.resize(bytes, '\n');
  std::ofstream(path, std::ios::binary) << text;
  const bool taken = check_nats_files({.tls_ca = path}).ok();
  std::filesystem::remove(path);
  return unless(taken, "exit 78");
}

template <typename Set>
std::string checked(Set set) {
  NatsOptions options;
  options.urls = {"nats://127.0.0.1:4222"};
  set(options);
  return unless(check_nats_options(options).ok(), "exit 71");
}

// Of a link's connections, and who it is to NATS.
Limits link_limits() {
  return {
      {.name = "messages withheld while a shard moves to another NATS server",
       .covers = {},
       .value = 5,
       .unit = "messages",
       .refusal = "heard at once",
       .attempt = withheld},
      {.name = "file that [broker] names",
       .covers = {"nats_files.h:kMaxNatsFile"},
       .value = kMaxNatsFile,
       .unit = "bytes",
       .refusal = "exit 78",
       .attempt = file_of_the_broker},
  };
}

}  // namespace

Limits nats_limits() {
  Limits rows{
      {.name = "requests to NATS without an answer",
       .covers = {"NatsOptions.lane_requests"},
       .value = 5,
       .unit = "requests",
       .refusal = "unavailable",
       .attempt = requests_in_flight},
      {.name = "questions to NATS without an answer",
       .covers = {"nats_port.h:kMaxQuestions"},
       .value = NatsPort::kMaxQuestions,
       .unit = "questions",
       .refusal = "unavailable",
       .attempt = questions_without_an_answer},
      {.name = "bytes of publications to NATS without an answer",
       .covers = {"NatsOptions.lane_bytes"},
       .value = 100,
       .unit = "bytes",
       .refusal = "unavailable",
       .attempt = bytes_in_flight},
      {.name = "publication to NATS",
       .covers = {"NatsOptions.max_payload"},
       .value = 2'048,
       .unit = "bytes",
       .refusal = "unavailable",
       .attempt = publication},
      {.name = "publication from NATS",
       .covers = {},
       .value = 2'048,
       .unit = "bytes",
       .refusal = "dropped",
       .attempt = received_publication},
      {.name = "messages from NATS that are not handled yet",
       .covers = {"NatsOptions.inbox_messages"},
       .value = 5,
       .unit = "messages",
       .refusal = "dropped",
       .attempt = messages_not_handled},
      {.name = "bytes from NATS that are not handled yet",
       .covers = {"NatsOptions.inbox_bytes"},
       .value = 100,
       .unit = "bytes",
       .refusal = "dropped",
       .attempt = bytes_not_handled},
      {.name = "messages from NATS of a turn",
       .covers = {"nats_port.cc:kMessagesPerDrain"},
       .value = 4'096,
       .unit = "messages",
       .refusal = "next turn",
       .attempt = messages_of_a_turn},
      {.name = "requests to NATS that a lane can be made for",
       .covers = {"nats_options.h:kMaxNatsLaneRequests"},
       .value = kMaxNatsLaneRequests,
       .unit = "requests",
       .refusal = "exit 71",
       .attempt = [](auto n) { return checked([n](auto& o) { o.lane_requests = n; }); }},
      {.name = "publication that nats.c can count",
       .covers = {},
       .value = INT_MAX,
       .unit = "bytes",
       .refusal = "exit 71",
       .attempt = [](auto n) { return checked([n](auto& o) { o.max_payload = n; }); }},
  };
  for (Limit& row : link_limits()) rows.push_back(std::move(row));
  return rows;
}

}  // namespace millrace
