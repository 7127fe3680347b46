#include "bench/load/worker.h"

#include <algorithm>
#include <utility>

#include "bench/load/handshake.h"
#include "core/base/assert.h"

namespace millrace::load {
namespace {

constexpr std::uint32_t kBufferSize = 4'096;
constexpr std::size_t kMaxTasks = 1'024;
constexpr std::uint16_t kNormalClosure = 1000;

ConnectionLimits connection_limits(const Slice& slice) {
  ConnectionLimits limits;
  limits.capacity = slice.sockets();
  limits.queue_bytes = 64 * 1024 * 1024;
  // A server that takes nothing is what some workloads are about.
  limits.send_timeout = seconds(3'600);
  return limits;
}

}  // namespace

Result<std::unique_ptr<Worker>> Worker::make(ShardId id, Shared& shared, const Slice& slice) {
  auto buffers = RecvBuffers::make(slice.buffers, kBufferSize);
  if (!buffers) return buffers.error();
  UringOptions options;
  options.files = slice.sockets();
  options.submission_entries = 1'024;
  options.completion_entries = 16'384;
  options.direct = slice.direct;
  auto ring = make_uring(options, **buffers);
  if (!ring) return ring.error();
  return std::make_unique<Worker>(id, shared, slice, std::move(*buffers), std::move(*ring));
}

Worker::Worker(ShardId id, Shared& shared, const Slice& slice, std::unique_ptr<RecvBuffers> buffers,
               std::unique_ptr<Ring> ring)
    : id_(id),
      shared_(shared),
      slice_(slice),
      buffers_(std::move(buffers)),
      ring_(std::move(ring)),
      reactor_(*ring_, shared.clock),
      table_(reactor_, *buffers_, metrics_, connection_limits(slice)),
      connector_(reactor_, *this, slice.connecting, shared.options.connect_timeout),
      inbox_(kMaxTasks, reactor_.waker()),
      random_(random_seed()),
      context_(*this),
      status_(slice.count, Status::kOut),
      publishing_(shared, *this, report_),
      reconnect_(shared.options.reconnect) {
  const Options& options = shared_.options;
  context_.protocol = options.protocol;
  context_.token = options.token;
  context_.channels = options.channels;
  SystemCalendar calendar;
  context_.tokens = ClientTokens(options.token_secret, calendar.seconds());
  context_.recover = options.recover;
  if (options.recover) places_.resize(slice.count * options.channels.size());
  context_.join_timeout = options.connect_timeout;
  for (const ListenAddress& target : shared_.addresses.targets()) {
    context_.requests.push_back(SharedBytes::copy_of(
        upgrade_request(to_string(target), options.path, options.subprotocol, options.origin)));
  }
  std::string pong = "{}";
  if (options.protocol == WireProtocol::kFlat) {
    pong.clear();
    append_flat_pong(pong);
  }
  context_.pong =
      client_frame(options.protocol == WireProtocol::kFlat ? Opcode::kBinary : Opcode::kText, pong);
  context_.close = client_close_frame(kNormalClosure);
  if (options.reconnect) attempts_.resize(slice.count);
  if (options.workload == Workload::kPublish) publishing_clients_.resize(slice.count);
  sequences_.resize(slice.count * context_.channels.size());
  reactor_.add_source(*this);
  reactor_.add_turn_end(*this);
}

// --- the loop ------------------------------------------------------------------------------------

// The reactor's timers are good for deadlines, not for a schedule: they are some milliseconds late.
// So the wait itself ends at what is due next.
void Worker::run() {
  while (!reactor_.stopping()) {
    const Duration longest = reactor_.work(seconds(1));
    const Instant now = shared_.clock.now();
    const Instant due = next_due(now);
    const Duration wait = due == Instant::never() ? longest : std::min(longest, due - now);
    ring_->wait(std::max(wait, Duration{}));
    reactor_.resume();
  }
}

void Worker::post(Task task) {
  const bool taken = inbox_.push(task);
  CHECK(taken);  // the conductor waits for what it asks
}

bool Worker::ready() const { return inbox_.waiting() || publishing_.has_room(); }

void Worker::drain(Instant now) {
  inbox_.take(tasks_);
  for (const Task& task : tasks_) task(*this, now);
  tasks_.clear();
  open_more(now);
  publishing_.run(now);
}

Instant Worker::next_due(Instant now) const {
  Instant due = publishing_.next_due(now);
  if (stopping_ || !connector_.has_room() || connecting_ >= slice_.connecting) return due;
  if (opening_ && opened_ < slice_.count) {
    due = std::min(due, slice_.connect_rate > 0 ? pace_.at(opened_) : now);
  }
  if (!returns_.empty()) due = std::min(due, returns_.top().due);
  return due;
}

void Worker::flush(Instant now) {
  Live& live = shared_.live[id_.value];
  constexpr auto kOrder = std::memory_order_relaxed;
  live.waiting.store(waiting_, kOrder);
  live.errors.store(errors_, kOrder);
  live.failed.store(failed_, kOrder);
  live.up.store(up_, kOrder);
  live.publisher_ready.store(publisher_ready_, kOrder);
  live.publishing.store(publishing_.busy(), kOrder);
  if (delivered_ > 0) {
    live.deliveries.fetch_add(delivered_, kOrder);
    std::int64_t last = shared_.last_delivery_ns.load(kOrder);
    while (last < now.ns && !shared_.last_delivery_ns.compare_exchange_weak(last, now.ns, kOrder)) {
    }
    shared_.delivered.fetch_add(delivered_, std::memory_order_acq_rel);
    delivered_ = 0;
    if (Waker* publisher = shared_.publisher.load(std::memory_order_acquire)) publisher->wake();
  }
  if (stopping_ && table_.idle() && connector_.idle()) reactor_.stop();
}

// --- opening -------------------------------------------------------------------------------------

void Worker::open(Instant now) {
  opening_ = true;
  if (slice_.connect_rate > 0) pace_ = Schedule(now, slice_.connect_rate);
}

void Worker::open_more(Instant now) {
  if (stopping_) return;
  const auto room = [this] { return connecting_ < slice_.connecting && connector_.has_room(); };
  while (!returns_.empty() && returns_.top().due <= now && room()) {
    const Return next = returns_.top();
    returns_.pop();
    --waiting_;
    start(next.local, next.due, now);
  }
  while (opening_ && opened_ < slice_.count && room()) {
    const bool paced = slice_.connect_rate > 0;
    if (paced && pace_.at(opened_) > now) break;
    const Instant due = paced ? pace_.at(opened_) : now;
    const std::uint32_t local = opened_++;
    start(local, due, now);
  }
}

void Worker::start(std::uint32_t local, Instant due, Instant now) {
  set_status(local, Status::kConnecting);
  ++report_.attempts;
  shared_.live[id_.value].tries.fetch_add(1, std::memory_order_relaxed);
  const std::uint32_t number = slice_.first + local;
  const AddressPlan& plan = shared_.addresses;
  connector_.start({.ticket = local,
                    .from = plan.source_of(number),
                    .to = &plan.address_of(plan.target_of(number)),
                    .no_delay = publishes(number),
                    .began = due},
                   now);
}

void Worker::set_status(std::uint32_t local, Status status) {
  const auto count = [this](Status of, std::uint64_t by) {
    switch (of) {
      case Status::kConnecting:
        connecting_ += by;
        break;
      case Status::kUp:
        up_ += by;
        break;
      case Status::kFailed:
        failed_ += by;
        break;
      case Status::kWaiting:  // counted where they are queued
      case Status::kOut:
      case Status::kGone:
        break;
    }
  };
  count(status_[local], UINT64_MAX);
  count(status, 1);
  status_[local] = status;
}

// --- tasks ---------------------------------------------------------------------------------------

void Worker::for_each_client(const std::function<void(Client&)>& fn) {
  if (slice_.publisher) return;
  table_.for_each([&fn](Connection& connection) {
    if (connection.open()) fn(static_cast<Client&>(*connection.protocol()));
  });
}

std::uint64_t Worker::cut(double share, Instant now) {
  const std::uint64_t all = shared_.options.connections;
  const auto count = static_cast<std::uint64_t>(share * static_cast<double>(all));
  std::uint64_t done = 0;
  for_each_client([&](Client& client) {
    if (!client.up() || !one_of(client.number(), count, all)) return;
    client.cut(now);
    ++done;
  });
  return done;
}

void Worker::stop_reading() {
  for_each_client([this](Client& client) {
    if (is_slow(client.number())) client.connection().pause_reading();
  });
}

void Worker::read_again() {
  for_each_client([this](Client& client) {
    if (is_slow(client.number())) client.connection().resume_reading();
  });
}

void Worker::begin_drain(Instant now) {
  drain_began_ = now;
  reconnect_ = false;
}

void Worker::leave(Instant now) {
  reconnect_ = false;
  opening_ = false;
  for_each_client([now](Client& client) { client.leave(now); });
}

void Worker::stop(Instant now) {
  stopping_ = true;
  reconnect_ = false;
  publishing_.stop(now);
  connector_.stop(now);
  table_.for_each([now](Connection& connection) { connection.terminate(now); });
}

Report Worker::take_report() {
  report_.sequences = sequences_.take_counts();
  return std::exchange(report_, Report());
}

}  // namespace millrace::load
