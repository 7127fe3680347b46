// What one connection and one user may take, and what verifies them.
#include <deque>

#include "core/base/assert.h"
#include "net/server/config_value.h"
#include "net/server/namespace_plan.h"
#include "net/session/fair_use.h"
#include "tests/limits/config_world.h"
#include "tests/limits/limit.h"

namespace millrace {
namespace {

constexpr Instant kStart{1'000'000'000};

FairUseLimits limits_with(const Settings& settings) {
  return options_of(settings).sessions.fair_use;
}

// `before` commands at the start, and `n` a second later.
std::string commands(const Settings& settings, std::uint64_t before, std::uint64_t n) {
  const FairUseLimits limits = limits_with(settings);
  FairUse use(limits, kStart);
  for (std::uint64_t i = 0; i < before; ++i) {
    CHECK(use.on_command(limits, kStart) == FairUse::Verdict::kAllowed);
  }
  bool all = true;
  for (std::uint64_t i = 0; i < n; ++i) {
    all &= use.on_command(limits, kStart + seconds(1)) == FairUse::Verdict::kAllowed;
  }
  return unless(all, "error 111");
}

std::string refused_commands(std::uint64_t n) {
  const FairUseLimits limits{.commands_per_second = 1, .commands_burst = 1};
  FairUse use(limits, kStart);
  CHECK(use.on_command(limits, kStart) == FairUse::Verdict::kAllowed);
  bool open = true;
  for (std::uint64_t i = 0; i < n; ++i) {
    open &= use.on_command(limits, kStart) == FairUse::Verdict::kTooMany;
  }
  return unless(open, "close 3013");
}

std::string failing_commands(std::uint64_t n) {
  const FairUseLimits limits = limits_with({{"LIMITS_ERRORS_PER_CONNECTION", "9"}});
  FairUse use(limits, kStart);
  bool open = true;
  for (std::uint64_t i = 0; i < n; ++i) open &= use.on_error(limits, kStart);
  return unless(open, "close 3509");
}

std::string connections_of_a_user(std::uint64_t n) {
  const Config config = config_of({{"LIMITS_CONNECTIONS_PER_USER", "3"}});
  SharedState shared(1, 100);
  shared.limit_users(config.limits.connections_per_user);
  std::deque<UserSeat> seats(n);
  bool all = true;
  for (UserSeat& seat : seats) all &= seat.take(shared.users.get(), "42");
  for (UserSeat& seat : seats) seat.give_back(shared.users.get());
  return unless(all, "close 3504");
}

std::string channel_name(std::uint64_t n) {
  const NamespaceTable table = make_namespaces(config_of({{"LIMITS_CHANNEL_NAME_SIZE", "9"}}));
  const std::string name(n, 'x');
  return unless(table.find(name, true)->allows_name(name), "error 107");
}

std::string secret(std::uint64_t n) {
  const ConfigSources sources{.environment = {{"MILLRACE_TOKEN_HMAC_SECRET", std::string(n, 'x')}}};
  return unless(load_config(sources).ok(), "exit 78 without --insecure");
}

std::string path_of_a_key(std::uint64_t n) {
  Config config;
  const RawValue paths = std::vector<std::string>{std::string(n, 'x')};
  const auto done = assign_value(*find_key("token", "public_keys"), paths, {}, {&config, nullptr});
  return unless(done.ok(), "refused");
}

Limits limits_of_connections() {
  return {
      {.name = "commands of a connection at once",
       .covers = {"limits.commands_burst", "FairUseLimits.commands_burst"},
       .value = 150,
       .unit = "commands",
       .refusal = "error 111",
       .attempt =
           [](auto n) {
             return commands({{"LIMITS_COMMANDS_BURST", "150"}}, 0, n);
           }},
      {.name = "commands of a connection in a second",
       .covers = {"limits.commands_per_second", "FairUseLimits.commands_per_second"},
       .value = 70,
       .unit = "commands",
       .refusal = "error 111",
       .attempt =
           [](auto n) {
             return commands(
                 {{"LIMITS_COMMANDS_PER_SECOND", "70"}, {"LIMITS_COMMANDS_BURST", "200"}}, 200, n);
           }},
      {.name = "commands that are refused, beyond those that are allowed",
       .covers = {"fair_use.h:kMostRefused"},
       .value = FairUse::kMostRefused,
       .unit = "commands",
       .refusal = "close 3013",
       .attempt = refused_commands},
      {.name = "commands of a connection that fail",
       .covers = {"limits.errors_per_connection", "FairUseLimits.errors"},
       .value = 9,
       .unit = "commands",
       .refusal = "close 3509",
       .attempt = failing_commands},
      {.name = "connections of a user",
       .covers = {"limits.connections_per_user"},
       .value = 3,
       .unit = "connections",
       .refusal = "close 3504",
       .attempt = connections_of_a_user},
      {.name = "name of a channel, as configured",
       .covers = {"limits.channel_name_size", "NamespaceSettings.name_bytes"},
       .value = 9,
       .unit = "bytes",
       .refusal = "error 107",
       .attempt = channel_name},
  };
}

Limits limits_of_keys() {
  return {
      {.name = "secret that verifies tokens",
       .covers = {"config_loader.cc:kLeastSecret"},
       .value = 32,
       .unit = "characters",
       .refusal = "exit 78 without --insecure",
       .attempt = secret,
       .edge = Edge::kLeast},
      {.name = "path of a public key",
       .covers = {"config_value.cc:kMostBytes"},
       .value = 4'096,
       .unit = "bytes",
       .refusal = "refused",
       .attempt = path_of_a_key},
  };
}

}  // namespace

Limits fair_use_limits() {
  Limits all = limits_of_connections();
  for (Limit& limit : limits_of_keys()) all.push_back(std::move(limit));
  return all;
}

}  // namespace millrace
