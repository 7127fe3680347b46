#include "net/server/command_line.h"

#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <array>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include "core/base/assert.h"
#include "net/server/config_key_text.h"
#include "net/server/config_keys.h"
#include "net/server/error_text.h"
#include "net/server/help_text.h"

#ifndef MILLRACE_VERSION
#error "MILLRACE_VERSION is the project's version; the build defines it"
#endif

namespace millrace {
namespace {

constexpr std::string_view kConfigFlag = "--config";
constexpr std::string_view kCheckFlag = "--check-config";
constexpr std::string_view kHelpFlag = "--help";
constexpr std::string_view kJsonFlag = "--json";
constexpr std::string_view kEmitFlag = "--emit";
constexpr std::string_view kRootFlag = "--root";
constexpr std::string_view kSeeHelp = "; see millrace --help";

CommandLineError failure(int exit_code, const std::string& text) {
  return {exit_code, "millrace: " + text};
}

CommandLineError usage(const std::string& text) { return failure(kExitUsage, text); }

CommandLineError no_command() {
  std::string help = program_help();
  help.pop_back();  // its line break
  return {kExitUsage, help};
}

std::string cat(std::string_view a, std::string_view b) { return std::string(a).append(b); }

// CLI11 splits words into flags and values; what they mean is ours, so that every source of
// configuration is checked by the same table and every error reads the same.
class Parser {
 public:
  Parser() : app_("", "millrace") {
    app_.set_help_flag();
    app_.allow_extras();
    app_.require_subcommand(0, 1);
    help_ = app_.add_flag("-h,--help");
    version_flag_ = app_.add_flag("--version");
    version_ = app_.add_subcommand("version");
    version_->set_help_flag();
    version_->allow_extras();
    add_command(serve_, "serve");
    add_command(check_, "check");
    check_config_ = serve_.app->add_flag(std::string(kCheckFlag));
    json_ = check_.app->add_flag(std::string(kJsonFlag));
    emit_ = add_option(check_, kEmitFlag, "WHAT");
    root_ = add_option(check_, kRootFlag, "DIR");
    for (CLI::Option* flag : {help_, version_flag_, check_config_, json_}) {
      flag->disable_flag_override();
    }
  }

  Result<CommandLine, CommandLineError> parse(int argc, const char* const* argv,
                                              const Environment& environment) {
    try {
      app_.parse(argc, argv);
    } catch (const CLI::ArgumentMismatch& error) {
      return mismatch(error.what());
    } catch (const CLI::Error& error) {
      return usage(printable(error.what(), 200) + see_help());
    }
    using Verb = CommandLine::Verb;
    if (help_->count() > 0) return CommandLine{Verb::kHelp, {}, {}, {}, program_help()};
    if (serve_.help->count() > 0) return CommandLine{Verb::kHelp, {}, {}, {}, serve_help()};
    if (check_.help->count() > 0) return CommandLine{Verb::kHelp, {}, {}, {}, check_help()};
    if (std::optional<CommandLineError> error = swallowed_flags()) return *std::move(error);
    if (std::optional<CommandLineError> error = leftovers()) return *std::move(error);
    if (version_->parsed() || version_flag_->count() > 0) {
      return CommandLine{Verb::kVersion, {}, {}, {}, "millrace " MILLRACE_VERSION "\n"};
    }
    if (serve_.app->parsed()) return serve(environment);
    if (check_.app->parsed()) return check(environment);
    return no_command();
  }

 private:
  // A command that takes a configuration.
  struct Command {
    CLI::App* app = nullptr;
    CLI::Option* help = nullptr;
    CLI::Option* config = nullptr;
    std::vector<std::pair<const ConfigKey*, CLI::Option*>> keys = {};
    std::vector<CLI::Option*> valued = {};  // all that take a value
  };

  void add_command(Command& command, const std::string& name) {
    command.app = app_.add_subcommand(name);
    command.app->set_help_flag();
    command.app->allow_extras();
    command.help = command.app->add_flag("-h,--help");
    command.help->disable_flag_override();
    command.config = add_option(command, kConfigFlag, "FILE");
    for (const ConfigKey& key : config_keys()) {
      if (key.flag.empty()) continue;
      const bool is_bool = key.kind == ValueKind::kBool;
      CLI::Option* option = is_bool ? command.app->add_flag(std::string(key.flag))
                                    : add_option(command, key.flag, key.flag_value);
      if (is_bool) option->disable_flag_override();
      command.keys.emplace_back(&key, option);
    }
  }

