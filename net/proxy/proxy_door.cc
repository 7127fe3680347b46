#include "net/proxy/proxy_door.h"

#include <utility>

#include "core/base/assert.h"
#include "core/base/log.h"
#include "net/nats/subject.h"
#include "net/proxy/request_body.h"
#include "net/proxy/retry_plan.h"

namespace millrace {
namespace {

ProxyOutcome outcome_of(NatsAnswered how) {
  switch (how) {
    case NatsAnswered::kNoResponders:
      return ProxyOutcome::kNoResponders;
    case NatsAnswered::kTimeout:
      return ProxyOutcome::kTimeout;
    case NatsAnswered::kLost:
      return ProxyOutcome::kLost;
    case NatsAnswered::kReply:
      break;
  }
  CHECK(false);
  return ProxyOutcome::kLost;
}

ProxyOutcome outcome_of(ApplicationAnswer::Kind kind) {
  switch (kind) {
    case ApplicationAnswer::Kind::kAllowed:
      return ProxyOutcome::kAllowed;
    case ApplicationAnswer::Kind::kError:
      return ProxyOutcome::kRefused;
    case ApplicationAnswer::Kind::kDisconnect:
      return ProxyOutcome::kDisconnected;
    case ApplicationAnswer::Kind::kUnavailable:
      return ProxyOutcome::kBadReply;
  }
  CHECK(false);
  return ProxyOutcome::kBadReply;
}

}  // namespace

ProxyDoor::ProxyDoor(NatsPort& port, ProxyOrigin origin, ApplicationListener& listener,
                     TimerWheel& timers, Random& random, ShardMetrics& metrics)
    : port_(port),
      origin_(std::move(origin)),
      listener_(listener),
      timers_(timers),
      random_(random),
      metrics_(metrics),
      logs_(kProxyMethods, LogLimiter(1, kLogInterval)) {}

ProxyDoor::~ProxyDoor() {
  timers_.cancel(timer_);
  for (const auto& [ticket, asked] : asked_) {
    if (asked.question != 0) port_.forget(asked.question);
  }
}

void ProxyDoor::use(const ProxySettings& settings) { settings_ = settings; }

void ProxyDoor::count() {
  for (std::size_t i = 0; i < kProxyMethods; ++i) {
    metrics_.proxy_breaker_state[i] = static_cast<std::uint64_t>(breakers_[i].state());
  }
  metrics_.proxy_inflight = asked_.size();
}

NatsPost ProxyDoor::post_of(const ApplicationQuestion& question) const {
  return {.subject = own_subject(origin_.subject_prefix, proxy_subject_rest(question.method)),
          .data = proxy_request_body(question, origin_.node),
          .headers = proxy_request_headers(question)};
}

// --- asking --------------------------------------------------------------------------------------

std::uint64_t ProxyDoor::ask(const ApplicationQuestion& question, Instant now) {
  CHECK(asks(question.method));
  if (asked_.size() >= settings_.requests) {
    count(question.method, ProxyOutcome::kFull);
    return 0;
  }
  Asked made{.method = question.method,
             .flat = question.flat,
             .who = question.who,
             .began = now,
             .post = post_of(question)};
  if (made.post.data.size() > kMaxBodyBytes - body_bytes_) {
    count(question.method, ProxyOutcome::kFull);
    return 0;
  }
  const std::uint64_t ticket = ++last_ticket_;
  body_bytes_ += made.post.data.size();
  Asked& asked = asked_[ticket] = std::move(made);
  const auto failed = attempt(ticket, asked, now);
  if (!failed) return ticket;
  count(question.method, *failed);
  erase(ticket);
  return 0;
}

std::optional<ProxyOutcome> ProxyDoor::attempt(std::uint64_t ticket, Asked& asked, Instant now) {
  const CircuitBreaker::Verdict verdict = breaker(asked.method).may_ask(now);
  if (verdict == CircuitBreaker::Verdict::kRefuse) return ProxyOutcome::kBreakerOpen;
  asked.trial = verdict == CircuitBreaker::Verdict::kTrial;
  ++asked.tries;
  asked.question = port_.ask(asked.post, settings_.of(asked.method).timeout, *this, ticket, now);
  if (asked.question != 0) return std::nullopt;
  // The connection is away, or its lane full: nobody has heard it.
  breaker(asked.method).failed(asked.trial, breaker_limits(), now);
  if (plan_retry(ticket, asked, ProxyOutcome::kLost, now)) return std::nullopt;
  return ProxyOutcome::kLost;
}

bool ProxyDoor::plan_retry(std::uint64_t ticket, Asked& asked, ProxyOutcome cause, Instant now) {
  // What was out when the connection was lost may have been heard; what never left was not.
  const bool heard = asked.question != 0 && cause != ProxyOutcome::kNoResponders;
  const auto pause = RetryPlan::pause(asked.method, heard, asked.tries,
                                      settings_.of(asked.method).retries, random_);
  if (!pause) return false;
  asked.question = 0;
  asked.cause = cause;
  asked.retry = now + *pause;
  retries_.emplace(asked.retry, ticket);
  ++metrics_.proxy_retries_total[static_cast<std::size_t>(asked.method)];
  set_timer();
  return true;
}

void ProxyDoor::on_timer(Timer&, Instant now) {
  while (!retries_.empty() && retries_.begin()->first <= now) {
    const std::uint64_t ticket = retries_.begin()->second;
    retries_.erase(retries_.begin());
    const auto found = asked_.find(ticket);
    CHECK(found != asked_.end());
    const auto failed = attempt(ticket, found->second, now);
    if (!failed) continue;
    ApplicationAnswer nobody;
    // The breaker may have opened meanwhile, but that is not why.
    const bool opened = *failed == ProxyOutcome::kBreakerOpen;
    finish(ticket, opened ? found->second.cause : *failed, nobody, now);
  }
  set_timer();
}

void ProxyDoor::set_timer() {
  timers_.cancel(timer_);
  if (!retries_.empty()) timers_.arm(timer_, retries_.begin()->first, *this);
}

// --- answers -------------------------------------------------------------------------------------

void ProxyDoor::on_nats_answer(std::uint64_t token, NatsAnswered how, const NatsMessageView* reply,
                               Instant now) {
  const auto found = asked_.find(token);
  CHECK(found != asked_.end());
  Asked& asked = found->second;
  ApplicationAnswer answer;
  if (how == NatsAnswered::kReply) {
    breaker(asked.method).succeeded(asked.trial);
    take_reply(asked, reply->data(), answer, now);
    return finish(token, outcome_of(answer.kind), answer, now);
  }
  breaker(asked.method).failed(asked.trial, breaker_limits(), now);
  const ProxyOutcome cause = outcome_of(how);
  if (plan_retry(token, asked, cause, now)) return;
  finish(token, cause, answer, now);
}

void ProxyDoor::take_reply(Asked& asked, Bytes text, ApplicationAnswer& answer, Instant now) {
  auto read = reader_.read(asked.method, asked.flat, text);
  if (read.ok()) {
    answer = std::move(*read);
    return;
  }
  LogLimiter& limiter = logs_[static_cast<std::size_t>(asked.method)];
  if (!limiter.allow(now)) return;
  log_warn("a reply on " + asked.post.subject + " can't be used: " +
           std::string(reply_fault_text(read.error())) + limiter.suppressed_note());
}

void ProxyDoor::finish(std::uint64_t ticket, ProxyOutcome outcome, ApplicationAnswer& answer,
                       Instant now) {
  const auto found = asked_.find(ticket);
  CHECK(found != asked_.end());
  const Asked& asked = found->second;
  const ConnId who = asked.who;
  const auto method = static_cast<std::size_t>(asked.method);
  count(asked.method, outcome);
  metrics_.proxy_waited_us_total[method] +=
      static_cast<std::uint64_t>((now - asked.began).ns / 1'000);
  erase(ticket);
  listener_.on_application_answer(who, ticket, answer, now);  // last: it may ask again
}

void ProxyDoor::forget(std::uint64_t ticket) {
  const auto found = asked_.find(ticket);
  if (found == asked_.end()) return;
  Asked& asked = found->second;
  if (asked.question != 0) {
    port_.forget(asked.question);
    breaker(asked.method).abandoned(asked.trial);
  } else {
    const auto [first, last] = retries_.equal_range(asked.retry);
    for (auto each = first; each != last; ++each) {
      if (each->second != ticket) continue;
      retries_.erase(each);
      break;
    }
    set_timer();
  }
  count(asked.method, ProxyOutcome::kForgotten);
  erase(ticket);
}

void ProxyDoor::erase(std::uint64_t ticket) {
  const auto found = asked_.find(ticket);
  CHECK(found != asked_.end());
  body_bytes_ -= found->second.post.data.size();
  asked_.erase(found);
}

// --- telling -------------------------------------------------------------------------------------

void ProxyDoor::tell(const ApplicationQuestion& message, Instant) {
  const bool taken = port_.publish(post_of(message));
  count(message.method, taken ? ProxyOutcome::kTold : ProxyOutcome::kLost);
}

void ProxyDoor::count(ProxyMethod method, ProxyOutcome outcome) {
  ++metrics_
        .proxy_requests_total[static_cast<std::size_t>(method)][static_cast<std::size_t>(outcome)];
}

}  // namespace millrace
