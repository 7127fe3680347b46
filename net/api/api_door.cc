#include "net/api/api_door.h"

#include <algorithm>
#include <utility>

#include "net/nats/subject.h"

namespace millrace {

namespace {

constexpr const char* kGroup = "millrace";

Bytes last_token(Bytes subject) { return subject.substr(subject.rfind('.') + 1); }

bool is_letter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
         c == '-' || c == '=' || c == '$';
}

}  // namespace

bool is_reply_inbox(Bytes subject) {
  if (subject.size() > ApiDoor::kMaxInbox || !subject.starts_with('_')) return false;
  if (subject.ends_with('.') || subject.find("..") != Bytes::npos) return false;
  return std::ranges::all_of(subject, [](char c) { return is_letter(c) || c == '.'; });
}

ApiDoor::ApiDoor(NatsPort& port, ApiDesk& desk, const NodeId& self, bool applications)
    : port_(port), desk_(desk), applications_(applications) {
  const std::string& prefix = port.options().subject_prefix;
  if (applications_) {
    of_applications_ = port_.subscribe(own_subject(prefix, "api.*"), *this, kGroup);
  }
  const std::string node = "node." + std::string(self.text()) + ".api.*";
  of_nodes_ = port_.subscribe(own_subject(prefix, node), *this, kGroup);
}

ApiDoor::~ApiDoor() {
  leave();
  port_.unsubscribe(of_nodes_);
}

void ApiDoor::leave() {
  if (std::exchange(applications_, false)) port_.unsubscribe(of_applications_);
}

void ApiDoor::on_nats_message(NatsSubscriptionId id, const NatsMessageView& message, Instant now) {
  const std::uint64_t token = ++last_;
  if (is_reply_inbox(message.reply())) inboxes_.emplace(token, message.reply());
  const auto method = api_method(last_token(message.subject()));
  if (!method) return on_api_outcome(token, ApiOutcome::failed(ErrorCode::kMethodNotFound), now);
  const ApiScope scope = id.index == of_nodes_.index ? ApiScope::kNode : ApiScope::kCluster;
  desk_.take(*method, message.data(), scope, *this, token, now);
}

void ApiDoor::on_api_outcome(std::uint64_t token, ApiOutcome outcome, Instant) {
  const auto found = inboxes_.find(token);
  if (found == inboxes_.end()) return;
  NatsPost post{.subject = std::move(found->second), .data = api_answer(outcome)};
  inboxes_.erase(found);
  const std::size_t most = port_.options().max_payload;
  if (post.data.size() > most) {
    post.data = api_answer(ApiOutcome::failed(
        ErrorCode::kLimitExceeded, "the answer has " + std::to_string(post.data.size()) +
                                       " bytes, a message may have " + std::to_string(most)));
  }
  // The asker hears nothing then, and asks again.
  static_cast<void>(port_.publish(std::move(post)));
}

}  // namespace millrace
