#include "bench/load/connector.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "core/base/assert.h"

namespace millrace::load {
namespace {

constexpr Duration kLook = milliseconds(250);  // between two looks for attempts that take too long

std::string cause_of(const char* what, int error) {
  return std::string(what) + ": " + std::strerror(error);
}

// The port is picked with the connect, for the pair of addresses: a bind alone would keep it from
// all others.
int bind_to(int fd, const PeerAddress& from) {
  const int one = 1;
  if (setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &one, sizeof(one)) != 0) return errno;
  const auto* address = reinterpret_cast<const sockaddr*>(&from.storage);
  return ::bind(fd, address, from.length) == 0 ? 0 : errno;
}

}  // namespace

Connector::Connector(Reactor& reactor, ConnectTaker& taker, std::uint32_t slots, Duration timeout)
    : reactor_(reactor), taker_(taker), timeout_(timeout), attempts_(slots) {
  for (std::uint32_t slot = slots; slot > 0; --slot) free_.push_back(slot - 1);
  reactor_.route(OpKind::kTakeSocket, *this);
  reactor_.route(OpKind::kConnect, *this);
}

Connector::~Connector() {
  CHECK(idle());
  reactor_.timers().cancel(timer_);
}

OpTag Connector::tag(Step step, std::uint32_t slot) {
  const OpKind kind = step == Step::kTake ? OpKind::kTakeSocket : OpKind::kConnect;
  return {kind, static_cast<std::uint32_t>(step), slot};
}

void Connector::start(const Request& request, Instant now) {
  CHECK(has_room());
  const int fd = ::socket(request.to->storage.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0) {
    taker_.on_connect_failed(request.ticket, cause_of("no socket", errno), now);
    return;
  }
  const int error = request.from != nullptr ? bind_to(fd, *request.from) : 0;
  if (error != 0) {
    ::close(fd);
    taker_.on_connect_failed(request.ticket, cause_of("bind to the source address", error), now);
    return;
  }
  const int one = 1;
  if (request.no_delay) setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
  const std::uint32_t slot = free_.back();
  free_.pop_back();
  Attempt& attempt = attempts_[slot];
  attempt = Attempt();
  attempt.busy = true;
  attempt.socket.fd = fd;
  attempt.to = *request.to;
  attempt.ticket = request.ticket;
  attempt.began = request.began;
  attempt.started = now;
  reactor_.ring().submit(Op::take_socket(tag(Step::kTake, slot), attempt.socket));
  if (!timer_.armed()) reactor_.timers().arm(timer_, now + kLook, *this);
}

void Connector::on_completion(const CompletionEvent& event, Instant now) {
  const std::uint32_t slot = event.tag.index;
  CHECK_LT(slot, attempts_.size());
  Attempt& attempt = attempts_[slot];
  CHECK(attempt.busy);
  switch (static_cast<Step>(event.tag.generation)) {
    case Step::kTake:
      taken(slot, event, now);
      return;
    case Step::kConnect:
      connected(slot, event, now);
      return;
    case Step::kCancel:
      attempt.cancelling = false;
      if (attempt.ended) end(slot);
      return;
    case Step::kClose: {
      const std::string cause = attempt.cause;
      const std::uint32_t ticket = attempt.ticket;
      end(slot);
      taker_.on_connect_failed(ticket, cause, now);
      return;
    }
  }
  CHECK(false);
}

void Connector::taken(std::uint32_t slot, const CompletionEvent& event, Instant now) {
  Attempt& attempt = attempts_[slot];
  const bool in = event.error == IoError::kNone && attempt.socket.number >= 0;
  if (attempt.socket.fd >= 0) ::close(attempt.socket.fd);
  if (!in) {
    const std::uint32_t ticket = attempt.ticket;
    end(slot);
    taker_.on_connect_failed(ticket, "the ring's table of sockets is full", now);
    return;
  }
  attempt.file = FileSlot{static_cast<std::uint32_t>(attempt.socket.number)};
  if (stopping_) return fail(slot, "stopped");
  attempt.connecting = true;
  reactor_.ring().submit(Op::connect(tag(Step::kConnect, slot), attempt.file, attempt.to));
}

void Connector::connected(std::uint32_t slot, const CompletionEvent& event, Instant now) {
  Attempt& attempt = attempts_[slot];
  attempt.connecting = false;
  if (event.error != IoError::kNone) {
    const bool late = event.error == IoError::kCanceled;
    fail(slot, cause_of("connect", late ? ETIMEDOUT : static_cast<int>(event.result)));
    return;
  }
  const std::uint32_t ticket = attempt.ticket;
  const FileSlot file = attempt.file;
  const Instant began = attempt.began;
  end(slot);
  taker_.on_socket(ticket, file, began, now);
}

void Connector::fail(std::uint32_t slot, const std::string& cause) {
  Attempt& attempt = attempts_[slot];
  attempt.cause = cause;
  reactor_.ring().submit(Op::close(tag(Step::kClose, slot), attempt.file));
}

// The slot is free once nothing of it is in flight.
void Connector::end(std::uint32_t slot) {
  Attempt& attempt = attempts_[slot];
  attempt.ended = true;
  if (attempt.cancelling) return;
  attempt.busy = false;
  free_.push_back(slot);
}

void Connector::cancel_late(Instant now) {
  for (std::uint32_t slot = 0; slot < attempts_.size(); ++slot) {
    Attempt& attempt = attempts_[slot];
    if (!attempt.busy || !attempt.connecting || attempt.cancelling) continue;
    if (!stopping_ && now - attempt.started < timeout_) continue;
    attempt.cancelling = true;
    reactor_.ring().submit(Op::cancel(tag(Step::kCancel, slot), tag(Step::kConnect, slot)));
  }
}

void Connector::on_timer(Timer&, Instant now) {
  cancel_late(now);
  if (!idle()) reactor_.timers().arm(timer_, now + kLook, *this);
}

void Connector::stop(Instant now) {
  stopping_ = true;
  cancel_late(now);
}

}  // namespace millrace::load
