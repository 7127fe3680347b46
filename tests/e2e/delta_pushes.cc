// Chains of pushes with delta compression, for tests/e2e/delta.test.mjs to apply with an SDK.
//
// Standard output is lines of JSON in pairs: a push as a subscriber gets it, then the payload that
// it stands for, as a string. A push whose offset is 1 begins a chain. The same seed makes the same
// bytes.
#include <CLI/CLI.hpp>
#include <cstdint>
#include <cstdio>
#include <random>
#include <string>
#include <vector>

#include "core/base/assert.h"
#include "proto/fossil_delta.h"
#include "proto/json_encoder.h"
#include "proto/json_string.h"

namespace millrace {
namespace {

constexpr std::size_t kChain = 20;

class Payloads {
 public:
  explicit Payloads(std::uint64_t seed) : random_(seed) {}

  std::size_t below(std::size_t limit) { return static_cast<std::size_t>(random_() % limit); }

  void begin() {
    words_.clear();
    for (std::size_t i = 1 + below(60); i > 0; --i) words_.push_back(word());
  }
  // Another one that has much in common with the last.
  std::string next() {
    for (std::size_t i = below(4); i > 0; --i) words_[below(words_.size())] = word();
    if (below(4) == 0) words_.insert(words_.begin() + below(words_.size()), word());
    if (below(4) == 0 && words_.size() > 1) words_.erase(words_.begin() + below(words_.size()));
    std::string json = R"({"seq":)" + std::to_string(++seq_) + R"(,"text":)";
    std::string text;
    for (const std::string& each : words_) text += each;
    append_json_string(json, text);
    return json + R"(,"numbers":[1.5,-0,1E+05]})";
  }

 private:
  std::string word() {
    static const std::vector<std::string> kWords = {
        "wheel ", "Mühlrad ", "é", "è", "水", "車", "🚀", "🚁", "\"", "\\", "\n", "stone ", "water "};
    return kWords[below(kWords.size())];
  }

  std::mt19937_64 random_;
  std::vector<std::string> words_;
  std::uint64_t seq_ = 0;
};

void put_line(const std::string& line) {
  CHECK_EQ(std::fwrite(line.data(), 1, line.size(), stdout), line.size());
  CHECK_EQ(std::fputc('\n', stdout), '\n');
}

void put_chain(Payloads& payloads) {
  payloads.begin();
  const JsonEncoder encoder;
  std::string before;
  std::string patch;
  for (std::uint64_t offset = 1; offset <= kChain; ++offset) {
    const std::string payload = payloads.next();
    const bool pays = make_fossil_delta(before, payload, patch);
    std::string push;
    encoder.publication_push(push, "channel",
                             {.data = pays ? patch : payload,
                              .offset = offset,
                              .form = pays ? DataForm::kPatch : DataForm::kFull});
    put_line(push);
    std::string expected;
    append_json_string(expected, payload);
    put_line(expected);
    before = payload;
  }
}

int run(int argc, char** argv) {
  CLI::App app("Chains of pushes with delta compression");
  std::uint64_t chains = 0;
  std::uint64_t seed = 0;
  app.add_option("--chains", chains, "How many")->required();
  app.add_option("--seed", seed, "What they are made of")->required();
  CLI11_PARSE(app, argc, argv);
  Payloads payloads(seed);
  for (std::uint64_t i = 0; i < chains; ++i) put_chain(payloads);
  return std::fflush(stdout) == 0 ? 0 : 1;
}

}  // namespace
}  // namespace millrace

int main(int argc, char** argv) { return millrace::run(argc, argv); }
