// A server of the tests' own as a child process: millrace-echo, or the one that is wrong on
// purpose.
//
// It dies with the object, and with the thread that made it too. Whatever can't be done fails a
// CHECK.
#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

namespace millrace::conformance {

class Child {
 public:
  // Started, and ready: it has said "... ready listen=ADDR:PORT".
  explicit Child(std::vector<std::string> command);
  ~Child();
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;

  [[nodiscard]] const std::string& address() const { return address_; }
  [[nodiscard]] pid_t pid() const { return pid_; }
  // Ends it with `signal`: its exit code, or -1 if it did not exit by itself.
  int stop(int signal);

 private:
  pid_t pid_ = 0;  // 0: none
  std::string address_;
};

// Runs it to its end.
struct Finished {
  int exit_code = -1;
  std::string output;  // what it said on either stream
};
Finished run_to_end(std::vector<std::string> command);

}  // namespace millrace::conformance
