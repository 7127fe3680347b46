// Connect commands that wait for the channels that come with them, and what has come so far. The
// reply tells all of it at once, before any publication: frames that arrive meanwhile are held.
//
// Owner: the sessions of a shard share one. Limits, of a client: `held_limit` bytes of frames, and
// `recovered_limit` of publications, StreamStore::kPageEnvelope each included; what a channel has
// missed beyond that is not recovered. So the reply and the frames fit into a send queue.
#pragma once

#include <boost/unordered/unordered_flat_map.hpp>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "core/hub/delivery_sink.h"
#include "core/mem/shared_bytes.h"
#include "net/session/session_settings.h"

namespace millrace {

struct PendingConnect {
  // Owned, as the reply will say it.
  struct Publication {
    std::uint64_t offset = 0;
    OwnedBytes data;
    OwnedBytes info;  // packed (core/hub/client_info.h)
  };
  struct Channel {
    std::string name;
    SubscribeOutcome outcome = {};  // but for its publications, which are the next line
    std::vector<Publication> publications = {};
  };

  PendingConnect(std::uint32_t command, const SessionSettings& settings)
      : id(command), held_limit(settings.held_bytes()), recovered_limit(settings.answer_bytes()) {}

  // Keeps a frame. False at the limit.
  [[nodiscard]] bool hold(const SharedBytes& frame);
  // Keeps what the broker told of one of `channels`.
  void note(Channel& channel, const SubscribeOutcome& outcome);

  const std::uint32_t id;  // of the command
  const std::size_t held_limit;
  const std::size_t recovered_limit;
  std::uint32_t waiting = 0;  // for so many channels
  bool all_asked = false;     // no more will be added to `waiting`
  bool failed = false;        // the broker could not tell one of them
  std::string data;           // that the application has for it; as its wire format takes it
  std::vector<Channel> channels;
  std::vector<SharedBytes> held;
  std::size_t held_bytes = 0;
  std::size_t recovered_bytes = 0;
};

// By SubscriberId.
using PendingConnects = boost::unordered_flat_map<SubscriberId, std::unique_ptr<PendingConnect>>;

}  // namespace millrace
