#include "net/server/configuration_page.h"

#include <array>
#include <string_view>

#include "net/server/config_file.h"
#include "net/server/config_key_text.h"
#include "net/server/config_keys.h"
#include "net/server/duration_size.h"

namespace millrace {
namespace {

struct Section {
  std::string_view name;
  std::string_view title;
  std::string_view text;
};

constexpr std::array<Section, 16> kSections{{
    {"server", "[server]", "Where it listens, and how much of the machine it takes."},
    {"broker", "[broker]",
     "What carries publications. URLs of NATS without a kind, or from a later source than the "
     "kind, imply `kind = \"nats\"`. `require` and `subject_prefix` matter only with NATS. TLS "
     "(tls://) is not available in this version."},
    {"api", "[api]", "The server API ([SERVER_API.md](SERVER_API.md))."},
    {"token", "[token]",
     "Who may sign tokens, and what they must say. Without any key, and without "
     "`allow_anonymous`, no client can connect. What this process is told from a file or a "
     "variable is never logged."},
    {"limits", "[limits]", "Everything has a limit; these are the ones that can be set."},
    {"proxy", "[proxy]",
     "What clients do is decided by the application behind the server, which is asked over NATS; "
     "each method has a section of its own. [APPLICATION.md](APPLICATION.md) has the bodies of all "
     "questions and answers."},
    {"proxy.connect", "[proxy.connect]", "Connecting."},
    {"proxy.subscribe", "[proxy.subscribe]", "Subscribing."},
    {"proxy.publish", "[proxy.publish]", "Publishing."},
    {"proxy.rpc", "[proxy.rpc]", "Calls."},
    {"proxy.refresh", "[proxy.refresh]", "Connections that expire."},
    {"proxy.sub_refresh", "[proxy.sub_refresh]", "Subscriptions that expire."},
    {"proxy.send", "[proxy.send]", "Messages that want no answer."},
    {"proxy.disconnect", "[proxy.disconnect]", "Leaving."},
    {kNamespacesSection, "[namespaces.NAME]",
     "The settings of the channels that begin with `NAME:`; `[namespaces.default]` is for channels "
     "without a `:`. A namespace that is not configured has no channels (error 102), but under "
     "`--insecure` it takes the settings of `default`. A table without keys is a namespace with "
     "the defaults, where nobody may do anything without a token for the channel. Namespaces are "
     "set "
     "in the file only; [NAMESPACES.md](NAMESPACES.md) explains them."},
    {"", "Not in the file",
     "Set for one start, by flag or environment, so that it doesn't stay in a file by accident."},
}};

std::string default_of(const ConfigKey& key) {
  Config config;
  NamespaceConfig name_space;
  std::string value = value_text(key, {.config = &config, .name_space = &name_space});
  if (key.kind == ValueKind::kSecret) return "none";
  if (!is_file_key(key)) return value;
  return "`" + toml_text(key, value) + "`";
}

std::string code_or_dash(const std::string& text) {
  return text.empty() ? std::string("-") : "`" + text + "`";
}

std::string row_of(const ConfigKey& key) {
  return "| `" + std::string(key.name) + "` | " + default_of(key) + " | " + allowed_text(key) +
         " | " + code_or_dash(std::string(key.flag)) + " | " + (key.reloads ? "yes" : "-") + " | " +
         std::string(key.help) + " |\n";
}

std::string section_text(const Section& section) {
  std::string out =
      "\n## " + std::string(section.title) + "\n\n" + std::string(section.text) +
      "\n\n| key | default | allowed | flag | SIGHUP | meaning |\n|---|---|---|---|---|---|\n";
  for (const ConfigKey& key : config_keys()) {
    if (key.section == section.name) out += row_of(key);
  }
  return out;
}

}  // namespace

std::string default_file() {
  Config config;
  NamespaceConfig name_space;
  std::string out;
  std::string_view section;
  for (const ConfigKey& key : config_keys()) {
    if (!is_file_key(key)) continue;
    if (key.section != section) {
      section = key.section;
      out += (out.empty() ? "[" : "\n[") + std::string(section) +
             (is_namespace_key(key) ? ".default]\n" : "]\n");
    }
    const std::string value = value_text(key, {.config = &config, .name_space = &name_space});
    if (key.kind == ValueKind::kSecret) {
      out += "# " + std::string(key.name) + " = \"...\"\n";
    } else {
      out += std::string(key.name) + " = " + toml_text(key, value) + "\n";
    }
  }
  return out;
}

std::string configuration_page() {
  std::string out =
      "# Configuration\n"
      "\n"
      "<!-- Made by net/server/configuration_page.cc; a test compares. To make it anew:\n"
      "     MILLRACE_TEST_WRITE_DOCS=1 build/release/unit_net --gtest_filter='ConfigurationPage.*' "
      "-->\n"
      "\n"
      "A setting comes from a flag, else from the environment, else from the file, else it has "
      "its\n"
      "default. A list from one source replaces the list of another. `millrace serve "
      "--check-config`\n"
      "checks all of them and ends.\n"
      "\n"
      "- **File**: TOML, at most " +
      size_text(static_cast<std::int64_t>(kMaxConfigFile)) +
      ", named by `--config FILE` or else by `MILLRACE_CONFIG`.\n"
      "- **Environment**: `MILLRACE_SECTION_KEY`, such as `MILLRACE_SERVER_LISTEN`; the items of "
      "a\n"
      "  list are joined by commas.\n"
      "- **Flags**: `millrace serve --help`.\n"
      "\n"
      "What is not known is an error that names the nearest known one: a key, a section, a flag, "
      "a\n"
      "variable that begins with `MILLRACE_`. (Kubernetes makes such variables for a service that\n"
      "is called `millrace`: set `enableServiceLinks: false`.)\n"
      "\n"
      "SIGHUP (`systemctl reload millrace`) reads all of it again. Keys with `yes` in the column "
      "SIGHUP\n"
      "change at once; others need a restart, and the log names those that differ. If anything is "
      "wrong,\n"
      "all stays as it was, and the log says why.\n"
      "\n"
      "Durations and sizes are texts of one whole number and one unit: " +
      std::string(kDurationUnits) + "; " + std::string(kSizeUnits) +
      ".\n"
      "Both ends of every range are allowed. At most " +
      std::to_string(kMaxNamespaces) + " namespaces.\n";
  for (const Section& section : kSections) out += section_text(section);
  out += "\nThe variables are `MILLRACE_CONFIG`";
  for (const ConfigKey& key : config_keys()) {
    if (!is_namespace_key(key)) out += ",\n`" + environment_name(key) + "`";
  }
  return out + ".\n\n## A file with every default\n\n```toml\n" + default_file() + "```\n";
}

}  // namespace millrace
