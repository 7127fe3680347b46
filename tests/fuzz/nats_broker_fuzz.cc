// A shard's NATS broker over a link that the input plays: hub, server and hostile publishers.
//
// Checked are that nobody is told to be subscribed before the server has it, that a message arrives
// once and only as JSON on one line, that every publication is settled once, and that the
// subscriptions at the server are in the end those that are wanted.
#include <nats/nats.h>

#include <array>
#include <deque>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "core/base/assert.h"
#include "core/hub/channel_name.h"
#include "net/nats/nats_broker.h"
#include "net/nats/subject.h"
#include "proto/json_text.h"
#include "tests/fuzz/fuzz_input.h"
#include "tests/support/mem_ring.h"
#include "tests/unit/proto/reference_json.h"

namespace millrace {
namespace {

constexpr std::size_t kMaxMoves = 300;
constexpr std::array<Bytes, 8> kChannels{"a", "b", "ns:c", "ns:d.e", "pf:x", "pf:y", "pf:z.w", "é"};

NatsOptions options_from(FuzzInput& input) {
  const std::uint8_t choice = input.byte();
  NatsOptions options;
  options.urls = {"nats://user:secret@a:1"};
  if ((choice & 1) != 0) options.subject_prefix = "p.q";
  if ((choice & 2) != 0) options.prefix_namespaces = {"pf"};
  if ((choice & 4) != 0) options.prefix_namespaces.emplace_back(kDefaultNamespace);
  options.lane_requests = (choice & 8) != 0 ? 2 : 64;
  options.lane_bytes = (choice & 16) != 0 ? 20 : 4'096;
  options.max_payload = (choice & 32) != 0 ? 10 : 1'024;
  return options;
}

// The link, and the server behind it.
class PlayedLink final : public BrokerLink {
 public:
  PlayedLink(const NatsOptions& options, Waker& waker)
      : lane_requests_(options.lane_requests), inbox_(1'024, 64 * 1'024, waker) {}

  bool send(NatsRequest& request) override {
    CHECK_LT(requests.size() + answers_.size(), lane_requests_);
    requests.push_back(std::move(request));
    return true;
  }
  bool take_answer(NatsAnswer& answer) override {
    if (answers_.empty()) return false;
    answer = answers_.front();
    answers_.pop_front();
    return true;
  }
  bool take_note(std::string& note) override {
    note = std::exchange(next_note, {});
    return !note.empty();
  }
  NatsInbox& inbox() override { return inbox_; }
  bool waiting() const override { return !answers_.empty() || inbox_.waiting(); }
  bool up() const override { return is_up; }
  std::uint64_t lives() const override { return lives_; }
  NatsLinkCause cause() const override { return NatsLinkCause::kLost; }
  std::uint64_t dropped() const override { return inbox_.dropped(); }

  // Does the oldest request and answers it.
  void answer() {
    if (requests.empty()) return;
    const NatsRequest request = std::move(requests.front());
    requests.pop_front();
    const std::uint32_t index = request.subscription.index;
    switch (request.kind) {
      case NatsRequestKind::kSubscribe:
        CHECK(!subscribed.contains(index));
        subscribed.emplace(index, std::pair(request.subscription, request.post.subject));
        issued.push_back(request.subscription);
        break;
      case NatsRequestKind::kUnsubscribe:
        CHECK_EQ(subscribed.erase(index), 1U);
        break;
      case NatsRequestKind::kPublish:
        break;
    }
    answers_.push_back({.kind = request.kind,
                        .subscription = request.subscription,
                        .token = request.token,
                        .bytes = size_of(request.post),
                        .accepted = is_up});
  }
  // What was asked while it was away is live first.
  void come_up() {
    if (is_up) return;
    while (!requests.empty()) answer();
    is_up = true;
    ++lives_;
  }
  void push(NatsSubscriptionId to, const std::string& subject, Bytes payload) {
    natsMsg* message = nullptr;
    const int size = static_cast<int>(payload.size());
    CHECK_EQ(natsMsg_Create(&message, subject.c_str(), nullptr, payload.data(), size), NATS_OK);
    inbox_.push(NatsMessage(message), to);
  }

