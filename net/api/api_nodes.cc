#include "net/api/api_nodes.h"

#include <utility>

#include "core/base/assert.h"
#include "net/api/node_answer.h"
#include "net/nats/subject.h"

namespace millrace {

ApiNodes::ApiNodes(NatsPort& port, NodeDirectory& directory, TimerWheel& timers, ApiDesk& desk)
    : port_(port), directory_(directory), timers_(timers), desk_(desk) {
  directory_.watch(*this);
  desk_.set_peers(*this);
}

ApiNodes::~ApiNodes() {
  for (const auto& each : questions_) port_.forget(each.second.out);
  directory_.unwatch(*this);
  timers_.cancel(again_);
}

ApiPeers::Asked ApiNodes::ask(std::uint64_t call, ApiMethod method, Bytes params, Instant now) {
  Asked asked;
  if (!port_.up() || !directory_.settled(now)) {
    asked.failed = true;
    return asked;
  }
  for (const KnownNode& node : directory_.others()) {
    Question question{.call = call,
                      .method = method,
                      .node = node.id,
                      .params = std::string(params),
                      .until = now + ApiDesk::kPatience};
    const std::uint64_t token = ++last_;
    if (!send(token, question, now)) {
      asked.failed = true;
      continue;
    }
    questions_.emplace(token, std::move(question));
    ++asked.nodes;
  }
  return asked;
}

bool ApiNodes::send(std::uint64_t token, Question& question, Instant now) {
  std::string rest = "node.";
  rest.append(question.node.text()).append(".api.").append(api_method_name(question.method));
  question.out = port_.ask(
      {.subject = own_subject(port_.options().subject_prefix, rest), .data = question.params},
      kNodePatience, *this, token, now);
  return question.out != 0;
}

void ApiNodes::on_nats_answer(std::uint64_t token, NatsAnswered how, const NatsMessageView* reply,
                              Instant now) {
  const auto found = questions_.find(token);
  CHECK(found != questions_.end());
  Question& question = found->second;
  question.out = 0;
  if (how == NatsAnswered::kReply) {
    return end(token, read_node_answer(validator_, question.method, reply->data()), now);
  }
  const KnownNode* node = directory_.find(question.node);
  if (node == nullptr) return end(token, {}, now);
  const bool alive = how == NatsAnswered::kTimeout && now - node->heard < kFreshSign;
  if (alive || how == NatsAnswered::kLost) return end(token, {.error = ErrorCode::kInternal}, now);
  // Nobody answers for it: it comes, or it goes.
  if (!again_.armed()) timers_.arm(again_, now + kAgain, *this);
}

void ApiNodes::on_timer(Timer&, Instant now) {
  std::vector<std::uint64_t> idle;
  for (const auto& each : questions_) {
    if (each.second.out == 0) idle.push_back(each.first);
  }
  for (const std::uint64_t token : idle) {
    const auto found = questions_.find(token);
    if (found == questions_.end()) continue;
    const bool over = found->second.until <= now;
    if (over || !send(token, found->second, now)) end(token, {.error = ErrorCode::kInternal}, now);
  }
}

void ApiNodes::on_node_gone(const NodeId& node, Instant now) {
  std::vector<std::uint64_t> gone;
  for (const auto& each : questions_) {
    if (each.second.node == node) gone.push_back(each.first);
  }
  for (const std::uint64_t token : gone) {
    const auto found = questions_.find(token);
    if (found == questions_.end()) continue;
    port_.forget(found->second.out);
    end(token, {}, now);
  }
}

void ApiNodes::end(std::uint64_t token, NodeAnswer answer, Instant now) {
  const auto found = questions_.find(token);
  const std::uint64_t call = found->second.call;
  questions_.erase(found);
  desk_.on_node(call, std::move(answer), now);
}

}  // namespace millrace
