#include "net/jet/jet_publisher.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "core/base/assert.h"
#include "net/jet/info_header.h"
#include "net/jet/jet_json.h"

namespace millrace {

JetPublisher::JetPublisher(NatsPort& port, PublisherEvents& events, TimerWheel& timers,
                           Random& random, ShardMetrics& metrics)
    : port_(port), events_(events), timers_(timers), random_(random), metrics_(metrics) {}

JetPublisher::~JetPublisher() {
  jobs_.for_each([this](SlotId id, Job& job) {
    timers_.cancel(job);
    port_.forget(job.request);
    jobs_.release(id);
  });
}

bool JetPublisher::publish(std::uint32_t stream, Bytes name, Bytes subject, Bytes data,
                           const ClientInfo& info, RequestToken token, Instant now) {
  std::string header = info_to_header(info);
  if (bytes_ + data.size() + header.size() > kMaxBytes) return false;
  const auto acquired = jobs_.acquire();
  if (acquired.object == nullptr) return false;
  Job& job = *acquired.object;
  job.id = acquired.id;
  job.stream = stream;
  job.token = token;
  job.name = name;
  job.subject = subject;
  job.data = data;
  job.info = std::move(header);
  job.message_id = fmt::format("{:016x}{:016x}", random_.next(), random_.next());
  job.until = now + kPatience;
  bytes_ += bytes_of(job);
  timers_.arm(job, job.until, *this);
  const auto line = lines_.find(subject);
  if (line != lines_.end()) {
    job.previous = line->second.last;
    jobs_.find(job.previous)->next = job.id;
    line->second.last = job.id;
  } else {
    lines_.emplace(subject, Line{job.id});
    attempt(job, now);
  }
  return true;
}

void JetPublisher::attempt(Job& job, Instant now) {
  NatsPost post{
      .subject = job.subject, .data = job.data, .headers = {{"Nats-Msg-Id", job.message_id}}};
  if (!job.info.empty()) post.headers.emplace_back(kInfoHeader, job.info);
  const Duration patience = std::min(kAckPatience, job.until - now);
  job.request = port_.ask(std::move(post), patience, *this, job.id.pack(), now);
  if (job.request == 0) try_again(job, now);
}

void JetPublisher::try_again(Job& job, Instant now) {
  const auto spread = static_cast<std::uint64_t>(job.retry.ns);
  const Duration wait =
      job.retry / 2 + nanoseconds(static_cast<std::int64_t>(random_.below(spread)));
  job.retry = std::min(job.retry * 2, kLastRetry);
  // Not from inside the call that published it.
  timers_.arm(job, std::min(now + wait, job.until), *this);
}

void JetPublisher::on_timer(Timer& timer, Instant now) {
  Job& job = static_cast<Job&>(timer);
  if (now >= job.until) return settle(job, PublishOutcome::kUnavailable, 0, now);
  ++metrics_.stream_publish_retries_total;
  timers_.arm(job, job.until, *this);
  attempt(job, now);
}

void JetPublisher::on_nats_answer(std::uint64_t token, NatsAnswered how,
                                  const NatsMessageView* reply, Instant now) {
  Job* job = jobs_.find(SlotId::unpack(token));
  CHECK(job != nullptr);
  job->request = 0;
  if (how == NatsAnswered::kReply) {
    const JetAnswer answer(validator_, reply->data());
    const auto ack = answer.ack();
    // An application that answers what it hears is no stream.
    if (ack && ack->stream == job->name) {
      if (ack->duplicate) ++metrics_.stream_duplicates_total;
      return settle(*job, PublishOutcome::kAccepted, ack->sequence, now);
    }
    constexpr std::uint32_t kMayPass = 500;  // no leader, no room, ...
    if (answer.error() && answer.error()->code > 0 && answer.error()->code < kMayPass) {
      return settle(*job, PublishOutcome::kUnavailable, 0, now);
    }
  }
  if (now >= job->until) return settle(*job, PublishOutcome::kUnavailable, 0, now);
  try_again(*job, now);
}

void JetPublisher::settle(Job& job, PublishOutcome outcome, std::uint64_t sequence, Instant now) {
  const RequestToken token = job.token;
  const std::uint32_t stream = job.stream;
  const auto line = lines_.find(job.subject);
  CHECK(line != lines_.end());
  bytes_ -= bytes_of(job);
  timers_.cancel(job);
  port_.forget(job.request);
  Job* const previous = jobs_.find(job.previous);
  Job* const next = jobs_.find(job.next);
  if (previous != nullptr) previous->next = job.next;
  if (next != nullptr) next->previous = job.previous;
  if (previous == nullptr && next == nullptr) lines_.erase(line);
  if (previous != nullptr && next == nullptr) line->second.last = job.previous;
  jobs_.release(job.id);
  if (previous == nullptr && next != nullptr) attempt(*next, now);
  events_.on_stored(token, stream, outcome, sequence);
}

}  // namespace millrace
