#include "bench/load/channel_pattern.h"

#include <algorithm>
#include <array>
#include <charconv>

namespace millrace::load {
namespace {

constexpr std::size_t kDigits = 20;  // of the largest number

std::string_view write_number(std::array<char, kDigits>& out, std::uint64_t number) {
  const auto [end, error] = std::to_chars(out.data(), out.data() + out.size(), number);
  return {out.data(), static_cast<std::size_t>(end - out.data())};
}

Error wrong(std::string_view inside) {
  return Error{"{" + std::string(inside) +
               "} is not understood in a channel; there are {i}, {i/10}, {i%4} and {i/10%7}, where "
               "i is the client's number"};
}

}  // namespace

Result<ChannelPattern::Piece> ChannelPattern::parse_number(std::string_view inside) {
  Piece piece;
  piece.is_number = true;
  if (!inside.starts_with('i')) return wrong(inside);
  std::string_view rest = inside.substr(1);
  while (!rest.empty()) {
    Step step{.what = rest[0], .by = 0};
    const char* const end = rest.data() + rest.size();
    const auto [stop, error] = std::from_chars(rest.data() + 1, end, step.by);
    const bool known = step.what == '/' || step.what == '%';
    if (!known || error != std::errc() || step.by == 0) return wrong(inside);
    piece.steps.push_back(step);
    rest.remove_prefix(static_cast<std::size_t>(stop - rest.data()));
  }
  return piece;
}

Result<ChannelPattern> ChannelPattern::parse(std::string_view text) {
  ChannelPattern pattern;
  pattern.text_ = text;
  const auto needs_escape = [](char c) {
    return c == '"' || c == '\\' || static_cast<unsigned char>(c) < ' ';
  };
  if (std::any_of(text.begin(), text.end(), needs_escape)) {
    return Error{"a channel holds a quote, a backslash or a control character"};
  }
  std::size_t longest = 0;
  while (!text.empty()) {
    const std::size_t open = std::min(text.find('{'), text.size());
    if (open > 0) {
      pattern.pieces_.emplace_back().literal = text.substr(0, open);
      longest += open;
      text.remove_prefix(open);
      continue;
    }
    const std::size_t close = text.find('}');
    if (close == std::string_view::npos) {
      return Error{"a channel has { without }: " + pattern.text_};
    }
    auto piece = parse_number(text.substr(1, close - 1));
    if (!piece) return piece.error();
    pattern.pieces_.push_back(std::move(*piece));
    longest += kDigits;
    text.remove_prefix(close + 1);
  }
  if (pattern.pieces_.empty()) return Error{"a channel has no name"};
  if (longest > kMaxName) {
    return Error{"the channel " + pattern.text_.substr(0, 40) + "... is longer than " +
                 std::to_string(kMaxName) + " bytes"};
  }
  return pattern;
}

std::uint64_t ChannelPattern::Piece::number(std::uint64_t client) const {
  for (const Step& step : steps) client = step.what == '/' ? client / step.by : client % step.by;
  return client;
}

void ChannelPattern::append(std::string& out, std::uint64_t client) const {
  std::array<char, kDigits> digits{};
  for (const Piece& piece : pieces_) {
    if (piece.is_number) {
      out.append(write_number(digits, piece.number(client)));
    } else {
      out.append(piece.literal);
    }
  }
}

std::string ChannelPattern::name(std::uint64_t client) const {
  std::string out;
  append(out, client);
  return out;
}

bool ChannelPattern::matches(std::uint64_t client, std::string_view name) const {
  std::array<char, kDigits> digits{};
  for (const Piece& piece : pieces_) {
    const std::string_view part =
        piece.is_number ? write_number(digits, piece.number(client)) : piece.literal;
    if (!name.starts_with(part)) return false;
    name.remove_prefix(part.size());
  }
  return name.empty();
}

}  // namespace millrace::load
