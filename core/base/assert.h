// Assertions that stay on in release builds, with the values that broke them.
//
// CHECK(cond)          always on; use it for every invariant that is O(1).
// CHECK_EQ(a, b) ...   the same, printing both values.
// DCHECK(cond)         debug builds only; for checks whose cost is not O(1).
//
// A failed check prints one line to stderr and aborts: a process in an unknown state must not go on
// answering clients. They are not for input: what a peer sends is answered, never asserted.
#pragma once

#include <cstdio>
#include <cstdlib>
#include <sstream>
#include <string>
#include <type_traits>

namespace millrace::internal {

[[noreturn]] inline void check_failed(const char* file, int line, const char* text,
                                      const std::string& values) {
  std::fprintf(stderr, "%s:%d: CHECK failed: %s%s%s\n", file, line, text,
               values.empty() ? "" : " with ", values.c_str());
  std::fflush(stderr);
  std::abort();
}

template <typename T>
void print_value(std::ostream& out, const T& value) {
  if constexpr (std::is_enum_v<T>) {
    out << static_cast<long long>(value);
  } else if constexpr (std::is_same_v<T, unsigned char> || std::is_same_v<T, signed char>) {
    out << static_cast<int>(value);
  } else if constexpr (std::is_null_pointer_v<T>) {
    out << "nullptr";
  } else {
    out << value;
  }
}

template <typename A, typename B>
[[noreturn]] void check_op_failed(const char* file, int line, const char* text, const A& a,
                                  const B& b) {
  std::ostringstream out;
  print_value(out, a);
  out << " and ";
  print_value(out, b);
  check_failed(file, line, text, out.str());
}

}  // namespace millrace::internal

#define CHECK(cond)                                                      \
  do {                                                                   \
    if (!(cond)) [[unlikely]] {                                          \
      ::millrace::internal::check_failed(__FILE__, __LINE__, #cond, {}); \
    }                                                                    \
  } while (false)

#define MILLRACE_CHECK_OP(a, op, b)                                                          \
  do {                                                                                       \
    const auto& check_a_ = (a);                                                              \
    const auto& check_b_ = (b);                                                              \
    if (!(check_a_ op check_b_)) [[unlikely]] {                                              \
      ::millrace::internal::check_op_failed(__FILE__, __LINE__, #a " " #op " " #b, check_a_, \
                                            check_b_);                                       \
    }                                                                                        \
  } while (false)

#define CHECK_EQ(a, b) MILLRACE_CHECK_OP(a, ==, b)
#define CHECK_NE(a, b) MILLRACE_CHECK_OP(a, !=, b)
#define CHECK_LT(a, b) MILLRACE_CHECK_OP(a, <, b)
#define CHECK_LE(a, b) MILLRACE_CHECK_OP(a, <=, b)
#define CHECK_GT(a, b) MILLRACE_CHECK_OP(a, >, b)
#define CHECK_GE(a, b) MILLRACE_CHECK_OP(a, >=, b)

#ifdef NDEBUG
#define DCHECK(cond) static_cast<void>(0)
#else
#define DCHECK(cond) CHECK(cond)
#endif
