#include "core/shard/shard_group.h"

#include <gtest/gtest.h>
#include <pthread.h>
#include <sched.h>
#include <sys/syscall.h>

#include <atomic>
#include <cerrno>
#include <string>
#include <thread>
#include <vector>

#include "core/base/shard_check.h"
#include "tests/support/seccomp.h"

namespace millrace {
namespace {

// What the shards of a group did, seen by all.
struct Trace {
  std::atomic<int> made{0};
  std::atomic<int> running{0};
  std::atomic<int> ended{0};
  std::atomic<int> destroyed{0};
  std::atomic<int> wrong{0};
  std::atomic<bool> stop{false};
};

class TracedBody final : public ShardBody {
 public:
  TracedBody(Trace& trace, ShardId id, int shards) : trace_(trace), id_(id), shards_(shards) {
    expect(this_shard() == id_);
    trace_.made.fetch_add(1);
  }
  ~TracedBody() override {
    expect(this_shard() == id_);
    expect(trace_.ended.load() == (ran_ ? shards_ : 0));
    trace_.destroyed.fetch_add(1);
  }
  void run() override {
    ran_ = true;
    expect(this_shard() == id_);
    expect(trace_.made.load() == shards_);
    expect(trace_.destroyed.load() == 0);
    trace_.running.fetch_add(1);
    // The last one ends long before the first.
    while (!trace_.stop.load() || trace_.ended.load() < shards_ - 1 - id_.value) sched_yield();
    trace_.ended.fetch_add(1);
  }

 private:
  void expect(bool right) { trace_.wrong.fetch_add(right ? 0 : 1); }

