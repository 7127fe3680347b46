// millrace-echo: the server's wire with an echo behind it, for conformance and interop tests.
#include <signal.h>

#include <atomic>
#include <cstdio>
#include <string>

#include "core/ring/kernel_features.h"
#include "net/server/command_line.h"
#include "net/server/listen_address.h"
#include "net/server/server.h"
#include "net/tcp/listen_socket.h"
#include "tests/conformance/echo_shard.h"

namespace millrace {
namespace {

constexpr const char* kHelp =
    "millrace-echo: a WebSocket echo over the server's own net code, for tests\n"
    "\n"
    "  millrace-echo --listen ADDR:PORT   serve until SIGTERM or SIGINT; port 0 picks a free one\n"
    "  millrace-echo --help\n"
    "\n"
    "Any path, messages of up to 16 MiB. Prints `millrace-echo ready listen=ADDR:PORT` when it\n"
    "accepts. Exit codes: 0, 64 (arguments), 71 (the kernel forbids it), 74 (the address).\n";

int complain(const std::string& text, int exit_code) {
  std::fprintf(stderr, "millrace-echo: %s\n", text.c_str());
  return exit_code;
}

int serve(const ListenAddress& address) {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGTERM);
  sigaddset(&signals, SIGINT);
  // Before the shard's thread is made, so that it inherits it.
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  signal(SIGPIPE, SIG_IGN);

  const auto kernel = judge_kernel(probe_kernel());
  if (!kernel.ok()) return complain(kernel.error().text, kExitSystem);
  raise_descriptor_limit();
  const auto group = listen_on(to_string(address), 1, {});
  if (!group.ok()) return complain(group.error().text, kExitAddress);

  const EchoOptions options;
  MonotonicClock clock;
  std::atomic<EchoShard*> echo{nullptr};
  ShardGroup shards;
  const auto started =
      shards.start({.shards = 1, .pin = false}, [&](ShardId) -> Result<std::unique_ptr<ShardBody>> {
        auto shard = EchoShard::make(options, clock, group.value().sockets[0].fd());
        if (!shard.ok()) return shard.error();
        echo.store(shard->get());
        return std::unique_ptr<ShardBody>(std::move(*shard));
      });
  if (!started.ok()) return complain(started.error().text, kExitSystem);
  std::printf("millrace-echo ready listen=%s\n", group.value().address.c_str());
  std::fflush(stdout);
  int received = 0;
  sigwait(&signals, &received);
  echo.load()->drain();
  shards.join();
  return 0;
}

int run(int argc, char** argv) {
  const std::string flag = argc > 1 ? argv[1] : "";
  if (argc == 2 && flag == "--help") {
    std::fputs(kHelp, stdout);
    return 0;
  }
  if (argc != 3 || flag != "--listen") {
    return complain("say --listen ADDR:PORT, and nothing else; --help tells more", kExitUsage);
  }
  const auto address = parse_listen_address(argv[2]);
  if (!address) {
    return complain("--listen " + std::string(argv[2]) +
                        " is not an address and a port, such as 127.0.0.1:9001 or [::1]:9001",
                    kExitUsage);
  }
  return serve(*address);
}

}  // namespace
}  // namespace millrace

int main(int argc, char** argv) { return millrace::run(argc, argv); }
