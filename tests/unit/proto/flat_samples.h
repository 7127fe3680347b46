// Commands in FlatBuffers, as flatc's own builder writes them.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "proto/millrace_generated.h"

namespace millrace::test {

using FlatBuilder = flatbuffers::FlatBufferBuilder;

// One size-prefixed command; `body` makes the body's table.
template <typename MakeBody>
std::string flat_command(std::uint32_t id, flat::CommandBody type, MakeBody body) {
  FlatBuilder builder;
  const flatbuffers::Offset<void> made = body(builder).Union();
  flat::FinishSizePrefixedCommandBuffer(builder, flat::CreateCommand(builder, id, type, made));
  return {reinterpret_cast<const char*>(builder.GetBufferPointer()), builder.GetSize()};
}

inline auto flat_bytes(FlatBuilder& builder, const std::string& bytes) {
  return builder.CreateVector(reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size());
}

inline std::string flat_connect(std::uint32_t id, std::size_t subs = 2) {
  return flat_command(id, flat::CommandBody::Connect, [subs](FlatBuilder& b) {
    std::vector<flatbuffers::Offset<flat::KnownSubscription>> known;
    for (std::size_t i = 0; i < subs; ++i) {
      known.push_back(flat::CreateKnownSubscription(b, b.CreateString("c" + std::to_string(i)),
                                                    i % 2 == 0, b.CreateString("epoch"), i));
    }
    return flat::CreateConnect(b, b.CreateString("a.b.c"), b.CreateString("name"),
                               b.CreateString("1.0"), flat_bytes(b, std::string("\0\xff\n", 3)),
                               b.CreateVector(known));
  });
}

inline std::string flat_subscribe(std::uint32_t id, const std::string& channel) {
  return flat_command(id, flat::CommandBody::Subscribe, [&channel](FlatBuilder& b) {
    return flat::CreateSubscribe(b, b.CreateString(channel), b.CreateString("token"), true,
                                 b.CreateString("epoch"), 1ULL << 60, flat_bytes(b, "data"), true,
                                 true, true, b.CreateString("fossil"), 2, -7);
  });
}

inline std::string flat_unsubscribe(std::uint32_t id, const std::string& channel) {
  return flat_command(id, flat::CommandBody::Unsubscribe, [&channel](FlatBuilder& b) {
    return flat::CreateUnsubscribe(b, b.CreateString(channel));
  });
}

inline std::string flat_publish(std::uint32_t id, const std::string& channel,
                                const std::string& data) {
  return flat_command(id, flat::CommandBody::Publish, [&](FlatBuilder& b) {
    return flat::CreatePublish(b, b.CreateString(channel), flat_bytes(b, data));
  });
}

inline std::string flat_presence(std::uint32_t id) {
  return flat_command(id, flat::CommandBody::Presence, [](FlatBuilder& b) {
    return flat::CreatePresence(b, b.CreateString("room"));
  });
}

inline std::string flat_presence_stats(std::uint32_t id) {
  return flat_command(id, flat::CommandBody::PresenceStats, [](FlatBuilder& b) {
    return flat::CreatePresenceStats(b, b.CreateString("room"));
  });
}

inline std::string flat_history(std::uint32_t id, bool since) {
  return flat_command(id, flat::CommandBody::History, [since](FlatBuilder& b) {
    flatbuffers::Offset<flat::Position> position;
    if (since) position = flat::CreatePosition(b, b.CreateString("epoch"), 41);
    return flat::CreateHistory(b, b.CreateString("room"), -1, position, true);
  });
}

inline std::string flat_rpc(std::uint32_t id) {
  return flat_command(id, flat::CommandBody::Rpc, [](FlatBuilder& b) {
    return flat::CreateRpc(b, b.CreateString("method"), flat_bytes(b, "\x01\x02"));
  });
}

inline std::string flat_refresh(std::uint32_t id) {
  return flat_command(id, flat::CommandBody::Refresh, [](FlatBuilder& b) {
    return flat::CreateRefresh(b, b.CreateString("token"));
  });
}

inline std::string flat_sub_refresh(std::uint32_t id) {
  return flat_command(id, flat::CommandBody::SubRefresh, [](FlatBuilder& b) {
    return flat::CreateSubRefresh(b, b.CreateString("room"), b.CreateString("token"));
  });
}

inline std::string flat_send() {
  return flat_command(0, flat::CommandBody::Send,
                      [](FlatBuilder& b) { return flat::CreateSend(b, flat_bytes(b, "data")); });
}

inline std::string flat_pong() {
  return flat_command(0, flat::CommandBody::Pong,
                      [](FlatBuilder& b) { return flat::CreatePong(b); });
}

// One of each.
inline std::vector<std::string> flat_samples() {
  return {flat_connect(1),
          flat_subscribe(2, "news"),
          flat_unsubscribe(3, "news"),
          flat_publish(4, "n", "{}"),
          flat_presence(5),
          flat_presence_stats(6),
          flat_history(7, true),
          flat_history(8, false),
          flat_rpc(9),
          flat_refresh(10),
          flat_sub_refresh(11),
          flat_send(),
          flat_pong()};
}

}  // namespace millrace::test
