// What a session may and must: constant configuration, shared by all shards.
#pragma once

#include <algorithm>
#include <cstdint>
#include <string>

#include "core/time/instant.h"
#include "net/session/fair_use.h"
#include "net/session/namespace_settings.h"

namespace millrace {

struct SessionSettings {
  bool insecure = false;        // no token is needed and everything is granted
  std::string version = "dev";  // of the server, told to clients
  Duration ping_interval = seconds(25);
  Duration pong_timeout = seconds(8);
  Duration stale_timeout = seconds(10);  // from the upgrade to the connect command
  Duration token_grace = seconds(25);    // a token is good for so long after it has expired
  Duration subscription_grace = seconds(25);
  Duration position_check = seconds(40);
  bool allow_anonymous = false;      // no token is needed, and who has none is nobody in particular
  std::uint32_t history_page = 300;  // publications
  std::uint32_t recovery_page = 300;  // the same
  std::uint32_t channels_per_connection = 128;
  std::size_t publication_bytes = 1024 * 1024;
  std::size_t queue_bytes = 1024 * 1024;  // that a client may leave unread
  NamespaceTable namespaces = {};
  FairUseLimits fair_use = {};

  // Around the largest answer: names, positions, and replies that stand before it. The queue of a
  // connection has twice that on top of queue_bytes (net/server/server.cc).
  static constexpr std::size_t kAroundAnswer = 2'048;

  // An answer has at most half of the queue, or is one publication, which may be larger.
  [[nodiscard]] std::size_t answer_bytes() const { return queue_bytes / 2; }
  // What may stand in the queue when the next long answer is asked for: whatever it is, it fits.
  [[nodiscard]] std::size_t short_queue() const {
    const std::size_t largest = std::max(answer_bytes(), publication_bytes);
    const std::size_t left = queue_bytes - std::min(queue_bytes, largest);
    return std::min(queue_bytes / 4, left + kAroundAnswer);
  }
  // What is published while a connect command waits for its channels.
  [[nodiscard]] std::size_t held_bytes() const { return queue_bytes / 4; }
  [[nodiscard]] const NamespaceSettings* find_namespace(Bytes channel) const {
    return namespaces.find(channel, insecure);
  }
};

}  // namespace millrace
