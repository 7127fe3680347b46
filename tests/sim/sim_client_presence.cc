// What a simulated client learns of others, and what it says of itself.
#include <algorithm>

#include "net/auth/token_maker.h"
#include "tests/sim/server_lines.h"
#include "tests/sim/sim_client.h"
#include "tests/sim/world.h"

namespace millrace::sim {

// --- presence ------------------------------------------------------------------------------------

bool SimClient::in(const std::string& channel) const {
  const auto found = periods_.find(channel);
  return live() && found != periods_.end() && found->second.replied && !found->second.leaving;
}

void SimClient::ask_presence(const std::string& channel) {
  if (!world_.settings_of(channel).presence.members) return;
  ask(Asked::kPresence, channel, R"("presence":{"channel":")" + channel + "\"}");
  Command& command = pending_[last_command_];
  command.was_in = in(channel);
  if (command.was_in) command.subscribe = periods_.at(channel).command;
}

void SimClient::on_presence(const Command& command, Bytes line) {
  world_.deeds().count(Deed::kPresenceList);
  std::set<std::string> there;
  for (const std::string& client : clients_of(line)) {
    if (!there.insert(client).second) finding(name() + " was told twice of " + client);
    if (!world_.knows_client(client)) finding(name() + " was told of nobody's " + client);
  }
  if (!world_.presence_complete()) return;
  // Who asks after it was told that it is in, and does not leave, is in.
  const auto period = periods_.find(command.channel);
  const bool stays =
      command.was_in && in(command.channel) && period->second.command == command.subscribe;
  if (stays && !there.contains(client_id_)) {
    finding(name() + " is not among those in " + command.channel + ": " + std::string(line));
  }
  if (!world_.settled()) return;
  world_.check_presence(command.channel, name(), there);
  if (!in(command.channel) || !world_.announcements_complete()) return;
  for (const auto& [client, joined] : period->second.others) {
    if (joined == there.contains(client)) continue;
    world_.suspect(client, name() + " was last told that " + client +
                               (joined ? " joined " : " left ") + command.channel + ", and it is " +
                               (joined ? "not there" : "there"));
  }
}

void SimClient::on_others(const std::string& channel, Bytes line, bool joined) {
  const auto found = periods_.find(channel);
  if (found == periods_.end() || !found->second.replied || !found->second.announced) {
    finding(name() + " got what it did not ask for: " + std::string(line));
  }
  const std::string client(string_behind(line, R"("client":")"));
  if (!world_.knows_client(client)) finding(name() + " was told of nobody's " + client);
  say("is told that {} {} {}", client, joined ? "joined" : "left", channel);
  found->second.others[client] = joined;
  world_.deeds().count(joined ? Deed::kJoinTold : Deed::kLeaveTold);
}

void SimClient::look() {
  if (!live()) return;
  // One after the other: answers to all at once are more than some queues hold.
  for (std::size_t i = 0; i < world_.options().channels; ++i) {
    later(milliseconds(200) * static_cast<std::int64_t>(i), [this, channel = world_.channel(i)] {
      if (!live()) return;
      ask_history(channel);
      ask_presence(channel);
    });
  }
}

// --- tokens --------------------------------------------------------------------------------------

std::string SimClient::connect_body() {
  if (!world_.options().tokens) return R"("connect":{})";
  Random& random = world_.random();
  const bool anonymous = random.below(8) == 0 && world_.options().shard.sessions.allow_anonymous;
  if (anonymous) return R"("connect":{})";
  TokenOrder order;
  order.user = "u" + std::to_string(random.below(World::kUsers));
  order.issued_at = world_.calendar().seconds();
  order.lifetime = random.below(6) == 0 ? 1 + static_cast<std::int64_t>(random.below(3)) : 3'600;
  Bytes secret = kTokenSecret;
  if (world_.faults().strikes(Fault::kForgedToken)) {
    excuses_.stranger = true;
    secret = "a secret that only its maker knows, not the server";
  } else if (world_.faults().strikes(Fault::kOldToken)) {
    excuses_.stranger = true;
    order.issued_at -= 100'000;
  }
  user_ = order.user;
  issued_at_ = order.issued_at;
  expires_at_ = order.issued_at + order.lifetime;
  auto token = make_token(order, secret);
  if (!token.ok()) finding("no token was made: " + token.error().text);
  return R"("connect":{"token":")" + *token + "\"}";
}

bool SimClient::may_be_refused(std::uint16_t code) const {
  if (user_.empty()) return false;
  if (code == 3005) {
    // Its grace is over.
    const bool over = world_.calendar().seconds() >= expires_at_;
    if (over) world_.deeds().count(Deed::kTokenRanOut);
    return over;
  }
  if (excuses_.stranger) return true;
  const bool revoked = world_.revoked(user_).may_be >= issued_at_;
  if (revoked) world_.deeds().count(Deed::kTokenRevoked);
  return revoked;
}

void SimClient::check_not_revoked() const {
  if (user_.empty()) return;
  if (world_.revoked(user_).surely < issued_at_ || issued_at_ == 0) return;
  finding(name() + " stays with a token of " + user_ + " that was revoked");
}

}  // namespace millrace::sim
