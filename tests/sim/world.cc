#include "tests/sim/world.h"

#include <algorithm>
#include <array>
#include <utility>

#include "net/nats/subject.h"
#include "tests/sim/sim_client.h"
#include "tests/sim/sim_publisher.h"

namespace millrace::sim {
namespace {

constexpr int kListener = 100;
constexpr const char* kKeeps = "room:";            // a channel that keeps a stream if any does
constexpr Duration kLongestWait = seconds(3'600);  // a lost wake is never healed by a timer of ours

}  // namespace

// Between the broker and the hub of one shard: writes the log.
class Tap final : public BrokerEvents {
 public:
  Tap(std::size_t shard, World& world)
      : shard_(shard), world_(world), trace_(world.machinery().trace) {}

  BrokerEvents& over(BrokerEvents& hub) {
    hub_ = &hub;
    return *this;
  }
  void on_publication(const Publication& publication) override {
    const std::string name = "hub " + std::to_string(shard_);
    const std::uint64_t id = Oracle::id_of(publication.data);
    trace_.say(name, "is handed {} of {}", id, publication.channel);
    world_.oracle().logged(shard_, publication);
    if (const StreamPosition& position = publication.position; position.offset > 0) {
      world_.streams().told(name, std::string(publication.channel),
                            {std::string(position.epoch.text()), position.offset}, id);
    }
    hub_->on_publication(publication);
  }
  void on_position(Bytes channel, const StreamPosition& position) override {
    trace_.say("hub " + std::to_string(shard_), "is told that {} stands at {}", channel,
               position.offset);
    hub_->on_position(channel, position);
  }
  void on_interest_ready(Bytes channel, InterestToken token) override {
    hub_->on_interest_ready(channel, token);
  }
  void on_presence_changes(Bytes channel, std::span<const PresenceChange> changes) override {
    hub_->on_presence_changes(channel, changes);
  }
  void on_history(RequestToken token, const HistoryPage& page) override {
    hub_->on_history(token, page);
  }
  void on_presence(RequestToken token, const PresencePage& page) override {
    hub_->on_presence(token, page);
  }
  void on_published(RequestToken token, PublishOutcome outcome,
                    const StreamPosition& position) override {
    hub_->on_published(token, outcome, position);
  }

