#include "net/session/pending_connects.h"

#include "core/hub/stream_store.h"

namespace millrace {

bool PendingConnect::hold(const SharedBytes& frame) {
  if (frame.size() > held_limit - held_bytes) return false;
  held_bytes += frame.size();
  held.push_back(frame);
  return true;
}

void PendingConnect::note(Channel& channel, const SubscribeOutcome& outcome) {
  channel.outcome = outcome;
  channel.outcome.publications = {};
  std::size_t bytes = 0;
  std::vector<OwnedBytes> infos;
  for (const KeptPublication& each : outcome.publications) {
    infos.push_back(pack_client_info(each.info));
    bytes += each.data.size() + infos.back().size() + StreamStore::kPageEnvelope;
  }
  // All or none of them.
  if (bytes > recovered_limit - recovered_bytes) {
    channel.outcome.recovered = false;
    channel.outcome.position.offset = outcome.publications.back().offset;
    return;
  }
  recovered_bytes += bytes;
  for (std::size_t i = 0; i < infos.size(); ++i) {
    const KeptPublication& each = outcome.publications[i];
    channel.publications.push_back({each.offset, OwnedBytes(each.data), std::move(infos[i])});
  }
}

}  // namespace millrace
