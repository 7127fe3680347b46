// millrace-echo as a program: what it says, how it ends, and the largest message.
#include <gtest/gtest.h>
#include <signal.h>

#include <algorithm>
#include <thread>

#include "tests/conformance/harness/case_run.h"
#include "tests/conformance/harness/child.h"

namespace millrace::conformance {
namespace {

constexpr std::size_t kLargest = 16 * 1024 * 1024;

TEST(EchoProgram, EndsCleanlyOnEitherSignal) {
  for (const int signal : {SIGTERM, SIGINT}) {
    Child echo({MILLRACE_ECHO, "--listen", "127.0.0.1:0"});
    EXPECT_EQ(echo.stop(signal), 0);
  }
}

// Who is connected when it ends gets a close frame that says why.
TEST(EchoProgram, SaysGoodbyeWhenItEnds) {
  Child echo({MILLRACE_ECHO, "--listen", "127.0.0.1:0"});
  const Script script = Script()
                            .send(client_frame(Opcode::kText, "x"))
                            .await(1)
                            .may({Verdict::kOk, {text("x")}, {.codes = {1001}}});
  RunOptions options;
  options.address = echo.address();
  std::jthread ending([&] {
    std::this_thread::sleep_for(Milliseconds{300});
    kill(echo.pid(), SIGTERM);
  });
  const Judgement judgement = judge(script, play(script, options));
  EXPECT_EQ(judgement.verdict, Verdict::kOk) << judgement.text;
  ending.join();
  EXPECT_EQ(echo.stop(0), 0);  // no signal more: it ends by itself
}

TEST(EchoProgram, TheLargestMessageAndOneOctetMore) {
  Child echo({MILLRACE_ECHO, "--listen", "[::1]:0"});
  RunOptions options;
  options.address = echo.address();
  for (const std::size_t size : {kLargest - 1, kLargest}) {
    const std::string payload(size, 'x');
    const Script whole = Script()
                             .send(client_frame(Opcode::kBinary, payload))
                             .answers({
                                 binary(payload),
                             });
    EXPECT_EQ(judge(whole, play(whole, options)).verdict, Verdict::kOk) << size;
  }
  const Script more = Script().send(client_header(kFinBit | 2, kLargest + 1)).fails(1009);
  EXPECT_EQ(judge(more, play(more, options)).verdict, Verdict::kOk);
  EXPECT_EQ(echo.stop(SIGTERM), 0);
}

TEST(EchoProgram, RefusalsNameCauseAndFix) {
  const Child busy({MILLRACE_ECHO, "--listen", "127.0.0.1:0"});
  const std::vector<std::pair<std::vector<std::string>, int>> rows{
      {{}, 64},
      {{"--listen"}, 64},
      {{"--listen", "localhost:1"}, 64},
      {{"--listen", "127.0.0.1:65536"}, 64},
      {{"--port", "1"}, 64},
      {{"--listen", "127.0.0.1:0", "--help"}, 64},
      {{"--listen", busy.address()}, 74},
      {{"--listen", "192.0.2.1:9001"}, 74},
      {{"--help"}, 0},
  };
  for (const auto& [arguments, code] : rows) {
    std::vector<std::string> command{MILLRACE_ECHO};
    command.insert(command.end(), arguments.begin(), arguments.end());
    const Finished finished = run_to_end(command);
    EXPECT_EQ(finished.exit_code, code) << finished.output;
    if (code == 0) continue;
    EXPECT_TRUE(finished.output.starts_with("millrace-echo: ")) << finished.output;
    EXPECT_EQ(std::ranges::count(finished.output, '\n'), 1) << finished.output;
  }
}

}  // namespace
}  // namespace millrace::conformance
