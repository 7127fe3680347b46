// Opening handshakes over a socket: the rows of the unit tests, asked of a running server.
#include <gtest/gtest.h>
#include <signal.h>

#include <string>

#include "tests/conformance/harness/child.h"
#include "tests/conformance/harness/server_frames.h"
#include "tests/conformance/plain_socket.h"
#include "tests/support/client_frames.h"
#include "tests/support/upgrade_cases.h"
#include "tests/unit/net/http/smuggling_cases.h"

namespace millrace::conformance {
namespace {

constexpr Milliseconds kPatience{10'000};

// Until `done` says so or the server ends TCP; true if it did.
template <typename Fn>
bool read_until(const PlainSocket& socket, std::string& text, const Fn& done) {
  const auto deadline = std::chrono::steady_clock::now() + kPatience;
  while (!done() && std::chrono::steady_clock::now() < deadline) {
    const PlainSocket::Read got = socket.read_some(text);
    if (got == PlainSocket::Read::kEnd || got == PlainSocket::Read::kReset) return true;
    if (got == PlainSocket::Read::kNothing) socket.wait(kPatience);
  }
  return false;
}

// Where the first response in `text` ends; npos if it has not. An answer to HEAD has no body,
// whatever length it names (RFC 9112 section 6.3).
std::size_t response_end(Bytes text, bool to_head) {
  const std::size_t head = text.find("\r\n\r\n");
  if (head == Bytes::npos) return Bytes::npos;
  constexpr Bytes kLength = "\r\nContent-Length: ";
  const std::size_t field = text.substr(0, head).find(kLength);
  if (field == Bytes::npos || to_head) return head + 4;
  const std::size_t length = std::stoul(std::string(text.substr(field + kLength.size(), 10)));
  return text.size() < head + 4 + length ? Bytes::npos : head + 4 + length;
}

// Works as a WebSocket, and is closed by the server behind the closing handshake.
void expect_websocket(const PlainSocket& socket, std::string behind) {
  ASSERT_TRUE(socket.send_all(client_frame(Opcode::kPing, "alive?") + client_close_frame(1000)));
  EXPECT_TRUE(read_until(socket, behind, [] { return false; }));
  ServerFrames frames;
  frames.feed(behind);
  EXPECT_EQ(frames.fault(), "");
  EXPECT_EQ(frames.events(), std::vector<Event>{pong("alive?")});
  EXPECT_EQ(frames.close_code(), 1000);
}

// One response with that status; behind a refusal nothing else comes.
void expect_answer(const std::string& address, const std::string& raw, unsigned status) {
  SCOPED_TRACE(testing::PrintToString(raw.substr(0, 600)));
  const PlainSocket socket = PlainSocket::connect(address);
  ASSERT_TRUE(socket);
  static_cast<void>(socket.send_all(raw));
  const bool head = raw.starts_with("HEAD ");
  std::string text;
  read_until(socket, text, [&] { return response_end(text, head) != std::string::npos; });
  const std::size_t end = response_end(text, head);
  ASSERT_NE(end, std::string::npos) << "no whole response: " << text;
  EXPECT_TRUE(text.starts_with("HTTP/1.1 " + std::to_string(status) + " ")) << text;
  if (status == 101) {
    EXPECT_NE(text.find("\r\nSec-WebSocket-Accept: "), std::string::npos);
    expect_websocket(socket, text.substr(end));
    return;
  }
  EXPECT_NE(text.find("\r\nConnection: close"), std::string::npos) << text;
  EXPECT_EQ(text.find("Sec-WebSocket-Accept"), std::string::npos);
  socket.finish();
  EXPECT_TRUE(read_until(socket, text, [] { return false; })) << "TCP was left open";
  EXPECT_EQ(text.size(), end) << "something came behind the response: " << text;
}

TEST(Handshake, RowsOfTheDecisionOverASocket) {
  Child echo({MILLRACE_ECHO, "--listen", "127.0.0.1:0"});
  const auto cases = all_upgrade_cases();
  EXPECT_GE(cases.size(), 120U);
  for (const UpgradeCase& one : cases) {
    expect_answer(echo.address(), one.handshake.raw(), one.status);
  }
  EXPECT_EQ(echo.stop(SIGTERM), 0);
  std::printf("%zu handshakes\n", cases.size());
}

// What a proxy may read as one request and we as two: a refusal, and no answer to what it hides.
TEST(Handshake, SmuggledRequestsGetNoAnswerOverASocket) {
  Child echo({MILLRACE_ECHO, "--listen", "127.0.0.1:0"});
  const std::string inner = millrace::Handshake().raw();
  for (const SmugglingCase& one : smuggling_cases()) {
    expect_answer(echo.address(), one.head + inner, one.status);
  }
  EXPECT_EQ(echo.stop(SIGTERM), 0);
  std::printf("%zu smuggled requests\n", smuggling_cases().size());
}

}  // namespace
}  // namespace millrace::conformance
