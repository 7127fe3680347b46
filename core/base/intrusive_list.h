// A list through its elements: linking and unlinking are O(1) and allocate nothing.
//
// The list owns nothing: it is part of who orders the elements, on the same shard. An element
// unlinks before it dies, and is in at most one list by each of its links. No limit but that of who
// makes elements. It is no container: it does not count, and finds nothing. Not thread-safe.
#pragma once

#include "core/base/assert.h"

namespace millrace {

template <typename T>
struct ListLink {
  T* prev = nullptr;
  T* next = nullptr;
};

template <typename T, ListLink<T> T::*kLink>
class IntrusiveList {
 public:
  [[nodiscard]] bool empty() const { return head_ == nullptr; }
  // nullptr if there is none.
  [[nodiscard]] T* front() const { return head_; }
  [[nodiscard]] static T* next(const T& item) { return (item.*kLink).next; }

  // REQUIRES: the item is in no list by this link.
  void push_front(T& item) {
    (item.*kLink) = {nullptr, head_};
    (head_ == nullptr ? tail_ : (head_->*kLink).prev) = &item;
    head_ = &item;
  }
  void push_back(T& item) {
    (item.*kLink) = {tail_, nullptr};
    (tail_ == nullptr ? head_ : (tail_->*kLink).next) = &item;
    tail_ = &item;
  }
  // REQUIRES: the item is in this list.
  void remove(T& item) {
    ListLink<T>& link = item.*kLink;
    CHECK(link.prev == nullptr ? head_ == &item : (link.prev->*kLink).next == &item);
    CHECK(link.next == nullptr ? tail_ == &item : (link.next->*kLink).prev == &item);
    (link.prev == nullptr ? head_ : (link.prev->*kLink).next) = link.next;
    (link.next == nullptr ? tail_ : (link.next->*kLink).prev) = link.prev;
    link = {};
  }

 private:
  T* head_ = nullptr;
  T* tail_ = nullptr;
};

}  // namespace millrace
