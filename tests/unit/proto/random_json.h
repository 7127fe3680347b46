// Random JSON texts and damage to them, from a seed, for tests.
#pragma once

#include <array>
#include <cstddef>
#include <random>
#include <string>
#include <string_view>

namespace millrace::test {

class RandomJson {
 public:
  explicit RandomJson(unsigned seed) : random_(seed) {}

  std::size_t below(std::size_t limit) {
    return std::uniform_int_distribution<std::size_t>(0, limit - 1)(random_);
  }

  // One valid value with whitespace sprinkled between its tokens.
  std::string value(std::size_t depth = 0) {
    const std::size_t kind = below(depth > 4 ? 4 : 6);
    std::string out = space();
    if (kind < 2) {
      out += pick(kScalars);
    } else if (kind < 4) {
      out += string();
    } else if (kind == 4) {
      out += list("[", "]", depth, false);
    } else {
      out += list("{", "}", depth, true);
    }
    return out + space();
  }

  // `text` with one to three of its bytes changed, cut, doubled, or its rest cut off.
  std::string damaged(std::string text) {
    for (std::size_t times = 1 + below(3); times > 0 && !text.empty(); --times) {
      const std::size_t at = below(text.size());
      switch (below(5)) {
        case 0:
          text[at] = static_cast<char>(below(256));
          break;
        case 1:
          text.erase(at, 1);
          break;
        case 2:
          text.insert(at, 1, kTokens[below(kTokens.size())]);
          break;
        case 3:
          text.insert(at, text.substr(at, 1 + below(4)));
          break;
        default:
          text.resize(at);
          break;
      }
    }
    return text;
  }

 private:
  static constexpr std::string_view kTokens = "{}[]\":,\\ \n\r\t01-+.eEtrufalsn\x7f\x80\xff";
  static constexpr std::array<std::string_view, 14> kScalars{
      "true", "false", "null",  "0",  "-0",     "-0.0",
      "1.50", "1e400", "1E+05", "12", "-7e-99", "123456789012345678901234567890",
      "0e0",  "\"\""};
  static constexpr std::array<std::string_view, 14> kPieces{
      "a",       "key",      "\\n",          "\\\"",           "\\\\", "\\/", "\\u0000",
      "\\u00e9", "\xc3\xa9", "\xe2\x82\xac", "\\ud83d\\ude00", "{",    "]",   "\xf0\x9f\x98\x80"};

  template <std::size_t N>
  std::string pick(const std::array<std::string_view, N>& from) {
    return std::string(from[below(N)]);
  }

  std::string space() {
    static constexpr std::array<std::string_view, 6> kSpaces{"", "", " ", "\n", "\r\n", "\t"};
    return pick(kSpaces);
  }

  std::string string() {
    std::string out = "\"";
    for (std::size_t count = below(5); count > 0; --count) out += pick(kPieces);
    return out + "\"";
  }

  std::string list(std::string_view open, std::string_view close, std::size_t depth, bool keys) {
    std::string out(open);
    out += space();
    const std::size_t count = below(4);
    for (std::size_t i = 0; i < count; ++i) {
      if (i > 0) out += ",";
      if (keys) out += space() + string() + space() + ":";
      out += value(depth + 1);
    }
    return out.append(close);
  }

  std::mt19937 random_;
};

}  // namespace millrace::test
