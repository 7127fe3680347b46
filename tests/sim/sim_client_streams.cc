// What a simulated client makes of channels that keep a stream: where it is, coming back to there,
// history. Each publication comes exactly once, in order, or it is told that it can't.
#include <algorithm>

#include "tests/sim/server_lines.h"
#include "tests/sim/sim_client.h"
#include "tests/sim/world.h"

namespace millrace::sim {
namespace {

constexpr std::uint64_t kFarAhead = 1'000;

bool says(Bytes line, Bytes what) { return line.find(what) != Bytes::npos; }

std::string position(const Place& place) {
  return R"("epoch":")" + place.epoch + R"(","offset":)" + std::to_string(place.offset);
}

}  // namespace

// --- in and out ----------------------------------------------------------------------------------

std::string SimClient::stream_wishes(Period& period) {
  Random& random = world_.random();
  const NamespaceSettings& settings = world_.settings_of(period.channel);
  std::string wishes;
  if (settings.presence.announce && random.below(2) == 0) {
    period.announced = true;
    wishes += R"(,"join_leave":true)";
  }
  if (!settings.stream.kept()) return wishes;
  const auto known = places_.find(period.channel);
  if (known == places_.end() || random.below(8) == 0) {
    const std::uint64_t wish = random.below(4);
    if (wish < 2) wishes += R"(,"recoverable":true)";
    if (wish == 2) wishes += R"(,"positioned":true)";
    return wishes;
  }
  Place from = known->second;
  if (world_.faults().strikes(Fault::kForgedPosition)) {
    period.forged = true;
    switch (random.below(3)) {
      case 0:
        from.epoch = "noEpoch!";
        break;
      case 1:
        std::reverse(from.epoch.begin(), from.epoch.end());
        from.epoch[0] = from.epoch[0] == 'a' ? 'b' : 'a';
        break;
      default:
        from.offset += kFarAhead;
    }
  }
  period.recovers = true;
  period.from_epoch = from.epoch;
  period.from_offset = from.offset;
  wishes += R"(,"recoverable":true,"recover":true,)" + position(from);
  period.whole = random.below(4) == 0;
  if (period.whole) wishes += R"(,"flag":2)";
  return wishes;
}

void SimClient::on_position(const Command& command, Period& period, Bytes line) {
  std::string around;
  const auto publications = publications_of(line, around);
  period.positioned = says(around, R"("positioned":true)");
  period.recoverable = says(around, R"("recoverable":true)");
  if (!period.positioned) {
    // Who leaves before it is in is told nothing.
    if (period.recovers && !period.leaving) finding(name() + " has no position: " + around);
    if (!publications.empty()) finding(name() + " got " + std::string(line));
    return;
  }
  const Place told{std::string(string_behind(around, R"("epoch":")")),
                   number_behind(around, R"("offset":)")};
  period.epoch = told.epoch;
  period.offset = told.offset;
  const bool recovered = says(around, R"("recovered":true)");
  if (says(around, R"("was_recovering":true)") != period.recovers) {
    finding(name() + " is answered " + around);
  }
  if (!recovered) {
    if (!publications.empty()) finding(name() + " got a part of what it missed");
    world_.streams().told_top(name(), command.channel, told, command.accepted);
  }
  if (period.recovers) on_recovery(period, told, recovered, line);
  remember(period);
}

void SimClient::on_recovery(Period& period, const Place& top, bool recovered, Bytes line) {
  const SessionSettings& sessions = world_.options().shard.sessions;
  const NamespaceSettings& settings = world_.settings_of(period.channel);
  if (recovered) {
    if (period.forged || top.epoch != period.from_epoch || top.offset != period.from_offset) {
      finding(name() + " is recovered to where it never was: " + std::string(line));
    }
    std::string around;
    const auto publications = publications_of(line, around);
    if (publications.size() > sessions.recovery_page) finding(name() + " got too much");
    for (const ToldPublication& each : publications) {
      step(period, each.offset, world_.oracle().known(name(), period.channel, each.data));
    }
    if (!publications.empty()) world_.deeds().count(Deed::kRecovered);
    return;
  }
  world_.deeds().count(Deed::kUnrecovered);
  if (period.forged || top.epoch != period.from_epoch) return;
  if (top.offset < period.from_offset) finding(name() + "'s stream went back");
  const std::uint64_t missed = top.offset - period.from_offset;
  const std::uint64_t most = std::min(settings.stream.size, sessions.recovery_page);
  if (missed == 0 || (world_.options().steady && missed <= most)) {
    finding(name() + " is refused the " + std::to_string(missed) + " publications of " +
            period.channel + " that it missed behind " + std::to_string(period.from_offset));
  }
}

// The next publication of a channel, live or recovered.
void SimClient::step(Period& period, std::uint64_t offset, std::uint64_t id) {
  if (offset != period.offset + 1) {
    finding(name() + " got publication " + std::to_string(id) + " of " + period.channel +
            " at offset " + std::to_string(offset) + " behind " + std::to_string(period.offset));
  }
  period.offset = offset;
  world_.streams().told(name(), period.channel, {period.epoch, offset}, id);
  remember(period);
}

void SimClient::remember(const Period& period) {
  if (period.recoverable) places_[period.channel] = {period.epoch, period.offset};
}

// The server says that something was missed: it comes back for that.
void SimClient::on_loss(Bytes line) {
  const std::string channel(string_behind(line, R"("channel":")"));
  say("is told {}", std::string(line));
  const auto found = periods_.find(channel);
  const bool expected = found != periods_.end() && found->second.positioned;
  if (!expected || number_behind(line, R"("code":)") != 2500) {
    finding(name() + " got " + std::string(line));
  }
  world_.deeds().count(Deed::kLossTold);
  world_.oracle().broken_off(found->second);
  periods_.erase(found);
  world_.remove_client(client_id_);  // for a moment, of this channel
  later(world_.between(milliseconds(1), milliseconds(50)), [this, channel] {
    if (live() && !excuses_.leaves) subscribe(channel);
  });
}

// What it had on an earlier connection.
void SimClient::resubscribe() {
  std::vector<std::string> channels;
  for (const auto& [channel, place] : places_) channels.push_back(channel);
  for (const std::string& channel : channels) {
    if (world_.random().below(4) != 0) subscribe(channel);
  }
}

void SimClient::check_positions() const {
  if (!world_.options().steady) return;
  for (const auto& [channel, period] : periods_) {
    if (!period.positioned) continue;
    const Place top = world_.streams().top(channel);
    if (top.epoch == period.epoch && top.offset == period.offset) continue;
    finding(name() + " stays in " + channel + " at " + std::to_string(period.offset) +
            ", where the last is " + std::to_string(top.offset));
  }
}

// --- history -------------------------------------------------------------------------------------

void SimClient::ask_history(const std::string& channel) {
  if (!world_.settings_of(channel).stream.kept()) return;
  Random& random = world_.random();
  constexpr std::array<std::uint32_t, 5> kLimits{0, 1, 3, 50, 1'000};
  const std::uint32_t limit = kLimits.at(random.below(kLimits.size()));
  const bool reverse = random.below(3) == 0;
  std::optional<Place> since;
  if (const auto known = places_.find(channel); known != places_.end() && random.below(2) == 0) {
    since = known->second;
    if (since->offset > 0) since->offset -= random.below(std::min<std::uint64_t>(since->offset, 5));
    if (reverse && since->offset == 0) since.reset();
  }
  std::string body = R"("history":{"channel":")" + channel + R"(","limit":)" +
                     std::to_string(limit) + (reverse ? R"(,"reverse":true)" : "");
  if (since) body += R"(,"since":{)" + position(*since) + "}";
  ask(Asked::kHistory, channel, body + "}");
  Command& command = pending_[last_command_];
  command.limit = std::min(limit, world_.options().shard.sessions.history_page);
  command.reverse = reverse;
  command.since = since;
}

void SimClient::on_history(const Command& command, Bytes line) {
  std::string around;
  const auto publications = publications_of(line, around);
  const Place top{std::string(string_behind(around, R"("epoch":")")),
                  number_behind(around, R"("offset":)")};
  world_.streams().told_top(name(), command.channel, top, command.accepted);
  std::vector<std::uint64_t> offsets;
  for (const ToldPublication& each : publications) {
    const std::uint64_t id = world_.oracle().known(name(), command.channel, each.data);
    world_.streams().told(name(), command.channel, {top.epoch, each.offset}, id);
    offsets.push_back(each.offset);
  }
  if (!offsets.empty()) world_.deeds().count(Deed::kHistoryPage);
  check_page(command, offsets, top.offset);
}

// A page is a piece of the stream without holes; where there is room for all of it, the right one.
void SimClient::check_page(const Command& command, std::span<const std::uint64_t> offsets,
                           std::uint64_t top) const {
  const auto complain = [&](const char* what) {
    finding(name() + "'s page of " + command.channel + " " + what + ": " +
            std::to_string(offsets.size()) + " of at most " + std::to_string(command.limit) +
            (offsets.empty() ? "" : " from " + std::to_string(offsets.front())) +
            ", where the last is " + std::to_string(top) +
            (command.since ? ", asked since " + std::to_string(command.since->offset) : ""));
  };
  if (offsets.size() > command.limit) complain("is too long");
  for (std::size_t i = 1; i < offsets.size(); ++i) {
    if (offsets[i] != (command.reverse ? offsets[i - 1] - 1 : offsets[i - 1] + 1)) {
      complain("has a hole");
    }
  }
  if (!world_.options().steady) return;
  const std::uint64_t size = world_.settings_of(command.channel).stream.size;
  std::uint64_t from = top > size ? top - size + 1 : 1;
  std::uint64_t until = top + 1;  // exclusive
  if (command.since && command.reverse) until = std::min(until, command.since->offset);
  if (command.since && !command.reverse) from = std::max(from, command.since->offset + 1);
  const std::uint64_t there = until > from ? until - from : 0;
  if (offsets.size() != std::min<std::uint64_t>(there, command.limit)) complain("is not all");
  if (offsets.empty()) return;
  if (offsets.front() != (command.reverse ? until - 1 : from)) complain("begins elsewhere");
}

}  // namespace millrace::sim
