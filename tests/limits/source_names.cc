#include "tests/limits/source_names.h"

#include <filesystem>
#include <fstream>
#include <regex>
#include <sstream>

#include "core/base/assert.h"

namespace millrace {
namespace {

const char* const kNumber =
    "(?:std::u?int[0-9]+_t|std::size_t|unsigned|int|double|Duration|std::uint64_t)";

std::string read(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  CHECK(file.good());
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

}  // namespace

std::set<std::string> constants_of(std::string_view file, std::string_view text) {
  static const std::regex kConstant(std::string("constexpr ") + kNumber +
                                    " (k[A-Z][A-Za-z0-9]*)\\s*(?:=|\\{)");
  const std::string all(text);
  std::set<std::string> names;
  for (std::sregex_iterator it(all.begin(), all.end(), kConstant), end; it != end; ++it) {
    names.insert(std::string(file) + ":" + (*it)[1].str());
  }
  return names;
}

std::set<std::string> fields_of(std::string_view text) {
  static const std::regex kStruct(
      "struct ([A-Z][A-Za-z]*(?:Limits|Timeouts|Options|Settings)) \\{([^}]*(?:\\{[^}]*\\}[^}]*)*?)"
      "\\n\\};");
  static const std::regex kField(std::string("\\n  ") + kNumber + " ([a-z][a-z0-9_]*)\\b");
  const std::string all(text);
  std::set<std::string> names;
  for (std::sregex_iterator it(all.begin(), all.end(), kStruct), end; it != end; ++it) {
    const std::string body = (*it)[2].str();
    for (std::sregex_iterator field(body.begin(), body.end(), kField); field != end; ++field) {
      names.insert((*it)[1].str() + "." + (*field)[1].str());
    }
  }
  return names;
}

std::set<std::string> names_in_sources(const std::string& root) {
  std::set<std::string> names;
  for (const char* room : {"core", "proto", "net"}) {
    for (const auto& entry :
         std::filesystem::recursive_directory_iterator(std::filesystem::path(root) / room)) {
      const std::string ending = entry.path().extension();
      if (ending != ".h" && ending != ".cc") continue;
      const std::string text = read(entry.path());
      names.merge(constants_of(entry.path().filename().string(), text));
      names.merge(fields_of(text));
    }
  }
  return names;
}

}  // namespace millrace
