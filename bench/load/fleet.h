// All workers of a run, from outside their threads: start, tasks to all, counts of all, end.
//
// Owner: the conductor, on the main thread.
#pragma once

#include <functional>
#include <future>
#include <memory>
#include <vector>

#include "bench/load/worker.h"

namespace millrace::load {

class Fleet {
 public:
  Fleet(Shared& shared, const std::vector<Slice>& slices) : shared_(shared), slices_(slices) {}
  ~Fleet() { stop(); }
  Fleet(const Fleet&) = delete;
  Fleet& operator=(const Fleet&) = delete;

  Result<void> start();
  // Cuts all connections and ends the threads.
  void stop();

  [[nodiscard]] std::size_t size() const { return slices_.size(); }
  [[nodiscard]] const Slice& slice(std::size_t worker) const { return slices_[worker]; }
  // The worker with the publisher of its own. REQUIRES: needs_publisher(options).
  [[nodiscard]] std::size_t publisher() const { return slices_.size() - 1; }

  void post(std::size_t worker, Worker::Task task) { workers_[worker]->post(std::move(task)); }
  void post_all(const Worker::Task& task);
  // Does it on all, waits, and gives what each answered.
  template <typename T>
  std::vector<T> ask(const std::function<T(Worker&)>& question) {
    std::vector<std::promise<T>> promises(workers_.size());
    for (std::size_t i = 0; i < workers_.size(); ++i) {
      post(i, [&question, &promise = promises[i]](Worker& worker, Instant) {
        promise.set_value(question(worker));
      });
    }
    std::vector<T> answers;
    for (std::promise<T>& promise : promises) answers.push_back(promise.get_future().get());
    return answers;
  }
  Report take_report();

  // The sum of a gauge over all threads.
  template <typename T>
  [[nodiscard]] std::uint64_t sum(std::atomic<T> Live::*gauge) const {
    std::uint64_t sum = 0;
    for (const Live& live : shared_.live) sum += (live.*gauge).load(std::memory_order_relaxed);
    return sum;
  }

 private:
  Shared& shared_;
  const std::vector<Slice> slices_;
  std::vector<Worker*> workers_;  // owned by their threads
  ShardGroup group_;
};

}  // namespace millrace::load
