#include "bench/load/command_line.h"

#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <utility>

#include "bench/load/client_flat.h"
#include "bench/load/flags.h"
#include "bench/load/payload.h"
#include "net/server/duration_size.h"
#include "net/server/error_text.h"

namespace millrace::load {
namespace {

constexpr std::uint64_t kMostPayload = 1024 * 1024;
constexpr std::uint64_t kMostConnections = 16'000'000;
constexpr std::size_t kMostChannels = 64;  // of a client; a client counts its answers in 8 bits

struct WorkloadRow {
  Workload workload;
  const char* name;
  const char* help;
};
constexpr std::array<WorkloadRow, 8> kWorkloads{
    {{Workload::kIdle, "idle", "connections that stay and answer pings"},
     {Workload::kFanout, "fanout", "one publisher, and all subscribed to its channel"},
     {Workload::kPublish, "publish", "the clients publish, each to load:{i} unless told otherwise"},
     {Workload::kRooms, "rooms", "R rooms of M, published to in turn"},
     {Workload::kStorm, "storm", "connect as fast as allowed, or at a rate"},
     {Workload::kReconnect, "reconnect", "connections are cut and come back after a random pause"},
     {Workload::kSlow, "slow", "a fan-out where some readers stop; the others are measured"},
     {Workload::kListen, "listen", "somebody else publishes {\"seq\":1}, {\"seq\":2}, ..."}}};

constexpr std::size_t kHelpColumns = 100;
constexpr std::size_t kHelpIndent = 32;

// One flag's lines, broken between words.
void append_help(std::string& out, const std::string& left, std::string_view text) {
  std::string line = fmt::format("  {:<{}}", left, kHelpIndent - 2);
  while (!text.empty()) {
    const std::size_t end = std::min(text.find(' '), text.size());
    if (line.size() + 1 + end > kHelpColumns) {
      out += line + "\n";
      line = std::string(kHelpIndent, ' ');
    }
    if (line.size() > kHelpIndent) line += ' ';
    line += text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  out += line + "\n";
}

Error usage(const std::string& text) { return Error{text + "; see millrace-load --help"}; }

std::vector<std::string_view> flag_names() {
  std::vector<std::string_view> names;
  for (const Flag& flag : all_flags()) names.push_back(flag.name);
  return names;
}

const Flag* find_flag(std::string_view name) {
  // Both read well, with one target and with many.
  if (name == "--targets") name = "--target";
  for (const Flag& flag : all_flags()) {
    if (flag.name == name) return &flag;
  }
  return nullptr;
}

Result<void> take_workload(Draft& draft, const std::string& word) {
  std::vector<std::string_view> names;
  for (const WorkloadRow& row : kWorkloads) {
    names.emplace_back(row.name);
    if (word != row.name) continue;
    draft.options.workload = row.workload;
    return {};
  }
  return usage("no workload " + in_quotes(word) + "; the nearest is " +
               std::string(nearest_name(word, names)));
}

Result<void> take_words(Draft& draft, const std::vector<std::string>& words) {
  bool workload = false;
  for (std::size_t i = 0; i < words.size(); ++i) {
    const std::string& word = words[i];
    if (!word.starts_with("-")) {
      if (workload) return usage("there is one workload, and " + in_quotes(word) + " is one more");
      workload = true;
      if (auto taken = take_workload(draft, word); !taken) return taken;
      continue;
    }
    const std::size_t equals = std::min(word.find('='), word.size());
    const std::string name = word == "-h" ? "--help" : word.substr(0, equals);
    const Flag* flag = find_flag(name);
    if (flag == nullptr) {
      return usage("unknown flag " + in_quotes(name) + "; the nearest is " +
                   std::string(nearest_name(name, flag_names())));
    }
    std::string value = equals < word.size() ? word.substr(equals + 1) : std::string();
    const bool has_value = equals < word.size();
    if (flag->value.empty() && has_value) return usage(name + " takes no value");
    if (!flag->value.empty() && !has_value) {
      if (i + 1 == words.size() || words[i + 1].starts_with("--")) {
        return usage(name + " needs a value: " + std::string(flag->value));
      }
      value = words[++i];
    }
    if (const std::string complaint = flag->take(draft, value); !complaint.empty()) {
      const std::string gap = complaint.starts_with(":") ? "" : " ";
      return usage(name + gap + complaint);
    }
  }
  if (!workload && !draft.help && !draft.version) {
    return usage(
        "say which workload: idle, fanout, publish, rooms, storm, reconnect, slow, listen");
  }
  return {};
}

std::string default_channel(const Draft& draft) {
  switch (draft.options.workload) {
    case Workload::kPublish:
      return "load:{i}";
    case Workload::kRooms:
      return "room:{i/" + std::to_string(draft.room_size.value_or(10)) + "}";
    case Workload::kIdle:
    case Workload::kFanout:
    case Workload::kStorm:
    case Workload::kReconnect:
    case Workload::kSlow:
    case Workload::kListen:
      return "load";
  }
  return "load";
}

Result<void> settle_channels(Draft& draft) {
  Options& options = draft.options;
  if (draft.subscribe.empty()) draft.subscribe.push_back(default_channel(draft));
  if (draft.subscribe.size() > kMostChannels) {
    return usage("more than " + std::to_string(kMostChannels) + " of --subscribe");
  }
  for (const std::string& text : draft.subscribe) {
    auto pattern = ChannelPattern::parse(text);
    if (!pattern) return usage("--subscribe: " + pattern.error().text);
    if (options.broadcast_to.empty() && pattern->is_plain()) options.broadcast_to = text;
    options.channels.push_back(std::move(*pattern));
  }
  if (draft.publish_to) {
    auto pattern = ChannelPattern::parse(*draft.publish_to);
    if (!pattern) return usage("--publish-to: " + pattern.error().text);
    options.publish_to = std::move(*pattern);
  }
  return {};
}

Result<void> settle_phases(Draft& draft) {
  Options& options = draft.options;
  std::string text = "open";
  const auto with = [&text](const char* name, const auto& value, const auto& to_text) {
    if (value) text += std::string(",") + name + "=" + to_text(*value);
  };
  const auto number = [](std::uint64_t count) { return std::to_string(count); };
  const bool holds = options.workload == Workload::kIdle && !draft.hold;
  with("hold", holds ? std::optional(seconds(10)) : draft.hold, duration_text);
  switch (options.workload) {
    case Workload::kIdle:
    case Workload::kStorm:
      break;
    case Workload::kFanout:
    case Workload::kPublish:
    case Workload::kRooms:
    case Workload::kSlow:
      with("load", std::optional(draft.duration.value_or(seconds(10))), duration_text);
      break;
    case Workload::kReconnect:
      text += ",cut";
      break;
    case Workload::kListen:
      if (!draft.expect && !draft.phases) return usage("listen needs --expect N");
      with("expect", draft.expect, number);
      break;
  }
  with("broadcast", draft.broadcast, number);
  text += ",close";
  auto phases = parse_phases(draft.phases ? *draft.phases : text);
  if (!phases) return usage("--phases: " + phases.error().text);
  options.phases = std::move(*phases);
  for (const Phase& phase : options.phases) {
    const bool shares = phase.kind == PhaseKind::kBroadcast || options.cut_publish > 0;
    if (shares && options.broadcast_to.empty()) {
      return usage(
          "a broadcast or --cut-publish needs a channel that all share: --broadcast-to, or "
          "--subscribe news");
    }
    if (phase.kind == PhaseKind::kCut && !options.reconnect) {
      return usage("the phase `cut` is for clients that come back: --reconnect");
    }
  }
  return {};
}

Result<void> settle_publishing(Draft& draft, const std::string& api_key) {
  Options& options = draft.options;
  if (draft.rate_given && options.in_flight > 0) {
    return usage("--rate and --in-flight: one of them");
  }
  if (options.size < kLeastPayload || options.size > kMostPayload) {
    return usage("--size is from " + std::to_string(kLeastPayload) + " to " +
                 std::to_string(kMostPayload));
  }
  options.api_key = api_key;
  options.publish_by_api = draft.publish_by
                               ? *draft.publish_by == "api"
                               : options.protocol != WireProtocol::kRaw && !api_key.empty();
  if (options.publish_by_api && api_key.empty()) {
    return usage("--publish-by api needs the key in MILLRACE_API_KEY");
  }
  options.api = options.targets.front();
  if (draft.api) {
    const auto api = parse_listen_address(*draft.api);
    if (!api) return usage("--api wants an address such as 127.0.0.1:8000");
    options.api = *api;
  }
  if (!options.token.empty() && !options.token_secret.empty()) {
    return usage("--token and --token-secret: one of them");
  }
  if (options.protocol == WireProtocol::kRaw &&
      (options.recover || !options.token_secret.empty())) {
    return usage("--recover and --token-secret are of the client protocol, and `raw` has none");
  }
  if (options.publishers == 0) options.publishers = options.connections;
  if (options.publishers > options.connections) {
    return usage("--publishers is at most --connections");
  }
  return {};
}

Result<void> settle_numbers(Draft& draft) {
  Options& options = draft.options;
  if (options.targets.empty()) {
    return usage("say where the server is: --target 127.0.0.1:8000");
  }
  if (options.workload == Workload::kRooms && draft.connections && draft.rooms) {
    return usage("--rooms and --connections: one of them");
  }
  if (options.protocol == WireProtocol::kFlat && options.subprotocol.empty()) {
    options.subprotocol = kFlatSubprotocol;
  }
  options.connections = draft.connections.value_or(1'000);
  if (options.workload == Workload::kRooms && !draft.connections) {
    options.connections = draft.rooms.value_or(100) * draft.room_size.value_or(10);
  }
  if (options.connections > kMostConnections) {
    return usage("at most " + std::to_string(kMostConnections) + " connections");
  }
  const bool storm = options.workload == Workload::kStorm;
  options.connecting = draft.connecting.value_or(storm ? 4'096 : 512);
  options.connecting = std::min(options.connecting, options.connections);
  if (draft.ramp) {
    if (options.connect_rate > 0) return usage("--ramp and --connect-rate: one of them");
    options.connect_rate =
        static_cast<double>(options.connections) / (static_cast<double>(draft.ramp->ns) / 1e9);
  }
  if (options.workload == Workload::kReconnect) options.reconnect = true;
  if (options.workload == Workload::kSlow && options.slow_share == 0) options.slow_share = 0.1;
  return {};
}

}  // namespace

const char* workload_name(Workload workload) {
  return kWorkloads[static_cast<std::size_t>(workload)].name;
}

const char* protocol_name(WireProtocol protocol) {
  switch (protocol) {
    case WireProtocol::kJson:
      return "json";
    case WireProtocol::kFlat:
      return "flatbuffers";
    case WireProtocol::kRaw:
      return "raw";
  }
  return "";
}

std::string help_text() {
  std::string text =
      "millrace-load puts load on a WebSocket server and says how it did.\n\n"
      "usage: millrace-load WORKLOAD --target ADDR:PORT [FLAGS]\n\nWorkloads\n";
  for (const WorkloadRow& row : kWorkloads)
    text += fmt::format("  {:<18} {}\n", row.name, row.help);
  std::string_view group;
  for (const Flag& flag : all_flags()) {
    if (flag.group != group) text += fmt::format("\n{}\n", flag.group);
    group = flag.group;
    append_help(text, fmt::format("{} {}", flag.name, flag.value), flag.help);
  }
  text +=
      "\nPhases, separated by commas\n"
      "  open               all connect and subscribe\n"
      "  hold=5m            they stay\n"
      "  load=10s           publications\n"
      "  broadcast=3        to one channel, each awaited: when did the last client have it?\n"
      "  expect=100         publications of others, to each subscription\n"
      "  cut                cut connections and wait until all are back (with --reconnect)\n"
      "  pause              until a line comes on the standard input\n"
      "  drain=60s          until the server has closed all; codes and spread are told\n"
      "  close              the clients close\n"
      "\nMILLRACE_API_KEY is the key of the server's API.\n"
      "Exit: 0 all went as asked, 1 it did not, 64 wrong usage, 71 the system forbids it.\n"
      "More: docs/LOAD.md\n";
  return text;
}

Result<CommandLine> parse_command_line(const std::vector<std::string>& words,
                                       const std::string& api_key) {
  Draft draft;
  if (auto taken = take_words(draft, words); !taken) return taken.error();
  if (draft.help) return CommandLine{{}, help_text()};
  if (draft.version) return CommandLine{{}, "millrace-load " MILLRACE_VERSION "\n"};
  for (const auto settle : {settle_numbers, settle_channels, settle_phases}) {
    if (auto settled = settle(draft); !settled) return settled.error();
  }
  if (auto settled = settle_publishing(draft, api_key); !settled) return settled.error();
  return CommandLine{std::move(draft.options), {}};
}

}  // namespace millrace::load
