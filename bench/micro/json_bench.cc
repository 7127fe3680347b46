// What a publication costs before it is anyone's: its push in JSON, and the delta to the one
// before.
#include <benchmark/benchmark.h>

#include <string>

#include "core/base/assert.h"
#include "proto/fossil_delta.h"
#include "proto/json_encoder.h"

namespace millrace {
namespace {

// A table of prices, as long as asked; `seed` changes one digit of every row.
std::string payload(std::size_t bytes, int seed) {
  std::string text = R"({"rows":[)";
  for (std::size_t row = 0; text.size() + 60 < bytes; ++row) {
    text += R"({"symbol":"MILL)" + std::to_string(row) + R"(","bid":)" +
            std::to_string((row * 37) % 100) + std::to_string(seed) + R"(},)";
  }
  return text + R"(0],"more":")" + std::string(bytes > text.size() ? bytes - text.size() : 1, 'x') +
         "\"}";
}

void push(benchmark::State& state, DataForm form) {
  const JsonEncoder encoder;
  const std::string data = payload(static_cast<std::size_t>(state.range(0)), 1);
  const PublicationOut publication = {
      .data = data,
      .info = {.user = "42", .client = "2b0f8e34-9b8e-4a3e-8f6c-0c5a1d2e3f40"},
      .offset = 1'234'567,
      .form = form};
  for (auto _ : state) {
    std::string out;
    encoder.publication_push(out, "game:abc", publication);
    benchmark::DoNotOptimize(out.data());
  }
  state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(data.size()));
}
void push_plain(benchmark::State& state) { push(state, DataForm::kPlain); }
void push_full(benchmark::State& state) { push(state, DataForm::kFull); }
BENCHMARK(push_plain)->Arg(64)->Arg(1'024)->Arg(65'536);
BENCHMARK(push_full)->Arg(64)->Arg(1'024)->Arg(65'536);

void delta(benchmark::State& state) {
  const std::string from = payload(static_cast<std::size_t>(state.range(0)), 1);
  const std::string to = payload(static_cast<std::size_t>(state.range(0)), 2);
  std::string patch;
  for (auto _ : state) {
    CHECK(make_fossil_delta(from, to, patch));
    benchmark::DoNotOptimize(patch.data());
  }
  state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(to.size()));
  state.counters["patch"] = static_cast<double>(patch.size());
}
BENCHMARK(delta)->Arg(256)->Arg(4'096)->Arg(65'536)->Arg(120'000);

// Nothing in common: what it takes to find that out.
void no_delta(benchmark::State& state) {
  std::string from(static_cast<std::size_t>(state.range(0)), '\0');
  std::string to = from;
  std::uint64_t number = 1;
  for (std::size_t i = 0; i < from.size(); ++i) {
    number = number * 6'364'136'223'846'793'005U + 1;
    from[i] = static_cast<char>(number >> 56);
    to[i] = static_cast<char>(number >> 48);
  }
  std::string patch;
  for (auto _ : state) benchmark::DoNotOptimize(make_fossil_delta(from, to, patch));
}
BENCHMARK(no_delta)->Arg(4'096)->Arg(120'000);

}  // namespace
}  // namespace millrace
