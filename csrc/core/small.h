// A list whose first N entries live inside it.
#pragma once
#include <cstdint>
#include <initializer_list>
#include <new>
#include <utility>

namespace tt {

template <class T, int N>
class Small {
 public:
  Small() = default;
  explicit Small(int count) { resize(count); }
  Small(std::initializer_list<T> values) {
    for (const T& value : values) push_back(value);
  }
  Small(const Small& other) {
    for (const T& value : other) push_back(value);
  }
  Small(Small&& other) noexcept { take(other); }
  Small& operator=(Small other) noexcept {
    clear();
    take(other);
    return *this;
  }
  ~Small() { clear(); }

  int size() const { return count_; }
  bool empty() const { return count_ == 0; }
  T* begin() { return items_; }
  T* end() { return items_ + count_; }
  const T* begin() const { return items_; }
  const T* end() const { return items_ + count_; }
  T& operator[](int i) { return items_[i]; }
  const T& operator[](int i) const { return items_[i]; }
  T& back() { return items_[count_ - 1]; }

  void push_back(T value) {
    grow(count_ + 1);
    new (items_ + count_++) T(std::move(value));
  }
  void resize(int count) {
    grow(count);
    while (count_ < count) new (items_ + count_++) T();
    shrink(count);
  }
  void clear() {
    shrink(0);
    if (items_ != inline_items()) ::operator delete(items_);
    items_ = inline_items();
    capacity_ = N;
  }

 private:
  T* inline_items() { return reinterpret_cast<T*>(room_); }
  void shrink(int count) {
    while (count_ > count) items_[--count_].~T();
  }
  void grow(int count) {
    if (count <= capacity_) return;
    int capacity = count > 2 * capacity_ ? count : 2 * capacity_;
    T* grown = static_cast<T*>(::operator new(capacity * sizeof(T)));
    for (int i = 0; i < count_; i++) {
      new (grown + i) T(std::move(items_[i]));
      items_[i].~T();
    }
    if (items_ != inline_items()) ::operator delete(items_);
    items_ = grown;
    capacity_ = capacity;
  }
  void take(Small& other) {
    if (other.items_ != other.inline_items()) {
      items_ = std::exchange(other.items_, other.inline_items());
      capacity_ = std::exchange(other.capacity_, N);
      count_ = std::exchange(other.count_, 0);
      return;
    }
    for (T& value : other) push_back(std::move(value));
    other.clear();
  }

  alignas(T) unsigned char room_[N * sizeof(T)];
  T* items_ = inline_items();
  int count_ = 0, capacity_ = N;
};

}  // namespace tt
