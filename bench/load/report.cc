#include "bench/load/report.h"

namespace millrace::load {
namespace {

void add_counts(auto& to, const auto& from) {
  for (const auto& [key, count] : from) to[key] += count;
}

}  // namespace

void Report::add(const Report& other) {
  attempts += other.attempts;
  came_up += other.came_up;
  add_counts(connect_errors, other.connect_errors);
  refused += other.refused;
  add_counts(retry_after, other.retry_after);
  add_counts(command_errors, other.command_errors);
  add_counts(closes, other.closes);
  add_counts(drain_closes, other.drain_closes);
  add_counts(slow_closes, other.slow_closes);
  own_closes += other.own_closes;
  pings += other.pings;
  deliveries += other.deliveries;
  slow_deliveries += other.slow_deliveries;
  misdelivered += other.misdelivered;
  unsubscribes += other.unsubscribes;
  recovered += other.recovered;
  unrecovered += other.unrecovered;
  sequences.add(other.sequences);
  published += other.published;
  unsent += other.unsent;
  add_counts(publish_errors, other.publish_errors);
  bytes_received += other.bytes_received;
  connect_time.merge(other.connect_time);
  delivery.merge(other.delivery);
  publish_time.merge(other.publish_time);
  close_time.merge(other.close_time);
}

std::uint64_t Report::failed() const { return sum_of(connect_errors); }

}  // namespace millrace::load
