#include "net/server/help_text.h"

#include <cstddef>
#include <string_view>

#include "net/server/config_key_text.h"
#include "net/server/config_keys.h"

namespace millrace {
namespace {

constexpr std::size_t kIndent = 4;
constexpr std::size_t kColumns = 92;

// `text` in lines of at most kColumns, each indented.
std::string wrapped(std::string_view text) {
  const std::string indent(kIndent + 4, ' ');
  std::string out;
  std::string line;
  while (!text.empty()) {
    const std::size_t blank = text.find(' ');
    const std::string_view word = text.substr(0, blank);
    text = blank == std::string_view::npos ? std::string_view() : text.substr(blank + 1);
    if (!line.empty() && indent.size() + line.size() + 1 + word.size() > kColumns) {
      out += indent + line + "\n";
      line.clear();
    }
    if (!line.empty()) line += ' ';
    line += word;
  }
  return out + indent + line + "\n";
}

std::string entry(std::string_view flag, std::string_view value, std::string_view help) {
  std::string head = std::string(kIndent, ' ') + std::string(flag);
  if (!value.empty()) head += " " + std::string(value);
  return head + "\n" + wrapped(help);
}

std::string entry_of(const ConfigKey& key, Target defaults) {
  std::string help(key.help);
  if (is_list(key.kind)) {
    help += " May be repeated, or several joined by commas.";
  }
  if (key.kind != ValueKind::kBool) {
    const std::string value = value_text(key, defaults);
    help +=
        " Allowed: " + allowed_text(key) + ". Default: " + (value.empty() ? "none" : value) + ".";
  }
  return entry(key.flag, key.flag_value, help);
}

std::string entries_of(std::string_view section) {
  Config config;
  NamespaceConfig name_space;
  std::string out;
  for (const ConfigKey& key : config_keys()) {
    if (key.section == section && !key.flag.empty()) {
      out += entry_of(key, {.config = &config, .name_space = &name_space});
    }
  }
  return out;
}

}  // namespace

std::string program_help() {
  return "millrace: a WebSocket publish/subscribe server over io_uring and NATS\n"
         "\n"
         "Usage: millrace COMMAND [FLAGS]\n"
         "\n"
         "Commands:\n"
         "    serve      run the server; `millrace serve --help` lists its flags\n"
         "    check      say how many connections this machine holds and which limits are too "
         "low;\n"
         "               `millrace check --help` lists its flags\n"
         "    token      make a token for a client; `millrace token --help` lists its flags\n"
         "    version    print the version; `millrace --version` does too\n"
         "\n"
         "Examples:\n"
         "    millrace serve --insecure --listen 127.0.0.1:8000\n"
         "    millrace serve --config /etc/millrace.toml\n"
         "\n"
         "Exit codes: 0 done, 64 wrong usage, 78 wrong configuration, 74 an address can't be\n"
         "listened on, 71 the system forbids the start or memory ran out, 69 NATS is required\n"
         "and away.\n";
}

std::string serve_help() {
  return "Usage: millrace serve [FLAGS]\n"
         "\n"
         "Runs the server until SIGTERM or SIGINT. Without flags: clients on port 8000, the "
         "broker\n"
         "in memory.\n"
         "\n"
         "Server:\n" +
         entries_of("server") + "\nBroker:\n" + entries_of("broker") + "\nThis start:\n" +
         entries_of("") + "\nConfiguration:\n" +
         entry("--config", "FILE", "A TOML file; MILLRACE_CONFIG may name it too.") +
         entry("--check-config", "", "Check the configuration and end: exit code 0 or 78.") +
         entry("--help", "", "This text.") +
         "\n"
         "Flags win over MILLRACE_* variables (MILLRACE_SERVER_LISTEN, MILLRACE_API_KEY, ...), "
         "which\n"
         "win over the file. Keys without a flag, such as limits and namespaces, are in\n"
         "docs/CONFIGURATION.md.\n"
         "\n"
         "Examples:\n"
         "    millrace serve --insecure --listen 127.0.0.1:8000 --allowed-origin "
         "http://localhost:3000\n"
         "    millrace serve --nats nats://10.0.0.1:4222,nats://10.0.0.2:4222\n"
         "    MILLRACE_API_KEY=\"$(cat key)\" millrace serve --config /etc/millrace.toml\n";
}

std::string check_help() {
  return "Usage: millrace check [FLAGS]\n"
         "\n"
         "Reads every limit of this machine and says what it found, what the configured number of\n"
         "connections needs, a verdict, and the command that mends it. Applies nothing. Exit code\n"
         "0 if the server would start with all connections that are asked for, 71 if not.\n"
         "docs/OPERATIONS.md explains every row.\n"
         "\n"
         "Check:\n" +
         entry("--json", "", "JSON for scripts instead of a table.") +
         entry("--emit", "sysctl",
               "Print settings of the kernel that are sized for the number of connections, each "
               "with its reason, unit and formula. Exit code 0.") +
         entry("--root", "DIR",
               "Judge what stands below DIR/proc and DIR/sys, the copy of another machine's, "
               "instead of this one. io_uring is not tried then.") +
         "\nServer, as for `millrace serve`:\n" + entries_of("server") + "\nBroker:\n" +
         entries_of("broker") + "\nAccess:\n" + entries_of("") + "\nConfiguration:\n" +
         entry("--config", "FILE", "A TOML file; MILLRACE_CONFIG may name it too.") +
         entry("--help", "", "This text.") +
         "\n"
         "Examples:\n"
         "    millrace check\n"
         "    millrace check --max-connections 1000000 --shards 64\n"
         "    millrace check --max-connections 1000000 --emit sysctl\n";
}

std::string token_help() {
  return "Usage: millrace token --user USER [FLAGS]\n"
         "\n"
         "Makes a token for a client, signed with [token] hmac_secret (HS256), and prints it. The\n"
         "secret comes from the configuration file or MILLRACE_TOKEN_HMAC_SECRET.\n"
         "docs/TOKENS.md says how an application makes its own.\n"
         "\n"
         "Token:\n" +
         entry("--user", "USER", "Whom it is for. Empty: nobody in particular.") +
         entry("--channel", "CHANNEL",
               "A token to subscribe to this channel with, instead of one to connect with.") +
         entry("--ttl", "TIME", "How long it is good, at least 1s. Default: 1h.") +
         entry("--info", "JSON", "What other clients are told of this one.") +
         entry("--subs", "CHANNELS",
               "Channels that the server subscribes the connection to. May be repeated, or several "
               "joined by commas.") +
         "\nConfiguration:\n" +
         entry("--config", "FILE", "A TOML file; MILLRACE_CONFIG may name it too.") +
         entry("--help", "", "This text.") +
         "\n"
         "Examples:\n"
         "    millrace token --user ann --config /etc/millrace.toml\n"
         "    millrace token --user ann --channel 'news:today' --ttl 5m\n";
}

}  // namespace millrace
