#include "tests/sim/oracle.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>

namespace millrace::sim {
namespace {

std::string text(const std::vector<std::uint64_t>& ids, std::size_t from = 0) {
  std::string out = "[";
  for (std::size_t i = from; i < ids.size(); ++i) {
    if (i - from == 40) return out + " ...]";
    out += (i == from ? "" : " ") + std::to_string(ids[i]);
  }
  return out + "]";
}

}  // namespace

void finding(const std::string& what) {
  std::fflush(stdout);
  std::fprintf(stderr, "FINDING: %s\n", what.c_str());
  std::fflush(stderr);
  std::abort();
}

std::string Oracle::published(const std::string& channel, std::uint64_t publisher,
                              std::size_t padding) {
  const std::string id = std::to_string(publications_.size() + 1);
  std::string payload = R"({"n":)" + id + R"(,"x":")";
  payload.append(padding, static_cast<char>('a' + publications_.size() % 26)).append("\"}");
  publications_.push_back({channel, payload, publisher});
  ++sums_[channel].published;
  return payload;
}

void Oracle::outcome(std::uint64_t id, bool accepted) {
  Known& known = publications_.at(id - 1);
  if (known.accepted || known.refused) finding("two outcomes of publication " + std::to_string(id));
  (accepted ? known.accepted : known.refused) = true;
  Sums& sums = sums_[known.channel];
  ++(accepted ? sums.accepted : sums.refused);
}

std::uint64_t Oracle::accepted(const std::string& channel) const {
  const auto found = sums_.find(channel);
  return found == sums_.end() ? 0 : found->second.accepted;
}

std::uint64_t Oracle::not_refused(const std::string& channel) const {
  const auto found = sums_.find(channel);
  return found == sums_.end() ? 0 : found->second.published - found->second.refused;
}

std::uint64_t Oracle::id_of(Bytes payload) {
  constexpr Bytes kStart = R"({"n":)";
  if (!payload.starts_with(kStart)) return 0;
  std::uint64_t id = 0;
  for (const char c : payload.substr(kStart.size())) {
    if (c < '0' || c > '9') break;
    id = id * 10 + static_cast<std::uint64_t>(c - '0');
  }
  return id;
}

void Oracle::logged(std::size_t shard, const Publication& publication) {
  const std::uint64_t id = id_of(publication.data);
  const std::string channel(publication.channel);
  if (id == 0 || id > publications_.size()) {
    finding("shard " + std::to_string(shard) +
            " was handed what nobody published: " + excerpt(publication.data));
  }
  const Known& known = publications_[id - 1];
  if (known.channel != channel || known.payload != publication.data) {
    finding("publication " + std::to_string(id) + " of " + known.channel + " came to shard " +
            std::to_string(shard) + " on " + channel + " as " + excerpt(publication.data));
  }
  logs_[shard][channel].push_back(id);
}

std::size_t Oracle::log_size(std::size_t shard, const std::string& channel) const {
  return log(shard, channel).size();
}

const Oracle::Log& Oracle::log(std::size_t shard, const std::string& channel) const {
  static const Log kEmpty;
  const auto found = logs_[shard].find(channel);
  return found == logs_[shard].end() ? kEmpty : found->second;
}

std::uint64_t Oracle::known(const std::string& whom, const std::string& channel, Bytes payload) {
  const std::uint64_t id = id_of(payload);
  if (id == 0 || id > publications_.size() || publications_[id - 1].payload != payload ||
      publications_[id - 1].channel != channel) {
    finding(whom + " got on " + channel + " what was not published there: " + excerpt(payload));
  }
  ++deliveries_;
  return id;
}

void Oracle::received(Period& period, Bytes payload) {
  const std::uint64_t id = known(period.client, period.channel, payload);
  if (!period.replied) {
    finding(period.client + " got publication " + std::to_string(id) + " of " + period.channel +
            " before the reply to its subscribe");
  }
  period.got.push_back(id);
}

// Is what was got a piece of the log that starts between the command and the reply, and ends
// between the two lengths?
bool Oracle::fits(const Period& period, const Log& log, std::size_t at_least,
                  std::size_t at_most) const {
  const std::size_t last_start = period.replied ? period.log_at_reply : log.size();
  for (std::size_t start = period.log_at_command; start <= last_start; ++start) {
    const std::size_t end = start + period.got.size();
    if (end < at_least || end > at_most || end > log.size()) continue;
    if (std::equal(period.got.begin(), period.got.end(),
                   log.begin() + static_cast<std::ptrdiff_t>(start))) {
      return true;
    }
  }
  return false;
}

