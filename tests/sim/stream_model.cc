#include "tests/sim/stream_model.h"

#include <algorithm>

namespace millrace::sim {
namespace {

std::string text(const std::string& channel, const Place& place) {
  return channel + " " + std::to_string(place.offset) + " of epoch `" + place.epoch + "`";
}

}  // namespace

StreamModel::Life& StreamModel::life(const std::string& whom, const std::string& channel,
                                     const std::string& epoch) {
  if (epoch.size() != 8) finding(whom + " was told the epoch `" + epoch + "` of " + channel);
  Channel& of = channels_[channel];
  const auto [found, is_new] = of.lives.try_emplace(epoch);
  if (is_new) {
    if (steady_ && of.lives.size() > 1) {
      finding(whom + " was told another epoch of " + channel + ", `" + epoch + "`, after `" +
              of.latest + "`, though nothing was taken from the stream");
    }
    of.latest = epoch;
  }
  return found->second;
}

void StreamModel::told(const std::string& whom, const std::string& channel, const Place& place,
                       std::uint64_t id) {
  Life& its = life(whom, channel, place.epoch);
  const auto at = its.ids.try_emplace(place.offset, id).first;
  if (at->second != id) {
    finding(whom + " was told that publication " + std::to_string(id) + " is " +
            text(channel, place) + ", which is " + std::to_string(at->second));
  }
  const auto known = places_.try_emplace(id, place).first;
  if (known->second.epoch != place.epoch || known->second.offset != place.offset) {
    finding(whom + " was told that publication " + std::to_string(id) + " is " +
            text(channel, place) + ", and it is " + text(channel, known->second));
  }
  its.top = std::max(its.top, place.offset);
}

void StreamModel::told_top(const std::string& whom, const std::string& channel, const Place& top,
                           std::uint64_t accepted) {
  Life& its = life(whom, channel, top.epoch);
  its.top = std::max(its.top, top.offset);
  if (!steady_) return;
  const std::uint64_t most = oracle_.not_refused(channel);
  if (top.offset >= accepted && top.offset <= most) return;
  finding(whom + " was told that the last is " + text(channel, top) + ", where " +
          std::to_string(accepted) + " had been accepted before it asked, and " +
          std::to_string(most) + " may be");
}

Place StreamModel::top(const std::string& channel) const {
  const auto found = channels_.find(channel);
  if (found == channels_.end()) return {};
  return {found->second.latest, found->second.lives.at(found->second.latest).top};
}

std::uint64_t StreamModel::epoch_changes() const {
  std::uint64_t changes = 0;
  for (const auto& [name, channel] : channels_) changes += channel.lives.size() - 1;
  return changes;
}

void StreamModel::finish() const {
  for (const auto& [name, channel] : channels_) {
    for (const auto& [epoch, life] : channel.lives) {
      std::map<std::uint64_t, std::uint64_t> latest;  // id, by publisher
      for (const auto& [offset, id] : life.ids) {
        std::uint64_t& before = latest[oracle_.publisher_of(id)];
        if (id < before) {
          finding("in " + name + " publication " + std::to_string(id) + " stands behind " +
                  std::to_string(before) + " of the same publisher");
        }
        before = id;
      }
    }
  }
}

}  // namespace millrace::sim
