// One TCP connection between a simulated client and a shard, with what is on its way in both
// directions. The shard's end is driven by its SimRing, the client's by SimClient; both share it.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include "core/ring/op.h"

namespace millrace::sim {

struct Wire {
  std::uint64_t number = 0;  // tells wires apart in a trace
  // To the shard.
  std::string inbound;  // arrived, not received
  bool fin = false;     // behind it
  bool reset = false;   // by the client; nothing else arrives
  // To the client.
  std::string outbound;         // taken by the kernel, not read by the client
  std::size_t window = 65'536;  // room for that
  bool server_closed = false;   // the shard closed its end, or never took it
  bool server_reset = false;    // with input unread: the client may lose what was sent last

  // The shard's kernel.
  bool accepted = false;
  FileSlot file{};
  std::optional<OpTag> receive;    // multishot, armed and not ended
  std::optional<OpTag> poll;       // armed and not ended
  std::optional<OpTag> send;       // in flight and not ended
  Instant last_receive{};          // when the latest event of a receive becomes visible
  Instant last_poll{};             // and of a poll
  std::uint32_t polls_flying = 0;  // events of a poll that are not visible yet
  bool poll_sees_all = false;      // the latest of them tells of the end if it is there by then

  // Tells the client that there is something to see; the client's, empty once it is gone.
  std::function<void()> changed;
};

}  // namespace millrace::sim