void Oracle::left(const Period& period) const {
  if (!period.replied) {
    finding(period.client + " was unsubscribed from " + period.channel +
            " and never told that it was subscribed");
  }
  check_end(period, period.log_at_leave);
}

void Oracle::check_end(const Period& period, std::size_t at_least) const {
  const Log& whole = log(period.shard, period.channel);
  if (fits(period, whole, at_least, whole.size())) return;
  finding(period.client + " on shard " + std::to_string(period.shard) + " got " + text(period.got) +
          " of " + period.channel + ", where the shard's log is " +
          text(whole, period.log_at_command) + ", at the reply " +
          std::to_string(period.log_at_reply - period.log_at_command) +
          " long, at its end at least " +
          std::to_string(at_least - std::min(at_least, period.log_at_command)));
}

void Oracle::stays(const Period& period) const {
  const Log& whole = log(period.shard, period.channel);
  if (!fits(period, whole, whole.size(), whole.size())) {
    finding(period.client + ", which stays on shard " + std::to_string(period.shard) + ", got " +
            text(period.got) + " of " + period.channel + ", where the shard's log is " +
            text(whole, period.log_at_command) + ", at the reply " +
            std::to_string(period.log_at_reply - period.log_at_command) + " long");
  }
  const std::set<std::uint64_t> handed(whole.begin(), whole.end());
  for (std::uint64_t id = period.replied_at_id + 1; id <= publications_.size(); ++id) {
    const Known& known = publications_[id - 1];
    if (known.channel != period.channel || !known.accepted || handed.contains(id)) continue;
    if (nats_ != nullptr && !nats_->lost(period.shard, known.payload)) {
      finding("publication " + std::to_string(id) + " of " + period.channel +
              " was accepted and never came to shard " + std::to_string(period.shard) + ", where " +
              period.client + " had subscribed before");
    }
    holes_.insert({period.shard, id});
  }
}

void Oracle::finish() const {
  std::set<std::string> channels;
  for (std::size_t shard = 0; shard < logs_.size(); ++shard) {
    for (const auto& [channel, log] : logs_[shard]) {
      channels.insert(channel);
      check_duplicates(shard, channel, log);
      check_order(shard, channel, log);
    }
  }
  for (const std::string& channel : channels) check_agreement(channel);
}

void Oracle::check_duplicates(std::size_t shard, const std::string& channel, const Log& log) const {
  std::map<std::uint64_t, std::uint64_t> times;
  for (const std::uint64_t id : log) ++times[id];
  for (const auto& [id, count] : times) {
    const std::string& payload = publications_[id - 1].payload;
    const std::uint64_t explained = nats_ != nullptr ? nats_->duplicates(shard, payload) : 0;
    if (count > 1 + explained) {
      finding("publication " + std::to_string(id) + " of " + channel + " came to shard " +
              std::to_string(shard) + " " + std::to_string(count) +
              " times; explained: " + std::to_string(1 + explained));
    }
    duplicates_ += count - 1;
    if (nats_ == nullptr && publications_[id - 1].refused) {
      finding("publication " + std::to_string(id) + " was refused and came all the same");
    }
  }
}

void Oracle::check_order(std::size_t shard, const std::string& channel, const Log& log) const {
  std::map<std::uint64_t, std::uint64_t> latest;  // id, by publisher
  std::set<std::uint64_t> seen;
  for (const std::uint64_t id : log) {
    if (!seen.insert(id).second) continue;
    std::uint64_t& before = latest[publications_[id - 1].publisher];
    if (id < before) {
      finding("on shard " + std::to_string(shard) + " publication " + std::to_string(id) + " of " +
              channel + " came behind " + std::to_string(before) + " of the same publisher");
    }
    before = id;
  }
}

// What two shards both got they got in the same order.
void Oracle::check_agreement(const std::string& channel) const {
  for (std::size_t a = 0; a < logs_.size(); ++a) {
    std::map<std::uint64_t, std::size_t> place;
    const Log& first = log(a, channel);
    for (std::size_t i = 0; i < first.size(); ++i) place.try_emplace(first[i], i);
    for (std::size_t b = a + 1; b < logs_.size(); ++b) {
      std::size_t last = 0;
      std::set<std::uint64_t> seen;
      for (const std::uint64_t id : log(b, channel)) {
        const auto found = place.find(id);
        if (found == place.end() || !seen.insert(id).second) continue;
        if (found->second < last) {
          finding("shards " + std::to_string(a) + " and " + std::to_string(b) +
                  " disagree about the order of " + channel + " at publication " +
                  std::to_string(id));
        }
        last = found->second;
      }
    }
  }
}

}  // namespace millrace::sim
