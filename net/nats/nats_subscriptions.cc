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
  std::uint32_t connection;
  bool shared;
};

void on_message(natsConnection* /*connection*/, natsSubscription* /*subscription*/,
                natsMsg* message, void* closure) {
  auto& delivery = *static_cast<Delivery*>(closure);
  delivery.inbox.push(NatsMessage(message), delivery.id, delivery.connection, delivery.shared);
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

bool NatsSubscriptions::subscribe(std::uint32_t index, Entry& entry, natsConnection& connection) {
  auto delivery = std::make_unique<Delivery>(Delivery{inbox_, alive_,
                                                      NatsSubscriptionId{index, entry.generation},
                                                      connection_, entry.queue.empty()});
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
  Entry& entry = entries_.take(id.index);
  entry.subject = std::move(subject);
  entry.queue = std::move(queue);
  entry.generation = id.generation;
  const bool subscribed = connection != nullptr && subscribe(id.index, entry, *connection);
  if (!subscribed) ++missing_;
  return connection == nullptr || subscribed;
}

void NatsSubscriptions::remove(std::uint32_t index, bool connected) {
  Entry& entry = entries_[index];
  if (entry.handle == nullptr) {
    --missing_;
  } else {
    count_dropped(entry);
    if (!connected) unwanted_.push_back(std::move(entry.handle));
  }
  entries_.release(index);
}

bool NatsSubscriptions::restore(natsConnection& connection) {
  // First these: else a channel that was left and taken again would arrive twice.
  unwanted_.clear();
  if (missing_ == 0) return true;
  bool all = true;
  entries_.for_each([&](std::uint32_t index, Entry& entry) {
    if (!all || entry.handle != nullptr) return;
    all = subscribe(index, entry, connection);
    if (all) --missing_;
  });
  CHECK(!all || missing_ == 0);
  return all;
}

bool NatsSubscriptions::copy_to(NatsSubscriptions& other, natsConnection& connection) {
  CHECK_EQ(other.size(), 0U);
  bool all = true;
  entries_.for_each([&](std::uint32_t index, Entry& entry) {
    all = all && other.add({index, entry.generation}, entry.subject, &connection, entry.queue);
  });
  return all;
}

void NatsSubscriptions::forget_connection() {
  unwanted_.clear();
  entries_.for_each([this](std::uint32_t, Entry& entry) {
    if (entry.handle == nullptr) return;
    count_dropped(entry);
    entry.handle.reset();
    ++missing_;
  });
  CHECK_EQ(missing_, entries_.size());
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
  entries_.for_each([this](std::uint32_t, Entry& entry) {
    if (entry.handle != nullptr) count_dropped(entry);
  });
  return std::exchange(dropped_, 0);
}

}  // namespace millrace
