#include "net/nats/nats_subscriptions.h"

#include <utility>

#include "core/base/assert.h"

namespace millrace {
namespace {

// What the library's callbacks of one subscription know. The completion callback is the last of
// them and frees it.
struct Delivery {
  NatsInbox& inbox;
  std::atomic<std::size_t>& alive;
  NatsSubscriptionId id;
};

void on_message(natsConnection* /*connection*/, natsSubscription* /*subscription*/,
                natsMsg* message, void* closure) {
  auto& delivery = *static_cast<Delivery*>(closure);
  delivery.inbox.push(NatsMessage(message), delivery.id);
}

void end_delivery(std::unique_ptr<Delivery> delivery) {
  std::atomic<std::size_t>& alive = delivery->alive;
  delivery.reset();
  // The last touch: whoever waits for zero may destroy all that is ours.
  alive.fetch_sub(1, std::memory_order_release);
}

void on_complete(void* closure) {
  end_delivery(std::unique_ptr<Delivery>(static_cast<Delivery*>(closure)));
}

// Of a subscription that was closed before it got its completion callback: the library says here
// that its delivery thread is past it.
void wait_until_delivered(natsSubscription& subscription) {
  while (natsSubscription_DrainCompletionStatus(&subscription) == NATS_ILLEGAL_STATE) nats_Sleep(1);
}

constexpr int kQuietMs = 10'000;

}  // namespace

NatsSubscriptions::~NatsSubscriptions() { wait_until_quiet(); }

bool NatsSubscriptions::subscribe(std::uint32_t index, natsConnection& connection) {
  Entry& entry = entries_[index];
  auto delivery = std::make_unique<Delivery>(
      Delivery{inbox_, alive_, NatsSubscriptionId{index, entry.generation}});
  natsSubscription* made = nullptr;
  // A subscription that could not be made has sent nothing, so no callback has the closure.
  const char* subject = entry.subject.c_str();
  const natsStatus status =
      entry.queue.empty()
          ? natsConnection_Subscribe(&made, &connection, subject, on_message, delivery.get())
          : natsConnection_QueueSubscribe(&made, &connection, subject, entry.queue.c_str(),
                                          on_message, delivery.get());
  if (status != NATS_OK) return false;
  NatsSubscriptionHandle handle(made);
  alive_.fetch_add(1, std::memory_order_relaxed);
  if (natsSubscription_SetOnCompleteCB(made, on_complete, delivery.get()) != NATS_OK) {
    // The connection was closed in between.
    wait_until_delivered(*made);
    end_delivery(std::move(delivery));
    return false;
  }
  static_cast<void>(delivery.release());  // on_complete()'s now
  entry.handle = std::move(handle);
  entry.dropped = 0;
  return true;
}

bool NatsSubscriptions::add(NatsSubscriptionId id, std::string subject, natsConnection* connection,
                            std::string queue) {
  CHECK(!subject.empty());
  if (id.index >= entries_.size()) entries_.resize(id.index + 1);
  Entry& entry = entries_[id.index];
  CHECK(entry.subject.empty());
  entry.subject = std::move(subject);
  entry.queue = std::move(queue);
  entry.generation = id.generation;
  ++size_;
  const bool subscribed = connection != nullptr && subscribe(id.index, *connection);
  if (!subscribed) ++missing_;
  return connection == nullptr || subscribed;
}

void NatsSubscriptions::remove(std::uint32_t index, bool connected) {
  CHECK_LT(index, entries_.size());
  Entry& entry = entries_[index];
  CHECK(!entry.subject.empty());
  if (entry.handle == nullptr) {
    --missing_;
  } else {
    count_dropped(entry);
    if (!connected) unwanted_.push_back(std::move(entry.handle));
  }
  entry = Entry{};
  --size_;
}

bool NatsSubscriptions::restore(natsConnection& connection) {
  // First these: else a channel that was left and taken again would arrive twice.
  unwanted_.clear();
  if (missing_ == 0) return true;
  for (std::uint32_t index = 0; index < entries_.size(); ++index) {
    const Entry& entry = entries_[index];
    if (entry.subject.empty() || entry.handle != nullptr) continue;
    if (!subscribe(index, connection)) return false;
    --missing_;
  }
  CHECK_EQ(missing_, 0U);
  return true;
}

void NatsSubscriptions::forget_connection() {
  unwanted_.clear();
  for (Entry& entry : entries_) {
    if (entry.handle == nullptr) continue;
    count_dropped(entry);
    entry.handle.reset();
    ++missing_;
  }
  CHECK_EQ(missing_, size_);
}

void NatsSubscriptions::wait_until_quiet() const {
  for (int waited = 0; alive_.load(std::memory_order_acquire) != 0; ++waited) {
    CHECK_LT(waited, kQuietMs);  // nats_Close() before the last link would be one cause
    nats_Sleep(1);
  }
}

void NatsSubscriptions::count_dropped(Entry& entry) {
  std::int64_t dropped = 0;
  if (natsSubscription_GetDropped(entry.handle.get(), &dropped) != NATS_OK) return;
  dropped_ += static_cast<std::uint64_t>(dropped - entry.dropped);
  entry.dropped = dropped;
}

std::uint64_t NatsSubscriptions::take_dropped() {
  for (Entry& entry : entries_) {
    if (entry.handle != nullptr) count_dropped(entry);
  }
  return std::exchange(dropped_, 0);
}

}  // namespace millrace
