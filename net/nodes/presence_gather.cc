#include "net/nodes/presence_gather.h"

#include <algorithm>

#include "core/base/assert.h"
#include "core/hub/presence_bytes.h"
#include "core/hub/presence_table.h"
#include "net/nodes/node_subjects.h"

namespace millrace {

namespace {

constexpr char kCounts = 'c';
constexpr char kList = 'l';

std::string key_of(Bytes channel, bool counts_only) {
  return std::string(1, counts_only ? kCounts : kList).append(channel);
}

std::size_t size_of(const GatheredPresence* others, Bytes key) {
  constexpr std::size_t kAround = 256;  // of an entry
  const std::size_t size = kAround + 2 * key.size();
  if (others == nullptr) return size;
  return size + others->members.size() + others->users.size() * sizeof(std::uint64_t);
}

std::size_t listed_size(const ClientInfo& member) {
  return PresenceTable::kMemberEnvelope + member.user.size() + member.client.size() +
         member.conn_info.size() + member.chan_info.size();
}

}  // namespace

PresenceGather::PresenceGather(NatsPort& port, const NodeDirectory& directory, TimerWheel& timers,
                               ShardMetrics& metrics, std::size_t list_bytes,
                               PresenceGatherEvents& events)
    : port_(port),
      directory_(directory),
      timers_(timers),
      metrics_(metrics),
      list_bytes_(list_bytes),
      events_(events) {}

PresenceGather::~PresenceGather() {
  timers_.cancel(timer_);
  for (const auto& [token, question] : questions_) port_.forget(question.id);
}

void PresenceGather::ask(Bytes channel, bool counts_only, const PresenceAsker& asker, Instant now) {
  std::string key = key_of(channel, counts_only);
  const auto kept = kept_.find(key);
  if (kept != kept_.end() && now < kept->second.until && port_.up()) {
    const auto others = kept->second.others;  // whoever is told may make it go
    return tell(asker, key, others.get());
  }
  const auto found = gathers_.find(key);
  const bool full =
      askers_ >= kMaxAskers || (found == gathers_.end() && gathers_.size() >= kMaxGathers);
  if (full || !port_.up() || directory_.settles() > now + kPatience) {
    return tell(asker, key, nullptr);
  }
  ++askers_;
  if (found != gathers_.end()) {
    found->second->askers.push_back(asker);
    return;
  }
  auto made = std::make_unique<Gather>();
  Gather& gather = *made;
  gather.key = key;
  gather.askers.push_back(asker);
  gather.until = now + kPatience;
  gathers_.emplace(std::move(key), std::move(made));
  waiting_.push_back(gather.key);
  start_waiting(now);
}

// Those for whom nobody was asked yet.
void PresenceGather::start_waiting(Instant now) {
  const bool settled = directory_.settled(now);
  for (std::size_t most = waiting_.size(); most > 0 && !waiting_.empty(); --most) {
    const auto found = gathers_.find(waiting_.front());
    CHECK(found != gathers_.end());
    Gather& gather = *found->second;
    if (!settled && now < gather.until) break;  // they are in the order of coming
    waiting_.pop_front();
    if (!settled || !ask_all(gather, now)) {
      end(gather, false, now);
    } else if (gather.tokens.empty()) {
      end(gather, true, now);
    }
  }
  set_timer();
}

bool PresenceGather::ask_all(Gather& gather, Instant now) {
  if (directory_.others().empty()) return true;
  ++metrics_.presence_gathers_total;
  const Bytes key = gather.key;
  const std::string body = presence_question_json(key.substr(1), key.front() == kCounts);
  for (const KnownNode& node : directory_.others()) {
    const std::uint64_t token = ++last_token_;
    const NatsQuestionId id =
        port_.ask({node_subject(port_.options().subject_prefix, node.id, "presence"), body},
                  std::max(gather.until - now, milliseconds(1)), *this, token, now);
    if (id == 0) return false;
    questions_.emplace(token, Question{&gather, node.id, id});
    gather.tokens.push_back(token);
  }
  return true;
}

void PresenceGather::on_nats_answer(std::uint64_t token, NatsAnswered how,
                                    const NatsMessageView* reply, Instant now) {
  const auto found = questions_.find(token);
  CHECK(found != questions_.end());
  const Question question = found->second;
  questions_.erase(found);
  Gather& gather = *question.gather;
  std::erase(gather.tokens, token);
  const bool answered = how == NatsAnswered::kReply && take(gather, *reply);
  // Who said goodbye while it was asked has nobody to tell of.
  if (!answered && (how == NatsAnswered::kReply || directory_.known(question.node))) {
    end(gather, false, now);
  } else if (gather.tokens.empty()) {
    end(gather, true, now);
  }
}

bool PresenceGather::take(Gather& gather, const NatsMessageView& reply) {
  const auto answer = reader_.answer(reply.data());
  if (!answer) {
    ++metrics_.node_messages_dropped_total;
    return false;
  }
  if (!answer->available) return false;
  add(gather.others, *answer);
  return true;
}

void PresenceGather::add(GatheredPresence& others, const NodePresence& answer) const {
  others.clients += answer.counts.clients;
  const bool compared = answer.users.size() == answer.counts.users;
  if (!compared) others.users_apart += answer.counts.users;
  if (compared) others.users.insert(others.users.end(), answer.users.begin(), answer.users.end());
  std::vector<ClientInfo> listed;
  for (const ClientInfo& member : answer.members) {
    others.list_bytes += listed_size(member);
    if (others.listed >= kMaxListed || others.list_bytes > list_bytes_) break;
    ++others.listed;
    listed.push_back(member);
  }
  others.members += pack_members(listed);
}

void PresenceGather::end(Gather& gather, bool answered, Instant now) {
  for (const std::uint64_t token : gather.tokens) {
    const auto question = questions_.find(token);
    CHECK(question != questions_.end());
    port_.forget(question->second.id);
    questions_.erase(question);
  }
  const auto place = gathers_.find(gather.key);
  CHECK(place != gathers_.end());
  const std::unique_ptr<Gather> ended = std::move(place->second);
  gathers_.erase(place);
  askers_ -= ended->askers.size();
  std::shared_ptr<const GatheredPresence> others;
  if (answered) {
    std::vector<std::uint64_t>& users = ended->others.users;
    std::sort(users.begin(), users.end());
    users.erase(std::unique(users.begin(), users.end()), users.end());
    others = std::make_shared<const GatheredPresence>(std::move(ended->others));
  } else {
    ++metrics_.presence_gathers_failed_total;
  }
  keep(ended->key, others, now);
  for (const PresenceAsker& asker : ended->askers) tell(asker, ended->key, others.get());
}

void PresenceGather::tell(const PresenceAsker& asker, Bytes key, const GatheredPresence* others) {
  events_.on_gathered(asker, key.substr(1), key.front() == kCounts, others);
}

// --- what is kept --------------------------------------------------------------------------------

void PresenceGather::keep(std::string key, std::shared_ptr<const GatheredPresence> others,
                          Instant now) {
  if (kept_.contains(key)) std::erase(kept_order_, key);
  const std::size_t bytes = size_of(others.get(), key);
  const auto place = kept_.try_emplace(key).first;
  kept_bytes_ += bytes - place->second.bytes;
  place->second = {std::move(others), bytes, now + kKept};
  kept_order_.push_back(std::move(key));
  while (kept_.size() > kMaxKept || kept_bytes_ > kKeptBytes) forget_oldest();
  set_timer();
}

void PresenceGather::forget_oldest() {
  const auto oldest = kept_.find(kept_order_.front());
  CHECK(oldest != kept_.end());
  kept_bytes_ -= oldest->second.bytes;
  kept_.erase(oldest);
  kept_order_.pop_front();
}

void PresenceGather::on_timer(Timer& /*timer*/, Instant now) {
  while (!kept_order_.empty() && kept_.find(kept_order_.front())->second.until <= now) {
    forget_oldest();
  }
  start_waiting(now);
}

void PresenceGather::set_timer() {
  Instant due = Instant::never();
  if (!waiting_.empty()) {
    due = std::min(directory_.settles(), gathers_.find(waiting_.front())->second->until);
  }
  if (!kept_order_.empty()) due = std::min(due, kept_.find(kept_order_.front())->second.until);
  if (due == Instant::never()) {
    timers_.cancel(timer_);
  } else if (!timer_.armed() || timer_.deadline() != due) {
    timers_.arm(timer_, due, *this);
  }
}

}  // namespace millrace