  std::deque<NatsRequest> requests;
  std::map<std::uint32_t, std::pair<NatsSubscriptionId, std::string>> subscribed;
  std::vector<NatsSubscriptionId> issued;
  std::string next_note;
  bool is_up = false;

 private:
  const std::size_t lane_requests_;
  std::deque<NatsAnswer> answers_;
  NatsInbox inbox_;
  std::uint64_t lives_ = 0;
};

class BrokerPlay final : private BrokerEvents {
 public:
  explicit BrokerPlay(FuzzInput& input) : input_(input), options_(options_from(input)) {
    CHECK(check_nats_options(options_).ok());
    auto link = std::make_unique<PlayedLink>(options_, waker_);
    link_ = link.get();
    port_ = std::make_unique<NatsPort>(options_, std::move(link), timers_, random_, metrics_);
    broker_ = std::make_unique<NatsBroker>(*port_, static_cast<BrokerEvents&>(*this), metrics_);
  }

  void run() {
    for (std::size_t moves = 0; moves < kMaxMoves && !input_.empty(); ++moves) {
      const std::uint8_t choice = input_.byte();
      move(choice % 10);
      if ((choice & 0x80) == 0) drain();
    }
    finish();
  }

 private:
  struct Interest {
    InterestToken token;
    bool ready;
  };

  // BrokerEvents.
  void on_position(Bytes, const StreamPosition&) override {}
  void on_publication(const Publication& publication) override {
    CHECK(check_channel_name(publication.channel) == ChannelNameError::kOk);
    CHECK_LE(publication.data.size(), options_.max_payload);
    CHECK_EQ(publication.data.find_first_of("\r\n"), Bytes::npos);
    CHECK(test::ReferenceJson::valid(publication.data, kMaxJsonDepth));
    heard_.emplace_back(publication.channel);
  }
  void on_interest_ready(Bytes channel, InterestToken token) override {
    const auto found = interests_.find(std::string(channel));
    if (found == interests_.end() || found->second.token != token) return;  // a late one
    CHECK(!found->second.ready);
    found->second.ready = true;
    check_covered(channel);
  }
  void on_presence_changes(Bytes, std::span<const PresenceChange>) override {}
  void on_history(RequestToken, const HistoryPage&) override {}
  void on_presence(RequestToken, const PresencePage&) override {}
  void on_published(RequestToken token, PublishOutcome,
                    const StreamPosition& /*position*/) override {
    CHECK_EQ(unsettled_.erase(token), 1U);
  }

  std::string wanted_subject(Bytes channel) const {
    const Bytes name_space = channel_namespace(channel);
    for (const std::string& prefix : options_.prefix_namespaces) {
      if (prefix == name_space) return namespace_wildcard(options_.subject_prefix, name_space);
    }
    return channel_to_subject(options_.subject_prefix, channel);
  }
  std::size_t subscriptions_of(const std::string& subject) const {
    std::size_t count = 0;
    for (const auto& [index, one] : link_->subscribed) count += one.second == subject ? 1 : 0;
    return count;
  }
  // Who is told to be subscribed is so at the server, or will be when the link comes up.
  void check_covered(Bytes channel) const {
    const std::string subject = wanted_subject(channel);
    bool covered = subscriptions_of(subject) > 0;
    for (const NatsRequest& request : link_->requests) {
      if (link_->is_up || request.kind != NatsRequestKind::kSubscribe) continue;
      covered = covered || request.post.subject == subject;
    }
    CHECK(covered);
  }

  void add(const std::string& channel) {
    if (interests_.contains(channel)) return;
    const bool ready = broker_->add_interest(channel, ++last_token_);
    interests_[channel] = {last_token_, ready};
    if (ready) check_covered(channel);
  }
  void remove(const std::string& channel) {
    if (interests_.erase(channel) != 0) broker_->remove_interest(channel);
  }
  void publish(const std::string& channel) {
    const std::string data(input_.byte() % 32, '7');
    unsettled_.insert(++last_token_);
    broker_->publish({channel, data, {}, {}}, {}, last_token_, Instant{});
  }

