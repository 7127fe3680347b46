// How the bytes of a case are cut into reads must change nothing: the shard of millrace-echo on a
// ring in memory gets every stream whole, in two pieces at every offset, in three, and octet by
// octet, and answers the same bytes each time.
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>
#include <vector>

#include "core/base/shard_check.h"
#include "tests/conformance/echo_shard.h"
#include "tests/conformance/harness/case_run.h"
#include "tests/conformance/harness/server_frames.h"
#include "tests/support/handshake.h"
#include "tests/support/mem_ring.h"

namespace millrace::conformance {
namespace {

constexpr int kListener = 100;

constexpr std::size_t kEveryOffset = 200;  // up to so many octets, a stream is cut at each
constexpr std::size_t kEveryPair = 64;     // and up to so many, at each two
constexpr std::size_t kDripped = 8 * 1024;
constexpr std::size_t kSampledCuts = 64;
constexpr std::size_t kHeavyCuts = 2;
constexpr std::size_t kHeavyBytes = 1024 * 1024;
constexpr std::size_t kHeavyShare = 5;  // where there is little time, one in so many

// The part of the work that this build has time for.
double scale() {
  const char* text = std::getenv("MILLRACE_TEST_SCALE");
  return text == nullptr ? 1.0 : std::clamp(std::atof(text), 0.01, 1.0);
}

// What a client gets, and when it is let go.
struct Outcome {
  std::string sent;
  bool closed_at_once = false;
  bool closed_in_the_end = false;  // two seconds later: behind a violation the server lingers

  bool operator==(const Outcome&) const = default;
};

class EchoWorld {
 public:
  EchoWorld() {
    set_this_shard(ShardId{0});
    auto buffers = std::make_unique<RecvBuffers>(kBuffers, kBufferSize);
    auto ring = std::make_unique<MemRing>(*buffers, 256);
    ring_ = ring.get();
    shard_ = std::make_unique<EchoShard>(options_, std::move(buffers), std::move(ring), clock_,
                                         kListener);
    turn();
  }
  ~EchoWorld() {
    shard_->drain();
    turn();
    CHECK(shard_->drained());
    CHECK_EQ(ring_->open_slots(), 0U);
    CHECK_EQ(ring_->in_flight(), 0U);
    CHECK_EQ(ring_->free_buffers(), std::size_t{kBuffers});
    shard_.reset();
    set_this_shard(ShardId{kNoShard});
  }
  EchoWorld(const EchoWorld&) = delete;
  EchoWorld& operator=(const EchoWorld&) = delete;

  // The answer to a stream in these pieces, behind a handshake.
  Outcome run(const std::vector<Bytes>& pieces) {
    const FileSlot file = ring_->connect(kListener);
    send(file, handshake_);
    CHECK(ring_->take_sent(file).starts_with("HTTP/1.1 101"));
    for (const Bytes piece : pieces) {
      if (ring_->is_open(file)) send(file, piece);
    }
    Outcome outcome;
    outcome.closed_at_once = !ring_->is_open(file);
    if (!outcome.closed_at_once) {
      clock_.advance(seconds(2));
      turn();
    }
    outcome.closed_in_the_end = !ring_->is_open(file);
    outcome.sent = ring_->take_sent(file);
    if (!outcome.closed_in_the_end) {
      ring_->client_reset(file);
      turn();
    }
    CHECK_EQ(shard_->decoders_lent(), 0U);
    ring_->clear_sends();
    return outcome;
  }

 private:
  static constexpr std::uint32_t kBuffers = 16;
  static constexpr std::uint32_t kBufferSize = 64 * 1024;

  void send(FileSlot file, Bytes bytes) {
    ring_->client_send(file, bytes);
    turn();
  }

  // Until nothing happens any more.
  void turn() {
    std::uint64_t before = 0;
    std::uint64_t after = activity();
    do {
      before = after;
      shard_->reactor().turn(Duration{});
      after = activity();
    } while (after != before);
  }
  [[nodiscard]] std::uint64_t activity() const {
    return ring_->stats().submissions + ring_->stats().completions;
  }

