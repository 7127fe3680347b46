// Publications of one thread: when each is due, through whom it goes, and what was answered.
//
// Open loop: on a fixed schedule, and a publication keeps the time it was due even if it leaves
// late. Closed loop: as many as may be in flight; a fan-out counts one as done when all its readers
// had it, a run of publishing clients when it was answered.
//
// Owner: a worker, on its thread.
#pragma once

#include <cstdint>
#include <deque>
#include <string>
#include <unordered_map>
#include <vector>

#include "bench/load/report.h"
#include "bench/load/schedule.h"
#include "bench/load/shared.h"

namespace millrace::load {

// Who publishes where.
struct Lane {
  std::uint32_t client = 0;   // the path's name for the publisher
  std::uint32_t channel = 0;  // of the table
  std::uint32_t by = 0;       // the publisher among those of the channel
};

struct PublishOrder {
  Instant start{};
  Instant end = Instant::never();  // what is due before it may leave a little later (kGrace)
  std::uint64_t count = 0;         // at most; 0: until the end
  double rate = 0;                 // 0: a closed loop
  std::uint64_t in_flight = 1;     // of a closed loop; with `by_answer`, of each lane
  bool by_answer = false;
  std::vector<Lane> lanes;  // in turn
};

// The way to the server.
class PublishPath {
 public:
  enum class Room : std::uint8_t { kYes, kLater, kNever };
  [[nodiscard]] virtual Room room(std::uint32_t client) = 0;
  // REQUIRES: room(client) == kYes.
  virtual void send(std::uint32_t client, std::uint32_t id, Bytes channel, Bytes payload) = 0;
  // False if nothing is ever answered.
  [[nodiscard]] virtual bool answers() const = 0;

 protected:
  ~PublishPath() = default;
};

class Publishing {
 public:
  // How long after the end a schedule may still be worked off.
  static constexpr Duration kGrace = seconds(2);

  // All must outlive it; `report` is where things are counted.
  Publishing(Shared& shared, PublishPath& path, Report& report)
      : shared_(shared), path_(path), report_(report) {}

  void begin(PublishOrder order);
  // What is due and not sent yet is counted as unsent.
  void stop(Instant now);
  // Sends what may be sent.
  void run(Instant now);
  void on_answer(std::uint32_t id, const std::string& error, Instant now);
  // The way to the server broke: nobody answers any more.
  void lost();

  // True until all is sent, or the time is up, and all answers are there.
  [[nodiscard]] bool busy() const { return active_ || !unanswered_.empty(); }
  // True if run() would send what deliveries on other threads have made room for.
  [[nodiscard]] bool has_room() const;
  // When run() is wanted next but for what wakes the thread anyway.
  [[nodiscard]] Instant next_due(Instant now) const;

 private:
  static constexpr int kBatch = 1'024;  // publications a turn
  static constexpr std::size_t kMaxUnanswered = 65'536;

  struct Unanswered {
    std::uint32_t lane = 0;
    Instant due{};
  };

  void run_open(Instant now);
  void run_closed(Instant now);
  [[nodiscard]] bool all_delivered_but(std::uint64_t in_flight, const Lane& lane) const;
  void send(std::uint32_t lane, Instant due);
  [[nodiscard]] std::uint64_t due_at_end() const;
  [[nodiscard]] Instant last_call() const;

  Shared& shared_;
  PublishPath& path_;
  Report& report_;
  bool active_ = false;
  bool more_ = false;     // a batch was full
  bool blocked_ = false;  // what is due waits for room, which an event will bring
  PublishOrder order_;
  Schedule schedule_;
  std::uint64_t sent_ = 0;
  std::uint32_t next_id_ = 0;
  std::deque<std::uint32_t> ready_;  // lanes that may publish (closed loop by answers)
  std::unordered_map<std::uint32_t, Unanswered> unanswered_;
  std::string payload_;
};

}  // namespace millrace::load
