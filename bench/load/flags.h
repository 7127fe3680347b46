// The flags of millrace-load: name, value, what it means, and how it is taken. Pure.
#pragma once

#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "bench/load/options.h"

namespace millrace::load {

// What the words said, before defaults fill in what depends on other words.
struct Draft {
  Options options;
  std::optional<std::uint64_t> connections;
  std::optional<std::string> phases;
  std::vector<std::string> subscribe;
  std::optional<std::uint64_t> rooms, room_size, broadcast, expect, connecting;
  std::optional<Duration> hold, duration, ramp;
  std::optional<std::string> publish_by, publish_to, api;
  bool rate_given = false;
  bool help = false, version = false;
};

struct Flag {
  std::string_view group;
  std::string_view name;   // "--rate"
  std::string_view value;  // "PER_SECOND"; empty: a switch
  std::string_view help;
  // The complaint; empty if the value was taken.
  std::string (*take)(Draft& draft, std::string_view value);
};

std::span<const Flag> all_flags();

// 1000, "100k", "1M". nullopt if it is none, or 0.
std::optional<std::uint64_t> parse_count(std::string_view text);

}  // namespace millrace::load
