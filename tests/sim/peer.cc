#include "tests/sim/peer.h"

#include <array>
#include <utility>

#include "tests/sim/world.h"

namespace millrace::sim {
namespace {

constexpr std::size_t kMostInbound = 64 * 1024;  // a receive window

}  // namespace

Peer::Peer(World& world, std::string name)
    : world_(world), trace_(world.machinery().trace), name_(std::move(name)) {}

Peer::~Peer() { drop_wire(); }

void Peer::drop_wire() {
  if (wire_) wire_->changed = nullptr;
  wire_.reset();
}

void Peer::connect() {
  CHECK(wire_ == nullptr);
  shard_ = world_.random().below(world_.options().shards);
  wire_ = std::make_shared<Wire>();
  wire_->number = world_.next_wire();
  constexpr std::array<std::size_t, 3> kWindows{500, 4'000, 65'536};
  wire_->window = kWindows.at(world_.random().below(kWindows.size()));
  wire_->changed = [this] { schedule_read(); };
  out_.clear();
  finishing_ = pumping_ = reading_ = paused_ = false;
  say("connects to shard {} as wire {}", shard_, wire_->number);
  world_.ring(shard_).connect(wire_);
}

void Peer::later(Duration delay, std::function<void()> what) {
  world_.machinery().scheduler.in(
      delay, [this, number = wire_ ? wire_->number : 0, what = std::move(what)] {
        if ((wire_ ? wire_->number : 0) == number) what();
      });
}

void Peer::write(Bytes bytes) {
  if (!wire_ || finishing_) return;
  out_ += bytes;
  schedule_pump();
}

void Peer::finish() {
  if (!wire_ || finishing_) return;
  finishing_ = true;
  schedule_pump();
}

void Peer::schedule_pump() {
  if (std::exchange(pumping_, true)) return;
  later(world_.between(microseconds(1), microseconds(200)), [this] { pump(); });
}

void Peer::pump() {
  pumping_ = false;
  Wire& wire = *wire_;
  if (wire.inbound.size() < kMostInbound && !out_.empty()) {
    Random& random = world_.random();
    std::size_t size = out_.size();
    if (random.below(3) == 0) size = 1 + random.below(size);
    if (world_.faults().strikes(Fault::kTrickle)) size = 1;
    if (!wire.server_closed) wire.inbound.append(out_, 0, size);
    out_.erase(0, size);
    world_.ring(shard_).arrived(wire);
  }
  if (!out_.empty()) {
    schedule_pump();
  } else if (finishing_ && !wire.fin) {
    wire.fin = true;
    world_.ring(shard_).arrived(wire);
  }
}

void Peer::reset() {
  if (!wire_) return;
  say("resets its connection");
  wire_->reset = true;
  wire_->inbound.clear();
  const auto wire = wire_;
  drop_wire();
  world_.ring(shard_).arrived(*wire);
}

void Peer::pause_reading(Duration span) {
  say("reads nothing for {} ms", span.to_ms());
  paused_ = true;
  later(span, [this] { read_on(); });
}

void Peer::read_on() {
  paused_ = false;
  schedule_read();
}

void Peer::schedule_read() {
  if (!wire_ || paused_ || std::exchange(reading_, true)) return;
  later(world_.between(microseconds(5), microseconds(300)), [this] { read(); });
}

void Peer::read() {
  reading_ = false;
  if (paused_) return;
  const auto wire = wire_;
  if (wire->server_reset && world_.random().below(2) == 0) wire->outbound.clear();
  std::size_t size = wire->outbound.size();
  if (size > 1 && world_.random().below(4) == 0) size = 1 + world_.random().below(size);
  if (size > 0) {
    const std::string bytes = wire->outbound.substr(0, size);
    wire->outbound.erase(0, size);
    world_.ring(shard_).consumed(*wire);
    on_bytes(bytes);
    if (wire_ == wire) schedule_read();
    return;
  }
  if (!wire->server_closed) return;
  say("sees the end of its connection");
  drop_wire();
  on_gone(wire->server_reset);
}

}  // namespace millrace::sim
