#include "net/server/server.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstring>
#include <string>
#include <thread>

#include "core/ring/kernel_features.h"
#include "net/server/command_line.h"
#include "tests/support/seccomp.h"

namespace millrace {
namespace {

// --- Real servers, on ports that the kernel picks ------------------------------------------------

Config two_shards() {
  Config config;
  config.insecure = true;
  config.server.listen = {{.host = "127.0.0.1", .port = 0, .ipv6 = false}};
  config.server.admin = {.host = "127.0.0.1", .port = 0, .ipv6 = false};
  config.server.shards = 2;
  config.server.max_connections = 100;
  config.limits.recv_buffers = 16;
  config.limits.drain_timeout = milliseconds(100);
  return config;
}

// The port behind `what` in a ready line: "listen=127.0.0.1:PORT".
std::uint16_t port_of(const std::string& line, const std::string& what) {
  const std::size_t at = line.find(what + "=127.0.0.1:");
  if (at == std::string::npos) return 0;
  return static_cast<std::uint16_t>(std::stoi(line.substr(line.find(':', at) + 1)));
}

// True once all of an answer is there; the server itself waits for us to close.
bool is_whole(const std::string& answer) {
  constexpr const char* kField = "Content-Length: ";
  const std::size_t end = answer.find("\r\n\r\n");
  const std::size_t length = answer.find(kField);
  if (end == std::string::npos || length == std::string::npos) return false;
  return answer.size() >= end + 4 + std::stoul(answer.substr(length + std::strlen(kField)));
}

// What a server answers to one request.
std::string answer_of(std::uint16_t port, const std::string& path) {
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in to{};
  to.sin_family = AF_INET;
  to.sin_port = htons(port);
  to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  EXPECT_EQ(connect(fd, reinterpret_cast<const sockaddr*>(&to), sizeof(to)), 0);
  const std::string request = "GET " + path + " HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
  EXPECT_EQ(send(fd, request.data(), request.size(), MSG_NOSIGNAL),
            static_cast<ssize_t>(request.size()));
  std::string answer;
  char bytes[4'096];
  ssize_t got = 0;
  while (!is_whole(answer) && (got = recv(fd, bytes, sizeof(bytes), 0)) > 0) {
    answer.append(bytes, static_cast<std::size_t>(got));
  }
  close(fd);
  return answer;
}

StartError must_not_start(const Config& config) {
  auto server = Server::start(config);
  if (!server.ok()) return server.error();
  (*server)->drain();
  (*server)->join();
  return {.exit_code = 0, .text = (*server)->ready_line()};
}

TEST(Server, StartsAnswersOnBothPortsAndEnds) {
  auto server = Server::start(two_shards());
  ASSERT_TRUE(server.ok()) << server.error().text;
  const std::string line = (*server)->ready_line();
  EXPECT_TRUE(line.starts_with("millrace ready listen=127.0.0.1:")) << line;
  EXPECT_TRUE(line.ends_with(" shards=2 max_connections=100 broker=memory")) << line;
  EXPECT_NE(answer_of(port_of(line, "listen"), "/").find("millrace "), std::string::npos);
  EXPECT_TRUE(answer_of(port_of(line, "admin"), "/readyz").starts_with("HTTP/1.1 200"));
  EXPECT_NE(answer_of(port_of(line, "admin"), "/stats").find(R"("max_connections":100)"),
            std::string::npos);
  (*server)->drain();
  (*server)->join();
}

TEST(Server, OneAfterAnotherHoldTheSamePort) {
  Config config = two_shards();
  for (int i = 0; i < 3; ++i) {
    auto server = Server::start(config);
    ASSERT_TRUE(server.ok()) << server.error().text;
    config.server.listen[0].port = port_of((*server)->ready_line(), "listen");
    (*server)->drain();
    (*server)->join();
  }
}

TEST(Server, APortInUseIsExit74AndNamesIt) {
  auto first = Server::start(two_shards());
  ASSERT_TRUE(first.ok());
  const std::uint16_t taken = port_of((*first)->ready_line(), "admin");
  Config config = two_shards();
  config.server.admin.port = taken;
  const StartError admin = must_not_start(config);
  EXPECT_EQ(admin.exit_code, kExitAddress);
  EXPECT_NE(admin.text.find(std::to_string(taken)), std::string::npos) << admin.text;
  EXPECT_NE(admin.text.find("the admin address"), std::string::npos) << admin.text;
  config = two_shards();
  config.server.listen[0].port = taken;
  const StartError listen = must_not_start(config);
  EXPECT_EQ(listen.exit_code, kExitAddress);
  EXPECT_EQ(listen.text.find("the admin address"), std::string::npos) << listen.text;
  (*first)->drain();
  (*first)->join();
}

TEST(Server, AnotherOneJoinsAndTheFirstLeaves) {
  auto first = Server::start(two_shards());
  ASSERT_TRUE(first.ok()) << first.error().text;
  Config config = two_shards();
  config.join = true;
  config.server.listen[0].port = port_of((*first)->ready_line(), "listen");
  auto second = Server::start(config);
  ASSERT_TRUE(second.ok()) << second.error().text;
  EXPECT_FALSE((*first)->ended());
  (*first)->drain();
  (*first)->join();
  EXPECT_TRUE((*first)->ended());
  // All that come are the second one's.
  for (int i = 0; i < 20; ++i) {
    EXPECT_NE(answer_of(config.server.listen[0].port, "/").find("millrace "), std::string::npos);
  }
  (*second)->drain();
  (*second)->join();
}

TEST(Server, WhoJoinsNeedsAnAdminAddressOfItsOwn) {
  auto first = Server::start(two_shards());
  ASSERT_TRUE(first.ok());
  Config config = two_shards();
  config.join = true;
  config.server.listen[0].port = port_of((*first)->ready_line(), "listen");
  config.server.admin.port = port_of((*first)->ready_line(), "admin");
  const StartError error = must_not_start(config);
  EXPECT_EQ(error.exit_code, kExitAddress);
  EXPECT_NE(error.text.find("With --join it needs one of its own"), std::string::npos)
      << error.text;
  // The attempt has cost the first one nobody.
  for (int i = 0; i < 20; ++i) {
    EXPECT_NE(answer_of(config.server.listen[0].port, "/").find("millrace "), std::string::npos);
  }
  (*first)->drain();
  (*first)->join();
}

TEST(Server, AHurryEndsADrain) {
  Config config = two_shards();
  config.limits.drain_timeout = seconds(600);
  auto server = Server::start(config);
  ASSERT_TRUE(server.ok());
  const std::uint16_t port = port_of((*server)->ready_line(), "listen");
  const int silent = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in to{};
  to.sin_family = AF_INET;
  to.sin_port = htons(port);
  to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  ASSERT_EQ(connect(silent, reinterpret_cast<const sockaddr*>(&to), sizeof(to)), 0);
  EXPECT_TRUE(
      answer_of(port_of((*server)->ready_line(), "admin"), "/readyz").starts_with("HTTP/1.1 200"));
  (*server)->drain();
  (*server)->hurry();
  (*server)->join();
  EXPECT_NE((*server)->drained_line().find("1 were cut off in the end, 0 bytes"), std::string::npos)
      << (*server)->drained_line();
  close(silent);
}

TEST(Server, MoreConnectionsThanItsTablesHoldIsExit71WithTheFix) {
  Config config = two_shards();
  config.server.max_connections = 100'000'000;
  const StartError error = must_not_start(config);
  EXPECT_EQ(error.exit_code, kExitSystem);
  EXPECT_NE(error.text.find("max_connections 100000000 does not fit: 2 shards hold "),
            std::string::npos)
      << error.text;
  EXPECT_NE(error.text.find("ulimit -n"), std::string::npos) << error.text;
}

// What this kernel can't do and what could not be tried just now are different things.
TEST(Server, DescriptorsThatRunOutWhileTheKernelIsTriedAreExit71) {
  if (!can_close_direct_sockets().value()) GTEST_SKIP() << "this kernel needs no trial";
  StartError error;
  std::thread([&error] {
    refuse_on_this_thread({.number = SYS_socketpair, .error = EMFILE});
    error = must_not_start(two_shards());
  }).join();
  EXPECT_EQ(error.exit_code, kExitSystem) << error.text;
  EXPECT_NE(error.text.find("could not be tried"), std::string::npos) << error.text;
  EXPECT_NE(error.text.find("ulimit -n"), std::string::npos) << error.text;
}

TEST(Server, SaysSoWhereSocketsAreDescriptorsOfTheProcess) {
  const bool plain = !can_close_direct_sockets().value();
  testing::internal::CaptureStderr();
  auto server = Server::start(two_shards());
  const std::string log = testing::internal::GetCapturedStderr();
  ASSERT_TRUE(server.ok()) << server.error().text;
  EXPECT_EQ(log.find("bounds all connections together") != std::string::npos, plain) << log;
  EXPECT_EQ(log.find("Linux 6.13") != std::string::npos, plain) << log;
  (*server)->drain();
  (*server)->join();
}

// The rings take what the start found: none tries again, and none comes to another answer.
TEST(Server, AShardsRingTriesNothingItself) {
  SharedState shared(2, 10);
  const bool direct = can_close_direct_sockets().value();
  std::thread([&shared, direct] {
    refuse_on_this_thread({.number = SYS_socketpair, .error = EMFILE});
    AdminOptions admin;
    admin.direct = direct;
    const auto made = AdminShard::make(ShardId{1}, admin, shared, -1);
    EXPECT_TRUE(made.ok()) << made.error().text;
    ClientShardOptions client = client_shard_options(two_shards(), 1, 10);
    client.ring.direct = direct;
    const auto served = ClientShard::make(ShardId{0}, client, shared, {});
    EXPECT_TRUE(served.ok()) << served.error().text;
  }).join();
}

TEST(Server, ARequiredBrokerThatIsAwayIsExit69) {
  Config config = two_shards();
  config.broker.kind = BrokerKind::kNats;
  config.broker.nats = {"nats://user:secret@127.0.0.1:1"};
  config.broker.require = true;
  const StartError error = must_not_start(config);
  EXPECT_EQ(error.exit_code, kExitUnavailable);
  EXPECT_NE(error.text.find("nats://127.0.0.1:1"), std::string::npos) << error.text;
  EXPECT_EQ(error.text.find("secret"), std::string::npos) << error.text;
}

TEST(Server, AFileForNatsThatIsWrongIsExit78) {
  Config config = two_shards();
  config.broker.security.credentials = "/nowhere/nats.creds";
  EXPECT_EQ(must_not_start(config).exit_code, 0) << "without NATS nobody asks for it";
  config.broker.kind = BrokerKind::kNats;
  config.broker.nats = {"nats://127.0.0.1:1"};
  const StartError error = must_not_start(config);
  EXPECT_EQ(error.exit_code, kExitConfiguration);
  EXPECT_NE(error.text.find("broker.credentials: the file /nowhere/nats.creds"), std::string::npos)
      << error.text;
}

TEST(Server, ABrokerThatIsAwayIsNotReady) {
  Config config = two_shards();
  config.broker.kind = BrokerKind::kNats;
  config.broker.nats = {"nats://127.0.0.1:1"};
  auto server = Server::start(config);
  ASSERT_TRUE(server.ok()) << server.error().text;
  const std::string answer = answer_of(port_of((*server)->ready_line(), "admin"), "/readyz");
  EXPECT_TRUE(answer.starts_with("HTTP/1.1 503")) << answer;
  for (const char* cause : {"shard 0: NATS nats://127.0.0.1:1", "shard 1: NATS"}) {
    EXPECT_NE(answer.find(cause), std::string::npos) << answer;
  }
  (*server)->drain();
  (*server)->join();
}

TEST(ClientShardOptions, TellNatsWhatTheConfigurationSays) {
  Config config = two_shards();
  EXPECT_FALSE(client_shard_options(config, 2, 10).nats.has_value());
  config.broker.kind = BrokerKind::kNats;
  config.broker.nats = {"nats://a:1", "nats://b:2"};
  config.broker.subject_prefix = "staging";
  config.broker.security.credentials = "a.creds";
  config.broker.require = true;
  config.limits.publication_size = 5'000;
  config.namespaces["game"].interest = InterestMode::kPrefix;
  config.namespaces["chat"].interest = InterestMode::kChannel;
  const ClientShardOptions options = client_shard_options(config, 2, 10);
  ASSERT_TRUE(options.nats.has_value());
  EXPECT_EQ(options.nats->urls, config.broker.nats);
  EXPECT_EQ(options.nats->subject_prefix, "staging");
  EXPECT_EQ(options.nats->security, config.broker.security);
  EXPECT_EQ(options.nats->max_payload, 5'000U);
  EXPECT_EQ(options.nats->prefix_namespaces, std::vector<std::string>{"game"});
  EXPECT_TRUE(options.require_broker);
  EXPECT_TRUE(options.sessions.namespaces.by_name.at("game").prefix_interest);
  EXPECT_FALSE(options.sessions.namespaces.by_name.at("chat").prefix_interest);
  EXPECT_EQ(options.client_shards, 2U);
  EXPECT_EQ(options.ring.files, 10U);
}

}  // namespace
}  // namespace millrace
