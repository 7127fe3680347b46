#include "net/nats/nats_port.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <functional>
#include <utility>

#include "core/base/assert.h"
#include "net/nats/away_text.h"
#include "net/nats/nats_link.h"

namespace millrace {
namespace {

constexpr std::size_t kMessagesPerDrain = 4'096;  // the rest comes next turn
constexpr int kWaitSliceMs = 5;
// Ends of questions that are answered already are thrown away when there are this many more of
// them than questions.
constexpr std::size_t kStaleEnds = 4'096;

// The lowest bit of a request's token tells questions from publications.
constexpr std::uint64_t post_token(std::uint64_t ticket) { return ticket << 1U; }
constexpr std::uint64_t question_token(NatsQuestionId id) { return (id << 1U) | 1U; }

bool is_subject(Bytes subject) {
  return !subject.empty() &&
         std::all_of(subject.begin(), subject.end(), [](char c) { return c > ' ' && c < 0x7f; });
}
bool is_one_line(Bytes text) { return text.find_first_of(Bytes("\r\n\0", 3)) == Bytes::npos; }

}  // namespace

Result<std::unique_ptr<NatsPort>> NatsPort::make(const NatsOptions& options, Waker& waker,
                                                 TimerWheel& timers, Random& random,
                                                 ShardMetrics& metrics) {
  if (const auto checked = check_nats_options(options); !checked) return checked.error();
  auto link = std::make_unique<NatsLink>(options, waker);
  if (const auto started = link->start(); !started) return started.error();
  for (int ms = 0; ms < options.wait_connected_ms && !link->up(); ms += kWaitSliceMs) {
    nats_Sleep(kWaitSliceMs);
  }
  return std::make_unique<NatsPort>(options, std::move(link), timers, random, metrics);
}

NatsPort::NatsPort(const NatsOptions& options, std::unique_ptr<BrokerLink> link, TimerWheel& timers,
                   Random& random, ShardMetrics& metrics)
    : options_(options),
      timers_(timers),
      metrics_(metrics),
      inbox_(fmt::format("_INBOX.{:016x}{:016x}.", random.next(), random.next())),
      link_(std::move(link)) {
  metrics_.broker_ready = 0;
}

NatsPort::~NatsPort() { timers_.cancel(timer_); }

// --- subscriptions -------------------------------------------------------------------------------

NatsSubscriptionId NatsPort::subscribe(std::string subject, NatsListener& listener,
                                       std::string queue) {
  shard_.verify();
  CHECK(is_subject(subject) && (queue.empty() || is_subject(queue)));
  const std::uint32_t index = slots_.acquire();
  Slot& slot = slots_[index];
  slot.generation = ++last_generation_;
  slot.listener = &listener;
  slot.subject = std::move(subject);
  slot.queue = std::move(queue);
  const NatsSubscriptionId id{index, slot.generation};
  reconcile(index);
  return id;
}

void NatsPort::unsubscribe(NatsSubscriptionId id) {
  shard_.verify();
  Slot& slot = slots_[id.index];
  CHECK_EQ(slot.generation, id.generation);
  CHECK(slot.listener != nullptr);
  // From now on its messages are known as late ones, whatever is still on its way.
  slot.generation = ++last_generation_;
  slot.listener = nullptr;
  slot.live = false;
  reconcile(id.index);
}

// A link that is away remembers what it was asked and has it live when it comes up. What found its
// lane full it does not know of, and could be up without.
bool NatsPort::covered(NatsSubscriptionId id) const {
  const Slot* slot = slots_.find(id.index);
  CHECK(slot != nullptr);
  return slot->live || (!link_->up() && !slot->queued);
}

// Makes what the link was told equal to what is wanted, now or when its lane has room.
void NatsPort::reconcile(std::uint32_t index) {
  Slot& slot = slots_[index];
  const bool wanted = slot.listener != nullptr;
  if (wanted != slot.sent && !send_change(index)) {
    if (!slot.queued) unsent_.push_back(index);
    slot.queued = true;
    return;
  }
  if (!wanted && !slot.queued) slots_.release(index);
}

bool NatsPort::send_change(std::uint32_t index) {
  if (!has_room()) return false;
  Slot& slot = slots_[index];
  NatsRequest request;
  request.kind = slot.sent ? NatsRequestKind::kUnsubscribe : NatsRequestKind::kSubscribe;
  request.subscription = {index, slot.generation};
  request.post.subject = std::exchange(slot.subject, {});
  request.queue = std::exchange(slot.queue, {});
  CHECK(link_->send(request));  // its lanes have room for all that is outstanding
  ++outstanding_;
  slot.sent = !slot.sent;
  return true;
}

void NatsPort::send_unsent() {
  while (!unsent_.empty() && has_room()) {
    const std::uint32_t index = unsent_.front();
    unsent_.pop_front();
    slots_[index].queued = false;
    reconcile(index);
  }
}

// --- publications and questions ------------------------------------------------------------------

bool NatsPort::send_post(NatsPost post, std::uint64_t token) {
  CHECK(is_subject(post.subject) && (post.reply.empty() || is_subject(post.reply)));
  for (const auto& [name, value] : post.headers) CHECK(is_subject(name) && is_one_line(value));
  if (!link_->up()) return false;
  const std::size_t size = size_of(post);
  if (!has_room() || outstanding_bytes_ + size > options_.lane_bytes) {
    ++metrics_.broker_dropped_full_total;
    return false;
  }
  NatsRequest request;
  request.kind = NatsRequestKind::kPublish;
  request.token = token;
  request.post = std::move(post);
  CHECK(link_->send(request));
  ++outstanding_;
  outstanding_bytes_ += size;
  return true;
}

bool NatsPort::publish(NatsPost post, NatsPoster* poster, std::uint64_t token) {
  shard_.verify();
  const std::uint64_t ticket = poster == nullptr ? 0 : last_ticket_ + 1;
  if (!send_post(std::move(post), post_token(ticket))) return false;
  if (poster != nullptr) posted_.emplace(last_ticket_ = ticket, Posted{poster, token});
  return true;
}

// False while its SUB found the lane full: an answer would reach nobody.
bool NatsPort::inbox_is_asked_for() {
  if (!inbox_subscription_) inbox_subscription_ = subscribe(inbox_ + '*', *this);
  return slots_[inbox_subscription_->index].sent;
}

NatsQuestionId NatsPort::ask(NatsPost question, Duration patience, NatsAsker& asker,
                             std::uint64_t token, Instant now) {
  shard_.verify();
  CHECK(question.reply.empty());
  if (questions_.size() >= kMaxQuestions || !link_->up() || !inbox_is_asked_for()) return 0;
  const NatsQuestionId id = last_question_ + 1;
  question.reply = fmt::format("{}{:x}", inbox_, id);
  if (!send_post(std::move(question), question_token(id))) return 0;
  last_question_ = id;
  questions_.emplace(id, Question{&asker, token});
  note_end(now + patience, id);
  return id;
}

void NatsPort::forget(NatsQuestionId question) { questions_.erase(question); }

void NatsPort::note_end(Instant until, NatsQuestionId id) {
  if (ends_.size() > questions_.size() + kStaleEnds) {
    std::erase_if(ends_, [this](const auto& end) { return !questions_.contains(end.second); });
    std::make_heap(ends_.begin(), ends_.end(), std::greater<>());
  }
  ends_.emplace_back(until, id);
  std::push_heap(ends_.begin(), ends_.end(), std::greater<>());
  set_timer();
}

void NatsPort::set_timer() {
  if (ends_.empty()) {
    timers_.cancel(timer_);
  } else if (!timer_.armed() || timer_.deadline() != ends_.front().first) {
    timers_.arm(timer_, ends_.front().first, *this);
  }
}

void NatsPort::on_timer(Timer& /*timer*/, Instant now) {
  while (!ends_.empty() && ends_.front().first <= now) {
    const NatsQuestionId id = ends_.front().second;
    std::pop_heap(ends_.begin(), ends_.end(), std::greater<>());
    ends_.pop_back();
    end_question(id, NatsAnswered::kTimeout, nullptr, now);
  }
  set_timer();
}

void NatsPort::end_question(NatsQuestionId id, NatsAnswered how, const NatsMessageView* reply,
                            Instant now) {
  const auto found = questions_.find(id);
  if (found == questions_.end()) return;
  const Question question = found->second;
  questions_.erase(found);
  question.asker->on_nats_answer(question.token, how, reply, now);
}

void NatsPort::end_all_questions(Instant now) {
  std::vector<NatsQuestionId> ids;
  ids.reserve(questions_.size());
  for (const auto& [id, question] : questions_) ids.push_back(id);
  std::sort(ids.begin(), ids.end());  // in the order of asking
  for (const NatsQuestionId id : ids) end_question(id, NatsAnswered::kLost, nullptr, now);
}

void NatsPort::on_nats_message(NatsSubscriptionId /*id*/, const NatsMessageView& message,
                               Instant now) {
  const Bytes subject = message.subject();
  if (!subject.starts_with(inbox_)) return;
  const Bytes digits = subject.substr(inbox_.size());
  NatsQuestionId id = 0;
  const auto read = std::from_chars(digits.data(), digits.data() + digits.size(), id, 16);
  if (read.ec != std::errc() || read.ptr != digits.data() + digits.size()) return;
  const bool nobody = message.no_responders();
  end_question(id, nobody ? NatsAnswered::kNoResponders : NatsAnswered::kReply,
               nobody ? nullptr : &message, now);
}

// --- what comes from the link --------------------------------------------------------------------

bool NatsPort::ready() const {
  return next_message_ < messages_.size() || link_->waiting() || link_->up() != was_up_ ||
         link_->lives() != seen_lives_ || (!unsent_.empty() && has_room());
}

void NatsPort::drain(Instant now) {
  shard_.verify();
  follow_link(now);
  take_answers(now);
  send_unsent();
  take_messages(now);
  const std::uint64_t dropped = link_->dropped();
  metrics_.broker_dropped_full_total += dropped - std::exchange(seen_dropped_, dropped);
}

void NatsPort::follow_link(Instant now) {
  std::string note;
  while (link_->take_note(note)) note_ = std::move(note);
  // Read in this order: a life that begins in between is seen by the next drain.
  const std::uint64_t lives = link_->lives();
  const bool up = link_->up();
  if (!drained_) away_since_ = now_ = now;
  drained_ = true;
  if (!was_up_) outage_ = outage_ + (now - now_);
  const bool lost = was_up_ && (!up || lives != seen_lives_);
  const bool won = up && (!was_up_ || lives != seen_lives_);
  if (lost) {
    ++metrics_.broker_outages_total;
    away_since_ = now;
  }
  if (up) note_.clear();
  was_up_ = up;
  seen_lives_ = lives;
  now_ = now;
  metrics_.broker_ready = up ? 1 : 0;
  metrics_.broker_outage_ms_total = static_cast<std::uint64_t>(outage_.to_ms());
  if (lost) end_all_questions(now);
  for (NatsFollower* follower : followers_) {
    if (lost) follower->on_nats_down(now);
    if (won) follower->on_nats_up(now);
  }
}

void NatsPort::take_answers(Instant now) {
  NatsAnswer answer;
  // Those that are there now, lest events that ask for more keep this turn going.
  for (std::size_t most = outstanding_; most > 0 && link_->take_answer(answer); --most) {
    CHECK_GT(outstanding_, 0U);
    --outstanding_;
    outstanding_bytes_ -= answer.bytes;
    switch (answer.kind) {
      case NatsRequestKind::kSubscribe:
        on_subscribed(answer.subscription, now);
        break;
      case NatsRequestKind::kUnsubscribe:
        break;
      case NatsRequestKind::kPublish:
        on_posted(answer.token, answer.accepted, now);
        break;
    }
  }
}

void NatsPort::on_subscribed(NatsSubscriptionId id, Instant now) {
  Slot* slot = slots_.find(id.index);
  if (slot == nullptr || slot->generation != id.generation) return;  // nobody wants it any more
  slot->live = true;
  slot->listener->on_nats_subscribed(id, now);
}

void NatsPort::on_posted(std::uint64_t token, bool accepted, Instant now) {
  if (token == post_token(0)) return;
  if ((token & 1U) != 0) {
    if (!accepted) end_question(token >> 1U, NatsAnswered::kLost, nullptr, now);
    return;
  }
  const auto found = posted_.find(token >> 1U);
  CHECK(found != posted_.end());
  const Posted posted = found->second;
  posted_.erase(found);
  posted.poster->on_nats_posted(posted.token, accepted, now);
}

void NatsPort::take_messages(Instant now) {
  if (next_message_ == messages_.size()) {
    messages_.clear();
    next_message_ = 0;
    link_->inbox().take(messages_);
  }
  const std::size_t end = std::min(messages_.size(), next_message_ + kMessagesPerDrain);
  while (next_message_ < end) {
    NatsInbound& inbound = messages_[next_message_++];
    take_message(inbound, now);
    link_->inbox().release(inbound);
  }
}

void NatsPort::take_message(NatsInbound& inbound, Instant now) {
  const NatsSubscriptionId id = inbound.subscription;
  const Slot* slot = slots_.find(id.index);
  if (slot == nullptr || slot->generation != id.generation) return;
  slot->listener->on_nats_message(id, NatsMessageView(*inbound.message), now);
}

BrokerStatus NatsPort::status() const {
  if (link_->up()) return {};
  const std::int64_t away = was_up_ ? 0 : (now_ - away_since_).to_seconds();
  return {.ready = false, .cause = nats_away_text(options_.urls, away, link_->cause(), note_)};
}

}  // namespace millrace
