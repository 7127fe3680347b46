// wrong-echo: a WebSocket echo that keeps every rule but the one that --misbehave names, so that a
// test can show that the cases find it. Plain blocking sockets, a thread a client, no code of
// net/'s wire.
#include <cstdio>
#include <cstring>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "tests/conformance/misbehaviours.h"
#include "tests/conformance/plain_socket.h"
#include "tests/conformance/plain_utf8.h"

namespace millrace::conformance {
namespace {

constexpr std::uint8_t kText = 1;
constexpr std::uint8_t kBinary = 2;
constexpr std::uint8_t kClose = 8;
constexpr std::uint8_t kPing = 9;
constexpr std::uint8_t kPong = 10;

constexpr std::size_t kSeenInParts = 65'536;  // payloads of so many bytes, before they end

struct Frame {
  std::uint8_t opcode = 0;
  std::uint8_t reserved = 0;
  bool fin = false;
  std::string payload;
  std::size_t missing = 0;  // bytes of it that have yet to come
};

class WrongClient {
 public:
  WrongClient(PlainSocket socket, Misbehaviour how) : socket_(std::move(socket)), how_(how) {}

  void serve() {
    if (!shake_hands()) return;
    while (!done_ && read()) {
      const std::size_t pongs_before = pongs_.size();
      while (!done_ && take_frame()) {
      }
      if (!done_) look_at_begun_frame();
      if (pongs_.size() > pongs_before || how_ != Misbehaviour::kPongBehindMessage) send_pongs();
    }
    if (how_ == Misbehaviour::kLeavesTcpOpen) {
      while (read()) {
      }
    }
  }

 private:
  [[nodiscard]] bool is(Misbehaviour one) const { return how_ == one; }

