// A link that a test plays: what the port asked of it, and what it is to hear.
#pragma once

#include <deque>
#include <string>
#include <utility>
#include <vector>

#include "core/base/assert.h"
#include "net/nats/broker_link.h"

namespace millrace {

class PlayedLink final : public BrokerLink {
 public:
  explicit PlayedLink(Waker& waker, std::size_t messages = 1'024, std::size_t bytes = 1'048'576)
      : inbox_(messages, bytes, waker) {
    // The library makes and destroys messages only when it is open; it stays for all tests.
    static const natsStatus kOpened = nats_Open(-1);
    CHECK_EQ(kOpened, NATS_OK);
  }

  bool send(NatsRequest& request) override {
    requests.push_back(std::move(request));
    return true;
  }
  bool take_answer(NatsAnswer& answer) override {
    if (answers.empty()) return false;
    answer = answers.front();
    answers.pop_front();
    return true;
  }
  bool take_note(std::string&) override { return false; }
  NatsInbox& inbox() override { return inbox_; }
  [[nodiscard]] bool waiting() const override { return !answers.empty() || inbox_.waiting(); }
  [[nodiscard]] bool up() const override { return is_up; }
  [[nodiscard]] std::uint64_t lives() const override { return lives_; }
  [[nodiscard]] NatsLinkCause cause() const override { return NatsLinkCause::kLost; }
  [[nodiscard]] std::uint64_t dropped() const override { return 0; }

  void come_up() {
    is_up = true;
    ++lives_;
  }
  void answer_first(bool accepted = true) {
    const NatsRequest request = take_first();
    answers.push_back({.kind = request.kind,
                       .subscription = request.subscription,
                       .token = request.token,
                       .bytes = size_of(request.post),
                       .accepted = accepted});
  }
  void answer_all() {
    while (!requests.empty()) answer_first();
  }
  // The server brings it. `status` is of a message without data: "503", nobody listens.
  void bring(NatsSubscriptionId to, const NatsPost& post) {
    natsMsg* made = nullptr;
    const char* reply = post.reply.empty() ? nullptr : post.reply.c_str();
    CHECK_EQ(natsMsg_Create(&made, post.subject.c_str(), reply, post.data.data(),
                            static_cast<int>(post.data.size())),
             NATS_OK);
    NatsMessage message(made);
    for (const auto& [name, value] : post.headers) {
      CHECK_EQ(natsMsgHeader_Add(made, name.c_str(), value.c_str()), NATS_OK);
    }
    inbox_.push(std::move(message), to);
  }

  std::deque<NatsRequest> requests;
  std::deque<NatsAnswer> answers;
  std::vector<NatsRequest> seen;  // that were answered
  bool is_up = false;

 private:
  const NatsRequest& take_first() {
    CHECK(!requests.empty());
    seen.push_back(std::move(requests.front()));
    requests.pop_front();
    return seen.back();
  }

  NatsInbox inbox_;
  std::uint64_t lives_ = 0;
};

}  // namespace millrace
