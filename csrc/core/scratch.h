// Working memory for kernels: each thread keeps what it once needed, so a kernel called again allocates
// nothing.
#pragma once
#include <cstdint>

namespace tt {

void* take_scratch(int64_t bytes);  // 64-byte aligned, not cleared; Error(Memory) when there is none
void return_scratch();              // the one taken last by this thread

// Scratch may be taken while other scratch is held: they come and go like stack frames.
class Scratch {
 public:
  [[gnu::always_inline]] explicit Scratch(int64_t bytes) : data_(take_scratch(bytes)) {}
  [[gnu::always_inline]] ~Scratch() { return_scratch(); }
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;

  template <class T>
  [[gnu::always_inline]] T* as() const {
    return static_cast<T*>(data_);
  }

 private:
  void* data_;
};

}  // namespace tt