  static CLI::Option* add_option(Command& command, std::string_view name, std::string_view value) {
    // A list, whatever the key: how often a flag was given is judged by us.
    command.valued.push_back(command.app->add_option(std::string(name))
                                 ->expected(1)
                                 ->allow_extra_args(false)
                                 ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll)
                                 ->type_name(std::string(value)));
    return command.valued.back();
  }

  // Of the command that was given; of `serve` where none was.
  [[nodiscard]] std::string see_help() const {
    return std::string("; see millrace ") + (check_.app->parsed() ? "check" : "serve") + " --help";
  }

  // CLI11 begins its text with the flag: "--listen: 1 required ..." or "insecure was given ...".
  [[nodiscard]] CommandLineError mismatch(std::string_view what) const {
    const std::size_t first = std::min(what.find_first_not_of('-'), what.size());
    const std::string_view name = what.substr(first, what.find_first_of(": ") - first);
    return no_value("--" + std::string(name));
  }

  [[nodiscard]] CommandLineError no_value(const std::string& flag) const {
    const ConfigKey* key = find_flag(flag);
    std::string text = flag + " takes no value";
    if (key != nullptr && key->kind != ValueKind::kBool) {
      text = flag + " needs a value, such as " + flag + " " + std::string(key->example);
    } else if (flag == kConfigFlag) {
      text = flag + " needs a value, such as " + flag + " /etc/millrace.toml";
    } else if (flag == kEmitFlag) {
      text = flag + " needs a value: " + flag + " sysctl";
    } else if (flag == kRootFlag) {
      text = flag + " needs a value, such as " + flag + " /tmp/other-machine";
    }
    return usage(text + see_help());
  }

  // A flag where a value should be: CLI11 takes it for the value. nullopt if there is none.
  [[nodiscard]] std::optional<CommandLineError> swallowed_flags() const {
    const auto is_one = [](const std::string& value) { return value.starts_with("--"); };
    for (const Command* command : {&serve_, &check_}) {
      for (const CLI::Option* option : command->valued) {
        const auto& values = option->results();
        if (std::any_of(values.begin(), values.end(), is_one)) return no_value(option->get_name());
      }
    }
    return std::nullopt;
  }

  // The flags of a command, for suggestions.
  [[nodiscard]] std::vector<std::string_view> flags_of(const CLI::App* command) const {
    if (command == version_) return {kHelpFlag};
    std::vector<std::string_view> flags{kConfigFlag, kCheckFlag, kHelpFlag};
    if (command == check_.app) flags = {kConfigFlag, kJsonFlag, kEmitFlag, kRootFlag, kHelpFlag};
    for (const ConfigKey& key : config_keys()) {
      if (!key.flag.empty()) flags.push_back(key.flag);
    }
    return flags;
  }

  static CommandLineError unknown_flag(std::string_view word,
                                       const std::vector<std::string_view>& known,
                                       const std::string& see) {
    // A value behind '=' may be a secret.
    const std::string_view flag = word.substr(0, word.find('='));
    if (flag == "--api-key" || flag == "--key") {
      return usage(cat(flag,
                       " is no flag, because everyone on the machine can read a command line; set "
                       "MILLRACE_API_KEY, or key below [api] in the file"));
    }
    std::string text = "unknown flag " + in_quotes(flag) + "; the nearest known one is " +
                       std::string(nearest_name(flag, known));
    return usage(text.append(see));
  }

