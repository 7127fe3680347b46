// The memory reserve where memory really ends, with the allocator that the server has: each test
// runs in a process of its own with a limit on its addresses.
#include <gtest/gtest.h>
#include <sys/resource.h>

#include <algorithm>
#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <memory>
#include <new>
#include <string>
#include <thread>
#include <vector>

#include "core/mem/mallctl.h"
#include "core/mem/memory_reserve.h"
#include "core/mem/thread_arenas.h"

namespace millrace {
namespace {

constexpr std::size_t kMiB = 1024 * 1024;
constexpr std::size_t kPiece = 64 * 1024;
using Pieces = std::vector<std::unique_ptr<char[]>>;

// From now on this process gets `more` bytes of addresses and no more.
void limit_memory(std::size_t more) {
  std::ifstream file("/proc/self/statm");
  std::size_t pages = 0;
  CHECK(static_cast<bool>(file >> pages));
  const rlimit limit{pages * 4'096 + more, RLIM_INFINITY};
  CHECK_EQ(setrlimit(RLIMIT_AS, &limit), 0);
}

[[noreturn]] void end_if(bool right) { std::_Exit(right ? 0 : 1); }

void install() {
  const auto installed = MemoryReserve::install(MemoryReserve::kLeastBytes);
  CHECK(installed.ok());
}

std::unique_ptr<char[]> piece() {
  auto made = std::make_unique<char[]>(kPiece);
  std::fill_n(made.get(), kPiece, 'x');
  return made;
}

Pieces empty_pieces() {
  Pieces pieces;
  pieces.reserve(1'000'000);
  return pieces;
}

// Until an allocation has failed and was satisfied from the reserve.
void fill_memory(Pieces& pieces) {
  while (!MemoryReserve::is_out()) pieces.push_back(piece());
}

// A turn that ends, and one so much later that the reserve may be taken.
bool refill_later() {
  static std::int64_t now = 0;
  static_cast<void>(MemoryReserve::refill(now));
  now = now + MemoryReserve::kBetweenTriesNs;
  return MemoryReserve::refill(now);
}

// Until there is no room for the reserve either. What failed can have been larger than it, a block
// for jemalloc's own tables, and then it comes back at once, and rightly.
void fill_beyond_refill(Pieces& pieces) {
  for (int tries = 0; tries < 8; ++tries) {
    fill_memory(pieces);
    for (int i = 0; i < 8; ++i) pieces.push_back(piece());
    if (!refill_later()) return;
  }
  end_if(false);
}

// Threads that take turns at the steps that a test numbers.
class Steps {
 public:
  void wait_for(int step) const {
    while (step_.load() != step) std::this_thread::yield();
  }
  void go_to(int step) { step_.store(step); }

 private:
  std::atomic<int> step_{0};
};

unsigned arenas_for_threads() {
  unsigned arenas = 0;
  std::size_t size = sizeof(arenas);
  CHECK_EQ(mallctl("opt.narenas", &arenas, &size, nullptr, 0), 0);
  return arenas;
}

bool arena_is_made(unsigned arena) {
  std::uint64_t epoch = 1;  // what was read before is not looked up again without
  CHECK_EQ(mallctl("epoch", nullptr, nullptr, &epoch, sizeof(epoch)), 0);
  bool made = false;
  std::size_t size = sizeof(made);
  const std::string name = "arena." + std::to_string(arena) + ".initialized";
  CHECK_EQ(mallctl(name.c_str(), &made, &size, nullptr, 0), 0);
  return made;
}

TEST(MemoryExhausted, TheAllocationThatFailsIsSatisfied) {
  const auto play = [] {
    install();
    Pieces pieces = empty_pieces();
    limit_memory(32 * kMiB);
    fill_memory(pieces);
    for (int i = 0; i < 8; ++i) pieces.push_back(piece());  // and the rest of the turn's
    end_if(MemoryReserve::failures() == 1 && pieces.size() > 100);
  };
  EXPECT_EXIT(play(), testing::ExitedWithCode(0), "");
}

TEST(MemoryExhausted, TheReserveComesBackWithMemory) {
  const auto play = [] {
    install();
    Pieces pieces = empty_pieces();
    limit_memory(32 * kMiB);
    fill_beyond_refill(pieces);
    pieces.resize(pieces.size() / 4);
    const std::uint64_t before = MemoryReserve::failures();
    if (!refill_later() || MemoryReserve::is_out()) end_if(false);
    fill_memory(pieces);
    end_if(MemoryReserve::failures() == before + 1);
  };
  EXPECT_EXIT(play(), testing::ExitedWithCode(0), "");
}

TEST(MemoryExhausted, WithoutTheReserveTheProcessEndsWithACause) {
  const auto play = [] {
    install();
    Pieces pieces = empty_pieces();
    limit_memory(32 * kMiB);
    for (;;) pieces.push_back(piece());
  };
  EXPECT_EXIT(play(), testing::ExitedWithCode(MemoryReserve::kExitCode),
              "^millrace: out of memory: [^\n]+; give the process more memory [^\n]+\n$");
}

TEST(MemoryExhausted, WhatNoReserveSatisfiesEndsTheProcessToo) {
  const auto play = [] {
    install();
    void* volatile huge = ::operator new (std::size_t{1} << 50);  // else it would be optimised away
    ::operator delete(huge);
    std::_Exit(0);
  };
  EXPECT_EXIT(play(), testing::ExitedWithCode(MemoryReserve::kExitCode), "out of memory");
}

TEST(MemoryExhausted, ThreadsThatFailAtOnceShareIt) {
  const auto play = [] {
    install();
    static_cast<void>(prepare_thread_arenas(4));
    std::vector<Pieces> pieces;
    std::vector<std::thread> threads;
    std::atomic<bool> go{false};
    std::atomic<unsigned> running{0};
    for (int t = 0; t < 4; ++t) pieces.push_back(empty_pieces());
    for (Pieces& own : pieces) {
      threads.emplace_back([&go, &running, &own] {
        own.push_back(piece());
        running.fetch_add(1);
        while (!go.load()) std::this_thread::yield();
        fill_memory(own);
      });
    }
    while (running.load() < threads.size()) std::this_thread::yield();
    limit_memory(64 * kMiB);
    go.store(true);
    for (std::thread& thread : threads) thread.join();
    end_if(MemoryReserve::failures() >= 1);
  };
  EXPECT_EXIT(play(), testing::ExitedWithCode(0), "");
}

TEST(MemoryExhausted, WhatOneThreadFreedServesAnotherAfterARefill) {
  const auto play = [] {
    install();
    static_cast<void>(prepare_thread_arenas(2));
    Pieces first = empty_pieces();
    Pieces second = empty_pieces();
    Steps steps;
    std::thread other([&] {
      second.push_back(piece());
      steps.go_to(1);
      steps.wait_for(2);
      fill_memory(second);
      for (int i = 0; i < 8; ++i) second.push_back(piece());
    });
    std::thread one([&] {
      steps.wait_for(1);
      limit_memory(32 * kMiB);
      fill_memory(first);
      first.resize(first.size() / 2);
      if (!refill_later()) end_if(false);
      steps.go_to(2);
    });
    one.join();
    other.join();
    end_if(MemoryReserve::failures() >= 2 && second.size() > 100);
  };
  EXPECT_EXIT(play(), testing::ExitedWithCode(0), "");
}

TEST(MemoryExhausted, ATurnKeepsTheReserveWhileAnotherThreadsTurnEnds) {
  const auto play = [] {
    install();
    static_cast<void>(prepare_thread_arenas(2));
    Pieces pieces = empty_pieces();
    Steps steps;
    std::thread other([&] {
      void* volatile memory = std::malloc(100);  // NOLINT: has an arena of its own from here
      std::free(memory);
      steps.go_to(1);
      steps.wait_for(2);
      if (MemoryReserve::refill(0)) end_if(false);  // too early
      static_cast<void>(refill_later());            // too little is left for all of it
      steps.go_to(3);
    });
    std::thread failing([&] {
      steps.wait_for(1);
      pieces.push_back(piece());
      limit_memory(32 * kMiB);
      fill_memory(pieces);
      for (int i = 0; i < 4; ++i) pieces.push_back(piece());
      steps.go_to(2);
      steps.wait_for(3);
      for (int i = 0; i < 24; ++i) pieces.push_back(piece());
    });
    failing.join();
    other.join();
    end_if(true);
  };
  EXPECT_EXIT(play(), testing::ExitedWithCode(0), "");
}

TEST(MemoryExhausted, AllThreadsThatThereMayBeHaveAnAllocatorBeforehand) {
  const auto play = [] {
    if (!prepare_thread_arenas(kAllArenas).ok()) end_if(false);
    const unsigned arenas = arenas_for_threads();
    for (unsigned i = 0; i < arenas; ++i) {
      if (!arena_is_made(i)) end_if(false);
    }
    Steps steps;
    std::vector<std::thread> threads;
    for (unsigned i = 0; i < arenas + 4; ++i) {
      threads.emplace_back([&steps] {
        steps.wait_for(1);
        void* volatile memory = std::malloc(100);  // NOLINT: its first
        std::free(memory);
      });
    }
    limit_memory(0);
    steps.go_to(1);
    for (std::thread& thread : threads) thread.join();
    // The one behind them is for huge requests, and has other settings than a thread's.
    end_if(!arena_is_made(arenas));
  };
  EXPECT_EXIT(play(), testing::ExitedWithCode(0), "");
}

TEST(MemoryExhausted, AThreadsAllocatorIsMadeBeforehandOrTheCauseIsSaid) {
  const auto with_memory = [] {
    if (!prepare_thread_arenas(3).ok()) end_if(false);
    std::atomic<bool> go{false};
    std::thread thread([&go] {
      while (!go.load()) std::this_thread::yield();
      void* volatile memory = std::malloc(100);  // NOLINT: its first
      std::free(memory);
    });
    limit_memory(0);
    go.store(true);
    thread.join();
    end_if(true);
  };
  EXPECT_EXIT(with_memory(), testing::ExitedWithCode(0), "");
  const auto without_memory = [] {
    limit_memory(0);
    const auto prepared = prepare_thread_arenas(3);
    end_if(prepared.ok() || prepared.error().text.find("ulimit -v") != std::string::npos);
  };
  EXPECT_EXIT(without_memory(), testing::ExitedWithCode(0), "");
}

}  // namespace
}  // namespace millrace
