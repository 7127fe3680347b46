// The phases that publish: which channels there are, who reads them, and orders for the workers.
#include <algorithm>
#include <utility>

#include "bench/load/conductor.h"
#include "core/base/assert.h"

namespace millrace::load {
namespace {

constexpr Duration kHeadStart = milliseconds(20);  // for an order to reach all threads
constexpr Duration kLookBack = seconds(1);         // for slow readers to find their connection gone
constexpr Duration kSettle = seconds(5);           // without a delivery: none will come

bool has_phase(const Options& options, PhaseKind kind) {
  return std::any_of(options.phases.begin(), options.phases.end(),
                     [kind](const Phase& phase) { return phase.kind == kind; });
}

}  // namespace

// Once, before the first publication: sequences go on over all phases.
void Conductor::make_channels() {
  if (channels_made_) return;
  channels_made_ = true;
  ChannelTable& table = shared_->channels;
  lanes_.resize(fleet_->size());
  std::size_t most = 1;
  const ChannelPattern& pattern =
      options_.publish_to ? *options_.publish_to : options_.channels.front();
  const bool clients_publish = options_.workload == Workload::kPublish;
  const auto count = static_cast<std::uint32_t>(options_.connections);
  const bool load = has_phase(options_, PhaseKind::kLoad);
  for (std::size_t worker = 0; load && worker < fleet_->size(); ++worker) {
    const Slice& slice = fleet_->slice(worker);
    for (std::uint32_t i = 0; i < slice.count; ++i) {
      const std::uint32_t number = slice.first + i;
      if (clients_publish && !one_of(number, options_.publishers, count)) continue;
      const std::size_t known = table.size();
      const std::uint32_t channel = table.add(pattern.name(number));
      auto& published = table.at(channel).published;
      if (clients_publish) {
        lanes_[worker].push_back({number, channel, static_cast<std::uint32_t>(published.size())});
        published.push_back(0);
        most = std::max(most, published.size());
      } else if (table.size() > known) {
        published.push_back(0);
        lanes_.back().push_back({count, channel, 0});
      }
      if (!clients_publish && pattern.is_plain()) break;
    }
    if (!clients_publish && pattern.is_plain()) break;
  }
  if (has_phase(options_, PhaseKind::kBroadcast) || options_.cut_publish > 0) {
    broadcast_lane_ = {count, table.add(options_.broadcast_to), 0};
    auto& published = table.at(broadcast_lane_.channel).published;
    // Its own sequence beside those of clients; the one that there is otherwise.
    if (clients_publish || published.empty()) published.push_back(0);
    broadcast_lane_.by = static_cast<std::uint32_t>(published.size() - 1);
    most = std::max(most, published.size());
  }
  const auto publishers = static_cast<std::uint32_t>(most);
  fleet_->ask<int>([publishers](Worker& worker) {
    worker.set_publishers(publishers);
    return 0;
  });
}

void Conductor::count_readers() {
  ChannelTable& table = shared_->channels;
  for (std::uint32_t i = 0; i < table.size(); ++i) table.at(i).readers = 0;
  using Readers = std::vector<std::uint32_t>;
  for (const Readers& some : fleet_->ask<Readers>([](Worker& w) { return w.readers(); })) {
    for (std::uint32_t i = 0; i < some.size(); ++i) table.at(i).readers += some[i];
  }
}

bool Conductor::open_publisher() {
  if (!needs_publisher(options_)) return true;
  const std::size_t worker = fleet_->publisher();
  const Live& live = shared_->live[worker];
  if (live.publisher_ready.load()) return true;
  const std::uint64_t failed = live.failed.load();
  fleet_->post(worker, [](Worker& publisher, Instant at) { publisher.open_publisher(at); });
  wait([&] { return live.publisher_ready.load() || live.failed.load() > failed; },
       now() + options_.connect_timeout);
  return live.publisher_ready.load();
}

// One for each worker; those without lanes have nothing to do.
std::vector<PublishOrder> Conductor::orders(Instant start, Duration span) const {
  std::size_t all = 0;
  for (const auto& lanes : lanes_) all += lanes.size();
  std::vector<PublishOrder> orders(fleet_->size());
  for (std::size_t worker = 0; worker < orders.size(); ++worker) {
    PublishOrder& order = orders[worker];
    order.start = start;
    order.end = start + span;
    order.lanes = lanes_[worker];
    order.in_flight = std::max<std::uint64_t>(options_.in_flight, 1);
    order.by_answer = options_.workload == Workload::kPublish;
    if (options_.in_flight == 0 && all > 0) {
      order.rate =
          options_.rate * static_cast<double>(order.lanes.size()) / static_cast<double>(all);
    }
  }
  return orders;
}

void Conductor::load(PhaseResult& result) {
  make_channels();
  count_readers();
  if (options_.slow_share > 0) {
    fleet_->post_all([](Worker& worker, Instant) { worker.stop_reading(); });
  }
  if (!open_publisher()) return;
  const Instant start = now() + kHeadStart;
  const Instant end = start + result.phase.duration;
  std::vector<PublishOrder> all = orders(start, result.phase.duration);
  for (std::size_t worker = 0; worker < all.size(); ++worker) {
    fleet_->post(worker,
                 [order = std::move(all[worker])](Worker& w, Instant) { w.publish(order); });
  }
  wait([] { return false; }, end);
  wait([this] { return fleet_->sum(&Live::publishing) == 0; }, end + Publishing::kGrace);
  fleet_->post_all([](Worker& worker, Instant at) { worker.stop_publishing(at); });
  settle();
  if (options_.slow_share > 0) {
    // Whoever does not read does not see that it was closed.
    fleet_->post_all([](Worker& worker, Instant) { worker.read_again(); });
    wait([] { return false; }, now() + kLookBack);
  }
  const Instant last{shared_->last_delivery_ns.load()};
  result.load_seconds = static_cast<double>((std::max(last, end) - start).ns) / 1e9;
}

// Until all that was published was answered and delivered, or nothing comes any more.
void Conductor::settle() {
  const auto delivered = [this] { return shared_->delivered.load(); };
  const auto done = [this] {
    return fleet_->sum(&Live::publishing) == 0 &&
           shared_->delivered.load() >= shared_->expected.load();
  };
  wait(done, Instant::never(), delivered, kSettle);
  fleet_->ask<int>([](Worker& worker) {
    worker.finish_sequences();
    return 0;
  });
  // What did not come is a hole now; the next phase does not wait for it.
  shared_->expected.store(shared_->delivered.load());
}

// How many deliveries there are when all have got what they missed.
std::uint64_t Conductor::publish_while_away() {
  const std::uint64_t delivered = shared_->delivered.load();
  if (options_.cut_publish == 0) return delivered;
  PublishOrder order;
  order.start = now();
  order.rate = options_.rate;
  order.count = options_.cut_publish;
  order.lanes = {broadcast_lane_};
  fleet_->post(fleet_->publisher(), [order](Worker& worker, Instant) { worker.publish(order); });
  return delivered + options_.cut_publish * shared_->channels.at(broadcast_lane_.channel).readers;
}

void Conductor::broadcast(PhaseResult& result) {
  make_channels();
  count_readers();
  for (std::uint64_t i = 0; i < result.phase.count && !interrupted_; ++i) {
    if (!open_publisher()) {
      result.complete = false;
      return;
    }
    PublishOrder order;
    order.start = now();
    order.rate = 1;
    order.count = 1;
    order.lanes = {broadcast_lane_};
    const std::uint64_t readers = shared_->channels.at(broadcast_lane_.channel).readers;
    const std::uint64_t wanted = shared_->delivered.load() + readers;
    fleet_->post(fleet_->publisher(), [order](Worker& worker, Instant) { worker.publish(order); });
    const auto delivered = [this] { return shared_->delivered.load(); };
    const bool all =
        wait([&] { return delivered() >= wanted; }, Instant::never(), delivered, options_.patience);
    if (all) {
      result.broadcasts.push_back(Instant{shared_->last_delivery_ns.load()} - order.start);
    } else {
      result.complete = false;
      result.broadcast_missing += wanted - std::min(wanted, delivered());
    }
    settle();
  }
}

}  // namespace millrace::load
