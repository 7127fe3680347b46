// The threads of the process: one a shard, started and stopped in step.
//
//   make (each on its own thread) -> all made? -> before_run (the starter) -> run -> all ended
//   -> destroy (each on its own thread)
//
// Nobody runs before all are made, and nobody is destroyed before all have ended, so a shard may
// send to any other while it runs. The only place that makes shard threads.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "core/base/ids.h"
#include "core/base/result.h"

namespace millrace {

// A shard as the group sees it. Made, run and destroyed on its own thread.
class ShardBody {
 public:
  virtual ~ShardBody() = default;
  virtual void run() = 0;
};

struct ShardGroupOptions {
  std::size_t shards = 1;
  bool pin = true;           // shard i to the i-th allowed core, as long as there are cores
  std::size_t unpinned = 0;  // the last so many shards are never pinned
  // What the starter has yet to do once all are made and before one runs. Its error is the start's.
  std::function<Result<void>()> before_run = {};
  // Shards or their libraries start threads of their own: memory is taken for those as well.
  bool more_threads = false;
};

class ShardGroup {
 public:
  using Factory = std::function<Result<std::unique_ptr<ShardBody>>(ShardId)>;

  ShardGroup() = default;
  ~ShardGroup();  // REQUIRES: join() was called if start() succeeded
  ShardGroup(const ShardGroup&) = delete;
  ShardGroup& operator=(const ShardGroup&) = delete;

  // Starts all shards, or none: the first shard's error comes back after all threads have ended.
  Result<void> start(const ShardGroupOptions& options, const Factory& factory);
  // Waits until every shard's run() has returned and all are destroyed. None is destroyed before
  // this is called, so until then their wakers may be used from outside.
  void join();
  // True once every shard's run() has returned, so that join() does not wait. Any thread's.
  [[nodiscard]] bool ended() const;

 private:
  struct Shared;
  // False if the system gives no thread; the reason is then the shard's error.
  bool start_thread(std::size_t index, int core, const Factory& factory);
  std::shared_ptr<Shared> shared_;
  std::vector<std::thread> threads_;
};

// The cores that this process may use (sched_getaffinity(2)), in order.
std::vector<int> allowed_cores();

}  // namespace millrace
