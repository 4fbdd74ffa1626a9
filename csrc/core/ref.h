// An intrusive reference: the counted object carries `references` and says how it goes by release(T*).
#pragma once
#include <atomic>
#include <cstdint>
#include <utility>

namespace tt {

template <class T>
class Ref {
 public:
  Ref() = default;
  Ref(std::nullptr_t) {}
  explicit Ref(T* object) : object_(object) { retain(); }
  Ref(const Ref& other) : object_(other.object_) { retain(); }
  Ref(Ref&& other) noexcept : object_(std::exchange(other.object_, nullptr)) {}
  template <class U>
  Ref(const Ref<U>& other) : object_(other.get()) {
    retain();
  }
  Ref& operator=(Ref other) noexcept {
    std::swap(object_, other.object_);
    return *this;
  }
  ~Ref() { drop(); }

  static Ref adopt(T* object) {  // takes over a reference that the caller holds
    Ref ref;
    ref.object_ = object;
    return ref;
  }
  T* surrender() { return std::exchange(object_, nullptr); }

  T* get() const { return object_; }
  T* operator->() const { return object_; }
  T& operator*() const { return *object_; }
  explicit operator bool() const { return object_ != nullptr; }
  bool operator==(const Ref& other) const { return object_ == other.object_; }

 private:
  void retain() {
    if (object_) object_->references.fetch_add(1, std::memory_order_relaxed);
  }
  void drop() {
    if (object_ && object_->references.fetch_sub(1, std::memory_order_acq_rel) == 1) release(object_);
  }
  T* object_ = nullptr;
};

}  // namespace tt
