#include "net/server/config_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <toml++/toml.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <map>
#include <system_error>

#include "net/server/config_key_text.h"
#include "net/server/duration_size.h"
#include "net/server/error_text.h"

namespace millrace {
namespace {

constexpr std::size_t kMaxPath = 4096;

std::string_view kind_name(const toml::node& node) {
  switch (node.type()) {
    case toml::node_type::none:
      return "nothing";
    case toml::node_type::table:
      return "a table";
    case toml::node_type::array:
      return "a list with something else than texts in it";
    case toml::node_type::string:
      return "a text";
    case toml::node_type::integer:
      return "a whole number";
    case toml::node_type::floating_point:
      return "a number with a fraction";
    case toml::node_type::boolean:
      return "true or false";
    case toml::node_type::date:
      return "a date";
    case toml::node_type::time:
      return "a time of day";
    case toml::node_type::date_time:
      return "a date and time";
  }
  return "something else";
}

RawValue raw_of(const toml::node& node) {
  if (const auto* text = node.as_string()) return text->get();
  if (const auto* number = node.as_integer()) return number->get();
  if (const auto* flag = node.as_boolean()) return flag->get();
  const OtherValue other{std::string(kind_name(node))};
  const auto* array = node.as_array();
  if (array == nullptr) return other;
  std::vector<std::string> items;
  for (const toml::node& item : *array) {
    const auto* text = item.as_string();
    if (text == nullptr) return other;
    items.push_back(text->get());
  }
  return items;
}

bool is_namespace_name(std::string_view name) {
  constexpr std::string_view kAlphabet =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-";
  return !name.empty() && name.size() <= kMaxNamespaceName && name.front() != '_' &&
         name != "millrace" && name.find_first_not_of(kAlphabet) == name.npos;
}

// Walks a parsed file. toml++ keeps tables sorted by name, so findings carry their line and are
// brought into the file's order at the end.
class Walk {
 public:
  explicit Walk(std::string_view path) : path_(printable(path, kMaxPath)) {}

  void root(const toml::table& table) {
    for (const auto& [name, node] : table) {
      const bool known = section_known(name.str());
      const auto* section = node.as_table();
      if (!known) {
        unknown_section(name, node);
      } else if (section == nullptr) {
        wrong(name, "[" + std::string(name.str()) + "] is a section, not " +
                        std::string(kind_name(node)) + "; write its keys below [" +
                        std::string(name.str()) + "]");
      } else if (name.str() == kNamespacesSection) {
        namespaces(*section);
      } else {
        keys(name.str(), {}, *section);
      }
    }
  }

  Result<FileSettings> finish() {
    if (!errors_.empty()) return Error{errors_.begin()->second};
    FileSettings result;
    for (auto& [line, setting] : settings_) result.settings.push_back(std::move(setting));
    return result;
  }

 private:
  static bool section_known(std::string_view name) {
    const auto all = config_keys();
    return std::any_of(all.begin(), all.end(), [name](const ConfigKey& key) {
      return is_file_key(key) && key.section == name;
    });
  }

  std::string place(unsigned line) const { return path_ + ":" + std::to_string(line); }

  void wrong(const toml::key& key, const std::string& text) {
    const unsigned line = key.source().begin.line;
    errors_.emplace(line, place(line) + ": " + text);
  }

  void unknown_section(const toml::key& name, const toml::node& node) {
    const std::string found = in_quotes(name.str());
    if (const ConfigKey* key = find_key("", name.str()); key != nullptr) {
      return wrong(name, full_name(*key) + " can't be set in a file; use the flag " +
                             std::string(key->flag) + " or " + environment_name(*key) + "=" +
                             std::string(key->example));
    }
    std::vector<std::string_view> sections;
    for (const ConfigKey& key : config_keys()) {
      if (node.is_table() && is_file_key(key)) sections.push_back(key.section);
      if (!node.is_table() && is_file_key(key) && key.name == name.str()) {
        return wrong(name, "key " + found + " stands outside of its section; write it below [" +
                               std::string(key.section) + "]");
      }
    }
    if (!node.is_table()) return unknown_key(name, "", {});
    wrong(name, "unknown section [" + printable(name.str()) + "]; the nearest known one is [" +
                    std::string(nearest_name(name.str(), sections)) + "]");
  }

  void unknown_key(const toml::key& name, std::string_view section, std::string_view shown) {
    std::string nearest;
    for (const ConfigKey& key : config_keys()) {
      if (is_file_key(key) && key.name == name.str()) nearest = full_name(key);
    }
    if (nearest.empty()) {
      std::vector<std::string_view> names;
      for (const ConfigKey& key : config_keys()) {
        if (is_file_key(key) && (section.empty() || key.section == section)) {
          names.push_back(key.name);
        }
      }
      const std::string_view near = nearest_name(name.str(), names);
      for (const ConfigKey& key : config_keys()) {
        const bool here = section.empty() || key.section == section;
        if (here && is_file_key(key) && key.name == near && nearest.empty()) {
          nearest = full_name(key);
        }
      }
    }
    const std::string where = shown.empty() ? "" : " in [" + std::string(shown) + "]";
    wrong(name,
          "unknown key " + in_quotes(name.str()) + where + "; the nearest known one is " + nearest);
  }

