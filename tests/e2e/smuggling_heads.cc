// The heads of tests/unit/net/http/smuggling_cases.h, a line each, every byte as two hexadecimal
// digits, for the test that sends them through proxies (tests/e2e/proxies.test.mjs).
#include <cstdio>

#include "tests/unit/net/http/smuggling_cases.h"

int main() {
  for (const millrace::SmugglingCase& one : millrace::smuggling_cases()) {
    for (const char byte : one.head) std::printf("%02x", static_cast<unsigned char>(byte));
    std::printf("\n");
  }
  return 0;
}
