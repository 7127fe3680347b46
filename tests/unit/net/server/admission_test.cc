#include "net/server/admission.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tests/support/shard_world.h"

namespace millrace {
namespace {

class AdmissionTest : public testing::Test {
 protected:
  static ClientShardOptions options() { return ShardWorld::insecure_options(); }

  // At most `limit` connections of each address. Proxies are 10.0.0.0/8.
  static std::unique_ptr<ShardWorld> addresses(std::uint32_t limit, std::size_t shards = 1,
                                               std::uint64_t cap = 1'000) {
    ClientShardOptions made = options();
    made.admission.trusted_proxies = {*parse_network("10.0.0.0/8")};
    return std::make_unique<ShardWorld>(made, shards, cap, 256, limit);
  }
  static FileSlot connect(ShardWorld& world, const char* from, std::size_t shard = 0) {
    set_this_shard(ShardId{static_cast<std::uint16_t>(shard)});
    const FileSlot file = world.ring(shard).connect(ShardWorld::kListener, ipv4_peer(from, 40'000));
    world.turn();
    return file;
  }
  static FileSlot connect_v6(ShardWorld& world, const char* from) {
    const FileSlot file = world.ring().connect(ShardWorld::kListener, ipv6_peer(from, 40'000));
    world.turn();
    return file;
  }
  static void leave(ShardWorld& world, FileSlot file, std::size_t shard = 0) {
    set_this_shard(ShardId{static_cast<std::uint16_t>(shard)});
    world.ring(shard).client_close(file);
    world.turn();
    EXPECT_FALSE(world.ring(shard).is_open(file));
  }
  static std::string status(ShardWorld& world, FileSlot file, std::size_t shard = 0) {
    const std::string answer = world.ring(shard).take_sent(file);
    return answer.empty() ? "nothing" : answer.substr(0, answer.find(' ', 9)).substr(9);
  }
  static std::uint64_t rejected(ShardWorld& world, RejectReason reason, std::size_t shard = 0) {
    return world.metrics(shard).rejected_total[static_cast<std::size_t>(reason)];
  }
  static std::string through_proxy(ShardWorld& world, const std::string& field,
                                   const char* proxy = "10.0.0.1") {
    const FileSlot file = connect(world, proxy);
    std::string request = ShardWorld::handshake();
    request.insert(request.size() - 2, field);
    world.send(file, request);
    return status(world, file);
  }
};

// --- Half-open -----------------------------------------------------------------------------------

TEST_F(AdmissionTest, HalfOpenEndsWithTheConnectCommand) {
  ClientShardOptions made = options();
  made.admission.half_open = 3;
  ShardWorld world(made);
  std::vector<FileSlot> open;
  for (int i = 0; i < 3; ++i) open.push_back(world.connect());
  EXPECT_EQ(world.metrics().half_open, 3U);
  EXPECT_EQ(status(world, open.back()), "nothing");
  EXPECT_EQ(status(world, world.connect()), "503");
  EXPECT_EQ(rejected(world, RejectReason::kHalfOpen), 1U);
  EXPECT_EQ(world.shared().connections.taken(), 3U) << "the cap has lost nothing";

  // The upgrade alone is not enough.
  world.send(open[0], ShardWorld::handshake());
  EXPECT_EQ(status(world, open[0]), "101");
  EXPECT_EQ(world.metrics().half_open, 3U);
  EXPECT_EQ(status(world, world.connect()), "503");
  world.send_text(open[0], R"({"id":1,"connect":{}})");
  EXPECT_EQ(world.metrics().half_open, 2U);
  const FileSlot next = world.connect();
  EXPECT_EQ(status(world, next), "nothing");
  EXPECT_EQ(status(world, world.connect()), "503");
}

TEST_F(AdmissionTest, HalfOpenEndsWithAWholeRequest) {
  ShardWorld world;
  const FileSlot file = world.connect();
  world.send(file, "GET / HTTP/1.1\r\nHost: a\r\n");
  EXPECT_EQ(world.metrics().half_open, 1U);
  world.send(file, "\r\n");
  EXPECT_EQ(world.metrics().half_open, 0U);
  world.send(file, "GET / HTTP/1.1\r\nHost: a\r\n\r\n");
  EXPECT_EQ(world.metrics().half_open, 0U) << "the second request changes nothing";
  // What turns into a WebSocket later has been a newcomer once.
  world.send(file, ShardWorld::handshake());
  EXPECT_EQ(world.metrics().half_open, 0U);
}

TEST_F(AdmissionTest, HalfOpenEndsWithTheClose) {
  ShardWorld world;
  const FileSlot silent = world.connect();
  const FileSlot gone = world.connect();
  const FileSlot garbage = world.connect();
  const FileSlot stale = world.open_websocket();
  EXPECT_EQ(world.metrics().half_open, 4U);
  leave(world, gone);
  EXPECT_EQ(world.metrics().half_open, 3U);
  world.send(garbage, "garbage\r\n\r\n");
  world.advance(milliseconds(1'010));
  EXPECT_EQ(world.metrics().half_open, 2U);
  // The handshake's deadline; the stale one's, and the close that is not answered.
  for (int i = 0; i < 20; ++i) world.advance(seconds(1));
  EXPECT_FALSE(world.ring().is_open(silent));
  EXPECT_FALSE(world.ring().is_open(stale));
  EXPECT_EQ(world.metrics().half_open, 0U);
}

// --- Addresses -----------------------------------------------------------------------------------

TEST_F(AdmissionTest, AnAddressHasItsLimitOnAllShardsTogether) {
  const auto world = addresses(4, 2);
  std::vector<FileSlot> held[2];
  for (std::size_t i = 0; i < 4; ++i) held[i % 2].push_back(connect(*world, "192.0.2.1", i % 2));
  for (const std::size_t shard : {0U, 1U}) {
    EXPECT_EQ(status(*world, held[shard].back(), shard), "nothing");
    const FileSlot refused = connect(*world, "192.0.2.1", shard);
    const std::string answer = world->ring(shard).take_sent(refused);
    EXPECT_TRUE(answer.starts_with("HTTP/1.1 429 Too Many Requests\r\n")) << answer;
    EXPECT_NE(answer.find("Retry-After: "), std::string::npos);
    EXPECT_EQ(rejected(*world, RejectReason::kAddress, shard), 1U);
  }
  EXPECT_EQ(status(*world, connect(*world, "192.0.2.2")), "nothing") << "others are not touched";
  EXPECT_EQ(world->shared().connections.taken(), 5U);

  // Room on one shard is room on the other, and for one only.
  leave(*world, held[0][0]);
  EXPECT_EQ(status(*world, connect(*world, "192.0.2.1", 1), 1), "nothing");
  EXPECT_EQ(status(*world, connect(*world, "192.0.2.1", 1), 1), "429");
}

TEST_F(AdmissionTest, AnIpv6CustomerIsAnAddress) {
  const auto world = addresses(1);
  EXPECT_EQ(status(*world, connect_v6(*world, "2001:db8::1")), "nothing");
  EXPECT_EQ(status(*world, connect_v6(*world, "2001:db8::ffff:1")), "429");
  EXPECT_EQ(status(*world, connect_v6(*world, "2001:db8:0:1::1")), "nothing");
}

TEST_F(AdmissionTest, WhoIsRefusedAtTheCapGivesItsAddressBack) {
  const auto world = addresses(10, 1, 1);
  const FileSlot first = connect(*world, "192.0.2.1");
  for (int i = 0; i < 20; ++i) EXPECT_EQ(status(*world, connect(*world, "192.0.2.2")), "503");
  world->advance(seconds(1));
  EXPECT_EQ(world->shared().addresses->cells_used(), 1U);
  leave(*world, first);
  EXPECT_EQ(world->shared().addresses->cells_used(), 0U);
}

// --- Proxies -------------------------------------------------------------------------------------

TEST_F(AdmissionTest, BehindAProxyTheClientsAddressCountsFromItsUpgrade) {
  const auto world = addresses(2);
  // The proxy itself may have more connections than that.
  for (int i = 0; i < 5; ++i) EXPECT_EQ(status(*world, connect(*world, "10.0.0.1")), "nothing");
  const std::string client = "X-Forwarded-For: 203.0.113.9, 192.0.2.1\r\n";
  EXPECT_EQ(through_proxy(*world, client), "101");
  EXPECT_EQ(through_proxy(*world, client, "10.0.0.2"), "101");
  EXPECT_EQ(through_proxy(*world, client), "429");
  EXPECT_EQ(rejected(*world, RejectReason::kAddress), 1U);
  EXPECT_EQ(through_proxy(*world, "X-Forwarded-For: 192.0.2.2\r\n"), "101");
  EXPECT_EQ(status(*world, connect(*world, "192.0.2.1")), "429") << "it is the same address";
}

TEST_F(AdmissionTest, AStrangersWordForItsAddressIsNotRead) {
  const auto world = addresses(1);
  EXPECT_EQ(through_proxy(*world, "X-Forwarded-For: 192.0.2.1\r\n", "198.51.100.1"), "101");
  EXPECT_EQ(status(*world, connect(*world, "198.51.100.1")), "429");
  EXPECT_EQ(status(*world, connect(*world, "192.0.2.1")), "nothing");
}

TEST_F(AdmissionTest, GarbageFromAProxyIs400AndSilenceCountsAsTheProxy) {
  const auto world = addresses(1);
  EXPECT_EQ(through_proxy(*world, "X-Forwarded-For: <script>\r\n"), "400");
  EXPECT_EQ(rejected(*world, RejectReason::kHandshake), 1U);
  EXPECT_EQ(through_proxy(*world, ""), "101");
  EXPECT_EQ(through_proxy(*world, ""), "429");
  EXPECT_EQ(through_proxy(*world, "", "10.0.0.2"), "101");
  EXPECT_EQ(through_proxy(*world, "Forwarded: for=192.0.2.1\r\n"), "429") << "not the field";
}

TEST_F(AdmissionTest, TheOtherFieldIsReadWhereItIsConfigured) {
  ClientShardOptions made = options();
  made.admission.trusted_proxies = {*parse_network("10.0.0.0/8")};
  made.admission.forwarded = ForwardedField::kForwarded;
  ShardWorld world(made, 1, 1'000, 256, 1);
  EXPECT_EQ(through_proxy(world, "Forwarded: for=192.0.2.1\r\nX-Forwarded-For: 1.1.1.1\r\n"),
            "101");
  EXPECT_EQ(through_proxy(world, "Forwarded: for=\"192.0.2.1:99\"\r\n"), "429");
}

TEST_F(AdmissionTest, EveryAddressIsGivenBackHoweverItsConnectionEnds) {
  const auto world = addresses(100);
  const FileSlot direct = connect(*world, "192.0.2.1");
  const FileSlot silent = connect(*world, "10.0.0.1");
  const FileSlot proxied = connect(*world, "10.0.0.1");
  std::string request = ShardWorld::handshake();
  request.insert(request.size() - 2, "X-Forwarded-For: 192.0.2.9\r\n");
  world->send(proxied, request);
  EXPECT_EQ(world->shared().addresses->cells_used(), 2U);
  leave(*world, direct);
  world->ring().client_reset(proxied);
  world->ring().client_reset(silent);
  world->turn();
  EXPECT_EQ(world->shared().addresses->cells_used(), 0U);
  EXPECT_EQ(world->metrics().half_open, 0U);
}

// --- How fast ------------------------------------------------------------------------------------

TEST_F(AdmissionTest, AcceptsArePacedAndNobodyIsRefusedForIt) {
  ClientShardOptions made = options();
  made.admission.accepts = TokenRate{.tokens = 10, .per = seconds(1), .burst = 5};
  ShardWorld world(made);
  const auto armed = [&world] { return world.ring().pending_accepts(ShardWorld::kListener); };
  EXPECT_EQ(armed(), 5U) << "a connection each is all that there are tokens for";
  for (int i = 0; i < 5; ++i) world.connect();
  EXPECT_EQ(armed(), 0U);
  world.advance(milliseconds(90));
  EXPECT_EQ(armed(), 0U);
  world.advance(milliseconds(20));
  EXPECT_EQ(armed(), 1U);
  for (int i = 0; i < 50; ++i) world.advance(milliseconds(100));
  EXPECT_EQ(armed(), 5U) << "no more is saved up than the burst";

  // As many in ten seconds as the rate says, however hard they push.
  std::uint64_t in = 0;
  for (int i = 0; i < 1'000; ++i) {
    for (; armed() > 0; ++in) leave(world, world.connect());
    world.advance(milliseconds(10));
  }
  EXPECT_GE(in, 100U);
  EXPECT_LE(in, 105U);
  std::uint64_t refused = 0;
  for (const std::uint64_t count : world.metrics().rejected_total) refused += count;
  EXPECT_EQ(refused, 0U);
}

// Who waits in the kernel's queue when a drain closes it would be reset.
TEST_F(AdmissionTest, ADrainTakesAllThatWait) {
  ClientShardOptions made = options();
  made.admission.accepts = TokenRate{.tokens = 1, .per = seconds(10), .burst = 2};
  ShardWorld world(made);
  for (int i = 0; i < 2; ++i) world.connect();
  EXPECT_EQ(world.ring().pending_accepts(ShardWorld::kListener), 0U);
  world.shared().draining.store(true);
  world.turn();
  for (int i = 0; i < 50; ++i) {
    ASSERT_GT(world.ring().pending_accepts(ShardWorld::kListener), 0U) << i;
    EXPECT_TRUE(world.ring().is_open(world.connect()));
  }
  EXPECT_EQ(world.metrics().connections, 52U);
}

TEST_F(AdmissionTest, TheConnectedAreServedWhileNewcomersWait) {
  ClientShardOptions made = options();
  made.admission.accepts = TokenRate{.tokens = 1, .per = seconds(10), .burst = 2};
  ShardWorld world(made);
  const FileSlot client = world.open_client();
  world.connect();
  EXPECT_EQ(world.ring().pending_accepts(ShardWorld::kListener), 0U);
  world.send_text(client, R"({"id":2,"subscribe":{"channel":"a"}})");
  EXPECT_EQ(world.texts(client).size(), 1U);
}

// --- Those who are refused -----------------------------------------------------------------------

TEST_F(AdmissionTest, AtTheCapAThousandSilentOnesAreAllTold) {
  ClientShardOptions made = options();
  constexpr std::uint32_t kCap = ClientShard::kRefusalSlots;
  made.connections.capacity = kCap + ClientShard::kRefusalSlots;
  ShardWorld world(made, 1, kCap, made.connections.capacity);
  std::vector<FileSlot> clients;
  for (std::uint32_t i = 0; i < kCap; ++i) clients.push_back(world.open_client());
  std::uint64_t told = 0;
  for (int i = 0; i < 1'000; ++i) {
    // Time stands still: nobody's linger ends.
    ASSERT_GT(world.ring().pending_accepts(ShardWorld::kListener), 0U) << i;
    if (status(world, world.connect()) == "503") ++told;
  }
  EXPECT_EQ(told, 1'000U);
  EXPECT_EQ(rejected(world, RejectReason::kConnectionLimit), 1'000U);
  EXPECT_EQ(world.ring().open_slots(), kCap + ClientShard::kRefusalSlots / 4);
  for (const FileSlot client : clients) {
    world.send_text(client, R"({"id":2,"subscribe":{"channel":"a"}})");
    EXPECT_EQ(world.texts(client).size(), 1U);
  }
  world.advance(milliseconds(260));
  EXPECT_EQ(world.ring().open_slots(), kCap);
}

TEST_F(AdmissionTest, WhoIsRefusedLingersWhereThereAreSlotsToSpare) {
  ClientShardOptions made = options();
  made.connections.capacity = 250;
  ShardWorld world(made, 1, 1);
  world.open_client();
  std::vector<FileSlot> refused;
  for (int i = 0; i < 200; ++i) refused.push_back(world.connect());
  for (const FileSlot file : refused) EXPECT_TRUE(world.ring().is_open(file));
  // Those who left are not in the way of those who come.
  for (const FileSlot file : refused) leave(world, file);
  for (int i = 0; i < 200; ++i) refused[static_cast<std::size_t>(i)] = world.connect();
  for (const FileSlot file : refused) EXPECT_TRUE(world.ring().is_open(file));
}

TEST_F(AdmissionTest, ABurstOfSilentOnesIsToldAsFastAsTheLoopTurns) {
  ClientShardOptions made = options();
  made.connections.capacity = ClientShard::kRefusalSlots + 1;
  ShardWorld world(made, 1, 1, ClientShard::kRefusalSlots + 1);
  world.open_client();
  set_this_shard(ShardId{0});
  std::uint64_t connected = 0;
  int turns = 0;
  while (connected < 1'000) {
    while (world.ring().pending_accepts(ShardWorld::kListener) > 0) {
      world.ring().connect(ShardWorld::kListener);
      ++connected;
    }
    world.turn_one(0);
    ASSERT_LT(++turns, 500) << "of time that stands still";
  }
  EXPECT_EQ(world.metrics().accept_errors_total, 0U);
}

TEST_F(AdmissionTest, TheLogTellsOfEachReasonOnceInTenSeconds) {
  ClientShardOptions made = options();
  made.admission.half_open = 1;
  testing::internal::CaptureStderr();
  {
    ShardWorld world(made);
    world.connect();
    for (int i = 0; i < 5; ++i) connect(world, "192.0.2.1");
    for (int i = 0; i < 9; ++i) world.advance(seconds(1));
    connect(world, "192.0.2.2");
    world.advance(milliseconds(1'100));
    world.connect();  // the first one's handshake took too long
    connect(world, "192.0.2.3");
  }
  const std::string log = testing::internal::GetCapturedStderr();
  EXPECT_NE(log.find("refused 192.0.2.1:40000 (half_open)\n"), std::string::npos) << log;
  EXPECT_EQ(log.find("192.0.2.2"), std::string::npos) << log;
  EXPECT_NE(log.find("refused 192.0.2.3:40000 (half_open) (5 more were not logged)\n"),
            std::string::npos)
      << log;
}

TEST_F(AdmissionTest, ListenersShareWhatIsFreeAtTheCap) {
  Random random(1);
  ShardMetrics metrics;
  ManualClock clock;
  RecvBuffers buffers(1, 64);
  MemRing ring(buffers, 128);
  Reactor reactor(ring, clock);
  ConnectionTable table(reactor, buffers, metrics, {.capacity = 128});
  Quota quota(10);
  AdmissionLimits limits;
  const Admission admission(limits, table, quota, nullptr, random, metrics);
  EXPECT_EQ(admission.bank(1), 32U);
  EXPECT_EQ(admission.bank(2), 16U);
  EXPECT_EQ(admission.bank(16), 2U);
  EXPECT_EQ(admission.bank(1'000), 1U);
  limits.accepts = TokenRate{.tokens = 1, .per = seconds(1), .burst = 6};
  EXPECT_EQ(admission.bank(2), 3U);
}

}  // namespace
}  // namespace millrace
