#include "tests/tidy/shell.h"

#include <algorithm>
#include <array>
#include <map>

#include "tests/tidy/lines.h"

namespace millrace::tidy {
namespace {

constexpr int kRunsNothing = -1;
constexpr std::string_view kBlank = " \t";
constexpr std::string_view kEndOfWord = " \t\n;|&()<>";

// Behind them a command follows.
constexpr std::array<std::string_view, 11> kBeforeACommand{
    "if", "then", "elif", "else", "while", "until", "do", "!", "{", "exec", "time"};

// Functions of ours that run their arguments, and how many words stand in front of those.
const std::map<std::string_view, int>& runners() {
  static const std::map<std::string_view, int> table{
      {"stage", 1}, {"beside", 0}, {"without_randomisation", 0}, {"as_root", 0}};
  return table;
}

// `install` and `apt` are programs too, but here they are functions.
const std::set<std::string_view>& known_words() {
  static const std::set<std::string_view> table{
      // bash
      "case", "cd", "command", "declare", "do", "done", "echo", "elif", "else", "esac", "eval",
      "exec", "exit", "export", "fi", "for", "if", "kill", "local", "mapfile", "printf", "readonly",
      "return", "set", "shift", "source", "then", "time", "trap", "true", "until", "wait", "while",
      // programs
      "awk", "basename", "cat", "cmake", "cp", "ctest", "cut", "dirname", "du", "env", "find",
      "gcovr", "grep", "mkdir", "node", "npm", "nproc", "renice", "rm", "sed", "setarch", "sort",
      "sudo", "tail", "wc", "xargs"};
  return table;
}

bool is_name(std::string_view word) {
  const auto fits = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_';
  };
  return !word.empty() && word[0] >= 'a' && std::all_of(word.begin(), word.end(), fits);
}

class ShellReader {
 public:
  explicit ShellReader(std::string_view text) : text_(text) {}

  ShellScript read() && {
    read_code('\0');
    return std::move(script_);
  }

 private:
  [[nodiscard]] bool at(std::string_view what) const { return text_.substr(at_).starts_with(what); }
  [[nodiscard]] bool done() const { return at_ >= text_.size(); }

  void step(std::size_t count = 1) {
    for (; count > 0 && !done(); --count) line_ += text_[at_++] == '\n' ? 1 : 0;
  }
  void skip_to(std::string_view end) {
    while (!done() && !at(end)) step();
    step(end.size());
  }
  void skip_braces() {
    int open = 0;
    do {
      open += at("{") ? 1 : at("}") ? -1 : 0;
      step();
    } while (open > 0 && !done());
  }

  // What begins with a dollar, in code or in a text.
  void read_dollar() {
    step();
    if (at("((")) return skip_to("))");
    if (at("{")) return skip_braces();
    if (!at("(")) return step();
    step();
    read_code(')');
  }
  void read_text() {
    step();
    while (!done() && !at("\"")) {
      if (at("\\")) {
        step(2);
      } else if (at("$")) {
        read_dollar();
      } else {
        step();
      }
    }
    step();
  }

  // Up to the bracket that closes it, or the end.
  void read_code(char close) {
    const bool command = command_;
    const int skip = skip_;
    depth_ += close == '\0' ? 0 : 1;
    begin_command();
    while (!done() && (close == '\0' || text_[at_] != close)) read_one();
    if (close != '\0') step();
    depth_ -= close == '\0' ? 0 : 1;
    command_ = command;
    skip_ = skip;
  }

  void read_one() {
    if (at("\\\n")) return step(2);
    if (kBlank.find(text_[at_]) != std::string_view::npos) return step();
    if (at("#")) return skip_line();
    if (at("((")) return skip_to("))");
    if (at("<(") || at(">(")) {
      step(2);
      return read_code(')');
    }
    if (at("(")) {
      step();
      return read_code(')');
    }
    if (at("<") || at(">")) return read_redirection();
    if (std::string_view("\n;|&)").find(text_[at_]) != std::string_view::npos) {
      step();
      return begin_command();
    }
    read_word();
  }

  void begin_command() {
    command_ = true;
    skip_ = kRunsNothing;
  }
  void skip_line() {
    while (!done() && !at("\n")) step();
  }

  void read_redirection() {
    while (at("<") || at(">") || at("&")) step();
    while (at(" ")) step();
    if (at("<(") || at(">(")) return;
    const bool command = command_;
    const int skip = skip_;
    command_ = false;
    skip_ = kRunsNothing;
    read_word();
    command_ = command;
    skip_ = skip;
  }

