#include "net/session/pending_connects.h"

namespace millrace {

bool PendingConnect::hold(const SharedBytes& frame) {
  if (frame.size() > kMaxHeldBytes - held_bytes) return false;
  held_bytes += frame.size();
  held.push_back(frame);
  return true;
}

void PendingConnect::note(Channel& channel, const SubscribeOutcome& outcome) {
  channel.outcome = outcome;
  channel.outcome.publications = {};
  std::size_t bytes = 0;
  for (const KeptPublication& each : outcome.publications) bytes += each.data.size();
  // All or none of them.
  if (bytes > kMaxRecoveredBytes - recovered_bytes) {
    channel.outcome.recovered = false;
    channel.outcome.position.offset = outcome.publications.back().offset;
    return;
  }
  recovered_bytes += bytes;
  for (const KeptPublication& each : outcome.publications) {
    channel.publications.push_back(
        {each.offset, OwnedBytes(each.data), pack_client_info(each.info)});
  }
}

}  // namespace millrace
