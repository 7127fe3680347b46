#include "net/nats/nats_link.h"

#include <algorithm>
#include <bit>
#include <system_error>
#include <utility>

#include "core/base/assert.h"
#include "net/nats/nats_security.h"
#include "net/nats/publish_post.h"
#include "net/nats/server_order.h"

namespace millrace {
namespace {

constexpr std::size_t kBatch = 1'024;  // requests of one flush
constexpr std::size_t kNotes = 16;
constexpr std::size_t kNoteBytes = 200;
constexpr int kMaxPingsOut = 2;
// Of each subscription, between the library's read loop and its delivery thread. Generous, because
// that thread only fills our inbox, and the inbox is where the limit is.
constexpr int kLibraryQueueMessages = 262'144;
// While a server does not answer: how long the thread asks at a time, requests waiting meanwhile.
constexpr int kProbeMs = 100;
constexpr int kPauseMs = 10;

// For all shards together: more threads share the subscriptions out. A subscription keeps to one
// thread, so its order stays.
int delivery_threads() {
  return std::clamp(static_cast<int>(std::thread::hardware_concurrency()) / 4, 1, 8);
}

}  // namespace

NatsLink::NatsLink(const NatsOptions& options, Waker& waker)
    : options_(options),
      waker_(waker),
      inbox_(options.inbox_messages, options.inbox_bytes, waker),
      requests_(std::bit_ceil(options.lane_requests)),
      answers_(std::bit_ceil(options.lane_requests)),
      notes_(kNotes),
      wire_(std::make_unique<NatsWire>(*this, inbox_, 0)) {}

NatsLink::~NatsLink() {
  if (!thread_.joinable()) return;
  stop_.store(true, std::memory_order_release);
  wake_link();
  thread_.join();
}

Result<void> NatsLink::start() {
  CHECK(!thread_.joinable());
  natsStatistics* statistics = nullptr;
  natsStatus status = natsStatistics_Create(&statistics);
  statistics_.reset(statistics);
  if (status == NATS_OK) status = nats_SetMessageDeliveryPoolSize(delivery_threads());
  // Once for its errors: connect() makes them anew.
  LibraryOptions options;
  if (status == NATS_OK) status = make_options(options_.urls, wire_->watch, options);
  if (status != NATS_OK) {
    return Error{std::string("NATS: the library refuses its options: ") +
                 natsStatus_GetText(status) + "; check the URLs, files and times under [broker]"};
  }
  batch_.reserve(kBatch);
  try {
    thread_ = std::thread([this] { run(); });
  } catch (const std::system_error& error) {
    return Error{"NATS: no thread for its connection (" + error.code().message() +
                 "); raise ulimit -u, TasksMax= or pids.max"};
  }
  return {};
}

natsStatus NatsLink::make_options(const std::vector<std::string>& servers, NatsWatch& watch,
                                  LibraryOptions& made) const {
  natsOptions* options = nullptr;
  std::vector<const char*> urls;
  urls.reserve(servers.size());
  for (const std::string& url : servers) urls.push_back(url.c_str());

  natsStatus status = natsOptions_Create(&options);
  made.reset(options);
  const auto set = [&status](auto call, auto... arguments) {
    if (status == NATS_OK) status = call(arguments...);
  };
  set(natsOptions_UseGlobalMessageDelivery, options, true);
  set(natsOptions_SetServers, options, urls.data(), static_cast<int>(urls.size()));
  // The order is ours, but of servers that only the cluster names: those take their chance.
  set(natsOptions_SetNoRandomize, options, urls.size() > 1);
  set(natsOptions_SetName, options, options_.name.c_str());
  set(natsOptions_SetTimeout, options, options_.connect_timeout_ms);
  set(natsOptions_SetWriteDeadline, options, options_.flush_timeout_ms);
  set(natsOptions_SetPingInterval, options, options_.ping_interval_ms);
  set(natsOptions_SetMaxPingsOut, options, kMaxPingsOut);
  set(natsOptions_SetMaxReconnect, options, -1);
  set(natsOptions_SetReconnectWait, options, options_.reconnect_wait_ms);
  set(natsOptions_SetReconnectJitter, options, options_.reconnect_wait_ms,
      options_.reconnect_wait_ms);
  // Without room the library refuses a publish while it is away, rather than send it later unseen.
  set(natsOptions_SetReconnectBufSize, options, 0);
  set(natsOptions_SetMaxPendingMsgs, options, kLibraryQueueMessages);
  set(natsOptions_SetReconnectedCB, options, &NatsLink::on_connected, &watch);
  set(natsOptions_SetDisconnectedCB, options, &NatsLink::on_disconnected, &watch);
  set(natsOptions_SetClosedCB, options, &NatsLink::on_closed, &watch);
  set(natsOptions_SetLameDuckModeCB, options, &NatsLink::on_lame_duck, &watch);
  set(natsOptions_SetErrorHandler, options, &NatsLink::on_error, &watch);
  if (status != NATS_OK) return status;
  return set_nats_security(*options, options_.security,
                           wants_tls(options_.security, options_.urls));
}

bool NatsLink::send(NatsRequest& request) {
  if (!requests_.push(request)) return false;
  wake_link();
  return true;
}

void NatsLink::wake_link() {
  signal_.fetch_add(1, std::memory_order_release);
  signal_.notify_one();
}

bool NatsLink::change(std::uint32_t wire, Phase phase) {
  std::uint64_t seen = state_.load(std::memory_order_relaxed);
  std::uint64_t next = 0;
  do {
    if (wire_of(seen) != wire) return false;
    next = next_state(seen, wire, phase);
  } while (!state_.compare_exchange_weak(seen, next, std::memory_order_acq_rel,
                                         std::memory_order_relaxed));
  wake_link();
  waker_.wake();
  return true;
}

NatsLink::Phase NatsLink::phase() const {
  return static_cast<Phase>(state_.load(std::memory_order_acquire) & kPhaseMask);
}

void NatsLink::note(const char* text) {
  if (text == nullptr || *text == '\0') return;
  std::string line;
  for (const char* c = text; *c != '\0' && line.size() < kNoteBytes; ++c) {
    line.push_back(*c >= ' ' && *c < 0x7f ? *c : '?');
  }
  static_cast<void>(notes_.push(line));
}

void NatsLink::on_connected(natsConnection* /*connection*/, void* closure) {
  auto& watch = *static_cast<NatsWatch*>(closure);
  watch.link.change(watch.number, Phase::kConnected);
}

void NatsLink::on_disconnected(natsConnection* /*connection*/, void* closure) {
  auto& watch = *static_cast<NatsWatch*>(closure);
  if (!watch.link.change(watch.number, Phase::kAway)) return;
  watch.link.cause_.store(NatsLinkCause::kLost, std::memory_order_release);
}

void NatsLink::on_closed(natsConnection* connection, void* closure) {
  auto& watch = *static_cast<NatsWatch*>(closure);
  const char* text = nullptr;
  const bool told = natsConnection_GetLastError(connection, &text) != NATS_OK;
  if (watch.link.change(watch.number, Phase::kClosed)) {
    if (told) watch.link.note(text);
    watch.link.cause_.store(NatsLinkCause::kClosed, std::memory_order_release);
  }
  watch.link.wake_link();
  // The last touch: from here on the link may be destroyed.
  watch.closed.store(true, std::memory_order_release);
}

void NatsLink::on_lame_duck(natsConnection* /*connection*/, void* closure) {
  auto& watch = *static_cast<NatsWatch*>(closure);
  NatsLink& link = watch.link;
  if (wire_of(link.state_.load(std::memory_order_acquire)) != watch.number) return;
  link.lame_.store(true, std::memory_order_release);
  link.wake_link();
}

void NatsLink::on_error(natsConnection* /*connection*/, natsSubscription* /*subscription*/,
                        natsStatus status, void* closure) {
  NatsLink& link = static_cast<NatsWatch*>(closure)->link;
  if (status == NATS_SLOW_CONSUMER) {
    link.library_drops_.store(true, std::memory_order_release);
    link.wake_link();
    return;
  }
  natsStatus last = NATS_OK;
  link.note(nats_GetLastError(&last));
}

void NatsLink::run() {
  for (;;) {
    const int seen = signal_.load(std::memory_order_acquire);
    if (stopping()) break;
    if (!work()) signal_.wait(seen, std::memory_order_acquire);
  }
  for (const auto& wire : {std::ref(next_), std::ref(old_), std::ref(wire_)}) {
    if (wire.get() != nullptr) wire.get()->close();
    if (&wire.get() != &wire_) wire.get().reset();
  }
  wire_->subscriptions.wait_until_quiet();
  nats_ReleaseThreadMemory();
}

// True if there is more to do without being told.
bool NatsLink::work() {
  if (wire_->connection != nullptr && phase() == Phase::kClosed) {
    disconnect();
    pause_before_connect();
    return true;
  }
  if (wire_->connection == nullptr) {
    connect();
    if (wire_->connection == nullptr) pause_before_connect();
    return true;
  }
  serve();
  if (library_drops_.exchange(false, std::memory_order_acq_rel)) count_dropped();
  if (phase() == Phase::kConnected && !up() && !resume()) pause(kPauseMs);
  if (lame_.load(std::memory_order_acquire) || moving()) {
    move();
    if (moving() || lame_.load(std::memory_order_acquire)) pause(kPauseMs);
  }
  return !requests_.empty() || moving() || lame_.load(std::memory_order_acquire) ||
         (phase() == Phase::kConnected && !up());
}

void NatsLink::count_dropped() {
  for (NatsWire* wire : {wire_.get(), next_.get(), old_.get()}) {
    if (wire == nullptr) continue;
    library_dropped_.fetch_add(wire->subscriptions.take_dropped(), std::memory_order_relaxed);
  }
  waker_.wake();
}

void NatsLink::connect() {
  wire_->watch.closed.store(false, std::memory_order_relaxed);
  CHECK(change(wire_->watch.number, Phase::kAway));
  std::uint64_t before = state_.load(std::memory_order_acquire);
  nats_ReleaseThreadMemory();
  // Made anew, because keys and certificates may have been exchanged.
  LibraryOptions options;
  natsStatus status =
      make_options(server_order(options_.urls, options_.spread), wire_->watch, options);
  if (status == NATS_OK) status = natsConnection_Connect(&wire_->connection, options.get());
  if (status != NATS_OK) {
    wire_->connection = nullptr;
    // There is no connection, so no callback of the library's writes a note now.
    if (status != NATS_NO_SERVER) note(nats_GetLastError(nullptr));
    return;
  }
  // Unless it is lost again already, which the library has told us.
  const std::uint64_t after = next_state(before, wire_->watch.number, Phase::kConnected);
  state_.compare_exchange_strong(before, after, std::memory_order_acq_rel);
}

void NatsLink::disconnect() {
  abandon_move();
  state_.fetch_and(~kLive, std::memory_order_acq_rel);
  wire_->close();
}

// Makes the link up: all that is wanted is subscribed at the server and nothing happened meanwhile.
bool NatsLink::resume() {
  natsConnection& connection = *wire_->connection;
  std::uint64_t state = state_.load(std::memory_order_acquire);
  const std::uint64_t connected = reconnects(connection);
  if (!wire_->subscriptions.restore(connection)) return false;
  const int timeout_ms = std::min(kProbeMs, options_.flush_timeout_ms);
  if (flush(connection, timeout_ms, connected) != NATS_OK) return false;
  if (!state_.compare_exchange_strong(state, state | kLive, std::memory_order_acq_rel)) {
    return false;
  }
  lives_.fetch_add(1, std::memory_order_release);
  waker_.wake();
  return true;
}

void NatsLink::serve() {
  const bool was_up = wire_->connection != nullptr && up();
  const std::uint64_t connected = was_up ? reconnects(*wire_->connection) : 0;
  NatsRequest request;
  flush_wanted_ = false;
  while (batch_.size() < kBatch && requests_.pop(request)) carry_out(request, was_up);
  if (batch_.empty()) return;
  if (was_up && flush_wanted_) {
    const natsStatus status = flush(*wire_->connection, options_.flush_timeout_ms, connected);
    if (status != NATS_OK) {
      fail(status == NATS_TIMEOUT ? NatsLinkCause::kNoAnswer : NatsLinkCause::kLost);
      for (NatsAnswer& answer : batch_) answer.accepted = false;
    }
  }
  for (NatsAnswer& answer : batch_) CHECK(answers_.push(answer));
  batch_.clear();
  waker_.wake();
}

void NatsLink::carry_out(NatsRequest& request, bool up) {
  NatsAnswer answer{.kind = request.kind,
                    .subscription = request.subscription,
                    .token = request.token,
                    .bytes = size_of(request.post)};
  switch (request.kind) {
    case NatsRequestKind::kSubscribe: {
      NatsPost& post = request.post;
      if (next_ != nullptr && !next_->subscriptions.add(request.subscription, post.subject,
                                                        next_->connection, request.queue)) {
        abandon_move();
      }
      if (!wire_->subscriptions.add(request.subscription, std::move(post.subject),
                                    up ? wire_->connection : nullptr, std::move(request.queue))) {
        fail(NatsLinkCause::kLost);
      }
      flush_wanted_ = true;
      break;
    }
    case NatsRequestKind::kUnsubscribe:
      wire_->subscriptions.remove(request.subscription.index, up);
      if (next_ != nullptr) next_->subscriptions.remove(request.subscription.index, true);
      break;
    case NatsRequestKind::kPublish:
      if (up) publish(request.post, answer);
      break;
  }
  batch_.push_back(answer);
}

void NatsLink::publish(const NatsPost& post, NatsAnswer& answer) {
  answer.accepted = publish_post(*wire_->connection, post) == NATS_OK;
  flush_wanted_ = true;
}

natsStatus NatsLink::flush(natsConnection& connection, int timeout_ms, std::uint64_t connected) {
  // Clears the thread's last error, so that what is found below is this flush's.
  nats_ReleaseThreadMemory();
  const natsStatus status = natsConnection_FlushTimeout(&connection, timeout_ms);
  if (status != NATS_OK) return status;
  natsStatus hidden = NATS_OK;
  static_cast<void>(nats_GetLastError(&hidden));
  if (hidden != NATS_OK) return hidden;
  return reconnects(connection) == connected ? NATS_OK : NATS_CONNECTION_DISCONNECTED;
}

std::uint64_t NatsLink::reconnects(natsConnection& connection) const {
  std::uint64_t count = 0;
  natsConnection_GetStats(&connection, statistics_.get());
  natsStatistics_GetCounts(statistics_.get(), nullptr, nullptr, nullptr, nullptr, &count);
  return count;
}

// The connection may stand, but what was asked of it is in doubt: resume() finds out.
void NatsLink::fail(NatsLinkCause cause) {
  cause_.store(cause, std::memory_order_release);
  state_.fetch_and(~kLive, std::memory_order_acq_rel);
  waker_.wake();
}

// Nodes that lost one server don't come back to it at the same moment.
void NatsLink::pause_before_connect() {
  const auto wait = static_cast<std::uint64_t>(options_.reconnect_wait_ms);
  pause(static_cast<int>(wait + jitter_.below(wait)));
}

void NatsLink::pause(int ms) {
  for (int slept = 0; slept < ms && !stopping(); slept += kPauseMs) {
    serve();
    nats_Sleep(std::min(kPauseMs, ms - slept));
  }
}

}  // namespace millrace