  // What CLI11 could not place. Flags first: the word behind an unknown flag is its value, and may
  // be a secret.
  std::optional<CommandLineError> leftovers() const {
    const auto is_flag = [](const std::string& word) { return word.size() > 1 && word[0] == '-'; };
    for (const CLI::App* command :
         std::array<const CLI::App*, 3>{serve_.app, check_.app, version_}) {
      const std::vector<std::string> words = command->remaining();
      const auto flag = std::find_if(words.begin(), words.end(), is_flag);
      if (flag != words.end()) {
        return unknown_flag(*flag, flags_of(command),
                            command == version_ ? std::string(kSeeHelp) : see_help());
      }
      if (!words.empty()) {
        return usage("unexpected argument " + in_quotes(words.front()) + " behind " +
                     command->get_name() + see_help());
      }
    }
    const std::vector<std::string> words = app_.remaining();
    if (words.empty()) return std::nullopt;
    const std::string& first = words.front();
    if (!is_flag(first)) {
      return usage("unknown command " + in_quotes(first) + "; the nearest known one is " +
                   std::string(nearest_name(first, {"serve", "check", "token", "version"})) +
                   std::string(kSeeHelp));
    }
    const std::string_view flag = std::string_view(first).substr(0, first.find('='));
    const std::vector<std::string_view> of_serve = flags_of(serve_.app);
    if (std::find(of_serve.begin(), of_serve.end(), flag) != of_serve.end()) {
      return usage(cat(flag, " belongs behind a command: millrace serve ").append(flag));
    }
    return unknown_flag(first, {kHelpFlag, "--version"}, std::string(kSeeHelp));
  }

  // A command line of that verb, with its configuration.
  static Result<CommandLine, CommandLineError> load(CommandLine::Verb verb, const Command& command,
                                                    const Environment& environment) {
    CommandLine line{verb, {}, {}, {}, {}};
    ConfigSources& sources = line.sources;
    sources.environment = environment;
    if (command.config->count() > 1) return twice(kConfigFlag);
    if (command.config->count() == 1) sources.file = command.config->results().front();
    for (const auto& [key, option] : command.keys) {
      if (option->count() == 0) continue;
      if (option->count() > 1 && !is_list(key->kind)) return twice(key->flag);
      const bool flag = key->kind == ValueKind::kBool;
      sources.flags.push_back({key, flag ? std::vector<std::string>{"true"} : option->results()});
    }
    Result<Config, ConfigError> config = load_config(sources);
    if (!config) {
      return failure(config.error().in_flags ? kExitUsage : kExitConfiguration,
                     config.error().text);
    }
    line.config = *std::move(config);
    return line;
  }

  [[nodiscard]] Result<CommandLine, CommandLineError> serve(const Environment& environment) const {
    using Verb = CommandLine::Verb;
    const bool check_only = check_config_->count() > 0;
    auto line = load(check_only ? Verb::kCheckConfig : Verb::kServe, serve_, environment);
    if (line && check_only) line->output = "the configuration is right\n";
    return line;
  }

  [[nodiscard]] Result<CommandLine, CommandLineError> check(const Environment& environment) const {
    auto loaded = load(CommandLine::Verb::kCheck, check_, environment);
    if (!loaded) return loaded;
    CommandLine& line = *loaded;
    if (emit_->count() > 1) return twice(kEmitFlag);
    if (root_->count() > 1) return twice(kRootFlag);
    if (root_->count() == 1) line.check.root = root_->results().front();
    if (json_->count() > 0) line.check.output = CheckOutput::kJson;
    if (emit_->count() == 0) return line;
    if (emit_->results().front() != "sysctl") {
      return usage("--emit: " + in_quotes(emit_->results().front()) +
                   " is nothing that can be emitted; allowed: sysctl" + see_help());
    }
    if (json_->count() > 0) return usage("--json and --emit exclude each other; take one of them");
    line.check.output = CheckOutput::kSysctl;
    return line;
  }

  static CommandLineError twice(std::string_view flag) {
    return usage(cat(flag, " is given more than once; give it once"));
  }

  CLI::App app_;
  Command serve_;
  Command check_;
  CLI::App* version_ = nullptr;
  CLI::Option* help_ = nullptr;
  CLI::Option* version_flag_ = nullptr;
  CLI::Option* check_config_ = nullptr;
  CLI::Option* json_ = nullptr;
  CLI::Option* emit_ = nullptr;
  CLI::Option* root_ = nullptr;
};

}  // namespace

Environment process_environment() {
  Environment variables;
  for (char** entry = environ; entry != nullptr && *entry != nullptr; ++entry) {
    const std::string_view text = *entry;
    const std::size_t equals = text.find('=');
    if (equals == std::string_view::npos) continue;
    variables.emplace(text.substr(0, equals), text.substr(equals + 1));
  }
  return variables;
}

Result<CommandLine, CommandLineError> parse_command_line(int argc, const char* const* argv,
                                                         const Environment& environment) {
  if (argc < 2) return no_command();
  return Parser().parse(argc, argv, environment);
}

}  // namespace millrace
