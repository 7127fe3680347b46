#include "net/jet/jet_remover.h"

#include <fmt/format.h>

#include <utility>

#include "core/base/assert.h"
#include "net/jet/jet_names.h"
#include "net/nats/subject.h"
#include "proto/json_string.h"

namespace millrace {
namespace {

std::string text(Bytes value) {
  std::string out;
  append_json_string(out, value);
  return out;
}

}  // namespace

JetRemover::~JetRemover() {
  removals_.for_each([this](SlotId id, Removal& removal) {
    port_.forget(removal.request);
    removals_.release(id);
  });
}

bool JetRemover::remove(std::uint32_t stream, Bytes name, Bytes channel, RequestToken token,
                        Instant now) {
  const auto acquired = removals_.acquire();
  if (acquired.object == nullptr) return false;
  acquired.object->stream = stream;
  acquired.object->name = name;
  acquired.object->channel = channel;
  acquired.object->token = token;
  if (ask(acquired.id, now)) return true;
  removals_.release(acquired.id);
  return false;
}

bool JetRemover::ask(SlotId id, Instant now) {
  Removal& removal = *removals_.find(id);
  const std::string& prefix = port_.options().subject_prefix;
  const std::string subject = channel_to_subject(prefix, removal.channel);
  NatsPost post;
  switch (removal.step) {
    case Step::kTop:
      post.subject = "$JS.API.STREAM.MSG.GET." + removal.name;
      post.data = fmt::format(R"({{"last_by_subj":{}}})", text(subject));
      break;
    case Step::kMark:
      post.subject = jet_mark_subject(prefix, removal.channel);
      post.data = fmt::format(R"({{"removed_until":{}}})", removal.top);
      break;
    case Step::kPurge:
      post.subject = "$JS.API.STREAM.PURGE." + removal.name;
      post.data = fmt::format(R"({{"filter":{},"seq":{}}})", text(subject), removal.top + 1);
      break;
  }
  removal.request = port_.ask(std::move(post), kPatience, *this, id.pack(), now);
  return removal.request != 0;
}

void JetRemover::on_nats_answer(std::uint64_t token, NatsAnswered how, const NatsMessageView* reply,
                                Instant now) {
  const SlotId id = SlotId::unpack(token);
  CHECK(removals_.find(id) != nullptr);
  if (how != NatsAnswered::kReply) return finish(id, false);
  take(id, JetAnswer(validator_, reply->data()), now);
}

void JetRemover::take(SlotId id, const JetAnswer& answer, Instant now) {
  Removal& removal = *removals_.find(id);
  switch (removal.step) {
    case Step::kTop: {
      const auto stored = answer.message();
      if (!stored) return finish(id, answer.error() && answer.error()->code == kJetNotFound);
      removal.top = stored->sequence;
      removal.step = Step::kMark;
      break;
    }
    case Step::kMark:
      if (!answer.ack()) return finish(id, false);
      removal.step = Step::kPurge;
      break;
    case Step::kPurge:
      return finish(id, answer.success());
  }
  if (!ask(id, now)) finish(id, false);
}

void JetRemover::finish(SlotId id, bool ok) {
  const Removal removal = std::move(*removals_.find(id));
  removals_.release(id);
  if (ok && removal.top > 0) {
    // Who misses it finds the mark when it has to know.
    static_cast<void>(
        port_.publish({.subject = jet_out_subject(port_.options().subject_prefix, removal.channel),
                       .data = {},
                       .headers = {{kRemovedHeader, std::to_string(removal.top)}}}));
  }
  events_.on_removed(removal.token, removal.stream, ok, removal.top);
}

}  // namespace millrace
