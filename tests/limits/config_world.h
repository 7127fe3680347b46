// A shard on an in-memory ring, configured as a server is: from keys and values through the
// configuration loader, so that a key which reaches nothing fails its row.
#pragma once

#include <map>
#include <string>

#include "core/base/assert.h"
#include "net/server/config_loader.h"
#include "net/server/server.h"
#include "tests/support/shard_world.h"

namespace millrace {

inline constexpr std::uint32_t kWorldFiles = 512;
inline constexpr Bytes kWorldKey = "0123456789abcdef";

// Settings by variable, without the prefix: {"LIMITS_MESSAGE_SIZE", "2KiB"}.
using Settings = std::map<std::string, std::string>;

inline Config config_of(const Settings& settings) {
  ConfigSources sources;
  sources.environment = {{"MILLRACE_INSECURE", "true"},
                         {"MILLRACE_API_KEY", std::string(kWorldKey)},
                         // Enough for a few clients, and quick to make.
                         {"MILLRACE_LIMITS_RECV_BUFFERS", "64"}};
  for (const auto& [name, value] : settings) sources.environment["MILLRACE_" + name] = value;
  const auto config = load_config(sources);
  CHECK_EQ(config.ok() ? std::string() : config.error().text, "");
  return *config;
}

inline ClientShardOptions options_of(const Settings& settings) {
  return client_shard_options(config_of(settings), 1, kWorldFiles);
}

class ConfigWorld : public ShardWorld {
 public:
  explicit ConfigWorld(const Settings& settings = {}, std::uint64_t max_connections = 1'000)
      : ShardWorld(options_of(settings), 1, max_connections, kWorldFiles,
                   config_of(settings).limits.connections_per_address) {}
};

// A call of the server API.
inline std::string publish_request(Bytes channel, std::size_t data_bytes) {
  CHECK_GE(data_bytes, 2U);
  const std::string body = R"({"channel":")" + std::string(channel) + R"(","data":")" +
                           std::string(data_bytes - 2, 'x') + R"("})";
  return "POST /api/publish HTTP/1.1\r\nHost: a\r\nX-API-Key: " + std::string(kWorldKey) +
         "\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
}

// The status of the first answer in `sent`; 0 if there is none yet.
inline unsigned http_status(Bytes sent) {
  constexpr Bytes kStart = "HTTP/1.1 ";
  if (!sent.starts_with(kStart)) return 0;
  return static_cast<unsigned>(std::stoul(std::string(sent.substr(kStart.size(), 3))));
}

// "close CODE" of the only close frame that we sent and `metrics` counted; "" if there is none.
inline std::string counted_close(const ShardMetrics& metrics) {
  std::string text;
  for (const auto& [code, count] : metrics.disconnects_total) {
    CHECK_EQ(count, 1U);
    text += "close " + std::to_string(code);
  }
  return text;
}

}  // namespace millrace
