#include "net/api/api_orders.h"

#include <algorithm>
#include <utility>
#include <variant>

#include "core/base/assert.h"
#include "core/base/hash.h"
#include "net/session/session.h"

namespace millrace {

namespace {

bool is_meant(const ApiWho& who, const Session& session) {
  if (session.client().none() || !who.session.empty()) return false;
  const Uuid::Text client = session.client().text();
  return who.client.empty() || who.client == client.view();
}

const ApiWho* who_of(const ApiRequest& request) {
  return std::visit(
      [](const auto& order) -> const ApiWho* {
        if constexpr (requires { order.who; }) {
          return &order.who;
        } else {
          return nullptr;
        }
      },
      request);
}

}  // namespace

// Carries out an order on the sessions that it means.
class ApiOrders::UserOrder final : public SessionVisitor {
 public:
  // `id` is of a Granting, if it makes subscriptions.
  UserOrder(ApiOrders& orders, ShardId asker, std::uint64_t call, ApiRequest request,
            std::uint64_t id)
      : orders_(orders),
        asker_(asker),
        call_(call),
        id_(id),
        request_(std::move(request)),
        who_(*who_of(request_)) {}

  void visit(Session& session, Instant now) override {
    if (!is_meant(who_, session)) return;
    if (const auto* order = std::get_if<ApiSubscribe>(&request_)) {
      if (session.grant(order->grant, id_, now)) ++orders_.granting_.at(id_).waits;
    } else if (const auto* taken = std::get_if<ApiUnsubscribe>(&request_)) {
      session.take_away(taken->channel, now);
    } else if (const auto* dismissed = std::get_if<ApiDisconnect>(&request_)) {
      const Uuid::Text client = session.client().text();
      if (std::ranges::count(dismissed->whitelist, client.view()) == 0) {
        session.dismiss(dismissed->code, dismissed->reason, now);
      }
    } else {
      session.renew(std::get<ApiRefresh>(request_).renewal, now);
    }
  }

  void done(Instant now) override {
    if (id_ == 0) return orders_.end(asker_, call_, now);
    Granting& granting = orders_.granting_.at(id_);
    granting.walking = false;
    if (granting.waits == 0) orders_.settled_.push_back(id_);
  }

 private:
  ApiOrders& orders_;
  const ShardId asker_;
  const std::uint64_t call_;
  const std::uint64_t id_;
  const ApiRequest request_;
  const ApiWho& who_;
};

// Who is here.
class ApiOrders::Census final : public SessionVisitor {
 public:
  Census(ApiOrders& orders, ShardId asker, std::uint64_t call)
      : orders_(orders), asker_(asker), share_{.call = call, .last = false} {}

  void visit(Session& session, Instant now) override {
    if (!session.connected()) return;
    share_.users.push_back(hash_bytes(session.identity().user()));
    if (share_.users.size() == kUsersATime) tell(now);
  }

  void done(Instant now) override {
    share_.last = true;
    share_.clients = orders_.metrics_.clients;
    share_.subscriptions = orders_.metrics_.subscriptions;
    tell(now);
  }

 private:
  void tell(Instant now) {
    ApiShare told = std::exchange(share_, {.call = share_.call, .last = false});
    orders_.sink_.on_share(asker_, std::move(told), now);
  }

  ApiOrders& orders_;
  const ShardId asker_;
  ApiShare share_;
};

ApiOrders::ApiOrders(SessionDesk& sessions, Hub& hub, const ShardMetrics& metrics,
                     ApiShareSink& sink)
    : sessions_(sessions), metrics_(metrics), sink_(sink), listing_(hub, sink) {
  sessions_.context().grants.set_waiter(*this);
}

ApiOrders::~ApiOrders() = default;

std::uint32_t ApiOrders::parts(ApiMethod method) {
  switch (method) {
    case ApiMethod::kSubscribe:
    case ApiMethod::kUnsubscribe:
    case ApiMethod::kDisconnect:
    case ApiMethod::kRefresh:
    case ApiMethod::kChannels:
      return 1;
    case ApiMethod::kInfo:
      return 2;
    case ApiMethod::kPublish:
    case ApiMethod::kBroadcast:
    case ApiMethod::kPresence:
    case ApiMethod::kPresenceStats:
    case ApiMethod::kHistory:
    case ApiMethod::kHistoryRemove:
    case ApiMethod::kBatch:
    case ApiMethod::kRevoke:
      return 0;
  }
  CHECK(false);
  return 0;
}

void ApiOrders::take(ShardId asker, std::uint64_t call, ApiRequest request, Instant now) {
  if (auto* channels = std::get_if<ApiChannels>(&request)) {
    return listing_.list(asker, call, std::move(channels->pattern));
  }
  if (std::holds_alternative<ApiInfo>(request)) {
    listing_.count(asker, call);
    static_cast<void>(
        walk(asker, call, std::nullopt, std::make_unique<Census>(*this, asker, call), now));
    return;
  }
  std::uint64_t id = 0;
  if (std::holds_alternative<ApiSubscribe>(request)) {
    id = ++last_;
    granting_.emplace(id, Granting{.asker = asker, .call = call});
  }
  const ApiWho* who = who_of(request);
  CHECK(who != nullptr);
  std::string user = who->user;
  auto order = std::make_unique<UserOrder>(*this, asker, call, std::move(request), id);
  if (!walk(asker, call, std::move(user), std::move(order), now)) granting_.erase(id);
}

bool ApiOrders::walk(ShardId asker, std::uint64_t call, std::optional<std::string> user,
                     std::unique_ptr<SessionVisitor> visitor, Instant now) {
  if (sessions_.walk().add(std::move(user), std::move(visitor))) return true;
  end(asker, call, now, ErrorCode::kTooManyRequests);
  return false;
}

void ApiOrders::end(ShardId asker, std::uint64_t call, Instant now,
                    std::optional<ErrorCode> failed) {
  ApiShare share{.call = call};
  if (failed) share.error = static_cast<std::uint32_t>(*failed);
  sink_.on_share(asker, std::move(share), now);
}

void ApiOrders::on_granted(std::uint64_t order, std::optional<ErrorCode> failed) {
  Granting& granting = granting_.at(order);
  --granting.waits;
  if (failed && !granting.failed) granting.failed = failed;
  if (granting.waits == 0 && !granting.walking) settled_.push_back(order);
}

void ApiOrders::turn(Instant now) {
  for (const std::uint64_t id : std::exchange(settled_, {})) {
    const Granting granting = granting_.at(id);
    granting_.erase(id);
    end(granting.asker, granting.call, now, granting.failed);
  }
  listing_.turn(now);
}

}  // namespace millrace
