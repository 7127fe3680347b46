#include "net/http/http_connection.h"

#include <algorithm>
#include <utility>

#include "core/base/assert.h"

namespace millrace {

HttpConnection::HttpConnection(Connection& connection, HttpApp& app, const HttpLimits& limits,
                               const HttpTimeouts& timeouts, ShardMetrics& metrics, Instant now)
    : connection_(connection), app_(app), timeouts_(timeouts), metrics_(metrics), parser_(limits) {
  connection_.set_deadline(now + timeouts_.request);
}

std::size_t HttpConnection::on_bytes(Bytes bytes, Instant now) {
  CHECK(!answer_due_);  // reading is paused until then
  if (idle_) connection_.set_deadline(now + timeouts_.request);
  idle_ = false;
  parser_.feed(bytes);
  taking_bytes_ = true;
  serve(now);
  taking_bytes_ = false;
  if (next_ == nullptr) return bytes.size();
  // The 101 is on its way before anything can come behind it. What waits in the queue is dropped if
  // too much does, and a goodbye in frames would then be the first that the client sees.
  connection_.send_now(now);
  Connection& connection = connection_;
  const bool draining = draining_;
  // Replaces, and so destroys, this object: nothing of it may follow.
  connection.set_protocol(std::move(next_));
  if (draining) connection.protocol()->on_drain(now);
  return bytes.size();
}

void HttpConnection::serve(Instant now) {
  serving_ = true;
  while (!answer_due_ && connection_.open() && next_ == nullptr) {
    if (parser_.state() == RequestParser::State::kNeedMore) break;
    if (parser_.state() == RequestParser::State::kRefused) {
      answer_refusal(now);
      break;
    }
    answer_due_ = true;
    app_.on_request(*this, parser_.request(), now);
    if (!answer_due_ && connection_.open() && next_ == nullptr) await_next(now);
  }
  serving_ = false;
  if (answer_due_) {
    connection_.set_deadline(Instant::never());
    connection_.pause_reading();
  }
}

// Sets the deadline once a request: bytes that trickle in must not move it.
void HttpConnection::await_next(Instant now) {
  parser_.next();
  idle_ = !parser_.started();
  connection_.set_deadline(now + (idle_ ? timeouts_.idle : timeouts_.request));
}

void HttpConnection::answer_refusal(Instant now) {
  answer_due_ = true;
  HttpResponse response;
  response.status = parser_.refusal().status;
  response.body = parser_.refusal().reason + "\n";
  refuse(serialize(response, false), RejectReason::kHandshake, now);
}

void HttpConnection::respond(const HttpResponse& response, Instant now) {
  CHECK(answer_due_);
  answer_due_ = false;
  const HttpRequest& request = parser_.request();
  const bool keep_alive = request.keep_alive && !draining_;
  connection_.send(SharedBytes::copy_of(serialize(response, keep_alive, request.method == "HEAD")));
  if (!keep_alive) {
    connection_.close_when_flushed(kLinger, now);
    return;
  }
  if (serving_) return;  // serve() goes on
  await_next(now);
  connection_.resume_reading();
  serve(now);
}

void HttpConnection::refuse(Bytes response, RejectReason reason, Instant now) {
  CHECK(answer_due_);
  answer_due_ = false;
  ++metrics_.rejected_total[static_cast<std::size_t>(reason)];
  connection_.send(SharedBytes::copy_of(response));
  connection_.close_when_flushed(kLinger, now);
}

void HttpConnection::upgrade(Bytes response, std::unique_ptr<Protocol> next) {
  CHECK(answer_due_);
  CHECK(upgradable());
  answer_due_ = false;
  connection_.send(SharedBytes::copy_of(response));
  next_ = std::move(next);
}

// Who has nothing more to ask may still want the answers that are on their way.
void HttpConnection::on_end_of_stream(Instant now) {
  connection_.close_when_flushed(Duration{}, now);
}

void HttpConnection::on_deadline(Instant now) {
  if (!parser_.started()) {
    // Silent since accept, or idle between requests: nobody waits for an answer.
    if (draining_) ++metrics_.rejected_total[static_cast<std::size_t>(RejectReason::kDraining)];
    connection_.terminate(now);
    return;
  }
  answer_due_ = true;
  HttpResponse response;
  response.status = 408;
  response.body = "the request took too long\n";
  refuse(serialize(response, false), RejectReason::kTimeout, now);
}

void HttpConnection::on_sent(Instant) {}

void HttpConnection::on_too_slow(Instant now) { connection_.terminate(now); }

void HttpConnection::on_closing(Instant) {}

void HttpConnection::on_drain(Instant now) {
  draining_ = true;
  if (answer_due_) return;
  if (idle_) {
    // Nothing of another request has come, so there is no input to wait out.
    connection_.close_when_flushed(Duration{}, now);
  } else {
    connection_.set_deadline(now + std::min(timeouts_.request, kDrainWait));
  }
}

}  // namespace millrace
