// Shards, clients, a broker and their faults, in one thread, from one seed.
//
// A run has six parts: chaos (until so many events have happened), calm (faults end, all comes
// back), a look (everybody asks about every channel that keeps something), a probe (one more
// publication a channel; who stays must get it), the drain, and the end checks: everything lent is
// back. Half of the seeds drain in the middle of the chaos instead.
//
// The shards are whole ClientShards, the code that ships, over SimRings; this is their kernel's
// scheduler. A shard that waits runs again when its ring has a completion, when a wake arrives, or
// when its time is up. If it sleeps with work at hand and none of these on its way, a wake was
// lost.
#pragma once

#include <cstdint>
#include <limits>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "net/server/client_shard.h"
#include "tests/sim/deeds.h"
#include "tests/sim/options.h"
#include "tests/sim/oracle.h"
#include "tests/sim/sim_nats.h"
#include "tests/sim/stream_model.h"

namespace millrace::sim {

class SimClient;
class SimPublisher;
class Tap;

struct Report {
  std::uint64_t steps = 0;
  std::uint64_t digest = 0;
  std::uint64_t connections = 0;
  std::uint64_t publications = 0;
  std::uint64_t deliveries = 0;
  std::uint64_t duplicates = 0;  // explained
  std::uint64_t holes = 0;       // explained
  Faults::Counts faults{};
  Deeds::Counts deeds{};
};

// The calendar of the simulated machines, whose clocks agree.
class SimCalendar final : public CalendarClock {
 public:
  explicit SimCalendar(Clock& clock) : clock_(clock) {}
  [[nodiscard]] std::int64_t seconds() override {
    return 1'700'000'000 + clock_.now().ns / 1'000'000'000;
  }

 private:
  Clock& clock_;
};

// Of a user: tokens issued until then are revoked, surely or perhaps.
struct RevokedUntil {
  std::int64_t surely = std::numeric_limits<std::int64_t>::min();
  std::int64_t may_be = std::numeric_limits<std::int64_t>::min();
};

class World {
 public:
  static constexpr std::uint32_t kUsers = 5;

  // `trace`: where to tell what happens; nullptr for nowhere.
  World(const SimOptions& options, std::FILE* trace);
  ~World();
  World(const World&) = delete;
  World& operator=(const World&) = delete;

  // Everything. A finding ends the process.
  Report run();

  // --- For clients.
  [[nodiscard]] const SimOptions& options() const { return options_; }
  [[nodiscard]] Machinery machinery() { return {scheduler_, random_, faults_, trace_}; }
  [[nodiscard]] Random& random() { return random_; }
  [[nodiscard]] Faults& faults() { return faults_; }
  [[nodiscard]] Oracle& oracle() { return oracle_; }
  [[nodiscard]] StreamModel& streams() { return streams_; }
  [[nodiscard]] Deeds& deeds() { return deeds_; }
  [[nodiscard]] CalendarClock& calendar() { return calendar_; }
  [[nodiscard]] RevokedUntil& revoked(const std::string& user) { return revoked_[user]; }
  [[nodiscard]] const NamespaceSettings& settings_of(const std::string& channel) const;
  // A client that some shard has named so.
  void add_client(const std::string& id) { client_ids_.insert(id); }
  [[nodiscard]] bool knows_client(const std::string& id) const { return client_ids_.contains(id); }
  void remove_client(const std::string& id) { gone_[id] = scheduler_.now(); }
  // Gone so lately that others may not have heard of it.
  [[nodiscard]] bool is_gone(const std::string& id);
  // A finding, unless it turns out that this client was about to go.
  void suspect(const std::string& id, const std::string& what) {
    suspicions_.emplace_back(id, what);
  }
  // Nothing changes any more.
  [[nodiscard]] bool settled() const { return settled_; }
  // There was room for all members; and for all that is told of them.
  [[nodiscard]] bool presence_complete() const;
  [[nodiscard]] bool announcements_complete() const;
  // REQUIRES: settled().
  void check_presence(const std::string& channel, const std::string& whom,
                      const std::set<std::string>& there);
  [[nodiscard]] SimRing& ring(std::size_t shard) { return *nodes_[shard].ring; }
  [[nodiscard]] bool draining() const { return shared_.draining.load(); }
  [[nodiscard]] std::uint64_t next_wire() { return ++wires_; }
  [[nodiscard]] std::string channel(std::size_t index) const;
  [[nodiscard]] std::string random_channel() { return channel(random_.below(options_.channels)); }
  [[nodiscard]] Duration between(Duration least, Duration most);

 private:
  struct Node {
    SimRing* ring = nullptr;
    std::unique_ptr<ClientShard> shard;
    std::unique_ptr<Tap> tap;
    Instant turn_at = Instant::never();
    std::uint64_t turn = 0;  // of the one that is due
    bool asleep = false;
    bool by_timeout = false;  // what is due is the end of a wait
    bool done = false;
  };

  void make_shard(std::size_t index);
  void schedule_turn(std::size_t index, Duration delay, bool by_timeout);
  void runnable(std::size_t index);
  void turn(std::size_t index);
  void run_until(Instant end);
  void check_for_lost_wakes();
  void check_queues();
  void chaos();
  void calm();
  void look();
  void check_settled();
  void probe();
  void drain();
  void end_checks();
  void external_message();

  const SimOptions options_;
  Scheduler scheduler_;
  Random random_;
  Faults faults_;
  Trace trace_;
  SimNats nats_;
  Oracle oracle_;
  StreamModel streams_;
  Deeds deeds_;
  SimCalendar calendar_;
  std::map<std::string, RevokedUntil> revoked_;  // by user
  std::set<std::string> client_ids_;
  std::map<std::string, Instant> gone_;  // when
  std::vector<std::pair<std::string, std::string>> suspicions_;
  bool settled_ = false;
  SharedState shared_;
  std::vector<Node> nodes_;
  std::vector<std::unique_ptr<SimClient>> clients_;
  std::vector<std::unique_ptr<SimPublisher>> publishers_;
  std::uint64_t wires_ = 0;
  std::uint64_t external_ = 0;  // publisher number of the application behind NATS
};

}  // namespace millrace::sim