  void read_word() {
    const std::size_t line = line_;
    const std::size_t begin = at_;
    while (!done() && kEndOfWord.find(text_[at_]) == std::string_view::npos) {
      if (at("'")) {
        step();
        skip_to("'");
      } else if (at("\"")) {
        read_text();
      } else if (at("$")) {
        read_dollar();
      } else {
        step(at("\\") ? 2 : 1);
      }
    }
    const std::string_view word = text_.substr(begin, at_ - begin);
    if (word.ends_with("=") && at("(")) return read_array();
    take(word, line);
  }

  // Words, none of which is a command.
  void read_array() {
    const bool command = command_;
    step();
    while (!done() && !at(")")) {
      command_ = false;
      read_one();
    }
    step();
    command_ = command;
  }

  void take(std::string_view word, std::size_t line) {
    if (!command_) {
      if (skip_ == kRunsNothing || skip_-- > 0) return;
      command_ = true;
    }
    const auto& before = kBeforeACommand;
    if (std::find(before.begin(), before.end(), word) != before.end()) return;
    if (word.find('=') != std::string_view::npos && word[0] != '-' && word[0] != '"') return;
    command_ = false;
    if (!is_name(word)) return;
    if (at("()")) {
      step(2);
      command_ = true;
      script_.functions.insert(std::string(word));
      return;
    }
    if (at(")") && depth_ == 0) return;
    script_.calls.push_back({std::string(word), line});
    const auto runner = runners().find(word);
    if (runner != runners().end()) skip_ = runner->second;
  }

  const std::string_view text_;
  std::size_t at_ = 0;
  std::size_t line_ = 1;
  bool command_ = true;      // a command may begin here
  int skip_ = kRunsNothing;  // words, before the command that this one runs
  int depth_ = 0;            // of round brackets: without any, a word in front of one is a label
  ShellScript script_;
};

bool has(const std::set<std::string>& functions, const std::string& name) {
  return functions.contains(name) || known_words().contains(name);
}

void tell(const File& file, const ShellCall& call, Findings& findings) {
  findings.push_back(at(file.path, call.line) + "calls " + call.name +
                     ", which neither this file nor dev defines; move the function to where both "
                     "find it, or add the program to tests/tidy/shell.cc");
}

// Each command of the list that help shows: "NAME|what it does".
void check_commands(const File& dev, const std::set<std::string>& functions, Findings& findings) {
  constexpr std::string_view kBegin = "  \"";
  std::size_t line = 0;
  for (const std::string_view text : lines_of(dev.text)) {
    ++line;
    const std::size_t bar = text.find('|');
    if (!text.starts_with(kBegin) || !text.ends_with('"') || bar == std::string_view::npos)
      continue;
    const std::string_view name = text.substr(kBegin.size(), bar - kBegin.size());
    const ShellCall call{"command_" + std::string(name), line};
    if (is_name(name) && !functions.contains(call.name)) tell(dev, call, findings);
  }
}

}  // namespace

ShellScript read_shell(std::string_view text) { return ShellReader(text).read(); }

std::vector<std::string> sourced_by(std::string_view text) {
  constexpr std::string_view kBefore = "{ . ";
  std::vector<std::string> paths;
  for (std::size_t at = text.find(kBefore); at != std::string_view::npos;
       at = text.find(kBefore, at + 1)) {
    const std::string_view rest = text.substr(at + kBefore.size());
    paths.emplace_back(rest.substr(0, rest.find_first_of(kEndOfWord)));
  }
  return paths;
}

Findings check_dev(const File& dev, const std::vector<File>& sourced) {
  Findings findings;
  const ShellScript own = read_shell(dev.text);
  check_commands(dev, own.functions, findings);
  std::map<std::string, std::set<std::string>> lent;  // by path
  for (const File& file : sourced) {
    const ShellScript script = read_shell(file.text);
    lent[file.path] = script.functions;
    std::set<std::string> visible = own.functions;
    visible.insert(script.functions.begin(), script.functions.end());
    for (const ShellCall& call : script.calls) {
      if (!has(visible, call.name)) tell(file, call, findings);
    }
  }
  const std::vector<std::string_view> lines = lines_of(dev.text);
  for (const ShellCall& call : own.calls) {
    std::set<std::string> visible = own.functions;
    // What a line sources, it may call.
    for (const std::string& path : sourced_by(lines[call.line - 1]))
      visible.insert(lent[path].begin(), lent[path].end());
    if (!has(visible, call.name)) tell(dev, call, findings);
  }
  return findings;
}

}  // namespace millrace::tidy
