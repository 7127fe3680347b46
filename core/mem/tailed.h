// An object with bytes behind it, in one allocation: for what is kept in great numbers, each with a
// name or a payload of its own length.
//
// Owner: who holds the Tailed, on any thread. The tail's length is the object's to know, and what
// stands in the tail is bytes: nothing is constructed or destroyed there. Limit: the caller's.
#pragma once

#include <cstddef>
#include <limits>
#include <memory>
#include <new>
#include <utility>

#include "core/base/assert.h"

namespace millrace {

struct TailedDelete {
  template <typename T>
  void operator()(T* object) const {
    object->~T();
    ::operator delete(static_cast<void*>(object));
  }
};

template <typename T>
using Tailed = std::unique_ptr<T, TailedDelete>;

// `tail` bytes stand behind it; what is in them is the maker's to write.
template <typename T, typename... Args>
[[nodiscard]] Tailed<T> make_tailed(std::size_t tail, Args&&... args) {
  static_assert(alignof(T) <= __STDCPP_DEFAULT_NEW_ALIGNMENT__);
  CHECK_LE(tail, std::numeric_limits<std::size_t>::max() - sizeof(T));
  void* memory = ::operator new(sizeof(T) + tail);
  return Tailed<T>(new (memory) T(std::forward<Args>(args)...));
}

template <typename T>
[[nodiscard]] char* tail_of(T& object) {
  return reinterpret_cast<char*>(&object) + sizeof(T);
}
template <typename T>
[[nodiscard]] const char* tail_of(const T& object) {
  return reinterpret_cast<const char*>(&object) + sizeof(T);
}

}  // namespace millrace
