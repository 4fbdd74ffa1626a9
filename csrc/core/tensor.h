// A tensor: a handle to a counted body that says how a storage is to be read.
#pragma once
#include <atomic>
#include <cstdint>

#include "core/dtype.h"
#include "core/error.h"
#include "core/ref.h"
#include "core/scalar.h"
#include "core/shape.h"
#include "core/storage.h"

namespace tt {

class Tensor;

// What autograd hangs on a tensor; the graph room defines it, core only owns it.
struct AutogradState {
  virtual ~AutogradState() = default;
};

// How a view came about decides what may later be done to it in place.
enum class ViewKind : uint8_t { None, Normal, NoGrad, MultiOutput };

struct Body {
  std::atomic<uint32_t> references{1};
  DType dtype = DType::Float32;
  bool requires_grad = false;
  bool contiguous = true;
  bool wrapped_number = false;  // a Python number: it takes part in promotion by its category only
  bool inference = false;       // made under inference_mode
  ViewKind view_kind = ViewKind::None;
  bool python_owned = false;  // the Python object has no other owner than this body
  int64_t offset = 0;         // in elements
  int64_t count = 1;
  Ref<Storage> storage;
  Shape sizes, strides;
  Body* base = nullptr;  // owned: the tensor that a differentiable view looks into, never itself a view
  AutogradState* autograd = nullptr;
  void* python = nullptr;  // the Python object of this body, if there is one
};

void release(Body* body);
void set_python_release(void (*release_python)(void* python));

class Tensor {
 public:
  Tensor() = default;
  explicit Tensor(Ref<Body> body) : body_(std::move(body)) {}

  bool defined() const { return bool(body_); }
  Body* body() const { return body_.get(); }
  const Ref<Body>& ref() const { return body_; }
  bool is(const Tensor& other) const { return body_ == other.body_; }
  bool unique() const { return body_->references.load(std::memory_order_relaxed) == 1; }

  const Shape& sizes() const { return body_->sizes; }
  const Shape& strides() const { return body_->strides; }
  int64_t size(int64_t dim) const { return body_->sizes[wrap_dim("size", dim, rank())]; }
  int64_t stride(int64_t dim) const { return body_->strides[wrap_dim("stride", dim, rank())]; }
  int rank() const { return body_->sizes.size(); }
  int64_t count() const { return body_->count; }
  int64_t offset() const { return body_->offset; }
  DType dtype() const { return body_->dtype; }
  Device device() const { return body_->storage->device; }
  const Ref<Storage>& storage() const { return body_->storage; }
  uint32_t version() const { return body_->storage->version; }
  bool is_contiguous() const { return body_->contiguous; }
  bool is_floating() const { return tt::is_floating(body_->dtype); }
  bool requires_grad() const { return body_->requires_grad; }

  char* bytes() const { return body_->storage->data + body_->offset * size_of(body_->dtype); }
  template <class T>
  T* data() const {
    return reinterpret_cast<T*>(bytes());
  }

 private:
  Ref<Body> body_;
};

// Under inference mode fresh tensors are marked: they stay out of autograd for good.
[[gnu::visibility("default")]] inline thread_local bool inference_mode = false;  // one for all modules

// Fresh memory, uninitialised, row-major.
Tensor empty(const Shape& sizes, DType dtype, Device device = {});
Tensor empty_strided(const Shape& sizes, const Shape& strides, DType dtype, Device device = {});
// Another look at a storage; knows nothing of autograd.
Tensor tensor_over(Ref<Storage> storage, const Shape& sizes, const Shape& strides, int64_t offset,
                   DType dtype);
// Gives an existing body a new geometry (resize_, set_, `x.data = y`).
void set_geometry(const Tensor& x, const Shape& sizes, const Shape& strides, int64_t offset);

void bump_version(const Tensor& x, const char* op);

}  // namespace tt
