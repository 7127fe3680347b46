// WebSocket frames and messages, as a client sends them to a shard.
#include <utility>

#include "net/ws/client_header.h"
#include "tests/limits/config_world.h"
#include "tests/limits/limit.h"

namespace millrace {
namespace {

// A whole world for one attempt: what the peer sends, and what the server made of it.
std::string outcome_of(const Settings& settings, const std::string& bytes) {
  ConfigWorld world(settings);
  const FileSlot client = world.open_client();
  world.send(client, bytes);
  const std::string counted = counted_close(world.metrics());
  const std::uint16_t told = world.close_code(client);
  CHECK_EQ(counted, told == 0 ? std::string() : "close " + std::to_string(told));
  return counted;
}

// A subscribe command of exactly `size` bytes.
std::string padded_command(std::size_t size) {
  std::string text = R"({"id":2,"subscribe":{"channel":"a"}})";
  CHECK_GE(size, text.size());
  text.insert(text.size() - 1, size - text.size(), ' ');
  return text;
}

std::string in_fragments(std::size_t count) {
  const std::string text = padded_command(60);
  std::string frames = client_frame(Opcode::kText, text, count == 1);
  for (std::size_t i = 1; i < count; ++i) {
    frames += client_frame(Opcode::kContinuation, "", i + 1 == count);
  }
  return frames;
}

// Half of the message in a frame of its own: the limit is the message's, not the frame's.
std::string in_halves(std::size_t size) {
  const std::string text = padded_command(size);
  return client_frame(Opcode::kText, Bytes(text).substr(0, size / 2), false) +
         client_frame(Opcode::kContinuation, Bytes(text).substr(size / 2));
}

// The length that a header declares is judged before a byte of the payload is there.
std::string declared(std::uint64_t length) {
  return client_header(kFinBit | static_cast<std::uint8_t>(Opcode::kText), length);
}

// Decoders are lent while a message is open; who gets none is not read meanwhile.
std::string clients_inside_a_message(std::uint64_t n) {
  ConfigWorld world(Settings{{"LIMITS_DECODERS", "3"}});
  std::vector<FileSlot> clients;
  for (std::uint64_t i = 0; i < n; ++i) clients.push_back(world.open_client());
  const std::string frame = client_frame(Opcode::kText, padded_command(60));
  for (const FileSlot client : clients) world.send(client, Bytes(frame).substr(0, 20));
  bool all_read = true;
  for (const FileSlot client : clients) {
    world.send(client, Bytes(frame).substr(20, 1));
    all_read &= world.ring().unread(client) == 0;
  }
  // Whoever waited is served in the end.
  for (const FileSlot client : clients) world.send(client, Bytes(frame).substr(21));
  for (const FileSlot client : clients) CHECK_EQ(world.frames(client).size(), 1U);
  return unless(all_read, "waits unread");
}

// Of more pings than that in one read, those between the first and the newest get no pong.
std::string pings_of_a_read(std::uint64_t n) {
  ConfigWorld world;
  const FileSlot client = world.open_client();
  std::string bytes;
  for (std::uint64_t i = 0; i < n; ++i) bytes += client_frame(Opcode::kPing, std::to_string(i));
  bytes += client_frame(Opcode::kPing, "newest");
  world.send(client, bytes);
  const auto pongs = world.texts(client);
  CHECK_EQ(pongs.back(), "newest");
  return unless(pongs.size() == n + 1, "skipped");
}

Limits limits_of_messages() {
  const Config defaults;
  const std::string too_big = "close 1009";
  return {
      {.name = "message of a client",
       .covers = {"FrameLimits.message_bytes"},
       .value = defaults.limits.message_size,
       .unit = "bytes",
       .refusal = too_big,
       .attempt =
           [](auto n) { return outcome_of({}, client_frame(Opcode::kText, padded_command(n))); }},
      {.name = "message of a client, in two fragments",
       .covers = {"limits.message_size"},
       .value = 2'048,
       .unit = "bytes",
       .refusal = too_big,
       .attempt =
           [](auto n) {
             return outcome_of({{"LIMITS_MESSAGE_SIZE", "2KiB"}}, in_halves(n));
           }},
      {.name = "message of a client, as its header declares it",
       .covers = {},
       .value = 16 * 1'024 * 1'024,
       .unit = "bytes",
       .refusal = too_big,
       .attempt =
           [](auto n) {
             return outcome_of({{"LIMITS_MESSAGE_SIZE", "16MiB"}}, declared(n));
           }},
      {.name = "fragments of a message",
       .covers = {"FrameLimits.fragments"},
       .value = FrameLimits().fragments,
       .unit = "frames",
       .refusal = "close 1008",
       .attempt = [](auto n) { return outcome_of({}, in_fragments(n)); }},
  };
}

Limits limits_of_frames() {
  return {
      {.name = "payload of a control frame",
       .covers = {"frame_header.h:kMaxControlPayload"},
       .value = kMaxControlPayload,
       .unit = "bytes",
       .refusal = "close 1002",
       .attempt =
           [](auto n) { return outcome_of({}, client_frame(Opcode::kPing, std::string(n, 'x'))); }},
      {.name = "pings of one read, the newest not counted, that are all answered",
       .covers = {"ws_transport.h:kPongsAtOnce"},
       .value = WsTransport::kPongsAtOnce,
       .unit = "pings",
       .refusal = "skipped",
       .attempt = pings_of_a_read},
      {.name = "reason of a close frame that we send",
       .covers = {"frame_header.cc:kMaxCloseReason"},
       .value = kMaxControlPayload - 2,
       .unit = "bytes",
       .refusal = "cut",
       .attempt =
           [](auto n) {
             const SharedBytes frame = make_close_frame(1000, std::string(n, 'x'));
             return unless(frame.size() == 2 + 2 + n, "cut");
           }},
      {.name = "length of a frame",
       .covers = {"frame_header.cc:kMax64Bits"},
       .value = INT64_MAX,
       .unit = "bytes",
       .refusal = "violation 1002",
       .attempt =
           [](auto n) {
             ClientHeader header;
             const std::string bytes = client_header(0x82, n);
             Bytes input = bytes;
             CHECK(header.read(input));
             return unless(header.refusal().empty(), "violation 1002");
           }},
      {.name = "clients of a shard inside a message",
       .covers = {"limits.decoders", "ClientShardOptions.decoders"},
       .value = 3,
       .unit = "clients",
       .refusal = "waits unread",
       .attempt = clients_inside_a_message},
      {.name = "decoders kept for later",
       .covers = {"frame_decoder.h:kMaxKept"},
       .value = DecoderPool::kMaxKept,
       .unit = "decoders",
       .refusal = "freed",
       .attempt =
           [](auto n) {
             DecoderPool pool(static_cast<std::uint32_t>(n));
             std::vector<FrameDecoder*> lent;
             while (lent.size() < n) lent.push_back(pool.lend());
             for (FrameDecoder* decoder : lent) pool.give_back(decoder);
             return unless(pool.kept() == n, "freed");
           }},
  };
}

}  // namespace

Limits frame_limits() {
  Limits all = limits_of_messages();
  for (Limit& limit : limits_of_frames()) all.push_back(std::move(limit));
  return all;
}

}  // namespace millrace
