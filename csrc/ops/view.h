#pragma once
#include "ops/internal.h"

namespace tt {

// Every function here returns a view: it shares the storage of x, and gradients flow through it both ways.
Tensor as_strided(const Tensor& x, const Shape& sizes, const Shape& strides,
                  std::optional<int64_t> offset = {});
Tensor view(const Tensor& x, const Shape& sizes);     // -1 once; an error when the memory does not allow it
Tensor view_as_dtype(const Tensor& x, DType dtype);   // reinterprets the bytes
Tensor reshape(const Tensor& x, const Shape& sizes);  // a view where possible, else a copy
Tensor transpose(const Tensor& x, int64_t dim0, int64_t dim1);
Tensor t(const Tensor& x);
Tensor numpy_T(const Tensor& x);  // all dimensions reversed
Tensor permute(const Tensor& x, const Shape& dims);
Tensor movedim(const Tensor& x, const Shape& source, const Shape& destination);
Tensor expand(const Tensor& x, const Shape& sizes);  // -1 keeps a size
Tensor squeeze(const Tensor& x);
Tensor squeeze(const Tensor& x, const Shape& dims);
Tensor unsqueeze(const Tensor& x, int64_t dim);
Tensor select(const Tensor& x, int64_t dim, int64_t index);
Tensor slice(const Tensor& x, int64_t dim, std::optional<int64_t> start, std::optional<int64_t> end,
             int64_t step = 1);
Tensor narrow(const Tensor& x, int64_t dim, int64_t start, int64_t length);
Tensor unfold(const Tensor& x, int64_t dim, int64_t size, int64_t step);
Tensor diagonal(const Tensor& x, int64_t offset, int64_t dim1, int64_t dim2);
Tensor flatten(const Tensor& x, int64_t start, int64_t end);  // a copy where it must be
Tensor unflatten(const Tensor& x, int64_t dim, const Shape& sizes);
Tensor detach(const Tensor& x);
Tensor alias(const Tensor& x);
std::vector<Tensor> split(const Tensor& x, int64_t size, int64_t dim);
std::vector<Tensor> split(const Tensor& x, const Shape& sizes, int64_t dim);
std::vector<Tensor> chunk(const Tensor& x, int64_t chunks, int64_t dim);
std::vector<Tensor> tensor_split(const Tensor& x, int64_t sections, int64_t dim);
std::vector<Tensor> tensor_split(const Tensor& x, const Shape& indices, int64_t dim);
std::vector<Tensor> unbind(const Tensor& x, int64_t dim);

// A view of any geometry that is known to lie within x; not recorded.
Tensor view_geometry(const Tensor& x, const Shape& sizes, const Shape& strides, int64_t offset,
                     ViewKind kind = ViewKind::Normal);

// In-place changes of the geometry.
Tensor squeeze_(const Tensor& self, const Dims& dims);
Tensor unsqueeze_(const Tensor& self, int64_t dim);
Tensor transpose_(const Tensor& self, int64_t dim0, int64_t dim1);
Tensor t_(const Tensor& self);
Tensor detach_(const Tensor& self);

Shape infer_size(const char* op, const Shape& sizes, int64_t count);  // fills in a -1

}  // namespace tt
