#include "tests/support/random_frames.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <optional>
#include <utility>

#include "tests/support/client_frames.h"

namespace millrace {
namespace {

class Client {
 public:
  Client(std::mt19937_64& random, std::size_t message_bytes)
      : random_(random), message_bytes_(message_bytes) {}

  std::string stream() {
    send_messages(1 + below(8));
    if (below(2) == 0) close();
    return std::move(sent_);
  }

  std::string lawless_stream() {
    send_messages(below(4));
    const std::size_t lawful = sent_.size();
    switch (below(4)) {
      case 0:
        break_header();
        break;
      case 1:
        break_order();
        break;
      case 2:
        break_payload();
        break;
      default:
        send_messages(1);
        spoil_bytes();
        break;
    }
    // An end that never comes, often one inside the header that is wrong.
    if (below(4) == 0) sent_.resize(std::min(sent_.size(), lawful + below(16)));
    if (below(2) == 0) send_messages(below(3));
    if (below(4) == 0) sent_.resize(below(sent_.size() + 1));
    return std::move(sent_);
  }

 private:
  std::size_t below(std::size_t bound) { return random_() % bound; }

  void send_messages(std::size_t count) {
    for (; count > 0; --count) {
      send_controls();
      send_message();
    }
    send_controls();
  }

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

  Opcode any_opcode() {
    constexpr std::array<Opcode, 6> kAll{Opcode::kContinuation, Opcode::kText, Opcode::kBinary,
                                         Opcode::kClose,        Opcode::kPing, Opcode::kPong};
    return kAll[below(kAll.size())];
  }

  // A payload that is as long as the header says, whatever else is wrong with that.
  void break_header() {
    const std::string payload = bytes(below(5) == 0 ? below(300) : below(126));
    const auto opcode = static_cast<std::uint8_t>(any_opcode());
    const auto first = static_cast<std::uint8_t>(kFinBit | opcode);
    std::string header;
    switch (below(6)) {
      case 0:
        header = client_header(first, payload.size(), LengthForm::kMinimal, std::nullopt);
        break;
      case 1:
        header =
            client_header(static_cast<std::uint8_t>(first | (1 + below(7)) << 4), payload.size());
        break;
      case 2:
        header = client_header(static_cast<std::uint8_t>(kFinBit | below(16)), payload.size());
        break;
      case 3:
        header = client_header(first, payload.size(), LengthForm::k16Bits);
        break;
      case 4:
        header = client_header(first, payload.size(), LengthForm::k64Bits);
        break;
      default:
        header = client_header(first, random_() | std::uint64_t{1} << 63, LengthForm::k64Bits);
        break;
    }
    sent_ += header + mask_payload(payload);
  }

  void break_order() {
    const std::string payload = text(below(300));
    switch (below(4)) {
      case 0:
        sent_ += client_frame(any_opcode(), payload, false, mask());
        break;
      case 1:
        sent_ += client_frame(Opcode::kContinuation, payload, below(2) == 0, mask());
        break;
      case 2:
        sent_ += client_frame(Opcode::kText, payload, false, mask());
        sent_ += client_frame(Opcode::kBinary, payload, true, mask());
        break;
      default:
        // Over most limits of fragments.
        sent_ += client_frame(Opcode::kText, payload, false, mask());
        for (std::size_t left = 8 + below(8); left > 0; --left) {
          sent_ += client_frame(Opcode::kContinuation, "", left == 1, mask());
        }
        break;
    }
  }

  void break_payload() {
    switch (below(4)) {
      case 0: {
        const std::string code = bytes(2);
        sent_ += client_frame(Opcode::kClose, code + text(below(124)), true, mask());
        break;
      }
      case 1:
        sent_ += client_close_frame(static_cast<std::uint16_t>(990 + below(40)), not_text());
        break;
      case 2: {
        const std::string payload = not_text();
        const std::size_t cut = below(payload.size() + 1);
        sent_ += client_frame(Opcode::kText, payload.substr(0, cut), false, mask());
        sent_ += client_frame(Opcode::kContinuation, payload.substr(cut), true, mask());
        break;
      }
      default: {
        const std::size_t size = message_bytes_ - std::min<std::size_t>(below(3), message_bytes_);
        sent_ += client_frame(Opcode::kBinary, bytes(size + below(4)), true, mask());
        break;
      }
    }
  }

  // Text around something that is no text.
  std::string not_text() {
    constexpr std::array<Bytes, 10> kBroken{
        "\x80",         "\xc0\xaf", "\xe0\x80\x80", "\xed\xa0\x80", "\xf4\x90\x80\x80",
        "\xf5\x80\x80", "\xe2\x82", "\xf0\x9f\x98", "\xff",         "\xed\xbf"};
    const std::string start = text(below(40));
    const Bytes broken = kBroken[below(kBroken.size())];
    return start + std::string(broken) + text(below(40));
  }

  void spoil_bytes() {
    for (std::size_t left = 1 + below(3); left > 0; --left) {
      const std::size_t at = below(sent_.size());
      switch (below(4)) {
        case 0:
          sent_.erase(at, 1 + below(4));
          break;
        case 1:
          sent_.insert(at, bytes(1 + below(4)));
          break;
        default:
          sent_[at] = static_cast<char>(sent_[at] ^ (1 << below(8)));
          break;
      }
      if (sent_.empty()) return;
    }
  }

  std::mt19937_64& random_;
  const std::size_t message_bytes_;
  std::string sent_;
};

}  // namespace

std::string random_frames(std::mt19937_64& random, std::size_t message_bytes) {
  return Client(random, message_bytes).stream();
}

std::string random_lawless_frames(std::mt19937_64& random, std::size_t message_bytes) {
  return Client(random, message_bytes).lawless_stream();
}

}  // namespace millrace
