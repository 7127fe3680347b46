#include "tests/conformance/harness/child.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <utility>

#include "core/base/assert.h"

namespace millrace::conformance {
namespace {

struct Spawned {
  pid_t pid;
  int output;  // what it says on standard output, and on standard error if that was asked for
};

Spawned spawn(std::vector<std::string> command, bool with_errors) {
  std::array<int, 2> pipe_ends{};
  CHECK_EQ(pipe2(pipe_ends.data(), O_CLOEXEC), 0);
  std::vector<char*> arguments;
  for (std::string& word : command) arguments.push_back(word.data());
  arguments.push_back(nullptr);
  const pid_t pid = fork();
  CHECK_GE(pid, 0);
  if (pid == 0) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    dup2(pipe_ends[1], STDOUT_FILENO);
    if (with_errors) dup2(pipe_ends[1], STDERR_FILENO);
    execv(arguments[0], arguments.data());
    _exit(127);
  }
  ::close(pipe_ends[1]);
  return {pid, pipe_ends[0]};
}

// Until `mark` is in it, or its end.
std::string read_until(int fd, const std::string& mark) {
  std::string text;
  std::array<char, 512> room{};
  while (mark.empty() || text.find(mark) == std::string::npos) {
    const ssize_t got = read(fd, room.data(), room.size());
    if (got <= 0) break;
    text.append(room.data(), static_cast<std::size_t>(got));
  }
  return text;
}

int exit_code_of(pid_t pid) {
  int status = 0;
  CHECK_EQ(waitpid(pid, &status, 0), pid);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

}  // namespace

Child::Child(std::vector<std::string> command) {
  const std::string name = command[0];
  const Spawned spawned = spawn(std::move(command), false);
  pid_ = spawned.pid;
  const std::string line = read_until(spawned.output, "\n");
  ::close(spawned.output);
  const std::string mark = " ready listen=";
  const std::size_t at = line.find(mark);
  if (at == std::string::npos) {
    std::fprintf(stderr, "%s did not get ready: \"%s\"\n", name.c_str(), line.c_str());
    CHECK(false);
  }
  address_ = line.substr(at + mark.size());
  address_ = address_.substr(0, address_.find_first_of(" \n"));
}

Child::~Child() {
  if (pid_ != 0) stop(SIGKILL);
}

int Child::stop(int signal) {
  CHECK_GT(pid_, 0);
  kill(pid_, signal);
  return exit_code_of(std::exchange(pid_, 0));
}

Finished run_to_end(std::vector<std::string> command) {
  const Spawned spawned = spawn(std::move(command), true);
  Finished finished;
  finished.output = read_until(spawned.output, "");
  ::close(spawned.output);
  finished.exit_code = exit_code_of(spawned.pid);
  return finished;
}

}  // namespace millrace::conformance
