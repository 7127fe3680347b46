// The broker's questions about streams, between the shard that asks and the one that knows.
#include <algorithm>
#include <utility>
#include <vector>

#include "core/base/assert.h"
#include "core/hub/history_bytes.h"
#include "core/hub/memory_broker.h"

namespace millrace {

void MemoryBroker::read_history(Bytes channel, const HistoryQuery& query,
                                const StreamOptions& options, RequestToken token, Instant now) {
  const ShardId owner = owner_of(channel);
  HistoryRequest request{
      .channel = OwnedBytes(channel), .query = query, .options = options, .token = token};
  if (owner == mailbox_.self()) {
    take(answer(request, now));
  } else {
    ask_history(owner, std::move(request));
  }
}

void MemoryBroker::remove_history(Bytes channel, RequestToken token, Instant now) {
  const ShardId owner = owner_of(channel);
  HistoryRequest request{.channel = OwnedBytes(channel), .token = token, .remove = true};
  if (owner == mailbox_.self()) {
    take(answer(request, now));
  } else {
    ask_history(owner, std::move(request));
  }
}

void MemoryBroker::ask_history(ShardId owner, HistoryRequest request) {
  const RequestToken token = request.token;
  request.bytes_taken = bytes_taken_[owner.value];
  Message message = std::move(request);
  if (mailbox_.try_send(owner, message)) return;
  ++metrics_.mailbox_refused_total;
  ++metrics_.history_refused_total;
  events_.on_history(token, {.outcome = HistoryOutcome::kUnavailable});
}

// A copy, on this shard too: whoever is answered may use the store at once.
HistoryAnswer MemoryBroker::answer(const HistoryRequest& request, Instant now) {
  if (request.remove) {
    const StreamPosition top = streams_.remove(request.channel, now);
    return {.token = request.token, .top = top};
  }
  const HistoryPage page = streams_.read(request.channel, request.query, request.options, now);
  plan_sweep(now);
  return {.token = request.token,
          .top = page.top,
          .publications = pack_publications(page.publications),
          .outcome = page.outcome,
          .complete = page.complete};
}

// An answer must arrive and so may wait in the spill, which is why it is bounded here: in bytes,
// because there may be thousands of small ones when everybody comes back at once.
void MemoryBroker::answer(ShardId from, const HistoryRequest& request, Instant now) {
  std::uint64_t& sent = bytes_sent_[from.value];
  CHECK_LE(request.bytes_taken, sent);
  const bool asks_for_bytes = !request.remove && request.query.limit > 0;
  if (asks_for_bytes && sent - request.bytes_taken >= kAnswerBytes) {
    ++metrics_.history_refused_total;
    mailbox_.send(from,
                  HistoryAnswer{.token = request.token, .outcome = HistoryOutcome::kUnavailable});
    return;
  }
  HistoryAnswer made = answer(request, now);
  sent += made.publications.size();
  mailbox_.send(from, std::move(made));
}

void MemoryBroker::take(const HistoryAnswer& answer) {
  const std::vector<KeptPublication> publications = unpack_publications(answer.publications);
  events_.on_history(answer.token, {.outcome = answer.outcome,
                                    .top = answer.top,
                                    .complete = answer.complete,
                                    .publications = publications});
}

bool MemoryBroker::on_history_message(ShardId from, Message& message, Instant now) {
  if (const auto* request = std::get_if<HistoryRequest>(&message)) {
    answer(from, *request, now);
    return true;
  }
  if (const auto* taken = std::get_if<HistoryAnswer>(&message)) {
    bytes_taken_[from.value] += taken->publications.size();
    take(*taken);
    return true;
  }
  return false;
}

// --- sweeping ------------------------------------------------------------------------------------

void MemoryBroker::plan_sweep(Instant now) {
  const Instant wanted = streams_.next_sweep();
  if (wanted == Instant::never()) return;
  const Instant next = std::max(wanted, now + kSweepPause);
  if (sweep_.armed() && sweep_.deadline() <= next) return;
  timers_.arm(sweep_, next, *this);
}

void MemoryBroker::sweep(Instant now) {
  // More to do: with the next tick, after what else there is.
  if (streams_.sweep(now) <= now) {
    timers_.arm(sweep_, now, *this);
  } else {
    plan_sweep(now);
  }
}

}  // namespace millrace
