#include <algorithm>
#include <array>
#include <cctype>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "tests/tidy/lines.h"
#include "tests/tidy/tidy.h"

namespace millrace::tidy {
namespace {

enum class Where : std::uint8_t {
  kCode,  // comments and literals don't count
  kText,  // they do
};

struct BannedWord {
  std::string_view word;
  Where where;
  std::vector<std::string_view> in;      // paths by their beginning; empty: everywhere
  std::vector<std::string_view> except;  // paths by their beginning
  std::string_view instead;
};

const std::vector<std::string_view>& server() {
  static const std::vector<std::string_view> rooms{"core/", "proto/", "net/"};
  return rooms;
}

// The words that count in comments too are put together, or this file would break its own rule.
const std::vector<BannedWord>& banned_words() {
  static const std::vector<BannedWord> table{
      {"assert(",
       Where::kCode,
       {},
       {},
       "CHECK or DCHECK (core/base/assert.h): it stays in release"},
      {"using namespace", Where::kCode, {}, {}, "the full name, or `using` for one name"},
      {"std::thread",
       Where::kCode,
       server(),
       {"core/shard/shard_group.", "net/nats/nats_link."},
       "the shard group's threads or the NATS link's own"},
      {"std::jthread", Where::kCode, server(), {}, "the shard group's threads"},
      {"std::mutex",
       Where::kCode,
       server(),
       {"core/shard/inbox.h"},
       "a shard's own data, a mailbox, or Inbox (core/shard/inbox.h) from foreign threads"},
      {"std::shared_mutex", Where::kCode, server(), {}, "a shard's own data or a mailbox"},
      {"std::recursive_mutex", Where::kCode, server(), {}, "a shard's own data or a mailbox"},
      {"sleep_for", Where::kCode, server(), {}, "a timer: a shard never sleeps but in its ring"},
      {"::now()",
       Where::kCode,
       server(),
       {"core/time/clock."},
       "the `now` you are given: only the reactor reads the clock"},
      {"clock_gettime",
       Where::kCode,
       server(),
       {"core/time/clock."},
       "the `now` you are given: only the reactor reads the clock"},
      {"gettimeofday", Where::kCode, server(), {}, "the `now` you are given"},
      {"new ", Where::kCode, {}, {"core/mem/"}, "std::make_unique or a pool of core/mem"},
      {"throw ", Where::kCode, server(), {}, "Result<T> (core/base/result.h)"},
      {"FIX"
       "ME",
       Where::kText,
       {},
       {},
       "the fix, or an issue"},
      {"TO"
       "DO",
       Where::kText,
       {},
       {},
       "the work, or an issue"},
      {"XX"
       "X",
       Where::kText,
       {},
       {},
       "a sentence that says what is wrong"},
  };
  return table;
}

bool begins_with_any(std::string_view path, const std::vector<std::string_view>& prefixes) {
  return std::any_of(prefixes.begin(), prefixes.end(),
                     [path](std::string_view prefix) { return path.starts_with(prefix); });
}

bool is_word_character(char c) {
  return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_';
}

// Whether `word` stands in `line` as a word of its own: static_assert( is no assert(, and
// std::thread::hardware_concurrency() starts no thread.
bool holds_word(std::string_view line, std::string_view word) {
  for (std::size_t at = line.find(word); at != std::string_view::npos;
       at = line.find(word, at + 1)) {
    const std::string_view after = line.substr(at + word.size());
    const bool begins = at == 0 || !is_word_character(word[0]) || !is_word_character(line[at - 1]);
    const bool ends = after.empty() || !is_word_character(word.back()) ||
                      (!is_word_character(after[0]) && !after.starts_with("::"));
    const bool is_operator = line.substr(0, at).ends_with("operator ");
    if (begins && ends && !is_operator) return true;
  }
  return false;
}

bool applies(const BannedWord& banned, std::string_view path) {
  return (banned.in.empty() || begins_with_any(path, banned.in)) &&
         !begins_with_any(path, banned.except);
}

}  // namespace

Findings check_words(const File& file) {
  Findings findings;
  const std::string code = is_source(file.path) ? code_only(file.text) : std::string();
  const std::vector<std::string_view> code_lines = lines_of(code);
  const std::vector<std::string_view> text_lines = lines_of(file.text);
  for (const BannedWord& banned : banned_words()) {
    if (!applies(banned, file.path)) continue;
    const auto& lines = banned.where == Where::kCode ? code_lines : text_lines;
    for (std::size_t i = 0; i < lines.size(); ++i) {
      if (!holds_word(lines[i], banned.word)) continue;
      findings.push_back(at(file.path, i + 1) + "says `" + std::string(banned.word) + "`; use " +
                         std::string(banned.instead));
    }
  }
  return findings;
}

}  // namespace millrace::tidy
