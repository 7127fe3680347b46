#include "tests/faults/sweep.h"

#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <cstring>

namespace millrace {
namespace {

std::array<char, 200> trying{};

void tell(int) {
  static_cast<void>(!::write(STDERR_FILENO, trying.data(), std::strlen(trying.data())));
  signal(SIGABRT, SIG_DFL);
  raise(SIGABRT);
}

double scale() {
  const char* text = std::getenv("MILLRACE_TEST_SCALE");
  return text == nullptr ? 1.0 : std::atof(text);
}

bool wants_all() {
  const char* text = std::getenv("MILLRACE_FAULTS");
  return text != nullptr && std::strcmp(text, "all") == 0;
}

}  // namespace

std::vector<std::uint64_t> sweep(std::uint64_t count, std::uint64_t most) {
  if (const char* only = std::getenv("MILLRACE_FAULTS_AT")) {
    return {std::strtoull(only, nullptr, 10)};
  }
  const auto wanted = static_cast<std::uint64_t>(static_cast<double>(most) * scale());
  const std::uint64_t tries =
      wants_all() ? count : std::min(count, std::max<std::uint64_t>(wanted, 1));
  std::vector<std::uint64_t> numbers;
  for (std::uint64_t i = 0; i < tries; ++i) numbers.push_back(1 + i * count / tries);
  return numbers;
}

void now_trying(const std::string& what) {
  signal(SIGABRT, tell);
  const std::string line = "while trying: " + what + "\n";
  trying.fill('\0');
  line.copy(trying.data(), trying.size() - 1);
}

}  // namespace millrace