  const EchoOptions options_;
  const std::string handshake_ = Handshake().raw();
  ManualClock clock_;
  MemRing* ring_ = nullptr;
  std::unique_ptr<EchoShard> shard_;
};

std::vector<Bytes> pieces_of(Bytes stream, std::size_t octets) {
  std::vector<Bytes> pieces;
  for (std::size_t at = 0; at < stream.size(); at += octets) {
    pieces.push_back(stream.substr(at, octets));
  }
  return pieces;
}

// Offsets at which a stream is cut in two; all of them, if it is short.
std::vector<std::size_t> cuts_of(std::size_t size, std::size_t offset, double part) {
  std::size_t wanted = size <= kEveryOffset  ? size - 1
                       : size <= kHeavyBytes ? kSampledCuts
                                             : kHeavyCuts;
  wanted = std::max<std::size_t>(1, static_cast<std::size_t>(static_cast<double>(wanted) * part));
  const std::size_t step = std::max<std::size_t>(1, (size - 1) / wanted);
  std::vector<std::size_t> cuts;
  for (std::size_t at = 1 + offset % step; at < size; at += step) cuts.push_back(at);
  return cuts;
}

class Splits {
 public:
  // All ways to cut the stream of a case that there is time for.
  void run(const Case& one, std::size_t number, double part) {
    const Script script = one.script({});
    const std::string stream = script.stream();
    ++streams_;
    reference_ = world_.run({stream});
    ++runs_;
    expect_right(one, script);
    const Bytes all = stream;
    for (const std::size_t at : cuts_of(all.size(), number, part)) {
      same(one, {all.substr(0, at), all.substr(at)});
    }
    if (all.size() <= kDripped) same(one, pieces_of(all, 1));
    if (all.size() <= kEveryPair) run_pairs(one, all, number, part);
  }

  [[nodiscard]] std::size_t runs() const { return runs_; }
  [[nodiscard]] std::size_t streams() const { return streams_; }

 private:
  void run_pairs(const Case& one, Bytes all, std::size_t number, double part) {
    const auto step = static_cast<std::size_t>(1.0 / part);
    std::size_t pair = number;
    for (std::size_t first = 1; first + 1 < all.size(); ++first) {
      for (std::size_t second = first + 1; second < all.size(); ++second) {
        if (pair++ % step != 0) continue;
        same(one, {all.substr(0, first), all.substr(first, second - first), all.substr(second)});
      }
    }
  }

  // What came whole must be answered as the case says, or equality would prove nothing. A case that
  // waits is judged over a socket alone: here is no time between its parts.
  void expect_right(const Case& one, const Script& script) {
    EXPECT_TRUE(reference_.closed_in_the_end) << one.id;
    for (const Step& step : script.steps()) {
      if (step.kind == Step::Kind::kWait) return;
    }
    ServerFrames frames;
    frames.feed(reference_.sent);
    const Judgement judgement =
        judge(script, {frames.events(), frames.close_code(), true, frames.fault()});
    EXPECT_TRUE(judgement.verdict == Verdict::kOk || judgement.verdict == Verdict::kInformational)
        << one.id << ": " << judgement.text;
  }

  void same(const Case& one, const std::vector<Bytes>& pieces) {
    ++runs_;
    const Outcome outcome = world_.run(pieces);
    if (outcome == reference_) return;
    ADD_FAILURE() << one.id << " in " << pieces.size() << " pieces, the first of "
                  << pieces[0].size() << " octets: " << outcome.sent.size() << " octets came, not "
                  << reference_.sent.size() << ", or the end was another";
  }

  EchoWorld world_;
  Outcome reference_;
  std::size_t runs_ = 0;
  std::size_t streams_ = 0;
};

TEST(Splits, HoweverAStreamIsCutItsAnswerIsTheSame) {
  const double part = scale();
  Splits splits;
  std::size_t number = 0;
  const auto begin = std::chrono::steady_clock::now();
  std::size_t left_out = 0;
  for (const Case& one : all_cases()) {
    const bool has_time = !one.heavy || part == 1.0 || number % kHeavyShare == 0;
    if (has_time) {
      splits.run(one, number, part);
    } else {
      ++left_out;
    }
    ++number;
    if (testing::Test::HasFailure()) break;
  }
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begin;
  EXPECT_EQ(splits.streams() + left_out, all_cases().size());
  EXPECT_GE(splits.streams(), 247U);
  EXPECT_GE(static_cast<double>(splits.runs()), 40'000 * part);
  std::printf("%zu runs of %zu streams in %.1f s\n", splits.runs(), splits.streams(), took.count());
}

}  // namespace
}  // namespace millrace::conformance
