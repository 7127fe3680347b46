#include <cctype>
#include <cstddef>
#include <string>
#include <string_view>
#include <utility>

#include "tests/tidy/tidy.h"

namespace millrace::tidy {
namespace {

// Walks a text once, copying code and blanking the rest.
class Blanker {
 public:
  explicit Blanker(std::string_view text) : text_(text) {}

  std::string run() {
    while (at_ < text_.size()) {
      if (here("//")) {
        blank_until("\n", 0);
      } else if (here("/*")) {
        blank_until("*/", 2);
      } else if (here("R\"") && !in_word()) {
        blank_raw_string();
      } else if (text_[at_] == '"' || (text_[at_] == '\'' && !in_word())) {
        blank_quoted(text_[at_]);
      } else {
        out_.push_back(text_[at_++]);
      }
    }
    return std::move(out_);
  }

 private:
  [[nodiscard]] bool here(std::string_view what) const {
    return text_.substr(at_).starts_with(what);
  }

  // A quote inside a word is a digit separator: 1'000.
  [[nodiscard]] bool in_word() const {
    return at_ > 0 && (std::isalnum(static_cast<unsigned char>(text_[at_ - 1])) != 0);
  }

  void blank() {
    out_.push_back(text_[at_] == '\n' ? '\n' : ' ');
    ++at_;
  }

  void blank_to(std::size_t end) {
    while (at_ < text_.size() && at_ < end) blank();
  }

  void blank_until(std::string_view end, std::size_t included) {
    const std::size_t found = text_.find(end, at_ + 1);
    blank_to(found == std::string_view::npos ? text_.size() : found + included);
  }

  void blank_raw_string() {
    const std::size_t open = text_.find('(', at_);
    if (open == std::string_view::npos) return blank_to(text_.size());
    const std::string end = ")" + std::string(text_.substr(at_ + 2, open - at_ - 2)) + "\"";
    blank_until(end, end.size());
  }

  void blank_quoted(char quote) {
    blank();
    while (at_ < text_.size() && text_[at_] != quote && text_[at_] != '\n') {
      if (text_[at_] == '\\' && at_ + 1 < text_.size()) blank();
      blank();
    }
    if (at_ < text_.size()) blank();
  }

  std::string_view text_;
  std::size_t at_ = 0;
  std::string out_;
};

}  // namespace

std::string code_only(std::string_view text) { return Blanker(text).run(); }

}  // namespace millrace::tidy
