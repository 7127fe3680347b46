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
#include <thread>
#include <vector>

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

[[noreturn]] void end_if(bool right) { std::_Exit(right ? 0 : 1); }

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
    fill_memory(pieces);
    if (MemoryReserve::refill()) end_if(false);  // it has just failed
    pieces.resize(pieces.size() / 4);
    if (!MemoryReserve::refill() || MemoryReserve::is_out()) end_if(false);
    fill_memory(pieces);
    end_if(MemoryReserve::failures() == 2);
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
