#include "core/tensor.h"

#include <new>

#include "core/allocator.h"

namespace tt {

static void (*release_python)(void*) = nullptr;
void set_python_release(void (*release)(void*)) { release_python = release; }

static Ref<Body> new_body() { return Ref<Body>::adopt(new (allocate_bytes(sizeof(Body))) Body); }

void release(Body* body) {
  if (body->python_owned) release_python(body->python);
  delete body->autograd;
  Ref<Body>::adopt(body->base);
  body->~Body();
  free_bytes(body, sizeof(Body));
}

void set_geometry(const Tensor& x, const Shape& sizes, const Shape& strides, int64_t offset) {
  Body& body = *x.body();
  body.sizes = sizes;
  body.strides = strides;
  body.offset = offset;
  body.count = product(sizes);
  body.contiguous = is_contiguous(sizes, strides);
}

Tensor tensor_over(Ref<Storage> storage, const Shape& sizes, const Shape& strides, int64_t offset,
                   DType dtype) {
  Tensor x(new_body());
  x.body()->storage = std::move(storage);
  x.body()->dtype = dtype;
  set_geometry(x, sizes, strides, offset);
  return x;
}

Tensor empty(const Shape& sizes, DType dtype, Device device) {
  int64_t count = element_count("empty", sizes);
  Tensor x(new_body());
  Body& body = *x.body();
  body.storage = new_storage(count * size_of(dtype), device);
  body.dtype = dtype;
  body.count = count;
  body.sizes = sizes;
  body.strides = contiguous_strides(sizes);
  body.inference = inference_mode;
  return x;
}

Tensor empty_strided(const Shape& sizes, const Shape& strides, DType dtype, Device device) {
  int64_t extent = element_count("empty_strided", sizes) ? 1 : 0;
  for (int i = 0; extent && i < sizes.size(); i++) extent += (sizes[i] - 1) * strides[i];
  Tensor x = tensor_over(new_storage(extent * size_of(dtype), device), sizes, strides, 0, dtype);
  x.body()->inference = inference_mode;
  return x;
}

void bump_version(const Tensor& x, const char* op) {
  x.storage()->version++;
  x.storage()->last_writer = op;
}

}  // namespace tt
