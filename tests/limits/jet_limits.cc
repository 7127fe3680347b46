// What may wait for JetStream, and how long. It is a model that is silent, or has no leader, so
// that what waits keeps waiting.
#include <string>

#include "core/hub/stream_store.h"
#include "net/jet/info_header.h"
#include "tests/limits/limit.h"
#include "tests/support/jet_world.h"

namespace millrace {
namespace {

Duration ms(std::uint64_t n) { return milliseconds(static_cast<std::int64_t>(n)); }
std::uint64_t in_ms(Duration span) { return static_cast<std::uint64_t>(span.to_ms()); }
std::string text_of(std::size_t size) { return '"' + std::string(size - 2, 'x') + '"'; }

std::string questions(std::uint64_t n) {
  JetWorld world(JetLimits{.questions = 5});
  world.link->model.silent = true;
  for (std::uint64_t i = 0; i < n; ++i) world.ask("a:x");
  return unless(world.hub.answers.empty(), "unavailable");
}

// Of channels that nobody here listens to: each has one at the reader.
std::string open_reads(std::uint64_t n) {
  JetWorld world;
  world.link->model.silent = true;
  for (std::uint64_t i = 0; i < n; ++i) {
    world.broker->read_history("a:x", {}, JetWorld::namespaces()[0].kept, i, world.now);
  }
  return unless(world.metrics.stream_refused_total == 0, "unavailable");
}

std::string removals(std::uint64_t n) {
  JetWorld world;
  world.link->model.silent = true;
  for (std::uint64_t i = 0; i < n; ++i) world.broker->remove_history("a:x", i, world.now);
  return unless(world.hub.answers.empty(), "unavailable");
}

// A listener of a:x that has lost the second message.
void open_hole(JetWorld& world, const std::string& channel) {
  world.link->model.silent = false;
  world.listen(channel);
  world.read(channel);
  world.publish(channel, "1");
  world.publish_unheard(channel, "2");
  world.link->model.silent = true;
  world.publish(channel, "3");
}

std::string holes(std::uint64_t n) {
  JetWorld world(JetLimits{.filling = 3});
  for (std::uint64_t i = 0; i < n; ++i) open_hole(world, "a:" + std::to_string(i));
  return unless(world.metrics.stream_lost_total == 0, "lost");
}

std::string held_messages(std::uint64_t n) {
  JetWorld world(JetLimits{.held_messages = 6});
  open_hole(world, "a:x");
  for (std::uint64_t i = 1; i < n; ++i) world.publish("a:x", "4");
  return unless(world.metrics.stream_lost_total == 0, "lost");
}

std::string held_bytes(std::uint64_t n) {
  JetWorld world(JetLimits{.held_bytes = 1'000});
  open_hole(world, "a:x");  // holds one message of one byte
  const std::size_t each = sizeof(LiveMessage);
  world.publish("a:x", text_of(n - 2 * each - 1));
  return unless(world.metrics.stream_lost_total == 0, "lost");
}

std::string hole_messages(std::uint64_t n) {
  JetWorld world;
  world.listen("a:x");
  world.read("a:x");
  world.publish("a:x", "0");
  world.stream().per_subject = 10'000;
  for (std::uint64_t i = 0; i < n; ++i) {
    world.link->model.store(world.stream(), {.subject = "a.x", .data = "1"}, false);
  }
  world.publish("a:x", "2");
  return unless(world.metrics.stream_lost_total == 0, "lost");
}

// Several messages: each is as large as a payload may be at most.
std::string hole_bytes(std::uint64_t n) {
  JetWorld world;
  world.listen("a:x");
  world.read("a:x");
  world.publish("a:x", "0");
  const std::size_t most = 1'000'000;
  world.stream().per_subject = 100;
  for (std::uint64_t left = n; left > 0;) {
    const std::uint64_t size = left > most ? most : left;
    world.link->model.store(world.stream(), {.subject = "a.x", .data = text_of(size)}, false);
    left -= size;
  }
  world.publish("a:x", "2");
  return unless(world.metrics.stream_lost_total == 0, "lost");
}

std::string cached(std::uint64_t n) {
  JetWorld world(JetLimits{.cache_bytes = 1'000});
  world.listen("a:x");
  world.read("a:x");
  world.publish("a:x", text_of(n - EdgeCache::kOverhead));
  return unless(world.broker->cache().bytes() > 0, "not cached");
}

std::string page(std::uint64_t n) {
  JetWorld world(JetLimits{.page_bytes = 1'000});
  world.publish("a:x", "1");
  world.publish("a:x", text_of(n - 2 * StreamStore::kPageEnvelope - 1));
  return unless(world.recover("a:x", 0).find("complete") != std::string::npos, "cut");
}

std::string publications(std::uint64_t n) {
  JetWorld world;
  world.link->model.elects = true;
  for (std::uint64_t i = 0; i < n; ++i) {
    world.broker->publish({.channel = "a:x", .data = "1"}, {}, i, world.now);
  }
  return unless(world.hub.answers.empty(), "unavailable");
}

std::string publication_bytes(std::uint64_t n) {
  JetWorld world;
  world.link->model.elects = true;
  const std::size_t most = 1'000'000;
  for (std::uint64_t left = n; left > 0;) {
    const std::uint64_t size = left > most ? most : left;
    world.broker->publish({.channel = "a:x", .data = text_of(size)}, {}, 1, world.now);
    left -= size;
  }
  return unless(world.hub.answers.empty(), "unavailable");
}

std::string info(std::uint64_t n) {
  // Base64 of {"user":"..."}; every fourth letter more.
  const std::size_t json = n / 4 * 3;
  return unless(!info_to_header({.user = std::string(json - 11, 'u')}).empty(), "nobody's");
}

std::string answered_within(std::uint64_t n) {
  JetWorld world;
  world.link->model.silent = true;
  world.ask("a:x");
  world.pass(ms(n));
  return unless(world.hub.answers.empty(), "unavailable");
}

std::string closed_within(std::uint64_t n) {
  JetWorld world;
  open_hole(world, "a:x");
  world.pass(ms(n));
  return unless(world.metrics.stream_lost_total == 0, "lost");
}

std::string stored_within(std::uint64_t n) {
  JetWorld world;
  world.link->model.elects = true;
  world.broker->publish({.channel = "a:x", .data = "1"}, {}, 1, world.now);
  world.turn();
  world.pass(ms(n));
  return unless(world.hub.answers.empty(), "unavailable");
}

Limits waiting_limits() {
  return {
      {.name = "questions about streams that wait",
       .covers = {"JetLimits.questions"},
       .value = 5,
       .unit = "questions",
       .refusal = "unavailable",
       .attempt = questions},
      {.name = "questions that are asked of streams",
       .covers = {"stream_reader.h:kMaxOpen"},
       .value = StreamReader::kMaxOpen,
       .unit = "questions",
       .refusal = "unavailable",
       .attempt = open_reads},
      {.name = "removals of histories at a time",
       .covers = {"jet_remover.h:kMaxOpen"},
       .value = JetRemover::kMaxOpen,
       .unit = "removals",
       .refusal = "unavailable",
       .attempt = removals},
      {.name = "publications to streams without an acknowledgement",
       .covers = {"jet_publisher.h:kMaxJobs"},
       .value = JetPublisher::kMaxJobs,
       .unit = "publications",
       .refusal = "unavailable",
       .attempt = publications},
      {.name = "bytes of publications to streams without an acknowledgement",
       .covers = {"jet_publisher.h:kMaxBytes"},
       .value = JetPublisher::kMaxBytes,
       .unit = "bytes",
       .refusal = "unavailable",
       .attempt = publication_bytes,
       .step = 2},
      {.name = "header of who published",
       .covers = {"info_header.h:kMaxInfoHeader"},
       .value = kMaxInfoHeader,
       .unit = "bytes",
       .refusal = "nobody's",
       .attempt = info,
       .step = 4},
  };
}

Limits hole_limits() {
  return {
      {.name = "channels with a hole",
       .covers = {"JetLimits.filling"},
       .value = 3,
       .unit = "channels",
       .refusal = "lost",
       .attempt = holes},
      {.name = "messages behind a hole",
       .covers = {"JetLimits.held_messages"},
       .value = 6,
       .unit = "messages",
       .refusal = "lost",
       .attempt = held_messages},
      {.name = "bytes behind holes",
       .covers = {"JetLimits.held_bytes"},
       .value = 1'000,
       .unit = "bytes",
       .refusal = "lost",
       .attempt = held_bytes},
      {.name = "messages of a hole",
       .covers = {"jet_broker_holes.cc:kMostFilled"},
       .value = 4'096,
       .unit = "messages",
       .refusal = "lost",
       .attempt = hole_messages},
      {.name = "bytes of a hole",
       .covers = {"jet_broker_holes.cc:kMostFilledBytes"},
       .value = 4 * 1'048'576,
       .unit = "bytes",
       .refusal = "lost",
       .attempt = hole_bytes,
       .step = 2},
      {.name = "recent publications of streams in memory",
       .covers = {"JetLimits.cache_bytes", "edge_cache.h:kBytes"},
       .value = 1'000,
       .unit = "bytes",
       .refusal = "not cached",
       .attempt = cached},
      {.name = "page of a stream",
       .covers = {"JetLimits.page_bytes"},
       .value = 1'000,
       .unit = "bytes",
       .refusal = "cut",
       .attempt = page},
  };
}

Limits deadline_limits() {
  return {
      {.name = "answer about a stream",
       .covers = {"jet_broker.h:kAnswerPatience"},
       .value = in_ms(JetBroker::kAnswerPatience),
       .unit = "ms",
       .refusal = "unavailable",
       .attempt = answered_within,
       .edge = Edge::kDeadline},
      {.name = "hole in a stream",
       .covers = {"jet_broker.h:kFillPatience"},
       .value = in_ms(JetBroker::kFillPatience),
       .unit = "ms",
       .refusal = "lost",
       .attempt = closed_within,
       .edge = Edge::kDeadline},
      {.name = "acknowledgement of a publication by a stream",
       .covers = {"jet_publisher.h:kPatience"},
       .value = in_ms(JetPublisher::kPatience),
       .unit = "ms",
       .refusal = "unavailable",
       .attempt = stored_within,
       .edge = Edge::kDeadline},
  };
}

}  // namespace

Limits jet_limits() {
  Limits all = waiting_limits();
  for (Limits more : {hole_limits(), deadline_limits()}) {
    all.insert(all.end(), more.begin(), more.end());
  }
  return all;
}

}  // namespace millrace
