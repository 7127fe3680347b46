// The channels that are published to: their names, how many read each, and how much was published.
//
// Built by the conductor between two phases. While publications run, names and readers are
// constant, and a count is written by its one publisher alone; others read it afterwards.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace millrace::load {

struct LoadChannel {
  std::string name;
  std::uint64_t readers = 0;
  std::vector<std::uint32_t> published;  // by publisher
};

class ChannelTable {
 public:
  static constexpr std::uint32_t kNone = UINT32_MAX;

  // The channel's index; it is made if it is new.
  std::uint32_t add(const std::string& name) {
    const auto [it, fresh] = index_.try_emplace(name, static_cast<std::uint32_t>(all_.size()));
    if (fresh) all_.push_back({name, 0, {}});
    return it->second;
  }
  [[nodiscard]] std::uint32_t find(const std::string& name) const {
    const auto it = index_.find(name);
    return it == index_.end() ? kNone : it->second;
  }
  [[nodiscard]] LoadChannel& at(std::uint32_t index) { return all_[index]; }
  [[nodiscard]] const LoadChannel& at(std::uint32_t index) const { return all_[index]; }
  [[nodiscard]] std::size_t size() const { return all_.size(); }

 private:
  std::vector<LoadChannel> all_;
  std::unordered_map<std::string, std::uint32_t> index_;
};

}  // namespace millrace::load
