// What ./dev calls: first that a missing function is found, then that none is missing.
#include "tests/tidy/shell.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <sstream>

namespace millrace::tidy {
namespace {

std::string calls_of(std::string_view text) {
  std::string names;
  for (const ShellCall& call : read_shell(text).calls) {
    names += (names.empty() ? "" : " ") + call.name;
  }
  return names;
}

TEST(TidyShell, FindsCommandsWhereTheyStand) {
  EXPECT_EQ(calls_of("a\nb c d; e && f || g | h & i\n"), "a b e f g h i");
  EXPECT_EQ(calls_of("if a b; then c; elif ! d; then e; else f; fi\n"), "a c d e f fi");
  EXPECT_EQ(calls_of("while a; do b; done < <(c d)\n"), "a b done c");
  EXPECT_EQ(calls_of("a \\\n  b\n"), "a");
  EXPECT_EQ(calls_of("A=$(a b) B=2 c\n"), "a c");
  EXPECT_EQ(calls_of("a \"b $(c \"$(d)\") e\" > >(f)\n"), "a c d f");
  EXPECT_EQ(calls_of("(a b) >c 2>&1 </d/e & f\n"), "a f");
  EXPECT_EQ(calls_of("{ a && b; }\n"), "a b");
  EXPECT_EQ(calls_of("case $x in\n  a) c ;;\n  *) d ;;\nesac\n"), "case c d esac")
      << "labels are none";
}

TEST(TidyShell, LeavesWordsAlone) {
  EXPECT_EQ(calls_of("# a\nb # c; d\n"), "b");
  EXPECT_EQ(calls_of("a 'b\n; c' \"d; e\" ${f:-g|h} $((i | j))\n"), "a");
  EXPECT_EQ(calls_of("local a=(b c\n d) e f\n"), "local");
  EXPECT_EQ(calls_of("a+=(b)\n((c > d)) && e\n[[ f == g && $h =~ i ]] && j\n"), "e j");
  EXPECT_EQ(calls_of("for ((i = 0; i < n; i++)); do a; done\n"), "for a done");
  EXPECT_EQ(calls_of("build/a b\n/c/d e\n\"$f\" g\n$h i\na-b c\n"), "");
}

TEST(TidyShell, SeesThroughWhatRunsItsArguments) {
  EXPECT_EQ(calls_of("stage \"a b\" c d\nbeside e f\nX=1 without_randomisation g h\n"),
            "stage c beside e without_randomisation g");
  EXPECT_EQ(calls_of("exec a b\n"), "a");
}

TEST(TidyShell, FindsFunctions) {
  const ShellScript script = read_shell("a() { b; }\nc_d() {\n  e\n}\nf() { (g) }\n");
  EXPECT_EQ(script.functions, (std::set<std::string>{"a", "c_d", "f"}));
  ASSERT_EQ(script.calls.size(), 3U);
  EXPECT_EQ(script.calls[1].line, 3U);
}

TEST(TidyShell, RefusesWhatIsNotSourced) {
  const File dev{"dev",
                 "x=(\n  \"test|Runs it\"\n)\nsay() { printf '%s\\n' \"$*\"; }\n"
                 "command_test() { . tests/all.sh && all_tests \"$@\"; }\n"};
  const File all{"tests/all.sh", "all_tests() { say a; helper; }\nhelper() { cat; }\n"};
  EXPECT_TRUE(check_dev(dev, {all}).empty());
  EXPECT_EQ(sourced_by(dev.text), std::vector<std::string>{"tests/all.sh"});
  const Findings moved = check_dev(dev, {{"tests/all.sh", "all_tests() { say a; helper; }\n"}});
  ASSERT_EQ(moved.size(), 1U);
  EXPECT_TRUE(moved[0].starts_with("tests/all.sh:1: calls helper, which")) << moved[0];
  const File other{"tests/b.sh", "b() { helper; }\n"};
  EXPECT_EQ(check_dev(dev, {all, other}).size(), 1U) << "another command's helper is not there";
  EXPECT_EQ(check_dev(dev, {{"tests/all.sh", ""}}).size(), 1U) << "dev's own line calls it";
  EXPECT_EQ(check_dev({"dev", dev.text + "more() { helper; }\n"}, {all}).size(), 1U);
  EXPECT_EQ(check_dev({"dev", "x=(\n  \"run|Runs\"\n)\n"}, {}).size(), 1U) << "no such command";
}

// --- The tree ------------------------------------------------------------------------------------

File read(const std::string& path) {
  std::ostringstream text;
  text << std::ifstream(std::filesystem::path(MILLRACE_SOURCE_DIR) / path).rdbuf();
  EXPECT_FALSE(text.str().empty()) << path;
  return {path, text.str()};
}

// The file without the function: `name() {` to the next closing brace in the first column.
File without(const File& file, const std::string& name) {
  const std::size_t begin = ("\n" + file.text).find("\n" + name + "() {");
  EXPECT_NE(begin, std::string::npos) << name;
  const std::size_t first_line = file.text.find('\n', begin);
  const bool one_line = file.text[first_line - 1] == '}';
  const std::size_t end = one_line ? first_line + 1 : file.text.find("\n}\n", begin) + 3;
  return {file.path, file.text.substr(0, begin) + file.text.substr(end)};
}

TEST(TidyDev, CallsOnlyWhatIsThere) {
  const File dev = read("dev");
  std::vector<File> sourced;
  for (const std::string& path : sourced_by(dev.text)) sourced.push_back(read(path));
  EXPECT_GE(sourced.size(), 3U);
  for (const std::string& finding : check_dev(dev, sourced)) ADD_FAILURE() << finding;
}

// Whichever goes, somebody misses it.
TEST(TidyDev, MissesEachFunctionThatGoes) {
  const File dev = read("dev");
  std::vector<File> sourced;
  for (const std::string& path : sourced_by(dev.text)) sourced.push_back(read(path));
  for (const std::string& name : read_shell(dev.text).functions) {
    EXPECT_FALSE(check_dev(without(dev, name), sourced).empty()) << name;
  }
  for (File& file : sourced) {
    const File whole = file;
    for (const std::string& name : read_shell(whole.text).functions) {
      file = without(whole, name);
      EXPECT_FALSE(check_dev(dev, sourced).empty()) << name;
    }
    file = whole;
  }
}

}  // namespace
}  // namespace millrace::tidy
