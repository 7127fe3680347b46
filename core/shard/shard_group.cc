#include "core/shard/shard_group.h"

#include <pthread.h>
#include <sched.h>

#include <atomic>
#include <barrier>
#include <string>
#include <system_error>

#include "core/base/assert.h"
#include "core/base/shard_check.h"
#include "core/mem/thread_arenas.h"

namespace millrace {

// What the threads of one group have in common while they start and end.
struct ShardGroup::Shared {
  explicit Shared(std::size_t shards)
      : errors(shards),
        running(shards),
        made(static_cast<std::ptrdiff_t>(shards) + 1),
        go(static_cast<std::ptrdiff_t>(shards) + 1),
        ended(static_cast<std::ptrdiff_t>(shards) + 1) {}

  std::vector<std::string> errors;  // one slot a shard, written before `made`
  std::atomic<bool> failed{false};
  std::atomic<std::size_t> running;
  std::barrier<> made;   // the shards and the starter
  std::barrier<> go;     // the same
  std::barrier<> ended;  // the shards and join()
};

namespace {

void pin_to(int core) {
  cpu_set_t set;
  CPU_ZERO(&set);
  CPU_SET(core, &set);
  // A refusal (a cpuset that changed since we looked) costs speed, not correctness.
  static_cast<void>(pthread_setaffinity_np(pthread_self(), sizeof(set), &set));
}

void name_thread(ShardId id) {
  const std::string name = "shard-" + std::to_string(id.value);
  static_cast<void>(pthread_setname_np(pthread_self(), name.c_str()));
}

}  // namespace

std::vector<int> allowed_cores() {
  cpu_set_t set;
  CPU_ZERO(&set);
  std::vector<int> cores;
  if (sched_getaffinity(0, sizeof(set), &set) == 0) {
    for (int core = 0; core < CPU_SETSIZE; ++core) {
      if (CPU_ISSET(core, &set)) cores.push_back(core);
    }
  }
  if (cores.empty()) cores.push_back(0);
  return cores;
}

ShardGroup::~ShardGroup() { CHECK(threads_.empty()); }

bool ShardGroup::start_thread(std::size_t index, int core, const Factory& factory) {
  const auto body = [shared = shared_, factory, core, index] {
    const ShardId id{static_cast<std::uint16_t>(index)};
    set_this_shard(id);
    name_thread(id);
    if (core >= 0) pin_to(core);
    std::unique_ptr<ShardBody> shard;
    auto made = factory(id);
    if (made.ok()) {
      shard = std::move(*made);
    } else {
      shared->errors[index] = made.error().text;
      shared->failed.store(true, std::memory_order_release);
    }
    shared->made.arrive_and_wait();
    shared->go.arrive_and_wait();
    if (!shared->failed.load(std::memory_order_acquire)) shard->run();
    shared->running.fetch_sub(1, std::memory_order_acq_rel);
    shared->ended.arrive_and_wait();
  };
  try {
    threads_.emplace_back(body);
    return true;
  } catch (const std::system_error& error) {
    shared_->errors[index] =
        "no thread for shard " + std::to_string(index) + " (" + error.code().message() +
        "): raise the limits on tasks and memory (ulimit -u and -v, systemd: TasksMax=, the "
        "container's pids limit), or run fewer shards (--shards)";
    shared_->failed.store(true, std::memory_order_release);
    return false;
  }
}

Result<void> ShardGroup::start(const ShardGroupOptions& options, const Factory& factory) {
  CHECK(threads_.empty());
  CHECK_GT(options.shards, options.unpinned);
  const std::size_t threads = options.more_threads ? kAllArenas : options.shards;
  if (auto prepared = prepare_thread_arenas(threads); !prepared) return prepared;
  shared_ = std::make_shared<Shared>(options.shards);
  const std::vector<int> cores = allowed_cores();
  const std::size_t pinned = options.shards - options.unpinned;
  // More shards than cores is a supported setting; the kernel spreads them better than we would.
  const bool pin = options.pin && pinned <= cores.size();
  threads_.reserve(options.shards);
  std::size_t i = 0;
  while (i < options.shards && start_thread(i, pin && i < pinned ? cores[i] : -1, factory)) ++i;
  // Those that there are wait for those that will never be.
  const auto missing = static_cast<std::ptrdiff_t>(options.shards - i);
  if (missing > 0) {
    static_cast<void>(shared_->made.arrive(missing));
    static_cast<void>(shared_->go.arrive(missing));
    static_cast<void>(shared_->ended.arrive(missing));
  }
  shared_->made.arrive_and_wait();
  std::string refused;
  if (options.before_run && !shared_->failed.load(std::memory_order_acquire)) {
    const auto done = options.before_run();
    if (!done.ok()) refused = done.error().text;
    if (!done.ok()) shared_->failed.store(true, std::memory_order_release);
  }
  shared_->go.arrive_and_wait();
  if (!shared_->failed.load(std::memory_order_acquire)) return {};
  join();
  if (!refused.empty()) return Error{refused};
  for (const std::string& error : shared_->errors) {
    if (!error.empty()) return Error{error};
  }
  return Error{"a shard did not start"};
}

bool ShardGroup::ended() const {
  return threads_.empty() || shared_->running.load(std::memory_order_acquire) == 0;
}

void ShardGroup::join() {
  if (threads_.empty()) return;
  shared_->ended.arrive_and_wait();
  for (std::thread& thread : threads_) thread.join();
  threads_.clear();
}

}  // namespace millrace
