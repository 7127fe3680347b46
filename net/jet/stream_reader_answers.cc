// What the answers to a reader's requests mean, and the proof.
#include <algorithm>
#include <utility>

#include "core/base/assert.h"
#include "net/jet/info_header.h"
#include "net/jet/jet_names.h"
#include "net/jet/stream_reader.h"

namespace millrace {

// --- answers -------------------------------------------------------------------------------------

void StreamReader::take_direct(Op& op, const NatsMessageView& reply, Instant now) {
  const auto sequence = jet_number(reply.header("Nats-Sequence"));
  // 404: that replica has none; it may lag.
  if (!sequence || *sequence < op.next) return enter(op, Step::kNextLeader, now);
  if (*sequence > op.question.until) return end_of_messages(op, true, now);
  add(op, *sequence, jet_time(reply.header("Nats-Time-Stamp")).value_or(0), reply.data(),
      reply.header(kInfoHeader));
  next_message(op, *sequence, now);
}

void StreamReader::take_leader(Op& op, const NatsMessageView& reply, Instant now) {
  const JetAnswer answer(payloads_.validator(), reply.data());
  if (op.step == Step::kCount) {
    const auto info = answer.stream_info();
    return info ? take_count(op, *info, now) : retry(op, now);
  }
  if (const auto stored = answer.message()) return take_stored(op, *stored, now);
  constexpr std::uint32_t kNoMessage = 10'037;
  const bool none = answer.error() && answer.error()->code == kJetNotFound &&
                    answer.error()->err_code == kNoMessage;
  if (none) return take_none(op, now);
  retry(op, now);
}

void StreamReader::take_stored(Op& op, const JetStoredMessage& stored, Instant now) {
  const std::uint64_t since = op.question.since;
  switch (op.step) {
    case Step::kTop:
      op.top.top = stored.sequence;
      return finish(op, true, now);
    case Step::kNextLeader:
      if (stored.sequence < op.next) return retry(op, now);
      if (stored.sequence > op.question.until) return end_of_messages(op, true, now);
      add(op, stored.sequence, stored.time, stored.data, jet_header(stored.headers, kInfoHeader));
      return next_message(op, stored.sequence, now);
    case Step::kMark: {
      // It says what was the last that went.
      const JetAnswer mark(payloads_.validator(), stored.data);
      const bool behind = since < mark.removed_until().value_or(stored.sequence);
      return behind ? prove_by_rest(op, now) : prove_by_mark_of_all(op, now);
    }
    case Step::kMarkAll:
      if (since < stored.sequence) return prove_by_rest(op, now);
      op.read.complete = true;
      return finish(op, true, now);
    case Step::kRetained:
      if (stored.sequence != since) return enter(op, Step::kOldest, now);
      op.read.complete = true;
      return finish(op, true, now);
    case Step::kOldest:
      op.read.complete = stored.sequence <= since;
      return finish(op, true, now);
    case Step::kInfo:
    case Step::kNext:
    case Step::kCount:
      break;
  }
  CHECK(false);
}

void StreamReader::take_none(Op& op, Instant now) {
  switch (op.step) {
    case Step::kTop:
      op.top.top = 0;
      return finish(op, true, now);
    case Step::kNextLeader:
      // Who does not know what was stored is a leader no more and has not heard of it.
      if (op.question.was_stored && op.next <= op.question.until) return retry(op, now);
      return end_of_messages(op, true, now);
    case Step::kMark:
    case Step::kMarkAll:
      // Gone meanwhile, and so is all that stood before it.
      return prove_by_rest(op, now);
    case Step::kRetained:
      return enter(op, Step::kOldest, now);
    case Step::kOldest:
      return finish(op, true, now);
    case Step::kInfo:
    case Step::kNext:
    case Step::kCount:
      break;
  }
  CHECK(false);
}

// --- reading -------------------------------------------------------------------------------------

void StreamReader::add(Op& op, std::uint64_t offset, std::int64_t time, Bytes payload, Bytes info) {
  ++op.seen;
  Bytes data;
  if (!payloads_.take(op.question.channel, payload, data)) return;
  OwnedBytes who = payloads_.info(info);
  op.read.publications.push_back({offset, time, OwnedBytes(data), std::move(who)});
  op.bytes += op.read.publications.back().bytes();
}

void StreamReader::next_message(Op& op, std::uint64_t sequence, Instant now) {
  auto& taken = op.read.publications;
  const ReadQuestion& question = op.question;
  op.next = sequence + 1;
  const auto over = [&] {
    return taken.size() > question.most || (taken.size() > 1 && op.bytes > question.most_bytes);
  };
  if (over() && !question.newest) {
    taken.pop_back();
    return end_of_messages(op, false, now);
  }
  while (over()) {
    op.bytes -= taken.front().bytes();
    taken.erase(taken.begin());
  }
  if (sequence >= question.until) return end_of_messages(op, true, now);
  enter(op, Step::kNext, now);
}

void StreamReader::end_of_messages(Op& op, bool all, Instant now) {
  op.read.all = all;
  if (!all || !op.question.prove) return finish(op, true, now);
  wait_for_info(op, now);
}

// --- what the keeper knows, and the proof --------------------------------------------------------

void StreamReader::take_info(Op& op, Instant now) {
  const KeptStream& stream = keeper_.at(op.question.stream);
  if (!op.is_top) return prove(op, now);
  op.top.epoch = stream.epoch;
  op.top.first = stream.first;
  op.top.last = stream.last;
  op.top.unchanged = stream.epoch == op.epoch && stream.last <= op.sure;
  if (op.top.unchanged) return finish(op, true, now);
  enter(op, Step::kTop, now);
}

void StreamReader::prove(Op& op, Instant now) {
  const KeptStream& stream = keeper_.at(op.question.stream);
  // What was read is of another life than what the asker has.
  if (stream.epoch != op.epoch) return finish(op, true, now);
  const ReadQuestion& question = op.question;
  if (stream.first > question.since + 1) return prove_by_rest(op, now);
  // Nothing was to be read: the channel was empty when the asker saw it, so no limit of a subject
  // has dropped anything. Else what came behind `until` may have pushed out what was before it.
  const std::uint64_t behind = stream.last - std::min(question.until, stream.last);
  const bool few = question.until <= question.since || op.seen + behind < stream.per_subject;
  few ? prove_by_marks(op, now) : enter(op, Step::kCount, now);
}

void StreamReader::take_count(Op& op, const JetStreamInfo& info, Instant now) {
  const std::uint64_t count = info.counts.empty() ? 0 : info.counts.front();
  const bool few =
      info.first <= op.question.since + 1 && count < keeper_.at(op.question.stream).per_subject;
  few ? prove_by_marks(op, now) : prove_by_rest(op, now);
}

void StreamReader::prove_by_marks(Op& op, Instant now) {
  const KeptStream& stream = keeper_.at(op.question.stream);
  const std::string& prefix = port_.options().subject_prefix;
  if (!stream.marked(jet_mark_subject(prefix, op.question.channel))) {
    return prove_by_mark_of_all(op, now);
  }
  enter(op, Step::kMark, now);
}

void StreamReader::prove_by_mark_of_all(Op& op, Instant now) {
  const KeptStream& stream = keeper_.at(op.question.stream);
  const std::string all =
      jet_mark_all_subject(port_.options().subject_prefix, stream.settings.name);
  if (stream.marked(all)) return enter(op, Step::kMarkAll, now);
  op.read.complete = true;
  finish(op, true, now);
}

void StreamReader::prove_by_rest(Op& op, Instant now) {
  if (op.question.since == 0) return finish(op, true, now);
  enter(op, Step::kRetained, now);
}

}  // namespace millrace
