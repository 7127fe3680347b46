// What nodes let each other make grow: who is known, what is asked, and what is kept of answers.
#include <string>
#include <vector>

#include "net/nodes/cluster_presence.h"
#include "net/nodes/node_directory.h"
#include "net/nodes/node_subjects.h"
#include "net/server/readiness.h"
#include "tests/limits/limit.h"
#include "tests/support/gather_world.h"
#include "tests/support/node_world.h"

namespace millrace {
namespace {

constexpr Instant kStart{1'000'000'000};

Duration ns(std::uint64_t n) { return nanoseconds(static_cast<std::int64_t>(n)); }

std::string nodes(std::uint64_t n) {
  Random random(1);
  NodeDirectory directory(NodeId::random(random));
  for (std::uint64_t i = 0; i < n; ++i) {
    directory.heard({.id = NodeId::random(random), .number = 1}, kStart);
  }
  CHECK_EQ(directory.others().size() + directory.stats().refused, n);
  return unless(directory.stats().refused == 0, "refused");
}

// A node and what becomes of it after so long.
std::string silence(std::uint64_t n) {
  Random random(1);
  NodeDirectory directory(NodeId::random(random));
  const NodeId other = NodeId::random(random);
  directory.hears(true, kStart);
  directory.heard({.id = other, .number = 1}, kStart);
  directory.expire(kStart + ns(n));
  return unless(directory.known(other), "gone");
}

std::string settling(std::uint64_t n) {
  NodeDirectory directory{NodeId()};
  directory.hears(true, kStart);
  return unless(directory.settled(kStart + ns(n)), "waits");
}

NodeBeat some_beat() {
  Random random(1);
  return {.id = NodeId::random(random), .number = 1};
}

std::string beat_bytes(std::uint64_t n) {
  std::string json = node_beat_json(some_beat());
  json.resize(n, ' ');
  return unless(NodeBeatReader().read(json).has_value(), "dropped");
}

std::string node_name(std::uint64_t n) {
  std::string json = node_beat_json(some_beat());
  json.replace(json.find(R"("name":"")"), 9, R"("name":")" + std::string(n, 'n') + '"');
  return unless(NodeBeatReader().read(json).has_value(), "dropped");
}

std::string inbox(std::uint64_t n) {
  std::string subject = "_INBOX.";
  subject.resize(n, 'x');
  return unless(is_inbox(subject), "dropped");
}

std::string presence_bytes(std::uint64_t n) {
  std::string json = presence_counts_json({1, 1}, {});
  json.resize(n, ' ');
  return unless(PresenceReader().answer(json).has_value(), "dropped");
}

std::string listed_members(std::uint64_t n) {
  std::vector<std::string> ids;
  for (std::uint64_t i = 0; i < n; ++i) ids.push_back(std::to_string(i));
  std::vector<ClientInfo> members;
  for (const std::string& id : ids) members.push_back({.client = id});
  const std::string json = presence_list_json({1, 1}, members);
  return unless(PresenceReader().answer(json).has_value(), "dropped");
}

std::string digests(std::uint64_t n) {
  const std::vector<std::uint64_t> users(n, 1);
  const std::string json = presence_counts_json({static_cast<std::uint32_t>(n), 1}, users);
  return unless(PresenceReader().answer(json).has_value(), "dropped");
}

std::string client_id(std::uint64_t n) {
  const std::string id(n, 'c');
  const std::string json = presence_list_json({1, 1}, std::vector<ClientInfo>{{.client = id}});
  return unless(PresenceReader().answer(json).has_value(), "dropped");
}

std::string gathers(std::uint64_t n) {
  GatherWorld world;
  world.know(1);
  for (std::uint64_t i = 0; i < n; ++i) world.ask(i, "room" + std::to_string(i));
  return unless(world.told.empty(), "error 100");
}

std::string askers(std::uint64_t n) {
  GatherWorld world;
  world.know(1);
  for (std::uint64_t i = 0; i < n; ++i) world.ask(i);
  return unless(world.told.empty(), "error 100");
}

std::string patience(std::uint64_t n) {
  GatherWorld world;
  world.know(1);
  world.ask(1);
  const auto asked = world.questions();
  world.turn(ns(n) - milliseconds(1));  // one has passed
  return unless(world.told.empty(), "error 100");
}

std::string kept_for(std::uint64_t n) {
  GatherWorld world;
  world.know(1);
  world.ask(1);
  const auto asked = world.questions();
  world.reply(asked[0], GatherWorld::counts(1, {1}));
  world.now = world.now + ns(n);
  world.ask(2);
  return unless(world.told.size() == 2, "asked again");
}

std::string answers_kept(std::uint64_t n) {
  GatherWorld world;
  for (std::uint64_t i = 0; i < n; ++i) world.ask(i, "room" + std::to_string(i));
  return unless(world.gather->kept() == n, "forgotten");
}

// So many bytes in answers of nearly a megabyte each.
std::string kept_bytes(std::uint64_t n) {
  constexpr std::uint64_t kAround = 256 + 2 * 3 + 5 + 4 * 4 + 1;
  constexpr std::uint64_t kEach = 900'000;
  GatherWorld world(2'000'000);
  world.know(1);
  std::uint64_t left = n;
  std::size_t answers = 0;
  for (char channel = 'a'; left > 0; ++channel, ++answers) {
    // Never a rest that an answer does not fit into.
    const std::uint64_t size = left <= kEach ? left : left < kEach + 10'000 ? left / 2 : kEach;
    left -= size;
    const std::string info = '"' + std::string(size - kAround - 2, 'x') + '"';
    world.ask(1, std::string("r") + channel, false);
    const auto asked = world.questions();
    world.reply(
        asked.at(0),
        presence_list_json({1, 1}, std::vector<ClientInfo>{{.client = "c", .conn_info = info}}));
    CHECK_EQ(world.last.listed, 1U);
  }
  return unless(world.gather->kept() == answers, "forgotten");
}

// A node of two shards, and a channel that its second shard owns.
struct TwoShards : NodeWorld {
  explicit TwoShards(std::size_t list_bytes = PresenceLimits().list_bytes,
                     std::size_t lane = MailboxNetwork::kLaneCapacity) {
    limits.list_bytes = list_bytes;
    node = &start("a", lane);
    settle();
    while (hash_bytes(far) % kShards != 1) far += "x";
  }

  Node* node = nullptr;
  std::string far = "far";
};

// Asked one after the other, while the shard that asked does not take what comes.
std::string bytes_between_shards(std::uint64_t n) {
  constexpr std::uint64_t kAround = 5 + 4 * 4 + 1;  // of a packed member
  TwoShards world(64U * 1024U * 1024U);
  NodeShard& asking = *world.node->shards[0];
  NodeShard& owner = *world.node->shards[1];
  const std::string info(n - 1 - kAround, '1');
  owner.broker->add_member(world.far, {.client = "c", .conn_info = info}, {.members = true},
                           world.now);
  const RequestToken first = asking.ask(world.far, false, world.now);
  owner.mailbox.drain(world.now);
  const RequestToken second = asking.ask(world.far, false, world.now);
  owner.mailbox.drain(world.now);
  asking.mailbox.drain(world.now);
  CHECK(asking.answers.at(first).available);
  return unless(asking.answers.at(second).available, "error 100");
}

std::string asked_of_shards(std::uint64_t n) {
  TwoShards world(PresenceLimits().list_bytes, 2 * ClusterPresence::kMaxAsked);
  NodeShard& asking = *world.node->shards[0];
  for (std::uint64_t i = 0; i < n; ++i) asking.ask(world.far, true, world.now);
  return unless(asking.answers.empty(), "error 100");
}

std::string without_nats(std::uint64_t n) {
  ReadinessFacts facts;
  facts.max_connections = 1;
  facts.shards.resize(1);
  facts.shards[0].broker_ready = false;
  facts.shards[0].broker_away = ns(n);
  return unless(find_causes(facts).empty(), "not ready");
}

std::uint64_t in_ns(Duration span) { return static_cast<std::uint64_t>(span.ns); }

}  // namespace

Limits node_limits() {
  Limits all;
  const auto add = [&all](const char* name, const char* covers, std::uint64_t value,
                          const char* unit, const char* refusal,
                          std::string (*attempt)(std::uint64_t), Edge edge = Edge::kMost,
                          std::uint64_t step = 1) {
    all.push_back({name, {covers}, value, unit, refusal, attempt, edge, step});
  };
  add("other nodes that are known", "node_directory.h:kMaxNodes", NodeDirectory::kMaxNodes, "nodes",
      "refused", nodes);
  add("silence of a node", "node_directory.h:kGoneAfter", in_ns(NodeDirectory::kGoneAfter), "ns",
      "gone", silence, Edge::kDeadline);
  add("time for all nodes to be heard", "node_directory.h:kSettle", in_ns(NodeDirectory::kSettle),
      "ns", "waits", settling, Edge::kLeast);
  add("a node's beat", "node_beat.h:kMaxNodeBeat", kMaxNodeBeat, "bytes", "dropped", beat_bytes);
  add("a node's name", "node_beat.h:kMaxNodeText", kMaxNodeText, "bytes", "dropped", node_name);
  add("an inbox of another node's question", "node_subjects.cc:kMaxInbox", 256, "bytes", "dropped",
      inbox);
  add("a message of presence between nodes", "presence_wire.h:kMaxPresenceBody", kMaxPresenceBody,
      "bytes", "dropped", presence_bytes);
  add("members in a message between nodes", "presence_wire.h:kMaxListed", kMaxListed, "members",
      "dropped", listed_members);
  add("users of a node that are compared", "presence_wire.h:kUsersCompared", kUsersCompared,
      "users", "dropped", digests);
  add("a client's id between nodes", "presence_wire.cc:kMaxClientId", 64, "bytes", "dropped",
      client_id);
  add("channels that other nodes are asked of at a time", "presence_gather.h:kMaxGathers",
      PresenceGather::kMaxGathers, "channels", "error 100", gathers);
  add("clients that wait for other nodes", "presence_gather.h:kMaxAskers",
      PresenceGather::kMaxAskers, "clients", "error 100", askers);
  add("time for other nodes to answer", "presence_gather.h:kPatience",
      in_ns(PresenceGather::kPatience), "ns", "error 100", patience, Edge::kDeadline,
      in_ns(TimerWheel::kTick));
  add("age of what other nodes said", "presence_gather.h:kKept", in_ns(PresenceGather::kKept), "ns",
      "asked again", kept_for, Edge::kDeadline);
  add("answers of other nodes that are kept", "presence_gather.h:kMaxKept",
      PresenceGather::kMaxKept, "channels", "forgotten", answers_kept);
  add("bytes of other nodes' answers that are kept", "presence_gather.h:kKeptBytes",
      PresenceGather::kKeptBytes, "bytes", "forgotten", kept_bytes);
  add("bytes of members on the way from shard to shard of a node in a cluster",
      "cluster_presence.h:kAnswerBytes", ClusterPresence::kAnswerBytes, "bytes", "error 100",
      bytes_between_shards);
  add("questions after presence that wait for another shard", "cluster_presence.h:kMaxAsked",
      ClusterPresence::kMaxAsked, "questions", "error 100", asked_of_shards);
  add("time without NATS in which a node is ready", "readiness.h:kBrokerGrace", in_ns(kBrokerGrace),
      "ns", "not ready", without_nats, Edge::kDeadline);
  return all;
}

}  // namespace millrace