  bool read() {
    for (;;) {
      const PlainSocket::Read got = socket_.read_some(input_);
      if (got == PlainSocket::Read::kBytes) return true;
      if (got != PlainSocket::Read::kNothing) return false;
      socket_.wait(Milliseconds{60'000});
    }
  }

  bool shake_hands() {
    std::size_t end = std::string::npos;
    while ((end = input_.find("\r\n\r\n")) == std::string::npos) {
      if (!read()) return false;
    }
    input_.erase(0, end + 4);
    // The harness has one key.
    return socket_.send_all(
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n");
  }

  // The frame at the front of the input, unmasked, perhaps not whole.
  [[nodiscard]] std::optional<Frame> peek(std::size_t& size) const {
    if (input_.size() < 2) return std::nullopt;
    const auto at = [this](std::size_t i) { return static_cast<std::uint8_t>(input_[i]); };
    const std::size_t short_length = at(1) & 0x7f;
    const std::size_t extended = short_length == 126 ? 2 : short_length == 127 ? 8 : 0;
    const std::size_t header = 2 + extended + 4;
    if (input_.size() < header) return std::nullopt;
    std::size_t length = extended == 0 ? short_length : 0;
    for (std::size_t i = 0; i < extended; ++i) length = length << 8 | at(2 + i);
    size = header + length;
    Frame frame{static_cast<std::uint8_t>(at(0) & 0xf),
                static_cast<std::uint8_t>(at(0) >> 4 & 7),
                (at(0) & 0x80) != 0,
                {},
                length};
    // Of a long one there is no need to see a part.
    if (input_.size() < size && length > kSeenInParts) return frame;
    frame.payload = input_.substr(header, length);
    for (std::size_t i = 0; i < frame.payload.size(); ++i) {
      frame.payload[i] = static_cast<char>(frame.payload[i] ^ input_[header - 4 + i % 4]);
    }
    frame.missing = length - frame.payload.size();
    return frame;
  }

  bool take_frame() {
    std::size_t size = 0;
    std::optional<Frame> frame = peek(size);
    if (!frame || (!refused(*frame) && frame->missing > 0)) return false;
    if (refused(*frame)) {
      violation(1002);
      return false;
    }
    input_.erase(0, size);
    if (frame->opcode >= kClose) {
      take_control(*frame);
    } else {
      take_data(*frame);
    }
    return true;
  }

  [[nodiscard]] bool refused(const Frame& frame) const {
    const bool known = frame.opcode <= kBinary || (frame.opcode >= kClose && frame.opcode <= kPong);
    if (frame.reserved != 0 && !is(Misbehaviour::kTakesReservedBits)) return true;
    if (!known) return !is(Misbehaviour::kTakesReservedOpcodes);
    if (frame.opcode >= kClose) {
      if (!frame.fin && !is(Misbehaviour::kTakesFragmentedPing)) return true;
      return frame.payload.size() + frame.missing > 125 && !is(Misbehaviour::kTakesLongPing);
    }
    if (frame.opcode == 0 && !open_) return !is(Misbehaviour::kTakesStrayContinuation);
    return frame.opcode != 0 && open_ && !is(Misbehaviour::kTakesMessageInMessage);
  }

  // --- texts

  [[nodiscard]] bool possible(Bytes text, bool ends) const {
    if (is(Misbehaviour::kTakesBadUtf8)) return true;
    if (!ends && is(Misbehaviour::kLateUtf8)) return true;
    const Utf8Leniency leniency{.overlong = is(Misbehaviour::kTakesOverlongUtf8),
                                .surrogates = is(Misbehaviour::kTakesSurrogates),
                                .beyond = is(Misbehaviour::kTakesBeyondUnicode)};
    if (is(Misbehaviour::kRefusesNoncharacters) && text.find("\xef\xbf\xbe") != Bytes::npos) {
      return false;
    }
    const Utf8Scan scan = scan_utf8(text, leniency);
    return scan.possible && (!ends || scan.whole == text.size());
  }

  void look_at_begun_frame() {
    std::size_t size = 0;
    const std::optional<Frame> frame = peek(size);
    if (!frame || frame->opcode > kText) return;
    const bool is_text = frame->opcode == kText || (open_ && open_->opcode == kText);
    if (is_text && !possible((open_ ? open_->payload : "") + frame->payload, false)) {
      violation(1007);
    }
  }

  void take_data(const Frame& frame) {
    if (frame.opcode > kBinary) return;  // a reserved one
    if (frame.opcode != 0 || !open_) open_ = Frame{frame.opcode, 0, false, {}, 0};
    open_->payload += frame.payload;
    const bool is_text = open_->opcode == kText;
    const bool whole_check = frame.fin || open_->payload.size() <= kSeenInParts;
    if (is_text && whole_check && !possible(open_->payload, frame.fin)) return violation(1007);
    if (is_text && is(Misbehaviour::kUtf8PerFragment) && !possible(frame.payload, true)) {
      return violation(1007);
    }
    if (is(Misbehaviour::kEchoesFragments)) send_data(open_->opcode, frame.payload);
    if (!frame.fin) return;
    const Frame message = *std::exchange(open_, std::nullopt);
    if (!is(Misbehaviour::kEchoesFragments)) send_data(message.opcode, message.payload);
    if (is(Misbehaviour::kPongBehindMessage)) send_pongs();
  }

  void send_data(std::uint8_t opcode, std::string payload) {
    if (payload.empty() && is(Misbehaviour::kDropsEmptyMessages)) return;
    if (payload.size() == 65'536 && is(Misbehaviour::kLosesLastByteOf64KiB)) payload.pop_back();
    send(opcode == kText && is(Misbehaviour::kTextAsBinary) ? kBinary : opcode, payload);
  }

  // --- control frames

  void take_control(const Frame& frame) {
    if (frame.opcode == kClose) {
      take_close(frame.payload);
    } else if (frame.opcode == kPing) {
      take_ping(frame.payload);
    } else if (frame.opcode == kPong && is(Misbehaviour::kAnswersPongs)) {
      send(kPong, frame.payload);
    }
  }

  void take_ping(const std::string& payload) {
    if (is(Misbehaviour::kNoPong)) return;
    pongs_.push_back(is(Misbehaviour::kPongWithoutPayload) ? "" : payload);
    // Those wait for the others of this read, or for the message.
    if (is(Misbehaviour::kPongsInReverse) || is(Misbehaviour::kPongBehindMessage)) return;
    send_pongs();
  }

  void send_pongs() {
    if (is(Misbehaviour::kPongBehindMessage) && open_) return;
    if (is(Misbehaviour::kPongsInReverse)) pongs_ = {pongs_.rbegin(), pongs_.rend()};
    for (const std::string& payload : pongs_) send(kPong, payload);
    pongs_.clear();
  }

  void take_close(const std::string& payload) {
    send_pongs();
    if (payload.size() == 1 && !is(Misbehaviour::kTakesOneByteClose)) return violation(1002);
    std::uint16_t code = 0;
    for (const char c : payload.substr(0, 2)) {
      code = static_cast<std::uint16_t>(code << 8 | static_cast<std::uint8_t>(c));
    }
    const bool valid = (code >= 1000 && code <= 1014 && (code < 1004 || code > 1006)) ||
                       (code >= 3000 && code <= 4999);
    if (payload.size() >= 2 && !valid && !is(Misbehaviour::kTakesInvalidCloseCode)) {
      return violation(1002);
    }
    if (payload.size() > 2 && !is_utf8(payload.substr(2)) &&
        !is(Misbehaviour::kTakesBadCloseReason)) {
      return violation(1007);
    }
    done_ = true;
    if (is(Misbehaviour::kNoCloseReply)) return;
    std::string reply = payload.size() >= 2 && valid ? payload.substr(0, 2) : "";
    if (is(Misbehaviour::kWrongCloseCode)) reply = "\x03\xe8";
    send(kClose, reply);
    if (is(Misbehaviour::kTwoCloseReplies)) send(kClose, reply);
    misbehave_behind_close();
  }

  void misbehave_behind_close() {
    std::size_t size = 0;
    const std::optional<Frame> behind = peek(size);
    if (!behind) return;
    if (behind->opcode == kText && is(Misbehaviour::kEchoBehindClose)) {
      send(kText, behind->payload);
    }
    if (behind->opcode == kPing && is(Misbehaviour::kPongBehindClose)) send(kPong, "");
  }

  void violation(std::uint16_t code) {
    done_ = true;
    send_pongs();
    if (is(Misbehaviour::kDropsWithoutClose)) return;
    if (is(Misbehaviour::kWrongViolationCode)) code = 1000;
    send(kClose, {static_cast<char>(code >> 8), static_cast<char>(code & 0xff)});
    // A close with unread input would be a reset, and the peer might lose the frame.
    socket_.finish();
    if (is(Misbehaviour::kLeavesTcpOpen)) return;
    input_.clear();
    socket_.wait(Milliseconds{50});
    static_cast<void>(socket_.read_some(input_));
  }

  void send(std::uint8_t opcode, const std::string& payload) {
    std::uint8_t first = static_cast<std::uint8_t>(0x80 | opcode);
    if (is(Misbehaviour::kSetsReservedBit)) first |= 0x40;
    std::string frame(1, static_cast<char>(first));
    const std::uint8_t mask = is(Misbehaviour::kMasksFrames) ? 0x80 : 0;
    const std::size_t longest = is(Misbehaviour::kLongFormLengths) ? 0 : 126;
    const int extended = payload.size() < longest ? 0 : payload.size() < 65'536 ? 2 : 8;
    const std::size_t length = extended == 0 ? payload.size() : extended == 2 ? 126 : 127;
    frame.push_back(static_cast<char>(mask | length));
    for (int i = extended - 1; i >= 0; --i) {
      frame.push_back(static_cast<char>(payload.size() >> 8 * i & 0xff));
    }
    if (mask != 0) frame.append(4, '\0');
    static_cast<void>(socket_.send_all(frame + payload));
  }

  PlainSocket socket_;
  const Misbehaviour how_;
  std::string input_;
  std::optional<Frame> open_;  // the begun message
  std::vector<std::string> pongs_;
  bool done_ = false;
};

int serve(const std::string& address, Misbehaviour how) {
  const PlainSocket listener = PlainSocket::listen(address);
  std::printf("wrong-echo ready listen=%s\n", listener.local_address().c_str());
  std::fflush(stdout);
  for (;;) {
    PlainSocket socket = listener.accept();
    if (!socket) continue;
    std::thread([how](PlainSocket mine) { WrongClient(std::move(mine), how).serve(); },
                std::move(socket))
        .detach();
  }
}

int run(int argc, char** argv) {
  if (argc == 5 && std::strcmp(argv[1], "--listen") == 0 &&
      std::strcmp(argv[3], "--misbehave") == 0) {
    const std::string_view name = argv[4];
    if (name == "none") return serve(argv[2], Misbehaviour::kNone);
    for (const MisbehaviourRow& row : misbehaviours()) {
      if (row.name == name) return serve(argv[2], row.which);
    }
  }
  std::fprintf(stderr, "wrong-echo --listen ADDR:PORT --misbehave NAME, which is none");
  for (const MisbehaviourRow& row : misbehaviours()) {
    std::fprintf(stderr, ", %s", std::string(row.name).c_str());
  }
  std::fprintf(stderr, "\n");
  return 64;
}

}  // namespace
}  // namespace millrace::conformance

int main(int argc, char** argv) { return millrace::conformance::run(argc, argv); }
