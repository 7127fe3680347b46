#include "net/server/command_line.h"

#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
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
constexpr std::string_view kSeeHelp = "; see millrace --help";
constexpr std::string_view kSeeServeHelp = "; see millrace serve --help";

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
    serve_ = app_.add_subcommand("serve");
    for (CLI::App* command : {version_, serve_}) {
      command->set_help_flag();
      command->allow_extras();
    }
    serve_help_ = serve_->add_flag("-h,--help");
    check_ = serve_->add_flag(std::string(kCheckFlag));
    config_ = add_option(kConfigFlag, "FILE");
    for (const ConfigKey& key : config_keys()) {
      if (key.flag.empty()) continue;
      CLI::Option* option = key.kind == ValueKind::kBool ? serve_->add_flag(std::string(key.flag))
                                                         : add_option(key.flag, key.flag_value);
      if (key.kind == ValueKind::kBool) option->disable_flag_override();
      options_.emplace_back(&key, option);
    }
    for (CLI::Option* flag : {help_, version_flag_, serve_help_, check_}) {
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
      return usage(printable(error.what(), 200) + std::string(kSeeServeHelp));
    }
    using Verb = CommandLine::Verb;
    if (help_->count() > 0) return CommandLine{Verb::kHelp, {}, program_help()};
    if (serve_help_->count() > 0) return CommandLine{Verb::kHelp, {}, serve_help()};
    if (std::optional<CommandLineError> error = swallowed_flags()) return *std::move(error);
    if (std::optional<CommandLineError> error = leftovers()) return *std::move(error);
    if (version_->parsed() || version_flag_->count() > 0) {
      return CommandLine{Verb::kVersion, {}, "millrace " MILLRACE_VERSION "\n"};
    }
    if (!serve_->parsed()) return no_command();
    return serve(environment);
  }

 private:
  CLI::Option* add_option(std::string_view name, std::string_view value) {
    // A list, whatever the key: how often a flag was given is judged by us.
    return serve_->add_option(std::string(name))
        ->expected(1)
        ->allow_extra_args(false)
        ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll)
        ->type_name(std::string(value));
  }

  // CLI11 begins its text with the flag: "--listen: 1 required ..." or "insecure was given ...".
  static CommandLineError mismatch(std::string_view what) {
    const std::size_t first = std::min(what.find_first_not_of('-'), what.size());
    const std::string_view name = what.substr(first, what.find_first_of(": ") - first);
    return no_value("--" + std::string(name));
  }

  static CommandLineError no_value(const std::string& flag) {
    const ConfigKey* key = find_flag(flag);
    std::string text = flag + " takes no value";
    if (key != nullptr && key->kind != ValueKind::kBool) {
      text = flag + " needs a value, such as " + flag + " " + std::string(key->example);
    } else if (flag == kConfigFlag) {
      text = flag + " needs a value, such as " + flag + " /etc/millrace.toml";
    }
    return usage(text.append(kSeeServeHelp));
  }

  // A flag where a value should be: CLI11 takes it for the value. nullopt if there is none.
  [[nodiscard]] std::optional<CommandLineError> swallowed_flags() const {
    const auto is_one = [](const std::string& value) { return value.starts_with("--"); };
    const auto swallowed = [&is_one](const CLI::Option* option) {
      const auto& values = option->results();
      return std::any_of(values.begin(), values.end(), is_one);
    };
    if (swallowed(config_)) return no_value(std::string(kConfigFlag));
    for (const auto& [key, option] : options_) {
      if (swallowed(option)) return no_value(std::string(key->flag));
    }
    return std::nullopt;
  }

  // The flags of a command, for suggestions.
  static std::vector<std::string_view> serve_flags() {
    std::vector<std::string_view> flags{kConfigFlag, kCheckFlag, kHelpFlag};
    for (const ConfigKey& key : config_keys()) {
      if (!key.flag.empty()) flags.push_back(key.flag);
    }
    return flags;
  }

  static CommandLineError unknown_flag(std::string_view word,
                                       const std::vector<std::string_view>& known,
                                       std::string_view see) {
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
    for (const CLI::App* command : {std::as_const(serve_), std::as_const(version_)}) {
      const std::vector<std::string> words = command->remaining();
      const auto flag = std::find_if(words.begin(), words.end(), is_flag);
      if (flag != words.end() && command == serve_) {
        return unknown_flag(*flag, serve_flags(), kSeeServeHelp);
      }
      if (flag != words.end()) return unknown_flag(*flag, {kHelpFlag}, kSeeHelp);
      if (!words.empty()) {
        return usage("unexpected argument " + in_quotes(words.front()) + " behind " +
                     command->get_name() + std::string(kSeeServeHelp));
      }
    }
    const std::vector<std::string> words = app_.remaining();
    if (words.empty()) return std::nullopt;
    const std::string& first = words.front();
    if (!is_flag(first)) {
      return usage("unknown command " + in_quotes(first) + "; the nearest known one is " +
                   std::string(nearest_name(first, {"serve", "version"})) + std::string(kSeeHelp));
    }
    const std::string_view flag = std::string_view(first).substr(0, first.find('='));
    const std::vector<std::string_view> of_serve = serve_flags();
    if (std::find(of_serve.begin(), of_serve.end(), flag) != of_serve.end()) {
      return usage(cat(flag, " belongs behind a command: millrace serve ").append(flag));
    }
    return unknown_flag(first, {kHelpFlag, "--version"}, kSeeHelp);
  }

  Result<CommandLine, CommandLineError> serve(const Environment& environment) const {
    ConfigSources sources{.file = {}, .environment = environment, .flags = {}};
    if (config_->count() > 1) return twice(kConfigFlag);
    if (config_->count() == 1) sources.file = config_->results().front();
    for (const auto& [key, option] : options_) {
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
    if (check_->count() == 0) return CommandLine{CommandLine::Verb::kServe, *config, {}};
    return CommandLine{CommandLine::Verb::kCheckConfig, *config, "the configuration is right\n"};
  }

  static CommandLineError twice(std::string_view flag) {
    return usage(cat(flag, " is given more than once; give it once"));
  }

  CLI::App app_;
  CLI::App* serve_ = nullptr;
  CLI::App* version_ = nullptr;
  CLI::Option* help_ = nullptr;
  CLI::Option* version_flag_ = nullptr;
  CLI::Option* serve_help_ = nullptr;
  CLI::Option* check_ = nullptr;
  CLI::Option* config_ = nullptr;
  std::vector<std::pair<const ConfigKey*, CLI::Option*>> options_;
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
