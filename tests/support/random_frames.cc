#include "tests/support/random_frames.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <utility>

#include "tests/support/client_frames.h"

namespace millrace {
namespace {

class Client {
 public:
  Client(std::mt19937_64& random, std::size_t message_bytes)
      : random_(random), message_bytes_(message_bytes) {}

  std::string stream() {
    for (std::size_t left = 1 + below(8); left > 0; --left) {
      send_controls();
      send_message();
    }
    send_controls();
    if (below(2) == 0) close();
    return std::move(sent_);
  }

 private:
  std::size_t below(std::size_t bound) { return random_() % bound; }

  std::uint32_t mask() { return below(8) == 0 ? 0 : static_cast<std::uint32_t>(random_()); }

  std::size_t size() {
    constexpr std::array<std::size_t, 9> kEdges{0, 1, 125, 126, 127, 4083, 4096, 65'535, 65'536};
    const std::size_t wanted = below(3) == 0 ? kEdges[below(kEdges.size())] : below(300);
    return std::min(wanted, message_bytes_);
  }

  std::string bytes(std::size_t size) {
    std::string made(size, '\0');
    for (char& byte : made) byte = static_cast<char>(random_());
    return made;
  }

  std::string text(std::size_t size) {
    constexpr std::array<Bytes, 6> kCharacters{"a", "\x7f", "\u00e9", "\u20ac", "\U0001f600", "{"};
    std::string made;
    while (made.size() < size) {
      const Bytes next = kCharacters[below(kCharacters.size())];
      made.append(made.size() + next.size() <= size ? next : Bytes("z"));
    }
    return made;
  }

  void send_controls() {
    while (below(3) == 0) {
      const Opcode opcode = below(2) == 0 ? Opcode::kPing : Opcode::kPong;
      sent_ += client_frame(opcode, bytes(below(126)), true, mask());
    }
  }

  void send_message() {
    const bool is_text = below(2) == 0;
    const std::string payload = is_text ? text(size()) : bytes(size());
    Opcode opcode = is_text ? Opcode::kText : Opcode::kBinary;
    Bytes rest = payload;
    for (std::size_t fragments = below(2) == 0 ? 0 : below(6); fragments > 0; --fragments) {
      const Bytes part = rest.substr(0, below(rest.size() + 1));
      rest.remove_prefix(part.size());
      sent_ += client_frame(opcode, part, false, mask());
      opcode = Opcode::kContinuation;
      send_controls();
    }
    sent_ += client_frame(opcode, rest, true, mask());
  }

  void close() {
    constexpr std::array<std::uint16_t, 5> kCodes{1000, 1001, 1005, 3000, 4999};
    sent_ += client_close_frame(kCodes[below(kCodes.size())], text(below(124)));
  }

  std::mt19937_64& random_;
  const std::size_t message_bytes_;
  std::string sent_;
};

}  // namespace

std::string random_frames(std::mt19937_64& random, std::size_t message_bytes) {
  return Client(random, message_bytes).stream();
}

}  // namespace millrace
