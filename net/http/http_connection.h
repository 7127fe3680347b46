// A connection that speaks HTTP/1.1: requests in, responses out, keep-alive, and perhaps an
// upgrade.
//
//   bytes -> RequestParser -> HttpApp::on_request() -> respond() now or later, or upgrade()
//
// One request at a time: while an answer is due, reading is paused, and what was sent behind the
// request (pipelining) waits in the parser. A request that is refused, or whose answer says so,
// closes the connection after a linger, so that the answer is not lost to a reset.
//
// Time: a request has `request` from its first byte (the first one: from accept), and an idle
// connection `idle` until the next. Once the server drains, a request that is on its way has
// kDrainWait to arrive; it is served, and a WebSocket that it opens is told to go at once.
//
// Owned by its connection.
#pragma once

#include <memory>

#include "core/metrics/shard_metrics.h"
#include "net/http/request_parser.h"
#include "net/http/response.h"
#include "net/tcp/connection_table.h"

namespace millrace {

class HttpConnection;

// What a listener serves.
class HttpApp {
 public:
  // Answers with http.respond() or http.upgrade(), now or later. The request's views live until
  // then.
  virtual void on_request(HttpConnection& http, const HttpRequest& request, Instant now) = 0;

 protected:
  ~HttpApp() = default;
};

struct HttpTimeouts {
  Duration request = seconds(10);
  Duration idle = seconds(60);
};

class HttpConnection final : public Protocol {
 public:
  static constexpr Duration kLinger = seconds(1);
  static constexpr Duration kDrainWait = seconds(2);

  // `app`, `limits` and `metrics` must outlive it.
  HttpConnection(Connection& connection, HttpApp& app, const HttpLimits& limits,
                 const HttpTimeouts& timeouts, ShardMetrics& metrics, Instant now);

  // REQUIRES: an answer is due.
  void respond(const HttpResponse& response, Instant now);
  // Sends ready-made bytes and closes: a refused upgrade. REQUIRES: an answer is due.
  void refuse(Bytes response, RejectReason reason, Instant now);
  // Sends the 101 and hands the connection to `next`, which takes over when this call has unwound.
  // REQUIRES: an answer is due; upgradable().
  void upgrade(Bytes response, std::unique_ptr<Protocol> next);

  // False for a request that was pipelined behind one whose answer is not sent yet, or came later:
  // no client that means it asks for an upgrade there. And so the 101 always fits into the queue.
  [[nodiscard]] bool upgradable() const { return taking_bytes_ && connection_.queued_bytes() == 0; }

  [[nodiscard]] Connection& connection() { return connection_; }
  [[nodiscard]] Bytes bytes_behind() const { return parser_.rest(); }

  // Protocol.
  std::size_t on_bytes(Bytes bytes, Instant now) override;
  void on_end_of_stream(Instant now) override;
  void on_deadline(Instant now) override;
  void on_sent(Instant now) override;
  void on_too_slow(Instant now) override;
  void on_closing(Instant now) override;
  void on_drain(Instant now) override;

 private:
  void serve(Instant now);
  void await_next(Instant now);
  void answer_refusal(Instant now);

  Connection& connection_;
  HttpApp& app_;
  const HttpTimeouts& timeouts_;
  ShardMetrics& metrics_;
  RequestParser parser_;
  std::unique_ptr<Protocol> next_;
  bool answer_due_ = false;
  bool idle_ = false;          // between two requests: nothing of the next one has come
  bool serving_ = false;       // inside serve(): an answer given now is followed up there
  bool taking_bytes_ = false;  // inside on_bytes(), where this object may be replaced
  bool draining_ = false;
};

}  // namespace millrace
