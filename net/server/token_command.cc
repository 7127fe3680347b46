#include "net/server/token_command.h"

#include <algorithm>
#include <array>
#include <map>
#include <optional>
#include <string_view>
#include <utility>

#include "net/auth/token_keys.h"
#include "net/auth/token_maker.h"
#include "net/server/command_line.h"
#include "net/server/duration_size.h"
#include "net/server/error_text.h"
#include "net/server/help_text.h"

namespace millrace {
namespace {

constexpr std::array<std::string_view, 6> kFlags{"--user", "--channel", "--ttl",
                                                 "--info", "--subs",    "--config"};

using Values = std::map<std::string, std::vector<std::string>, std::less<>>;

TokenCommandResult failure(int exit_code, const std::string& text) {
  return {exit_code, {}, "millrace: " + text + "\n"};
}

Error usage(const std::string& text) { return {text + "; see millrace token --help"}; }

// --flag VALUE and --flag=VALUE. A value is whatever stands there, so it may begin with a dash only
// behind '='.
Result<Values> values_of(const std::vector<std::string>& words) {
  Values values;
  for (std::size_t i = 0; i < words.size(); ++i) {
    const std::string_view word = words[i];
    const std::size_t equals = word.find('=');
    const std::string flag(word.substr(0, equals));
    if (!flag.starts_with("--")) {
      return usage("unexpected argument " + in_quotes(word) + " behind token");
    }
    if (std::find(kFlags.begin(), kFlags.end(), flag) == kFlags.end()) {
      return usage("unknown flag " + in_quotes(flag) + "; the nearest known one is " +
                   std::string(nearest_name(flag, {kFlags.begin(), kFlags.end()})));
    }
    std::vector<std::string>& given = values[flag];
    if (!given.empty() && flag != "--subs") return usage(flag + " is given more than once");
    if (equals != std::string_view::npos) {
      given.emplace_back(word.substr(equals + 1));
    } else if (i + 1 < words.size() && !words[i + 1].starts_with("--")) {
      given.push_back(words[++i]);
    } else {
      return usage(flag + " needs a value");
    }
  }
  return values;
}

std::optional<std::string> one_of(const Values& values, std::string_view flag) {
  const auto found = values.find(flag);
  return found == values.end() ? std::nullopt : std::optional(found->second.front());
}

void append_parts(std::vector<std::string>& out, std::string_view list) {
  while (true) {
    const std::size_t comma = list.find(',');
    out.emplace_back(list.substr(0, comma));
    if (comma == std::string_view::npos) return;
    list.remove_prefix(comma + 1);
  }
}

Result<TokenOrder> order_of(const Values& values, const TokenOrigin& origin) {
  TokenOrder order;
  const auto user = one_of(values, "--user");
  if (!user) return usage("--user is missing: whom is the token for? --user '' is nobody");
  order.user = *user;
  order.channel = one_of(values, "--channel");
  order.info = one_of(values, "--info").value_or("");
  if (const auto ttl = one_of(values, "--ttl")) {
    const auto span = parse_duration(*ttl);
    if (!span || *span < seconds(1)) {
      return usage("--ttl: " + in_quotes(*ttl) + " is no time of at least 1s, such as 90s or 1h");
    }
    order.lifetime = span->to_seconds();
  }
  if (const auto subs = values.find("--subs"); subs != values.end()) {
    for (const std::string& list : subs->second) append_parts(order.channels, list);
  }
  order.issued_at = origin.now;
  order.token_id = origin.token_id;
  return order;
}

}  // namespace

TokenCommandResult run_token_command(const std::vector<std::string>& words,
                                     const Environment& environment, const TokenOrigin& origin) {
  const auto is_help = [](const std::string& word) { return word == "--help" || word == "-h"; };
  if (std::any_of(words.begin(), words.end(), is_help)) return {0, token_help(), {}};
  auto values = values_of(words);
  if (!values) return failure(kExitUsage, values.error().text);
  auto order = order_of(*values, origin);
  if (!order) return failure(kExitUsage, order.error().text);
  const auto config =
      load_config({.file = one_of(*values, "--config"), .environment = environment, .flags = {}});
  if (!config) return failure(kExitConfiguration, config.error().text);
  const TokenConfig& token = config->token;
  if (token.hmac_secret.empty()) {
    return failure(kExitConfiguration,
                   "[token] hmac_secret is not set; put what `openssl rand -hex 32` prints into "
                   "the file or MILLRACE_TOKEN_HMAC_SECRET");
  }
  if (const auto weak = weak_secret("hmac_secret", token.hmac_secret)) {
    return failure(kExitConfiguration, "[token] " + *weak);
  }
  order->audience = token.audience;
  order->issuer = token.issuer;
  const auto made = make_token(*order, token.hmac_secret);
  if (!made) return failure(kExitUsage, made.error().text);
  return {0, *made + "\n", {}};
}

}  // namespace millrace
