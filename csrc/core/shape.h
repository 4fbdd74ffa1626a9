// A short list of int64: sizes, strides, dimensions. Six fit inline, more go to the heap.
#pragma once
#include <algorithm>
#include <cstdint>
#include <initializer_list>
#include <iterator>
#include <ostream>
#include <string>

namespace tt {

class Shape {
 public:
  static constexpr int inline_capacity = 6;

  Shape() = default;
  Shape(std::initializer_list<int64_t> values) { assign(values.begin(), int(values.size())); }
  Shape(const int64_t* values, int count) { assign(values, count); }
  Shape(const Shape& other) { assign(other.data(), other.count_); }
  Shape(Shape&& other) noexcept { take(other); }
  Shape& operator=(const Shape& other) {
    if (this != &other) assign(other.data(), other.count_);
    return *this;
  }
  Shape& operator=(Shape&& other) noexcept {
    if (this != &other) {
      release();
      take(other);
    }
    return *this;
  }
  ~Shape() { release(); }

  static Shape filled(int count, int64_t value) {
    Shape shape;
    shape.resize(count, value);
    return shape;
  }

  int size() const { return count_; }
  bool empty() const { return count_ == 0; }
  int64_t* data() { return capacity_ > inline_capacity ? heap_ : local_; }
  const int64_t* data() const { return capacity_ > inline_capacity ? heap_ : local_; }
  int64_t* begin() { return data(); }
  int64_t* end() { return data() + count_; }
  const int64_t* begin() const { return data(); }
  const int64_t* end() const { return data() + count_; }
  int64_t& operator[](int i) { return data()[i]; }
  int64_t operator[](int i) const { return data()[i]; }
  int64_t& back() { return data()[count_ - 1]; }
  int64_t back() const { return data()[count_ - 1]; }

  void push_back(int64_t value) {
    reserve(count_ + 1);
    data()[count_++] = value;
  }
  void insert(int at, int64_t value) {
    push_back(value);
    std::rotate(begin() + at, end() - 1, end());
  }
  void erase(int at) {
    std::copy(begin() + at + 1, end(), begin() + at);
    count_--;
  }
  void resize(int count, int64_t value = 0) {
    reserve(count);
    if (count > count_) std::fill(data() + count_, data() + count, value);
    count_ = count;
  }
  void clear() { count_ = 0; }
  bool contains(int64_t value) const { return std::find(begin(), end(), value) != end(); }

  bool operator==(const Shape& other) const {
    return count_ == other.count_ && std::equal(begin(), end(), other.begin());
  }

 private:
  void assign(const int64_t* values, int count) {
    count_ = 0;
    reserve(count);
    std::copy(values, values + count, data());
    count_ = count;
  }
  void reserve(int count) {
    if (count <= capacity_) return;
    int capacity = std::max(count, 2 * capacity_);
    int64_t* grown = new int64_t[capacity];
    std::copy(data(), data() + count_, grown);
    release();
    heap_ = grown;
    capacity_ = capacity;
  }
  void take(Shape& other) {
    count_ = other.count_;
    capacity_ = other.capacity_;
    if (other.capacity_ > inline_capacity) {
      heap_ = other.heap_;
      other.capacity_ = inline_capacity;
    } else {
      std::copy(other.local_, other.local_ + count_, local_);
    }
    other.count_ = 0;
  }
  void release() {
    if (capacity_ > inline_capacity) delete[] heap_;
    capacity_ = inline_capacity;
  }

  int count_ = 0, capacity_ = inline_capacity;
  union {
    int64_t local_[inline_capacity];
    int64_t* heap_;
  };
};

std::ostream& operator<<(std::ostream& stream, const Shape& shape);  // (2, 3), (4,), ()

int64_t element_count(const char* op, const Shape& sizes);  // checks negative sizes and overflow
inline int64_t product(const Shape& sizes) {
  int64_t count = 1;
  for (int64_t size : sizes) count *= size;
  return count;
}
Shape contiguous_strides(const Shape& sizes);
bool is_contiguous(const Shape& sizes, const Shape& strides);
Shape broadcast(const char* op, const Shape& a, const Shape& b);
bool expandable(const Shape& from, const Shape& to);

// A dimension counted from either end, checked: dim in [-rank, rank - 1]; a 0-dim tensor accepts -1 and 0.
int wrap_dim(const char* op, int64_t dim, int rank);
// The same for a list, each dimension at most once. An empty list stays empty.
Shape wrap_dims(const char* op, const Shape& dims, int rank);

}  // namespace tt