 private:
  const std::size_t shard_;
  World& world_;
  Trace& trace_;
  BrokerEvents* hub_ = nullptr;
};

World::World(const SimOptions& options, std::FILE* trace)
    : options_(options),
      random_(options.seed ^ 0x5eed),
      faults_(options.rates, random_),
      trace_(scheduler_, trace),
      nats_(machinery()),
      oracle_(options.shards, options.nats ? &nats_ : nullptr),
      streams_(oracle_, options.steady),
      calendar_(scheduler_),
      shared_(options.shards, options.max_connections, options.lane_capacity),
      nodes_(options.shards) {
  shared_.clients_running.store(options.shards);
  if (trace != nullptr) fmt::print(trace, "{}", describe(options));
  for (std::size_t i = 0; i < nodes_.size(); ++i) make_shard(i);
  external_ = next_wire();
  for (std::size_t i = 0; i < options.clients; ++i) {
    clients_.push_back(std::make_unique<SimClient>(*this, "client " + std::to_string(i)));
    clients_.back()->start(between(milliseconds(0), milliseconds(100)));
  }
  for (std::size_t i = 0; i < options.publishers; ++i) {
    publishers_.push_back(std::make_unique<SimPublisher>(*this, "app " + std::to_string(i)));
    publishers_.back()->start();
  }
  if (options_.nats) external_message();
}

World::~World() = default;

void World::make_shard(std::size_t index) {
  Node& node = nodes_[index];
  const ClientShardOptions& options = options_.shard;
  set_this_shard(ShardId{static_cast<std::uint16_t>(index)});
  Machine machine;
  machine.buffers = std::make_unique<RecvBuffers>(options.recv_buffers, options.recv_buffer_size);
  auto ring = std::make_unique<SimRing>(machinery(), "ring " + std::to_string(index),
                                        *machine.buffers, options.connections.capacity + 8,
                                        options_.queue_entries, [this, index] { runnable(index); });
  node.ring = ring.get();
  machine.ring = std::move(ring);
  machine.clock = &scheduler_;
  machine.calendar = &calendar_;
  machine.random_seed = options_.seed + index;
  machine.broker.make_link = [this, index](const NatsOptions& nats, Waker& waker) {
    return nats_.connect(index, nats, waker);
  };
  node.tap = std::make_unique<Tap>(index, *this);
  machine.broker.tap = [&node](BrokerEvents& hub) -> BrokerEvents& { return node.tap->over(hub); };
  auto shard = ClientShard::assemble(ShardId{static_cast<std::uint16_t>(index)}, options, shared_,
                                     {kListener}, std::move(machine));
  CHECK(shard.ok());
  node.shard = std::move(*shard);
  node.shard->start_accepting();
  schedule_turn(index, microseconds(1), false);
}

const NamespaceSettings& World::settings_of(const std::string& channel) const {
  return *options_.shard.sessions.find_namespace(channel);
}

std::string World::channel(std::size_t index) const {
  constexpr std::array<const char*, 3> kStems{"news", "room:", "x:a b="};
  return kStems.at(index % kStems.size()) + std::to_string(index);
}

Duration World::between(Duration least, Duration most) {
  const auto span = static_cast<std::uint64_t>((most - least).ns);
  return least + nanoseconds(static_cast<std::int64_t>(random_.below(span + 1)));
}

// --- the shards' threads -------------------------------------------------------------------------

void World::schedule_turn(std::size_t index, Duration delay, bool by_timeout) {
  Node& node = nodes_[index];
  node.by_timeout = by_timeout;
  scheduler_.in(delay, [this, index, number = ++node.turn] {
    if (nodes_[index].turn == number) turn(index);
  });
}

// Its wait() is over: the thread runs when it gets a core.
void World::runnable(std::size_t index) {
  Node& node = nodes_[index];
  if (!node.asleep || !node.by_timeout) return;
  Duration delay = between(microseconds(1), microseconds(20));
  if (faults_.strikes(Fault::kStall)) {
    delay = between(milliseconds(1), milliseconds(100));
    trace_.say("shard " + std::to_string(index), "does not run for {} ms", delay.to_ms());
  }
  schedule_turn(index, delay, false);
}

void World::turn(std::size_t index) {
  Node& node = nodes_[index];
  set_this_shard(ShardId{static_cast<std::uint16_t>(index)});
  Reactor& reactor = node.shard->reactor();
  if (node.asleep) reactor.resume();
  node.asleep = false;
  node.ring->wait(reactor.work(kLongestWait));
  set_this_shard(ShardId{kNoShard});
  if (reactor.stopping()) {
    node.done = true;
    return;
  }
  node.asleep = true;
  const Duration timeout = node.ring->timeout();
  const bool at_once = timeout.ns == 0 || node.ring->runnable();
  schedule_turn(index, at_once ? between(microseconds(1), microseconds(10)) : timeout, !at_once);
}

// No queue holds more than its limit, or one message of any size, and a last word.
void World::check_queues() {
  constexpr std::size_t kLargest = 6'000;  // of a client's publication and what stands around it
  constexpr std::size_t kLastWord = 200;
  // Or all that a channel keeps, in one page or one recovery.
  std::size_t largest = kLargest;
  if (options_.streams) {
    const SessionSettings& sessions = options_.shard.sessions;
    const std::uint32_t page = std::max(sessions.history_page, sessions.recovery_page);
    largest += std::min(page, settings_of(kKeeps).stream.size) * kLargest;
  }
  const std::size_t most = std::max(options_.shard.connections.queue_bytes, largest) + kLastWord;
  for (Node& node : nodes_) {
    if (node.done) continue;
    node.shard->connections().for_each([most](const Connection& connection) {
      if (connection.queued_bytes() <= most) return;
      finding("a send queue holds " + std::to_string(connection.queued_bytes()) + " bytes");
    });
  }
}

void World::check_for_lost_wakes() {
  for (std::size_t i = 0; i < nodes_.size(); ++i) {
    const Node& node = nodes_[i];
    if (node.done || !node.asleep || !node.by_timeout || node.ring->wake_on_its_way()) continue;
    if (node.shard->reactor().has_work()) {
      finding("shard " + std::to_string(i) + " sleeps with work at hand, and no wake is coming");
    }
  }
}

void World::run_until(Instant end) {
  while (scheduler_.step(end)) check_for_lost_wakes();
}

// --- a run ---------------------------------------------------------------------------------------

Report World::run() {
  chaos();
  if (!options_.drain_in_chaos) {
    calm();
    look();
    probe();
  }
  drain();
  oracle_.finish();
  streams_.finish();
  deeds_.count(Deed::kEpochChanged, streams_.epoch_changes());
  end_checks();
  Report report;
  report.steps = scheduler_.steps();
  report.digest = scheduler_.digest();
  report.connections = wires_;
  report.publications = oracle_.last_id();
  report.deliveries = oracle_.deliveries();
  report.duplicates = oracle_.explained_duplicates();
  report.holes = oracle_.explained_holes();
  report.faults = faults_.counts();
  report.deeds = deeds_.counts();
  return report;
}

void World::chaos() {
  trace_.say("world", "chaos begins");
  while (scheduler_.steps() < options_.chaos_events) {
    CHECK(scheduler_.step(scheduler_.now() + seconds(60)));
    check_for_lost_wakes();
    if (scheduler_.steps() % 64 == 0) check_queues();
  }
}

// Faults end; clients act a little longer, then only answer; what is late arrives.
void World::calm() {
  trace_.say("world", "calm begins");
  faults_.calm();
  nats_.calm();
  run_until(scheduler_.now() + seconds(1));
  for (const auto& client : clients_) client->stop();
  for (const auto& publisher : publishers_) publisher->stop();
  run_until(scheduler_.now() + seconds(20));
  check_settled();
  for (const auto& publisher : publishers_) publisher->check_answered();
}

void World::probe() {
  trace_.say("world", "the probe begins");
  for (const auto& client : clients_) client->probe();
  run_until(scheduler_.now() + seconds(3));
  check_settled();
}

void World::drain() {
  trace_.say("world", "the drain begins");
  faults_.shut_down();
  shared_.draining.store(true);
  shared_.mailboxes.wake_all();
  if (options_.hurry) {
    scheduler_.in(between(Duration{}, seconds(3)), [this] {
      trace_.say("world", "the drain is hurried");
      shared_.drain.hurry.store(true);
      shared_.mailboxes.wake_all();
    });
  }
  run_until(scheduler_.now() + seconds(30));
  for (std::size_t i = 0; i < nodes_.size(); ++i) {
    if (nodes_[i].done) continue;
    finding("shard " + std::to_string(i) +
            " has not drained after 30 s; in flight: " + nodes_[i].ring->in_flight_text());
  }
}

// An application publishes to NATS by itself; now and then what no channel of ours may carry.
void World::external_message() {
  scheduler_.in(between(milliseconds(1), milliseconds(40)), [this] {
    if (faults_.calmed()) return;
    const std::string channel = random_channel();
    const std::string subject = channel_to_subject("", channel);
    if (faults_.strikes(Fault::kHostileMessage)) {
      static const std::array<std::string, 4> kData{"not JSON", R"({"n":1)", "\xff\xfe", ""};
      const std::string& data = kData.at(random_.below(kData.size()));
      nats_.publish({.subject = random_.below(2) == 0 ? subject : "room.=41=zz", .data = data});
    } else {
      const std::string data = oracle_.published(channel, external_, random_.below(100));
      nats_.publish({.subject = subject, .data = data});
      oracle_.outcome(Oracle::id_of(data), true);
    }
    external_message();
  });
}

}  // namespace millrace::sim
