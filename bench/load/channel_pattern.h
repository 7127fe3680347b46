// Channel names by client: "news" is one for all, "room:{i/10}" one for every ten clients,
// "seat:{i}" one each, "lane:{i%4}" four in turn. Between the braces `i` is the client's number,
// from 0, and what follows is done from left to right: {i/10%7}. Pure.
//
// Limit: a name has at most kMaxName bytes.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/result.h"

namespace millrace::load {

class ChannelPattern {
 public:
  static constexpr std::size_t kMaxName = 255;  // the protocol's limit

  static Result<ChannelPattern> parse(std::string_view text);

  void append(std::string& out, std::uint64_t client) const;
  [[nodiscard]] std::string name(std::uint64_t client) const;
  // Whether it is this client's channel. Allocates nothing.
  [[nodiscard]] bool matches(std::uint64_t client, std::string_view name) const;
  // True if all clients have the same.
  [[nodiscard]] bool is_plain() const { return pieces_.size() <= 1 && !pieces_[0].is_number; }
  [[nodiscard]] const std::string& text() const { return text_; }

 private:
  struct Step {
    char what = '/';
    std::uint64_t by = 1;
  };
  struct Piece {
    std::string literal;
    bool is_number = false;
    std::vector<Step> steps;
    [[nodiscard]] std::uint64_t number(std::uint64_t client) const;
  };

  static Result<Piece> parse_number(std::string_view inside);

  std::string text_;
  std::vector<Piece> pieces_;  // never empty
};

}  // namespace millrace::load
