// Sockets of a shard: how many, what waits to be sent to each, what is read into.
#include <sys/socket.h>

#include <algorithm>

#include "net/tcp/send_queue.h"
#include "tests/limits/config_world.h"
#include "tests/limits/limit.h"

namespace millrace {
namespace {

// Exactly `n` bytes wait for a client that takes none.
std::string queued(std::uint64_t n) {
  ConfigWorld world(Settings{{"LIMITS_QUEUE_SIZE", "64KiB"}, {"LIMITS_PUBLICATION_SIZE", "64KiB"}});
  const FileSlot client = world.open_client();
  world.send_text(client, R"({"id":2,"subscribe":{"channel":"news"}})");
  static_cast<void>(world.frames(client));
  world.ring().set_send_budget(client, 0);
  const FileSlot publisher = world.connect();
  constexpr std::size_t kFirst = 30'000;
  world.send(publisher, publish_request("news", kFirst));
  const std::uint64_t first = world.metrics().queued_bytes;
  world.send(publisher, publish_request("news", n - first - (first - kFirst)));
  const std::string closed = counted_close(world.metrics());
  if (closed.empty()) CHECK_EQ(world.metrics().queued_bytes, n);
  world.ring().clear_send_budget(client);
  return closed;
}

// Pieces of a busy client that lie in receive buffers at once; the next one waits in the kernel.
std::string pieces_received(std::uint64_t n) {
  ConfigWorld world(Settings{{"LIMITS_RECV_BUFFERS", "8"}, {"LIMITS_RECV_BUFFER_SIZE", "256B"}});
  const FileSlot client = world.open_client();
  world.make_busy(client, client_frame(Opcode::kPing, ""));
  const std::string message = R"({"id":2,"subscribe":{"channel":"a"}})";
  const std::string frame =
      client_frame(Opcode::kText, message + std::string(n * 256 - message.size() - 8, ' '));
  CHECK_EQ(frame.size(), n * 256);
  world.send(client, frame);
  CHECK_EQ(world.frames(client).size(), 1U);  // all was read in the end
  return unless(world.metrics().recv_parked_total == 0, "parked");
}

std::string bytes_in_a_buffer(std::uint64_t n) {
  ConfigWorld world(Settings{{"LIMITS_RECV_BUFFER_SIZE", "1KiB"}});
  const FileSlot client = world.connect();
  world.make_busy(client, "GET / HTTP/1.1\r\nHost: a\r\n\r\n");
  const std::size_t before = world.ring().free_buffers();
  world.ring().client_send(client, std::string(n, 'x'));
  const std::size_t used = before - world.ring().free_buffers();
  world.turn();
  return unless(used == 1, "a second buffer");
}

// The kernel keeps twice of what is asked for, for its own bookkeeping (socket(7)).
std::string kernel_buffer(std::uint64_t n) {
  const Config config = config_of({{"LIMITS_KERNEL_SEND_BUFFER", "64KiB"}});
  const ListenOptions options{.send_buffer =
                                  static_cast<std::uint32_t>(config.limits.kernel_send_buffer)};
  const auto group = listen_on("127.0.0.1:0", 1, options);
  CHECK(group.ok());
  int bytes = 0;
  socklen_t size = sizeof(bytes);
  CHECK_EQ(getsockopt(group->sockets[0].fd(), SOL_SOCKET, SO_SNDBUF, &bytes, &size), 0);
  return unless(n * 2 <= static_cast<std::uint64_t>(bytes), "waits in our queue");
}

std::string gathered_pieces(std::uint64_t n) {
  SendQueue queue;
  for (std::uint64_t i = 0; i < n; ++i) queue.push(SharedBytes::copy_of("x"));
  const auto gathered = queue.gather();
  CHECK(gathered.message != nullptr);
  const std::uint64_t pieces = gathered.message->msg_iovlen;
  queue.clear();
  return unless(pieces == n, "goes with the next send");
}

std::string gathered_bytes(std::uint64_t n) {
  SendQueue queue;
  queue.push(SharedBytes::copy_of("x"));
  queue.push(SharedBytes::copy_of(std::string(n - 1, 'x')));
  static_cast<void>(queue.gather());
  const std::uint64_t bytes = queue.gathered_bytes();
  queue.clear();
  return unless(bytes == n, "goes with the next send");
}

// Queues that have room for one or two pieces, so that they add up to exactly `n` bytes.
std::string kept_queues(std::uint64_t n) {
  SendQueue one;
  one.push(SharedBytes::copy_of("x"));
  const std::uint64_t pieces = one.memory() / sizeof(SharedBytes);  // in units of one more piece
  const std::uint64_t units = n / sizeof(SharedBytes);
  SendQueuePool pool;
  for (std::uint64_t i = 0; i < units / pieces; ++i) {
    auto queue = std::make_unique<SendQueue>();
    queue->push(SharedBytes::copy_of("x"));
    if (i < units % pieces) queue->push(SharedBytes::copy_of("x"));
    queue->clear();
    pool.give_back(std::move(queue));
  }
  return unless(pool.kept_bytes() == n, "freed");
}

std::string kept_room(std::uint64_t n) {
  auto queue = std::make_unique<SendQueue>();
  // A vector grows in steps of its own; one made of n pieces in one go has room for just those.
  while (queue->room() < n) queue->push(SharedBytes::copy_of("x"));
  const std::size_t room = queue->room();
  queue->advance(queue->bytes());
  SendQueuePool pool;
  pool.give_back(std::move(queue));
  return unless(pool.take()->room() == room, "freed");
}

Limits limits_of_sockets() {
  const ClientShardOptions options =
      options_of({{"LIMITS_QUEUE_SIZE", "64KiB"}, {"LIMITS_PUBLICATION_SIZE", "64KiB"}});
  return {
      {.name = "bytes that wait for a client, a publication's surroundings included",
       .covers = {"limits.queue_size", "ConnectionLimits.queue_bytes"},
       .value = options.connections.queue_bytes,
       .unit = "bytes",
       .refusal = "close 3008",
       .attempt = queued},
      {.name = "receive buffers of a shard",
       .covers = {"limits.recv_buffers", "ClientShardOptions.recv_buffers"},
       .value = 8,
       .unit = "buffers",
       .refusal = "parked",
       .attempt = pieces_received},
      {.name = "size of a receive buffer",
       .covers = {"limits.recv_buffer_size", "ClientShardOptions.recv_buffer_size"},
       .value = 1'024,
       .unit = "bytes",
       .refusal = "a second buffer",
       .attempt = bytes_in_a_buffer},
      {.name = "the kernel's send buffer of a client",
       .covers = {"limits.kernel_send_buffer", "ListenOptions.send_buffer"},
       .value = 64 * 1'024,
       .unit = "bytes",
       .refusal = "waits in our queue",
       .attempt = kernel_buffer},
  };
}

Limits limits_of_sending() {
  return {
      {.name = "pieces of one send",
       .covers = {"send_queue.h:kMaxGather"},
       .value = SendQueue::kMaxGather,
       .unit = "pieces",
       .refusal = "goes with the next send",
       .attempt = gathered_pieces},
      {.name = "bytes of one send",
       .covers = {"send_queue.h:kMaxGatherBytes"},
       .value = SendQueue::kMaxGatherBytes,
       .unit = "bytes",
       .refusal = "goes with the next send",
       .attempt = gathered_bytes},
      {.name = "send queues kept for later",
       .covers = {"send_queue.h:kMaxKeptBytes"},
       .value = SendQueuePool::kMaxKeptBytes,
       .unit = "bytes",
       .refusal = "freed",
       .attempt = kept_queues,
       .step = sizeof(SharedBytes)},
      {.name = "pieces that a queue kept for later has room for",
       .covers = {"send_queue.h:kMaxKeptRoom"},
       .value = SendQueuePool::kMaxKeptRoom,
       .unit = "pieces",
       .refusal = "freed",
       .attempt = kept_room},
  };
}

}  // namespace

Limits connection_limits() {
  Limits all = limits_of_sockets();
  for (Limit& limit : limits_of_sending()) all.push_back(std::move(limit));
  return all;
}

}  // namespace millrace
