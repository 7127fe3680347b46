// A fuzzer's input as what a target asks of it: choices first, then the bytes to be tried.
//
// Whoever asks for more than there is gets zeros, so that every input means something. Views point
// into the input, which a sanitizer guards at both ends.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <string>

#include "core/base/bytes.h"

namespace millrace {

class FuzzInput {
 public:
  FuzzInput(const std::uint8_t* data, std::size_t size)
      : left_(reinterpret_cast<const char*>(data), size) {}

  [[nodiscard]] bool empty() const { return left_.empty(); }
  std::uint8_t byte() {
    if (left_.empty()) return 0;
    const auto first = static_cast<std::uint8_t>(left_.front());
    left_.remove_prefix(1);
    return first;
  }
  bool flag() { return byte() % 2 == 1; }
  std::uint32_t number() {
    const std::uint32_t high = byte();
    return high << 8 | byte();
  }
  // At most `size`.
  Bytes bytes(std::size_t size) {
    const Bytes taken = left_.substr(0, size);
    left_.remove_prefix(taken.size());
    return taken;
  }
  Bytes rest() { return bytes(left_.size()); }

 private:
  Bytes left_;
};

// How a stream is cut into reads: three sizes in turn, small ones and large ones.
class Cuts {
 public:
  explicit Cuts(FuzzInput& input) {
    for (std::size_t& size : sizes_) {
      const std::size_t chosen = input.byte();
      size = chosen < 192 ? 1 + chosen % 24 : (chosen - 191) * 61;
    }
  }
  // One read takes all.
  Cuts() { sizes_.fill(std::string::npos); }

  // The next read of `stream`, as a copy of its own: a view that outlives it is seen.
  std::string next(Bytes& stream) {
    // A long stream byte by byte would take longer than it teaches.
    const std::size_t least = stream.size() > 4'096 ? 509 : 1;
    std::string read(stream.substr(0, std::max(least, sizes_[at_++ % sizes_.size()])));
    read.shrink_to_fit();
    stream.remove_prefix(read.size());
    return read;
  }

 private:
  std::array<std::size_t, 3> sizes_{};
  std::size_t at_ = 0;
};

}  // namespace millrace
