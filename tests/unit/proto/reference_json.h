// A second opinion on what JSON is, for tests only: RFC 8259 by recursive descent, UTF-8 by RFC
// 3629's table, no lone surrogates, a depth limit. It shares no code with proto/ on purpose.
#pragma once

#include <cstddef>
#include <cstdlib>
#include <string>
#include <string_view>

namespace millrace::test {

class ReferenceJson {
 public:
  static bool valid(std::string_view text, std::size_t max_depth) {
    ReferenceJson json(text, max_depth);
    json.space();
    if (!json.value(0)) return false;
    json.space();
    return json.text_.empty();
  }

 private:
  ReferenceJson(std::string_view text, std::size_t max_depth)
      : text_(text), max_depth_(max_depth) {}

  char peek() const { return text_.empty() ? '\0' : text_.front(); }
  bool eat(std::string_view what) {
    if (text_.substr(0, what.size()) != what) return false;
    text_.remove_prefix(what.size());
    return true;
  }
  void space() {
    while (eat(" ") || eat("\t") || eat("\r") || eat("\n")) {
    }
  }

  bool value(std::size_t depth) {
    if (peek() == '{') return depth < max_depth_ && object(depth);
    if (peek() == '[') return depth < max_depth_ && array(depth);
    if (peek() == '"') return string();
    if (eat("true") || eat("false") || eat("null")) return true;
    return number();
  }

  bool object(std::size_t depth) {
    eat("{");
    space();
    if (eat("}")) return true;
    do {
      space();
      if (!string()) return false;
      space();
      if (!eat(":")) return false;
      space();
      if (!value(depth + 1)) return false;
      space();
    } while (eat(","));
    return eat("}");
  }

  bool array(std::size_t depth) {
    eat("[");
    space();
    if (eat("]")) return true;
    do {
      space();
      if (!value(depth + 1)) return false;
      space();
    } while (eat(","));
    return eat("]");
  }

  bool some_digits() {
    const std::size_t before = text_.size();
    while (peek() >= '0' && peek() <= '9') text_.remove_prefix(1);
    return text_.size() != before;
  }

  bool number() {
    eat("-");
    if (!eat("0") && !some_digits()) return false;
    if (eat(".") && !some_digits()) return false;
    if (eat("e") || eat("E")) {
      if (!eat("+")) eat("-");
      if (!some_digits()) return false;
    }
    return true;
  }

  // The unit of a \uXXXX escape, or -1.
  long unit() {
    if (!eat("\\u") || text_.size() < 4) return -1;
    const std::string digits(text_.substr(0, 4));
    if (digits.find_first_not_of("0123456789abcdefABCDEF") != std::string::npos) return -1;
    text_.remove_prefix(4);
    return std::strtol(digits.c_str(), nullptr, 16);
  }

  bool escape() {
    if (text_.substr(0, 2) != "\\u") {
      eat("\\");
      if (text_.empty() || std::string_view("\"\\/bfnrt").find(peek()) == std::string_view::npos) {
        return false;
      }
      text_.remove_prefix(1);
      return true;
    }
    const long first = unit();
    if (first < 0 || (first >> 10) == 0xdc00 >> 10) return false;
    if ((first >> 10) != 0xd800 >> 10) return true;
    return unit() >> 10 == 0xdc00 >> 10;
  }

  bool tail(std::size_t count, unsigned low, unsigned high) {
    if (text_.size() < count + 1) return false;
    for (std::size_t i = 1; i <= count; ++i) {
      const auto byte = static_cast<unsigned char>(text_[i]);
      if (byte < low || byte > high) return false;
      low = 0x80;
      high = 0xbf;
    }
    text_.remove_prefix(count + 1);
    return true;
  }

  bool character() {
    const auto lead = static_cast<unsigned char>(peek());
    if (lead >= 0x20 && lead < 0x80) {
      text_.remove_prefix(1);
      return true;
    }
    if (lead >= 0xc2 && lead <= 0xdf) return tail(1, 0x80, 0xbf);
    if (lead == 0xe0) return tail(2, 0xa0, 0xbf);
    if (lead == 0xed) return tail(2, 0x80, 0x9f);
    if (lead >= 0xe1 && lead <= 0xef) return tail(2, 0x80, 0xbf);
    if (lead == 0xf0) return tail(3, 0x90, 0xbf);
    if (lead >= 0xf1 && lead <= 0xf3) return tail(3, 0x80, 0xbf);
    if (lead == 0xf4) return tail(3, 0x80, 0x8f);
    return false;
  }

  bool string() {
    if (!eat("\"")) return false;
    while (!eat("\"")) {
      if (text_.empty()) return false;
      if (!(peek() == '\\' ? escape() : character())) return false;
    }
    return true;
  }

  std::string_view text_;
  std::size_t max_depth_;
};

}  // namespace millrace::test
