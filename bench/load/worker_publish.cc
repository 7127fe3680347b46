// A worker's publishing half: the publisher's connection, and the way through clients.
#include <algorithm>
#include <utility>

#include "bench/load/worker.h"
#include "core/base/assert.h"

namespace millrace::load {
namespace {

// A publisher that is not read fast enough waits rather than queue without end.
constexpr std::size_t kMostQueued = 1024 * 1024;

}  // namespace

bool Worker::is_publisher(const Client&) const { return slice_.publisher; }

void Worker::open_publisher(Instant now) {
  CHECK(slice_.publisher);
  const Options& options = shared_.options;
  const AddressPlan& plan = shared_.addresses;
  const PeerAddress api = socket_address(options.api);
  connector_.start({.ticket = kPublisherTicket,
                    .from = nullptr,
                    .to = options.publish_by_api ? &api : &plan.address_of(0),
                    .no_delay = true,
                    .began = now},
                   now);
}

std::unique_ptr<Protocol> Worker::make_publisher(Connection& connection, Instant now) {
  const Options& options = shared_.options;
  if (!options.publish_by_api) {
    return std::make_unique<Client>(connection, context_, slice_.first, false, 0, now, now);
  }
  publisher_ = connection.id();
  publisher_ready_ = true;
  return std::make_unique<ApiClient>(connection, static_cast<ApiOwner&>(*this),
                                     to_string(options.api), options.api_key);
}

void Worker::publisher_gone(const std::string& cause) {
  // Between two publications it may go: servers close what is idle, and drain.
  const bool missed = !publisher_ready_ || publishing_.busy();
  if (missed && !stopping_) {
    ++report_.publish_errors["no publisher: " + cause];
    ++errors_;
    ++failed_;
  }
  publisher_ready_ = false;
  publishing_.lost();
}

void Worker::publish(PublishOrder order) {
  if (order.lanes.empty()) return;
  if (order.rate <= 0 && !order.by_answer) {
    shared_.publisher.store(&reactor_.waker(), std::memory_order_release);
  }
  publishing_.begin(std::move(order));
  // Whoever waits for the end must not see the state before the begin.
  shared_.live[id_.value].publishing.store(true, std::memory_order_relaxed);
}

// --- the way -------------------------------------------------------------------------------------

PublishPath::Room Worker::room(std::uint32_t client) {
  ConnId id = publisher_;
  if (slice_.publisher) {
    if (!publisher_ready_) return Room::kNever;
  } else {
    const std::uint32_t index = client - slice_.first;
    if (status_[index] != Status::kUp) return Room::kNever;
    id = publishing_clients_[index];
  }
  Connection* connection = table_.find(id);
  if (connection == nullptr || !connection->open()) return Room::kNever;
  if (connection->queued_bytes() > kMostQueued) return Room::kLater;
  if (slice_.publisher && shared_.options.publish_by_api) {
    return static_cast<ApiClient*>(connection->protocol())->has_room() ? Room::kYes : Room::kLater;
  }
  return Room::kYes;
}

void Worker::send(std::uint32_t client, std::uint32_t id, Bytes channel, Bytes payload) {
  const ConnId to = slice_.publisher ? publisher_ : publishing_clients_[client - slice_.first];
  Connection* connection = table_.find(to);
  CHECK(connection != nullptr);
  if (slice_.publisher && shared_.options.publish_by_api) {
    static_cast<ApiClient*>(connection->protocol())->publish(id, channel, payload);
  } else {
    static_cast<Client*>(connection->protocol())->publish(id, channel, payload);
  }
}

bool Worker::answers() const {
  return shared_.options.publish_by_api || shared_.options.protocol != WireProtocol::kRaw;
}

void Worker::on_answer(Client&, std::uint32_t id, std::uint32_t error, Instant now) {
  std::string cause;
  if (error != 0) {
    cause = "error " + std::to_string(error);
    ++errors_;
  }
  publishing_.on_answer(id, cause, now);
}

void Worker::on_api_answer(std::uint32_t id, const std::string& error, Instant now) {
  if (!error.empty()) ++errors_;
  publishing_.on_answer(id, error, now);
}

void Worker::on_api_gone(Instant) { publisher_gone("the API's connection was closed"); }

}  // namespace millrace::load
