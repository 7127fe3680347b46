#include "net/machine/fact_files.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

namespace millrace {
namespace {

constexpr std::string_view kBlanks = " \t\n\v\f\r";

}  // namespace

FactFile read_fact_file(const std::string& path) {
  // A tree of a test may hold a pipe or a folder where a file should be: neither may hold us up.
  const int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
  if (fd < 0) {
    const bool missing = errno == ENOENT || errno == ENOTDIR;
    return {missing ? Reading::kMissing : Reading::kUnreadable, {}};
  }
  FactFile file{Reading::kRead, {}};
  std::array<char, 4'096> part{};
  for (;;) {
    const ssize_t got = ::read(fd, part.data(), part.size());
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) file.reading = Reading::kUnreadable;
    if (got <= 0) break;
    file.text.append(part.data(), static_cast<std::size_t>(got));
    if (file.text.size() > kMaxFactFile) {
      file.reading = Reading::kUnreadable;
      break;
    }
  }
  close(fd);
  if (file.reading != Reading::kRead) file.text.clear();
  return file;
}

std::string_view next_word(std::string_view& text) {
  text.remove_prefix(std::min(text.find_first_not_of(kBlanks), text.size()));
  const std::string_view word = text.substr(0, text.find_first_of(kBlanks));
  text.remove_prefix(word.size());
  return word;
}

std::string_view next_line(std::string_view& text) {
  const std::size_t end = text.find('\n');
  const std::string_view line = text.substr(0, end);
  text = end == std::string_view::npos ? std::string_view() : text.substr(end + 1);
  return line;
}

bool to_number(std::string_view word, std::uint64_t& number) {
  if (word == "max" || word == "unlimited") {
    number = kUnlimited;
    return true;
  }
  const char* end = word.data() + word.size();
  const auto [stopped, error] = std::from_chars(word.data(), end, number);
  return error == std::errc() && stopped == end && !word.empty();
}

Fact number_behind(const FactFile& file, std::string_view key) {
  Fact fact;
  fact.reading = file.reading == Reading::kRead ? Reading::kUnreadable : file.reading;
  for (std::string_view text = file.text; !text.empty();) {
    std::string_view line = next_line(text);
    if (next_word(line) != key) continue;
    fact.reading =
        to_number(next_word(line), fact.values[0]) ? Reading::kRead : Reading::kUnreadable;
    return fact;
  }
  return fact;
}

}  // namespace millrace