  void keys(std::string_view section, const std::string& name_space, const toml::table& table) {
    const std::string shown = std::string(section) + (name_space.empty() ? "" : "." + name_space);
    for (const auto& [name, node] : table) {
      const std::string inner = std::string(section) + "." + std::string(name.str());
      if (node.is_table() && section_known(inner)) {
        keys(inner, {}, *node.as_table());
        continue;
      }
      const ConfigKey* key = find_key(section, name.str());
      if (key == nullptr) {
        unknown_key(name, section, shown);
        continue;
      }
      const unsigned line = name.source().begin.line;
      settings_.emplace(line, FileSetting{.key = key,
                                          .name_space = name_space,
                                          .value = raw_of(node),
                                          .source = {SourceRank::kFile, place(line)}});
    }
  }

  void namespaces(const toml::table& table) {
    std::size_t count = 0;
    for (const auto& [name, node] : table) {
      const auto* settings = node.as_table();
      if (settings == nullptr) {
        const bool is_key = find_key(kNamespacesSection, name.str()) != nullptr;
        wrong(name, "namespaces." + printable(name.str()) + " is " + std::string(kind_name(node)) +
                        ", not a namespace; write " +
                        (is_key ? "it below [namespaces.NAME]" : "[namespaces.NAME]"));
      } else if (!is_namespace_name(name.str())) {
        wrong(name, "namespace " + in_quotes(name.str()) + " can't be: a name is 1 to " +
                        std::to_string(kMaxNamespaceName) +
                        " of A-Z a-z 0-9 _ -, doesn't begin with _ and isn't millrace; for "
                        "example: [namespaces.game]");
      } else if (++count > kMaxNamespaces) {
        wrong(name, "more than " + std::to_string(kMaxNamespaces) +
                        " namespaces; put channels with equal settings into one");
      } else {
        const unsigned line = name.source().begin.line;
        settings_.emplace(line, FileSetting{.key = nullptr,
                                            .name_space = std::string(name.str()),
                                            .value = false,
                                            .source = {SourceRank::kFile, place(line)}});
        keys(kNamespacesSection, std::string(name.str()), *settings);
      }
    }
  }

  const std::string path_;
  std::multimap<unsigned, FileSetting> settings_;  // by line
  std::multimap<unsigned, std::string> errors_;    // by line
};

// toml++ quotes what it read, which may be a part of a secret. What it expected may be told.
std::string without_values(std::string_view description) {
  const std::size_t saw = description.find(", saw");
  std::string text(description.substr(0, saw));
  const bool names_only =
      text.find("redefine") != text.npos || text.find("expected '") != text.npos;
  if (!names_only && text.find('\'') != text.npos) text = "a value that is none";
  return text;
}

}  // namespace

Result<FileSettings> parse_config_text(std::string_view text, std::string_view path) {
  Walk walk(path);
  try {
    walk.root(toml::parse(text));
  } catch (const toml::parse_error& error) {
    return Error{printable(path, kMaxPath) + ":" + std::to_string(error.source().begin.line) +
                 ": not TOML: " + printable(without_values(error.description()), 200) +
                 "; texts stand in double quotes, lists in [ ], see https://toml.io"};
  }
  return walk.finish();
}

Result<std::string> read_bounded_file(const std::string& path, std::size_t most) {
  const int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return Error{std::generic_category().message(errno)};
  struct Closer {
    int fd;
    ~Closer() { close(fd); }
  } closer{fd};
  struct stat info {};
  if (fstat(fd, &info) == 0 && S_ISDIR(info.st_mode)) {
    return Error{"it is a directory; name the file in it"};
  }
  std::string text(most + 1, '\0');
  std::size_t size = 0;
  while (size < text.size()) {
    const ssize_t got = read(fd, text.data() + size, text.size() - size);
    if (got == 0) break;
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return Error{std::generic_category().message(errno)};
    size += static_cast<std::size_t>(got);
  }
  if (size > most) {
    return Error{"it is larger than " + size_text(static_cast<std::int64_t>(most))};
  }
  text.resize(size);
  return text;
}

Result<std::string> read_config_file(const std::string& path) {
  const auto failed = [&path](const std::string& why) {
    return Error{"cannot read the configuration file " + printable(path, kMaxPath) + ": " + why};
  };
  if (path.empty()) return failed("it has no name; check --config and MILLRACE_CONFIG");
  Result<std::string> text = read_bounded_file(path, kMaxConfigFile);
  if (!text) return failed(text.error().text + "; check --config and MILLRACE_CONFIG");
  return text;
}

}  // namespace millrace
