// A Ring that only sleeps and wakes, by an eventfd: what Waker, Inbox and their callers need of one
// when two threads are real.
#pragma once

#include <gtest/gtest.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <atomic>
#include <cstdint>

#include "core/base/assert.h"
#include "core/ring/ring.h"

namespace millrace {

class EventRing final : public Ring {
 public:
  EventRing() : fd_(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) { CHECK_GE(fd_, 0); }
  ~EventRing() override { close(fd_); }

  void submit(const Op&) override { ADD_FAILURE() << "nothing to submit here"; }
  std::size_t reap(std::span<CompletionEvent>) override { return 0; }
  void provide_buffer(BufferId) override { ADD_FAILURE() << "no buffers here"; }

  void wait(Duration timeout) override {
    pollfd ready{.fd = fd_, .events = POLLIN, .revents = 0};
    if (poll(&ready, 1, static_cast<int>(timeout.to_ms())) == 0) {
      if (timeout > Duration{}) ++timeouts_;
      return;
    }
    std::uint64_t count;
    CHECK_EQ(read(fd_, &count, sizeof(count)), static_cast<ssize_t>(sizeof(count)));
    ++stats_.wakes;
  }

  void wake() override {
    asked_.fetch_add(1, std::memory_order_relaxed);
    const std::uint64_t one = 1;
    CHECK_EQ(write(fd_, &one, sizeof(one)), static_cast<ssize_t>(sizeof(one)));
  }

  [[nodiscard]] const RingStats& stats() const override { return stats_; }
  // How often wake() was called.
  [[nodiscard]] std::uint64_t asked() const { return asked_.load(std::memory_order_relaxed); }
  // How many waits, other than those that may not wait, ended for no other reason.
  [[nodiscard]] std::uint64_t timeouts() const { return timeouts_; }

 private:
  const int fd_;
  std::atomic<std::uint64_t> asked_{0};
  std::uint64_t timeouts_ = 0;
  RingStats stats_;
};

}  // namespace millrace
