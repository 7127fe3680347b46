// Holds one thread of another process still for a while: a stall that is not of that process's own
// making.
//
//   freeze_thread PID NAME MS     NAME as in /proc/PID/task/*/comm, such as shard-1
//
// Says `frozen` when the thread is.
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <time.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>

namespace {

// 0 if there is none of that name.
int thread_of(const std::string& pid, const std::string& name) {
  for (const auto& task : std::filesystem::directory_iterator("/proc/" + pid + "/task")) {
    std::ifstream comm(task.path() / "comm");
    std::string found;
    if (std::getline(comm, found) && found == name) return std::stoi(task.path().filename());
  }
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 4) {
    std::fputs("usage: freeze_thread PID NAME MS\n", stderr);
    return 64;
  }
  const int thread = thread_of(argv[1], argv[2]);
  if (thread == 0) {
    std::fprintf(stderr, "freeze_thread: process %s has no thread %s\n", argv[1], argv[2]);
    return 1;
  }
  if (ptrace(PTRACE_SEIZE, thread, nullptr, nullptr) != 0 ||
      ptrace(PTRACE_INTERRUPT, thread, nullptr, nullptr) != 0 ||
      waitpid(thread, nullptr, __WALL) != thread) {
    std::perror("freeze_thread: the thread can't be stopped");
    return 1;
  }
  std::puts("frozen");
  std::fflush(stdout);
  const long ms = std::strtol(argv[3], nullptr, 10);
  const timespec span{.tv_sec = ms / 1'000, .tv_nsec = ms % 1'000 * 1'000'000};
  nanosleep(&span, nullptr);
  if (ptrace(PTRACE_DETACH, thread, nullptr, nullptr) == 0) return 0;
  std::perror("freeze_thread: the thread can't be let go");
  return 1;
}
