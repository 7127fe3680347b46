#include "net/server/drain.h"

#include <algorithm>
#include <utility>

namespace millrace {

Drain::Drain(ShardId shard, DrainState& state, Duration timeout, Reactor& reactor,
             ConnectionTable& table, ListenerSet& listeners, Random& random)
    : shard_(shard),
      state_(state),
      timeout_(timeout),
      reactor_(reactor),
      table_(table),
      listeners_(listeners),
      random_(random) {}

Drain::~Drain() { reactor_.timers().cancel(timer_); }

bool Drain::wanted() const {
  if (!begun_) return state_.asked.load(std::memory_order_acquire);
  return !hurried_ && !done_ && state_.hurry.load(std::memory_order_acquire);
}

void Drain::look(Instant now) {
  if (done_) return;
  if (!begun_ && wanted()) begin(now);
  if (begun_ && wanted()) hurry(now);
  if (!telling_ || !listeners_.idle()) return;
  if (!closed_ && state_.gate != nullptr) state_.gate->close(shard_);
  closed_ = true;
  if (table_.idle()) finish();
}

void Drain::begin(Instant now) {
  begun_ = true;
  end_ = now + timeout_;
  unsent_before_ = table_.metrics().unsent_bytes_total;
  if (state_.gate != nullptr) state_.gate->hold(shard_);
  const Duration grace = std::min(timeout_ / kParts, kLongestGrace);
  if (grace == Duration{}) {
    begin_telling(now);
  } else {
    reactor_.timers().arm(timer_, now + grace, *this);
  }
}

void Drain::on_timer(Timer&, Instant now) {
  if (!telling_) {
    begin_telling(now);
  } else if (now < end_ || pace_.left() > 0) {
    tell_due(now);
  } else {
    cut_off(now);
  }
}

void Drain::begin_telling(Instant now) {
  telling_ = true;
  listeners_.stop();
  order_.reserve(table_.size());
  table_.for_each([this](Connection& connection) { order_.push_back(connection.id()); });
  for (std::size_t left = order_.size(); left > 1; --left) {
    std::swap(order_[left - 1], order_[random_.next() % left]);
  }
  pace_ = DrainPace(order_.size(), now, end_ - timeout_ / kParts);
  tell_due(now);
}

void Drain::adopted(ConnId connection, Instant now) {
  if (!telling_) return;
  order_.push_back(connection);
  pace_.add();
  if (!timer_.armed() || timer_.deadline() > now + kStep) {
    reactor_.timers().arm(timer_, now + kStep, *this);
  }
}

void Drain::hurry(Instant now) {
  hurried_ = true;
  end_ = std::min(end_, now + kHurry);
  if (!telling_) begin_telling(now);
  pace_.hurry();
  tell_due(now);
}

void Drain::tell_due(Instant now) {
  for (std::size_t due = pace_.due(now); due > 0; --due) {
    // Who left meanwhile has its turn all the same: nobody else is told sooner for it.
    Connection* connection = table_.find(order_[next_++]);
    if (connection == nullptr || !connection->open()) continue;
    ++told_;
    connection->protocol()->on_drain(now);
  }
  const bool all = pace_.left() == 0;
  reactor_.timers().arm(timer_, all ? end_ : std::min(now + kStep, end_), *this);
}

// Again and again until all are gone: accepts that were on their way come here too.
void Drain::cut_off(Instant now) {
  table_.for_each([this, now](Connection& connection) {
    if (connection.closing()) return;
    ++cut_off_;
    connection.terminate(now);
  });
  reactor_.timers().arm(timer_, now + kStep, *this);
}

void Drain::finish() {
  done_ = true;
  reactor_.timers().cancel(timer_);
  state_.told.fetch_add(told_, std::memory_order_relaxed);
  state_.cut_off.fetch_add(cut_off_, std::memory_order_relaxed);
  state_.unsent_bytes.fetch_add(table_.metrics().unsent_bytes_total - unsent_before_,
                                std::memory_order_relaxed);
}

}  // namespace millrace
