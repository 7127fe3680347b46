#include "bench/load/fleet.h"

#include <utility>

namespace millrace::load {

Result<void> Fleet::start() {
  workers_.resize(slices_.size());
  const auto factory = [this](ShardId id) -> Result<std::unique_ptr<ShardBody>> {
    auto worker = Worker::make(id, shared_, slices_[id.value]);
    if (!worker) return worker.error();
    workers_[id.value] = worker->get();
    return std::unique_ptr<ShardBody>(std::move(*worker));
  };
  Result<void> started = group_.start({.shards = slices_.size(), .pin = false}, factory);
  if (!started) workers_.clear();
  return started;
}

void Fleet::stop() {
  if (workers_.empty()) return;
  post_all([](Worker& worker, Instant now) { worker.stop(now); });
  group_.join();
  workers_.clear();
}

void Fleet::post_all(const Worker::Task& task) {
  for (std::size_t i = 0; i < workers_.size(); ++i) post(i, task);
}

Report Fleet::take_report() {
  Report sum;
  for (const Report& report : ask<Report>([](Worker& worker) { return worker.take_report(); })) {
    sum.add(report);
  }
  return sum;
}

}  // namespace millrace::load