  Trace& trace_;
  const ShardId id_;
  const int shards_;
  bool ran_ = false;
};

ShardGroup::Factory traced(Trace& trace, int shards) {
  return [&trace, shards](ShardId id) -> Result<std::unique_ptr<ShardBody>> {
    return std::unique_ptr<ShardBody>(std::make_unique<TracedBody>(trace, id, shards));
  };
}

TEST(CrossThreadShardGroup, DoesWhatIsLeftBeforeOneRuns) {
  Trace trace;
  ShardGroup group;
  EXPECT_TRUE(group.ended());
  int made = -1;
  int running = -1;
  const auto before_run = [&]() -> Result<void> {
    made = trace.made.load();
    running = trace.running.load();
    return {};
  };
  ASSERT_TRUE(group.start({.shards = 3, .before_run = before_run}, traced(trace, 3)).ok());
  EXPECT_EQ(made, 3);
  EXPECT_EQ(running, 0);
  EXPECT_FALSE(group.ended());
  trace.stop.store(true);
  while (!group.ended()) sched_yield();
  EXPECT_EQ(trace.destroyed.load(), 0) << "that waits for join()";
  group.join();
  EXPECT_TRUE(group.ended());
}

TEST(CrossThreadShardGroup, NoneRunsIfWhatIsLeftFails) {
  Trace trace;
  ShardGroup group;
  const auto before_run = []() -> Result<void> { return Error{"the door is locked"}; };
  const auto started = group.start({.shards = 3, .before_run = before_run}, traced(trace, 3));
  ASSERT_FALSE(started.ok());
  EXPECT_EQ(started.error().text, "the door is locked");
  EXPECT_EQ(trace.running.load(), 0);
  EXPECT_EQ(trace.destroyed.load(), 3);
  EXPECT_EQ(trace.wrong.load(), 0);
}

TEST(CrossThreadShardGroup, StartsAndEndsInStep) {
  for (const int shards : {1, 2, 5}) {
    Trace trace;
    ShardGroup group;
    ASSERT_TRUE(
        group.start({.shards = static_cast<std::size_t>(shards)}, traced(trace, shards)).ok());
    EXPECT_EQ(trace.made.load(), shards) << "all are made when start() returns";
    EXPECT_EQ(trace.destroyed.load(), 0);
    trace.stop.store(true);
    group.join();
    EXPECT_EQ(trace.destroyed.load(), shards);
    EXPECT_EQ(trace.wrong.load(), 0);
    group.join();  // again: nothing to wait for
  }
}

TEST(CrossThreadShardGroup, NobodyIsDestroyedBeforeJoin) {
  Trace trace;
  ShardGroup group;
  ASSERT_TRUE(group.start({.shards = 2}, traced(trace, 2)).ok());
  trace.stop.store(true);
  while (trace.ended.load() < 2) sched_yield();
  for (int i = 0; i < 1'000; ++i) sched_yield();
  EXPECT_EQ(trace.destroyed.load(), 0);
  group.join();
  EXPECT_EQ(trace.destroyed.load(), 2);
}

TEST(CrossThreadShardGroup, OneFailureEndsAllAndSaysWhy) {
  for (const int bad : {0, 1, 2}) {
    Trace trace;
    ShardGroup group;
    const auto factory = [&](ShardId id) -> Result<std::unique_ptr<ShardBody>> {
      if (id.value == bad) return Error{"shard " + std::to_string(bad) + " found no memory"};
      return traced(trace, 3)(id);
    };
    const auto started = group.start({.shards = 3}, factory);
    ASSERT_FALSE(started.ok());
    EXPECT_EQ(started.error().text, "shard " + std::to_string(bad) + " found no memory");
    EXPECT_EQ(trace.running.load(), 0) << "nobody ran";
    EXPECT_EQ(trace.destroyed.load(), 2);
    EXPECT_EQ(trace.wrong.load(), 0);
    // The group may be used again.
    Trace again;
    ASSERT_TRUE(group.start({.shards = 1}, traced(again, 1)).ok());
    again.stop.store(true);
    group.join();
  }
}

TEST(CrossThreadShardGroup, TheFirstOfSeveralErrorsComesBack) {
  ShardGroup group;
  const auto started =
      group.start({.shards = 3}, [](ShardId id) -> Result<std::unique_ptr<ShardBody>> {
        return Error{"error of " + std::to_string(id.value)};
      });
  ASSERT_FALSE(started.ok());
  EXPECT_EQ(started.error().text, "error of 0");
}

// The affinity and the name of a shard's thread, seen from inside.
class Looker final : public ShardBody {
 public:
  struct Seen {
    int cores = 0;
    int core = -1;
    std::string name;
  };
  explicit Looker(Seen& seen) : seen_(seen) {}
  void run() override {
    cpu_set_t set;
    CPU_ZERO(&set);
    pthread_getaffinity_np(pthread_self(), sizeof(set), &set);
    seen_.cores = CPU_COUNT(&set);
    for (int core = CPU_SETSIZE - 1; core >= 0; --core) {
      if (CPU_ISSET(core, &set)) seen_.core = core;
    }
    char name[16] = {};
    pthread_getname_np(pthread_self(), name, sizeof(name));
    seen_.name = name;
  }

 private:
  Seen& seen_;
};

std::vector<Looker::Seen> look(const ShardGroupOptions& options) {
  std::vector<Looker::Seen> seen(options.shards);
  ShardGroup group;
  const auto started = group.start(options, [&](ShardId id) -> Result<std::unique_ptr<ShardBody>> {
    return std::unique_ptr<ShardBody>(std::make_unique<Looker>(seen[id.value]));
  });
  EXPECT_TRUE(started.ok());
  group.join();
  return seen;
}

TEST(CrossThreadShardGroup, PinsEachShardToItsCore) {
  const std::vector<int> cores = allowed_cores();
  const auto seen = look({.shards = cores.size() + 1, .pin = true, .unpinned = 1});
  for (std::size_t i = 0; i < cores.size(); ++i) {
    EXPECT_EQ(seen[i].cores, 1);
    EXPECT_EQ(seen[i].core, cores[i]);
    EXPECT_EQ(seen[i].name, "shard-" + std::to_string(i));
  }
  EXPECT_EQ(seen.back().cores, static_cast<int>(cores.size()));
}

TEST(CrossThreadShardGroup, MoreShardsThanCoresAreNotPinned) {
  const std::vector<int> cores = allowed_cores();
  for (const auto& seen : look({.shards = cores.size() + 1})) {
    EXPECT_EQ(seen.cores, static_cast<int>(cores.size()));
  }
  for (const auto& seen : look({.shards = 1, .pin = false})) {
    EXPECT_EQ(seen.cores, static_cast<int>(cores.size()));
  }
}

// Which of several threads is refused: tests/faults/syscalls.mjs.
TEST(ShardGroup, WithoutAThreadNothingStarts) {
  Trace trace;
  std::string error;
  std::thread([&] {
    refuse_on_this_thread({.number = SYS_clone3, .error = EAGAIN});
    ShardGroup group;
    const auto started = group.start({.shards = 2}, traced(trace, 2));
    if (!started.ok()) error = started.error().text;
    group.join();  // again: nothing is left of it
  }).join();
  EXPECT_NE(
      error.find("no thread for shard 0 (Resource temporarily unavailable): raise the limits"),
      std::string::npos)
      << error;
  EXPECT_EQ(trace.made.load(), 0);
}

TEST(ShardGroup, KnowsAtLeastOneCore) { EXPECT_FALSE(allowed_cores().empty()); }

TEST(ShardGroupDeath, RefusesMisuse) {
  ShardGroup group;
  Trace trace;
  EXPECT_DEATH(static_cast<void>(group.start({.shards = 1, .unpinned = 1}, traced(trace, 1))),
               "CHECK failed");
}

}  // namespace
}  // namespace millrace
