// conformance_test: GoogleTest's tests, or the cases by hand.
//
//   conformance_test --list                          every case
//   conformance_test --all | --case ID...            against a millrace-echo of its own
//                    [--against ADDR:PORT] [--full]  against that server; all 1,000 messages
#include <gtest/gtest.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <memory>

#include "net/server/listen_address.h"
#include "tests/conformance/harness/child.h"
#include "tests/conformance/harness/report.h"

namespace millrace::conformance {
namespace {

constexpr std::size_t kFullMessages = 1'000;

struct Arguments {
  bool list = false;
  bool all = false;
  bool full = false;
  std::vector<std::string> ids;
  std::string against;

  [[nodiscard]] bool any() const { return list || all || !ids.empty() || !against.empty(); }
};

void list() {
  for (const Case& one : all_cases()) {
    std::printf("%-8s %s\n", one.id.c_str(), one.description.c_str());
  }
}

int complain(const std::string& text) {
  std::fprintf(stderr, "conformance_test: %s\n", text.c_str());
  return 64;
}

int run(const Arguments& arguments) {
  if (!arguments.against.empty() && !parse_listen_address(arguments.against)) {
    return complain("--against wants a numeric address and a port, such as 127.0.0.1:9001");
  }
  std::vector<const Case*> cases;
  for (const std::string& id : arguments.ids) {
    cases.push_back(find_case(id));
    if (cases.back() == nullptr) return complain("no case " + id + "; --list names all");
  }
  if (cases.empty()) cases = pointers_to_all();
  std::unique_ptr<Child> echo;
  RunOptions options;
  options.address = arguments.against;
  if (options.address.empty()) {
    echo =
        std::make_unique<Child>(std::vector<std::string>{MILLRACE_ECHO, "--listen", "127.0.0.1:0"});
    options.address = echo->address();
  }
  if (arguments.full) options.effort.messages = kFullMessages;
  const Report report = run_cases(cases, options);
  for (const Result& result : report.results) std::printf("%s\n", line_of(result).c_str());
  std::printf("%s\n", report.summary().c_str());
  return report.count(Verdict::kFailed) == 0 ? 0 : 1;
}

int main_of(int argc, char** argv) {
  testing::InitGoogleTest(&argc, argv);
  CLI::App app("The conformance cases by hand; without arguments, GoogleTest's tests");
  Arguments arguments;
  app.add_flag("--list", arguments.list, "list the cases");
  app.add_flag("--all", arguments.all, "run all cases");
  app.add_flag("--full", arguments.full, "1,000 messages where the tests send 50");
  app.add_option("--case", arguments.ids, "run these cases");
  app.add_option("--against", arguments.against, "the server, ADDR:PORT; else millrace-echo");
  CLI11_PARSE(app, argc, argv);
  if (!arguments.any()) return RUN_ALL_TESTS();
  if (!arguments.list) return run(arguments);
  list();
  return 0;
}

}  // namespace
}  // namespace millrace::conformance

int main(int argc, char** argv) { return millrace::conformance::main_of(argc, argv); }
