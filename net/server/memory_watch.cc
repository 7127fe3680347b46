#include "net/server/memory_watch.h"

#include "core/base/log.h"

namespace millrace {

void MemoryWatch::flush(Instant now) {
  if (!MemoryReserve::is_out()) return;
  if (MemoryReserve::first_to_tell() && losses_.allow(now)) {
    log_warn(
        "out of memory: the reserve was given back, newcomers are refused until there is enough to "
        "hold it again; give the process more memory or lower --max-connections" +
        losses_.suppressed_note());
  }
  if (!MemoryReserve::refill(now.ns)) return;
  if (returns_.allow(now)) {
    log_info("memory is back: the reserve is held again" + returns_.suppressed_note());
  }
}

}  // namespace millrace
