// Streams of channels in a StreamStore: operations from bytes, against a plain reference.
//
// The first bytes choose the limits; then each operation takes its choices from what follows. What
// the store says must be what the reference says, to the byte and to the counter.
#include <string>

#include "core/base/assert.h"
#include "tests/fuzz/fuzz_input.h"
#include "tests/support/history_play.h"

namespace millrace {
namespace {

constexpr int kMaxSteps = 2'000;

class FuzzChoices {
 public:
  explicit FuzzChoices(FuzzInput& input) : input_(input) {}
  std::uint32_t below(std::uint32_t bound) {
    return (bound <= 256 ? input_.byte() : input_.number()) % bound;
  }

 private:
  FuzzInput& input_;
};

HistoryPlayOptions options_from(FuzzInput& input) {
  const std::uint8_t choice = input.byte();
  HistoryPlayOptions options;
  if ((choice & 1) != 0) options.limits.publications = 7;
  if ((choice & 2) != 0) options.limits.bytes = 600;
  if ((choice & 4) != 0) options.limits.streams = 2;
  if ((choice & 8) != 0) options.limits.page_bytes = 350;
  // Who is evicted is known to both only if nothing waits for the sweeper.
  options.prompt = (choice & 16) == 0 || (choice & 7) != 0;
  options.channels = 1 + input.byte() % 4;
  return options;
}

}  // namespace
}  // namespace millrace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  millrace::FuzzInput input(data, size);
  const millrace::HistoryPlayOptions options = millrace::options_from(input);
  millrace::FuzzChoices choices(input);
  millrace::HistoryPlay<millrace::FuzzChoices> play(options, choices);
  for (int i = 0; i < millrace::kMaxSteps && !input.empty(); ++i) {
    const std::string finding = play.step();
    if (!finding.empty()) std::fprintf(stderr, "%s\n", finding.c_str());
    CHECK(finding.empty());
  }
  return 0;
}
