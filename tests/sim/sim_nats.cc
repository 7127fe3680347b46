#include "tests/sim/sim_nats.h"

#include <algorithm>
#include <utility>

#include "core/base/assert.h"

namespace millrace::sim {
namespace {

constexpr std::size_t kBatch = 16;  // requests of one flush

// Only what our broker subscribes to: a whole subject, `tokens.>` or `tokens.*`.
bool matches(const std::string& pattern, const std::string& subject) {
  if (pattern.ends_with('>')) {
    const std::string stem = pattern.substr(0, pattern.size() - 1);
    return subject.size() > stem.size() && subject.starts_with(stem);
  }
  if (pattern.ends_with('*')) {
    const std::string stem = pattern.substr(0, pattern.size() - 1);
    return subject.size() > stem.size() && subject.starts_with(stem) &&
           subject.find('.', stem.size()) == std::string::npos;
  }
  return pattern == subject;
}

}  // namespace

// --- the server ----------------------------------------------------------------------------------

std::unique_ptr<BrokerLink> SimNats::connect(std::size_t shard, const NatsOptions& options,
                                             Waker& waker) {
  return std::make_unique<SimLink>(*this, shard, options, waker);
}

void SimNats::publish(const NatsPost& post) {
  for (const auto& [shard, link] : links_) link->carry(post);
}

void SimNats::calm() {
  for (const auto& [shard, link] : links_) {
    if (!link->up_) link->reconnect();
  }
}

std::uint64_t SimNats::duplicates(std::size_t shard, const std::string& data) const {
  const auto found = duplicates_.find({shard, data});
  return found == duplicates_.end() ? 0 : found->second;
}

std::uint64_t SimNats::dropped(std::size_t shard) const { return links_.at(shard)->dropped(); }

std::uint64_t SimNats::disconnects(std::size_t shard) const {
  return links_.at(shard)->disconnects_;
}

// --- a link --------------------------------------------------------------------------------------

SimLink::SimLink(SimNats& server, std::size_t shard, const NatsOptions& options, Waker& waker)
    : server_(server),
      shard_(shard),
      waker_(waker),
      inbox_(options.inbox_messages, options.inbox_bytes, waker),
      lane_(options.lane_requests) {
  server_.links_[shard_] = this;
  server_.m_.scheduler.in(milliseconds(1), [this, alive = std::weak_ptr(alive_)] {
    if (!alive.expired() && !up_) reconnect();
  });
}

SimLink::~SimLink() { server_.links_.erase(shard_); }

Duration SimLink::delay() {
  Machinery& m = server_.m_;
  if (m.faults.strikes(Fault::kBrokerLate)) {
    return milliseconds(static_cast<std::int64_t>(m.random.below(200)));
  }
  return microseconds(20 + static_cast<std::int64_t>(m.random.below(200)));
}

Duration SimLink::in_order(Duration late, Instant& last) {
  last = std::max(server_.m_.scheduler.now() + late, last);
  return last - server_.m_.scheduler.now();
}

bool SimLink::send(NatsRequest& request) {
  if (unanswered_ >= lane_) return false;
  ++unanswered_;
  requests_.push_back(std::move(request));
  if (!std::exchange(working_, true)) {
    server_.m_.scheduler.in(delay(), [this, alive = std::weak_ptr(alive_)] {
      if (!alive.expired()) work();
    });
  }
  return true;
}

bool SimLink::take_answer(NatsAnswer& answer) {
  if (answers_.empty()) return false;
  answer = answers_.front();
  answers_.pop_front();
  --unanswered_;
  return true;
}

void SimLink::work() {
  take_batch(kBatch);
  working_ = !requests_.empty();
  if (working_) {
    server_.m_.scheduler.in(delay(), [this, alive = std::weak_ptr(alive_)] {
      if (!alive.expired()) work();
    });
  }
  if (up_ && server_.m_.faults.strikes(Fault::kBrokerDisconnect)) disconnect();
}

// A batch, then a flush, then its answers, as the link's thread does it. A disconnect in between
// leaves its publications in doubt: they may be out, and are reported as refused.
void SimLink::take_batch(std::size_t most) {
  std::vector<NatsAnswer> batch;
  for (; batch.size() < most && !requests_.empty(); requests_.pop_front()) {
    batch.push_back(carry_out(requests_.front()));
  }
  if (batch.empty()) return;
  const std::uint64_t life = up_ ? lives_ : 0;
  server_.m_.scheduler.in(in_order(delay(), last_answer_),
                          [this, life, batch = std::move(batch), alive = std::weak_ptr(alive_)] {
                            if (alive.expired()) return;
                            for (NatsAnswer answer : batch) {
                              answer.accepted = answer.accepted && up_ && lives_ == life;
                              answers_.push_back(answer);
                            }
                            waker_.wake();
                          });
}

NatsAnswer SimLink::carry_out(const NatsRequest& request) {
  NatsAnswer answer{.kind = request.kind,
                    .subscription = request.subscription,
                    .token = request.token,
                    .bytes = size_of(request.post)};
  switch (request.kind) {
    case NatsRequestKind::kSubscribe: {
      const bool added =
          subscriptions_
              .try_emplace(request.subscription.index, request.post.subject, request.subscription)
              .second;
      CHECK(added);
      break;
    }
    case NatsRequestKind::kUnsubscribe: {
      const auto removed = subscriptions_.erase(request.subscription.index);
      CHECK_EQ(removed, 1U);
      break;
    }
    case NatsRequestKind::kPublish: {
      if (!up_) break;
      const bool refused = server_.m_.faults.strikes(Fault::kBrokerRefuse);
      if (!refused || server_.m_.random.below(2) == 0) {
        server_.publish(request.post);
      }
      answer.accepted = !refused;
      break;
    }
  }
  return answer;
}

void SimLink::disconnect() {
  Machinery& m = server_.m_;
  m.trace.say(name(), "is disconnected");
  up_ = false;
  ++disconnects_;
  waker_.wake();
  const Duration away = milliseconds(1 + static_cast<std::int64_t>(m.random.below(3'000)));
  m.scheduler.in(away, [this, alive = std::weak_ptr(alive_)] {
    if (!alive.expired() && !up_) reconnect();
  });
}

void SimLink::reconnect() {
  // Up means that every subscription asked for so far is live.
  while (!requests_.empty()) take_batch(kBatch);
  server_.m_.trace.say(name(), "is up, with {} subscriptions", subscriptions_.size());
  up_ = true;
  ++lives_;
  waker_.wake();
}

void SimLink::carry(const NatsPost& post) {
  const std::string& data = post.data;
  Machinery& m = server_.m_;
  if (!up_) {
    server_.lost_.insert({shard_, data});
    return;
  }
  for (const auto& [index, wanted] : subscriptions_) {
    if (!matches(wanted.first, post.subject)) continue;
    const NatsSubscriptionId to = wanted.second;
    if (m.faults.strikes(Fault::kBrokerDrop)) {
      m.trace.say(name(), "drops {}", excerpt(data));
      server_.lost_.insert({shard_, data});
      ++dropped_;
      waker_.wake();
      continue;
    }
    int times = 1;
    if (m.faults.strikes(Fault::kBrokerDuplicate)) {
      m.trace.say(name(), "will bring twice: {}", excerpt(data));
      ++server_.duplicates_[{shard_, data}];
      times = 2;
    }
    for (; times > 0; --times) {
      m.scheduler.in(in_order(delay(), last_message_),
                     [=, this, life = lives_, alive = std::weak_ptr(alive_)] {
                       if (!alive.expired()) push(life, to, post);
                     });
    }
  }
}

void SimLink::push(std::uint64_t life, NatsSubscriptionId to, const NatsPost& post) {
  if (!up_ || lives_ != life) {
    server_.lost_.insert({shard_, post.data});
    return;
  }
  natsMsg* made = nullptr;
  const char* reply = post.reply.empty() ? nullptr : post.reply.c_str();
  CHECK_EQ(natsMsg_Create(&made, post.subject.c_str(), reply, post.data.data(),
                          static_cast<int>(post.data.size())),
           NATS_OK);
  NatsMessage message(made);
  for (const auto& [name, value] : post.headers) {
    CHECK_EQ(natsMsgHeader_Add(made, name.c_str(), value.c_str()), NATS_OK);
  }
  server_.m_.trace.say(name(), "brings {} {}", post.subject, excerpt(post.data));
  inbox_.push(std::move(message), to);
}

}  // namespace millrace::sim
