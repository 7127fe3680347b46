// The style rules: first that each of them can fail, then that the tree keeps them.
#include "tests/tidy/tidy.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

#include "tests/tidy/lines.h"

namespace millrace::tidy {
namespace {

namespace fs = std::filesystem;

std::string joined(const Findings& findings) {
  std::string text;
  for (const std::string& finding : findings) text += finding + "\n";
  return text;
}

std::string repeated(std::string_view what, std::size_t times) {
  std::string text;
  for (std::size_t i = 0; i < times; ++i) text += what;
  return text;
}

std::string including(std::string_view target) {
  return "#include \"" + std::string(target) + "\"\n";
}

struct Include {
  const char* from;
  const char* target;
};

TEST(TidyIncludes, RefusesWhatGoesAgainstTheArrows) {
  for (const auto& [from, target] : std::vector<Include>{
           {"core/hub/hub.cc", "net/tcp/connection.h"},
           {"core/hub/hub.cc", "proto/command.h"},
           {"core/hub/hub.cc", "core/ring/ring.h"},
           {"core/hub/hub.h", "core/shard/mailbox.h"},
           {"core/hub/memory_broker.cc", "core/ring/ring.h"},
           {"core/base/bytes.h", "core/time/instant.h"},
           {"core/mem/slab.h", "core/time/instant.h"},
           {"core/time/timer_wheel.cc", "core/ring/ring.h"},
           {"core/ring/uring.cc", "core/shard/reactor.h"},
           {"core/shard/reactor.cc", "core/hub/hub.h"},
           {"core/new_room/a.h", "core/hub/hub.h"},
           {"proto/payload.cc", "net/ws/close_code.h"},
           {"net/tcp/connection.cc", "net/ws/frame_header.h"},
           {"net/ws/frame_decoder.cc", "proto/command.h"},
           {"net/session/session.cc", "net/server/config.h"},
           {"net/auth/permissions.cc", "net/session/session.h"},
           {"net/session/session.cc", "tests/support/fixtures.h"},
           {"core/base/bytes.h", "bytes.h"},
       }) {
    const File file{from, including(target)};
    EXPECT_EQ(check_includes(file).size(), 1U) << from << " -> " << target;
    EXPECT_EQ(check_file(file).empty(), false) << from << " -> " << target;
  }
}

TEST(TidyIncludes, AllowsWhatFollowsTheArrows) {
  for (const auto& [from, target] : std::vector<Include>{
           {"core/hub/hub.cc", "core/mem/shared_bytes.h"},
           {"core/hub/hub.cc", "core/hub/broker.h"},
           {"core/hub/memory_broker.cc", "core/shard/mailbox.h"},
           {"core/hub/relay.h", "core/shard/mailbox.h"},
           {"core/shard/reactor.cc", "core/ring/ring.h"},
           {"proto/payload.cc", "core/base/bytes.h"},
           {"proto/payload.cc", "proto/error_code.h"},
           {"net/session/session.cc", "proto/command.h"},
           {"net/session/session.cc", "core/hub/hub.h"},
           {"net/nats/nats_broker.cc", "core/shard/inbox.h"},
           {"net/server/server.cc", "net/session/session.h"},
           {"tests/unit/core/hub/hub_test.cc", "net/tcp/connection.h"},
           {"bench/load/load.cc", "net/tcp/connection.h"},
       }) {
    const Findings findings = check_includes({from, including(target)});
    EXPECT_TRUE(findings.empty()) << joined(findings);
  }
  EXPECT_TRUE(check_includes({"core/hub/hub.cc", "#include <liburing.h>\n"}).empty());
}

TEST(TidyIncludes, NamesTheLineAndWhatIsAllowed) {
  const Findings findings =
      check_includes({"core/mem/slab.h", "\n" + including("core/ring/ring.h")});
  ASSERT_EQ(findings.size(), 1U);
  EXPECT_EQ(findings[0],
            "core/mem/slab.h:2: includes core/ring/ring.h against the arrows; core/mem/ may "
            "include core/base/");
}

TEST(TidyShape, LimitsColumnsByCodePoint) {
  const std::string fits(kMaxColumns, 'x');
  EXPECT_TRUE(check_shape({"core/a.cc", fits + "\n"}).empty());
  EXPECT_EQ(check_shape({"core/a.cc", fits + "x\n"}).size(), 1U);
  EXPECT_EQ(check_shape({"dev", fits + "x\n"}).size(), 1U);
  EXPECT_TRUE(check_shape({"core/a.cc", repeated("\u2192", kMaxColumns) + "\n"}).empty());
  EXPECT_TRUE(check_shape({"docs/a.md", fits + "x\n"}).empty()) << "a table row can't be broken";
}

TEST(TidyShape, LimitsLinesOfAFile) {
  EXPECT_TRUE(check_shape({"core/a.cc", repeated("x\n", kMaxFileLines)}).empty());
  EXPECT_EQ(check_shape({"core/a.cc", repeated("x\n", kMaxFileLines + 1)}).size(), 1U);
  EXPECT_TRUE(check_shape({"README.md", repeated("x\n", kMaxFileLines + 1)}).empty());
}

TEST(TidyShape, RefusesTabsTrailingBlanksAndAMissingLineEnd) {
  EXPECT_EQ(check_shape({"core/a.cc", "\tint a;\n"}).size(), 1U);
  EXPECT_EQ(check_shape({"docs/a.md", "text \n"}).size(), 1U);
  EXPECT_EQ(check_shape({"core/a.cc", "int a;\r\n"}).size(), 1U);
  EXPECT_EQ(check_shape({"tests/a.mjs", "a();"}).size(), 1U);
  EXPECT_TRUE(check_shape({"core/a.cc", ""}).empty());
  EXPECT_TRUE(check_shape({"docs/a.png", "\t \n "}).empty());
}

TEST(TidyFunctions, LimitsTheirLines) {
  // Two lines of signature, one of the closing brace.
  const auto function = [](std::size_t lines) {
    return "namespace m {\n\nvoid f(int a,\n       int b) {\n" + repeated("  g();\n", lines - 3) +
           "}\n\n}  // namespace m\n";
  };
  EXPECT_TRUE(check_functions({"core/a.cc", function(kMaxFunctionLines)}).empty());
  const Findings findings = check_functions({"core/a.cc", function(kMaxFunctionLines + 1)});
  ASSERT_EQ(findings.size(), 1U);
  EXPECT_TRUE(findings[0].starts_with({"core/a.cc:3: "})) << findings[0];
}

TEST(TidyFunctions, LeavesClassesAndTablesAlone) {
  const std::string table = "const int table[] = {\n" + repeated("    1,\n", 90) + "};\n";
  EXPECT_TRUE(check_functions({"core/a.cc", table + "void f() {\n}\n"}).empty());
}

struct Word {
  const char* path;
  const char* text;
};

TEST(TidyWords, RefusesTheBannedAndNamesTheReplacement) {
  for (const auto& [path, text] : std::vector<Word>{
           {"core/a.cc", "  assert(a);\n"},
           {"tests/unit/core/a_test.cc", "using namespace std;\n"},
           {"core/shard/reactor.cc", "std::thread t;\n"},
           {"net/nats/nats_broker.cc", "std::jthread t;\n"},
           {"core/shard/mailbox.h", "std::mutex m;\n"},
           {"net/tcp/a.cc", "auto t = std::chrono::steady_clock::now();\n"},
           {"net/tcp/a.cc", "clock_gettime(CLOCK_REALTIME, &t);\n"},
           {"net/tcp/a.cc", "std::this_thread::sleep_for(t);\n"},
           {"net/tcp/a.cc", "auto* a = new Thing();\n"},
           {"net/tcp/a.cc", "throw Error();\n"},
           {"core/a.cc",
            "// FIX"
            "ME later\n"},
           {"docs/a.md",
            "TO"
            "DO: write\n"},
       }) {
    const Findings findings = check_words({path, text});
    ASSERT_EQ(findings.size(), 1U) << path << ": " << text;
    EXPECT_NE(findings[0].find("; use "), std::string::npos) << findings[0];
  }
}

TEST(TidyWords, AllowsThemWhereTheyBelong) {
  for (const auto& [path, text] : std::vector<Word>{
           {"core/a.cc", "static_assert(true);\n"},
           {"core/a.cc", "// a new thread; never assert(this)\n"},
           {"core/a.cc", "const char* a = \"new assert(\";\n"},
           {"core/a.cc", "renew (a);\n"},
           {"core/shard/shard_group.cc", "std::thread t;\n"},
           {"net/nats/nats_link.h", "std::thread t;\n"},
           {"net/server/config.cc", "auto n = std::thread::hardware_concurrency();\n"},
           {"core/shard/inbox.h", "std::mutex m;\n"},
           {"core/time/clock.cc", "clock_gettime(CLOCK_MONOTONIC, &t);\n"},
           {"core/mem/slab.h", "new (at) T();\n"},
           {"tests/support/count.cc", "void* operator new (std::size_t size);\n"},
           {"tests/unit/core/shard/lane_test.cc", "std::thread t;\n"},
           {"tests/e2e/a.test.mjs", "const a = new WebSocket(url);\n"},
       }) {
    const Findings findings = check_words({path, text});
    EXPECT_TRUE(findings.empty()) << joined(findings);
  }
}

TEST(TidyCodeOnly, BlanksCommentsAndLiteralsAndKeepsLines) {
  EXPECT_EQ(code_only("a; // b\nc;"), "a;     \nc;");
  EXPECT_EQ(code_only("a /* b\n c */ d"), "a     \n      d");
  EXPECT_EQ(code_only("f(\"a\\\"b\", 'c')"), "f(      ,    )");
  EXPECT_EQ(code_only("1'000 + 2'000"), "1'000 + 2'000");
  EXPECT_EQ(code_only("R\"x(a\n)\" )x\" b"),
            std::string(5, ' ') + "\n" + std::string(6, ' ') + " b");
  EXPECT_EQ(code_only("\"open\na"), std::string(5, ' ') + "\na");
  EXPECT_EQ(code_only("/* open"), std::string(7, ' '));
}

TEST(TidyHeaders, WantAHeadCommentAndPragmaOnce) {
  EXPECT_TRUE(check_header({"core/a.h", "// A thing.\n#pragma once\n"}).empty());
  EXPECT_EQ(check_header({"core/a.h", "#pragma once\n"}).size(), 1U);
  EXPECT_EQ(check_header({"core/a.h", "// A thing.\n#include <a>\n#pragma once\n"}).size(), 1U);
  EXPECT_EQ(check_header({"core/a.h", "// A thing.\n"}).size(), 1U);
  EXPECT_TRUE(check_header({"core/a.cc", "int a;\n"}).empty());
}

TEST(TidyMarkdown, WantsOneTitle) {
  EXPECT_TRUE(check_markdown({"a.md", "# A\n\n## B\n```\n# no title\n```\n"}).empty());
  EXPECT_EQ(check_markdown({"a.md", "## B\n"}).size(), 1U);
  EXPECT_EQ(check_markdown({"a.md", "# A\n# B\n"}).size(), 1U);
}

TEST(TidyTwins, WantATestBesideEachSource) {
  const std::set<std::string> kept{"net/server/main.cc",
                                   "core/hub/hub.cc",
                                   "core/mem/slab.h",
                                   "bench/load/load.cc",
                                   "tests/unit/core/hub/hub_test.cc",
                                   "tests/unit/core/mem/slab_test.cc",
                                   "tests/support/count.h"};
  EXPECT_TRUE(check_twins(kept).empty()) << joined(check_twins(kept));
  const auto with = [&kept](const std::set<std::string>& more) {
    std::set<std::string> paths = kept;
    paths.insert(more.begin(), more.end());
    return check_twins(paths).size();
  };
  EXPECT_EQ(with({"core/hub/hub_commands.cc"}), 0U) << "a part of the hub";
  EXPECT_EQ(with({"tests/unit/core/hub/hub_limits_test.cc"}), 0U) << "a second test of the hub";
  EXPECT_EQ(with({"tests/unit/core/ring/count_test.cc"}), 0U) << "a test of tests/support";
  EXPECT_EQ(with({"core/hub/hub_sink.h", "core/hub/hub_sink.cc"}), 1U) << "its header wants a test";
  EXPECT_EQ(with({"net/ws/frame.cc"}), 1U) << "no test";
  EXPECT_EQ(with({"tests/unit/net/ws/frame_test.cc"}), 1U) << "a test of nothing";
  EXPECT_EQ(with({"tests/unit/net/hub_test.cc"}), 1U) << "another folder's name";
  EXPECT_EQ(with({"core/hub_table/a.cc"}), 1U) << "a folder's name is no beginning";
  EXPECT_EQ(with({"tests/unit/net/server/main_test.cc"}), 1U) << "a reason left behind";
  EXPECT_EQ(check_twins({}).size(), 1U) << "a reason for what is gone";
}

// --- The tree -----------------------------------------------------------------------------------

bool is_foreign(const fs::path& folder) {
  const std::string name = folder.filename().string();
  return name == ".git" || name == "build" || name == "node_modules" || name == ".cache";
}

std::vector<File> tree() {
  const fs::path root = MILLRACE_SOURCE_DIR;
  std::vector<File> files;
  for (fs::recursive_directory_iterator at(root), end; at != end; ++at) {
    if (at->is_directory() && is_foreign(at->path())) {
      at.disable_recursion_pending();
      continue;
    }
    const std::string path = at->path().lexically_relative(root).generic_string();
    if (!at->is_regular_file() || !is_text(path)) continue;
    std::ostringstream text;
    text << std::ifstream(at->path(), std::ios::binary).rdbuf();
    files.push_back({path, text.str()});
  }
  return files;
}

TEST(TidyTree, KeepsEveryRule) {
  const std::vector<File> files = tree();
  std::set<std::string> paths;
  for (const File& file : files) {
    paths.insert(file.path);
    EXPECT_TRUE(check_file(file).empty()) << joined(check_file(file));
  }
  // Guards against looking at the wrong folder and finding nothing wrong there.
  EXPECT_TRUE(paths.contains("core/base/assert.h")) << MILLRACE_SOURCE_DIR;
  EXPECT_TRUE(check_twins(paths).empty()) << joined(check_twins(paths));
}

}  // namespace
}  // namespace millrace::tidy
