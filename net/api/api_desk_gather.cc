// What every shard and every node carries out, and what is many calls in one.
#include <algorithm>
#include <utility>

#include "core/base/assert.h"
#include "net/api/api_desk.h"
#include "net/api/revoke_request.h"

namespace millrace {

// --- all shards ----------------------------------------------------------------------------------

void ApiDesk::gather(Token id, Bytes params, ApiRequest request, Instant now) {
  Call& call = *calls_.at(id);
  if (call.method == ApiMethod::kChannels || call.method == ApiMethod::kInfo) {
    if (surveys_ == kMaxSurveys) return fail(id, ErrorCode::kTooManyRequests, now);
    ++surveys_;
    call.surveys = true;
  }
  if (const auto* order = std::get_if<ApiSubscribe>(&request)) {
    if (settings_for(id, order->grant.sub.channel, now) == nullptr) return;
  }
  const std::uint32_t parts = ApiOrders::parts(call.method);
  CHECK_GT(parts, 0U);
  call.gathering = std::make_unique<Gathering>();
  call.gathering->expect_shares(parts * static_cast<std::uint32_t>(parts_.client_shards));
  for (std::size_t i = 0; i < parts_.client_shards; ++i) {
    const ShardId shard{static_cast<std::uint16_t>(i)};
    if (shard == parts_.mailbox.self()) continue;
    parts_.mailbox.send(shard,
                        ApiOrder{id, static_cast<std::uint8_t>(call.method), OwnedBytes(params)});
  }
  ask_peers(id, params, now);
  // Last: it may answer at once.
  orders_.take(parts_.mailbox.self(), id, std::move(request), now);
}

void ApiDesk::ask_peers(Token id, Bytes params, Instant now) {
  Call& call = *calls_.at(id);
  if (peers_ != nullptr && call.scope == ApiScope::kCluster) {
    const ApiPeers::Asked asked = peers_->ask(id, call.method, params, now);
    call.gathering->expect_nodes(asked.nodes);
    if (asked.failed) call.gathering->fail(ErrorCode::kInternal);
  }
  ends_.emplace_back(now + kPatience, id);
  set_timer();
}

void ApiDesk::on_share(ShardId to, ApiShare share, Instant now) {
  if (to != parts_.mailbox.self()) {
    parts_.mailbox.send(to, std::move(share));
    return;
  }
  const Token id = share.call;
  const auto found = calls_.find(id);
  if (found == calls_.end()) return;  // it has waited for too long
  found->second->gathering->add(std::move(share));
  end_if_complete(id, now);
}

void ApiDesk::on_node(std::uint64_t call, NodeAnswer answer, Instant now) {
  const auto found = calls_.find(call);
  if (found == calls_.end()) return;
  found->second->gathering->add(std::move(answer));
  end_if_complete(call, now);
}

void ApiDesk::end_if_complete(Token id, Instant now) {
  const Call& call = *calls_.at(id);
  if (!call.gathering->complete()) return;
  ApiNodeInfo self = self_;
  self.uptime = (now - started_).to_seconds();
  close(id, call.gathering->outcome(call.method, std::move(self)), now);
}

void ApiDesk::set_timer() {
  while (!ends_.empty() && !calls_.contains(ends_.front().second)) ends_.pop_front();
  if (ends_.empty() || timer_.armed()) return;
  parts_.reactor.timers().arm(timer_, ends_.front().first, *this);
}

void ApiDesk::on_timer(Timer&, Instant now) {
  while (!ends_.empty() && ends_.front().first <= now) {
    const Token id = ends_.front().second;
    ends_.pop_front();
    if (calls_.contains(id)) {
      fail(id, ErrorCode::kInternal, now, "not everybody answered in time; try again");
    }
  }
  set_timer();
}

// --- tokens --------------------------------------------------------------------------------------

void ApiDesk::start(Token id, Bytes, ApiRevoke& revoke, Instant now) {
  const std::int64_t calendar = parts_.sessions.context().tokens.now();
  const auto done = parts_.revoker.revoke(revoke.revocation, calendar, now);
  if (!done.ok()) {
    const bool full = done.error() == RevokeError::kFull;
    return fail(id, full ? ErrorCode::kLimitExceeded : ErrorCode::kBadRequest, now,
                std::string(revoke_error_text(done.error())));
  }
  calls_.at(id)->gathering = std::make_unique<Gathering>();
  // The same times everywhere, whenever it gets there.
  ask_peers(id, revoke_request(revoke.revocation), now);
  end_if_complete(id, now);
}

// --- many in one ---------------------------------------------------------------------------------

void ApiDesk::start(Token id, Bytes, ApiBroadcast& broadcast, Instant now) {
  begin_series(id, std::make_unique<ApiSeries>(steps(), id, std::move(broadcast)), now);
}

void ApiDesk::start(Token id, Bytes, ApiBatch& batch, Instant now) {
  begin_series(id, std::make_unique<ApiSeries>(steps(), id, std::move(batch)), now);
}

void ApiDesk::begin_series(Token id, std::unique_ptr<ApiSeries> series, Instant now) {
  const std::size_t bytes = series->bytes();
  if (series_bytes_ + bytes > kMaxSeriesBytes) return fail(id, ErrorCode::kTooManyRequests, now);
  Call& call = *calls_.at(id);
  series_bytes_ += bytes;
  call.bytes = bytes;
  call.series = std::move(series);
  call.series->go_on(now);
}

void ApiDesk::begin_step(ApiBatch::Command command, ApiSeries& series, std::size_t step,
                         Instant now) {
  take(command.method, command.params, ApiScope::kCluster, series, step, now);
}

void ApiDesk::begin_step(ApiPublish publish, ApiSeries& series, std::size_t step, Instant now) {
  const Token id = open(ApiMethod::kPublish, ApiScope::kCluster, series, step, now);
  if (id != 0) start(id, {}, publish, now);
}

void ApiDesk::end_series(std::uint64_t call, ApiOutcome outcome, Instant now) {
  close(call, std::move(outcome), now);
}

bool ApiDesk::ready() const { return orders_.ready() || !going_on_.empty() || !ended_.empty(); }

void ApiDesk::drain(Instant now) {
  ended_.clear();
  orders_.turn(now);
  for (const Token id : std::exchange(going_on_, {})) {
    const auto found = calls_.find(id);
    if (found != calls_.end()) found->second->series->go_on(now);
  }
}

}  // namespace millrace