  // From a publisher to all whose subscription fits; each shard must hear it once.
  void deliver(const std::string& channel) {
    drain();
    if (!link_->is_up || (!interests_.contains(channel) && input_.flag())) return;
    const Bytes payload = input_.bytes(input_.byte() % 32);
    const std::string subject = wanted_subject(channel);
    for (const auto& [index, one] : link_->subscribed) {
      if (one.second == subject) {
        link_->push(one.first, channel_to_subject(options_.subject_prefix, channel), payload);
      }
    }
    const auto found = interests_.find(channel);
    const bool due = found != interests_.end() && found->second.ready &&
                     payload.size() <= options_.max_payload &&
                     test::ReferenceJson::valid(payload, kMaxJsonDepth);
    heard_.clear();
    drain();
    CHECK_LE(heard_.size(), 1U);
    if (due) CHECK(heard_ == std::vector<std::string>{channel});
  }
  // Whatever a subject may be that a server sends.
  void deliver_anything() {
    if (link_->issued.empty()) return;
    const NatsSubscriptionId to = link_->issued[input_.byte() % link_->issued.size()];
    const std::string subject = std::string(input_.bytes(input_.byte() % 64)).c_str();
    const Bytes payload = input_.bytes(input_.byte() % 32);
    if (!subject.empty()) link_->push(to, subject, payload);  // the library makes none without
  }

  void move(int what) {
    const std::string channel(what < 4 ? kChannels.at(input_.byte() % kChannels.size()) : Bytes());
    switch (what) {
      case 0:
        return add(channel);
      case 1:
        return remove(channel);
      case 2:
        return publish(channel);
      case 3:
        return deliver(channel);
      case 4:
        return deliver_anything();
      case 5:
        link_->is_up = false;
        return;
      case 6:
        return link_->come_up();
      case 7:
        link_->next_note = input_.bytes(input_.byte() % 8);
        return;
      default:
        for (int left = 1 + input_.byte() % 4; left > 0; --left) link_->answer();
    }
  }

  void drain() {
    now_ = now_ + milliseconds(10);
    port_->drain(now_);
    const BrokerStatus status = broker_->status();
    CHECK_EQ(status.ready, link_->is_up);
    CHECK_EQ(status.ready, status.cause.empty());
    CHECK_EQ(status.cause.find("user:secret"), std::string::npos);  // longer than a note
  }

  // All is answered: what is at the server is what is wanted, and everybody was told.
  void finish() {
    link_->come_up();
    for (int left = 1'000; left > 0 && (port_->ready() || !link_->requests.empty()); --left) {
      while (!link_->requests.empty()) link_->answer();
      drain();
    }
    CHECK(!port_->ready());
    CHECK(unsettled_.empty());
    std::set<std::string> wanted;
    for (const auto& [channel, interest] : interests_) {
      CHECK(interest.ready);
      wanted.insert(wanted_subject(channel));
    }
    CHECK_EQ(link_->subscribed.size(), wanted.size());
    CHECK_EQ(metrics_.nats_subscriptions, wanted.size());
    for (const std::string& subject : wanted) CHECK_EQ(subscriptions_of(subject), 1U);
  }

  FuzzInput& input_;
  const NatsOptions options_;
  RecvBuffers buffers_{1, 16};
  MemRing ring_{buffers_};
  Waker waker_{ring_};
  ShardMetrics metrics_;
  Instant now_{1'000'000'000};
  std::map<std::string, Interest> interests_;
  std::set<RequestToken> unsettled_;
  std::vector<std::string> heard_;
  std::uint64_t last_token_ = 0;
  PlayedLink* link_ = nullptr;
  TimerWheel timers_{now_};
  Random random_{1};
  std::unique_ptr<NatsPort> port_;
  std::unique_ptr<NatsBroker> broker_;
};

}  // namespace
}  // namespace millrace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  // The library's messages need what it opens; it stays for all inputs.
  static const natsStatus kOpened = nats_Open(-1);
  CHECK_EQ(kOpened, NATS_OK);
  millrace::FuzzInput input(data, size);
  millrace::BrokerPlay(input).run();
  return 0;
}
