// What the indexing ops share: checked indices, destinations, and the way to the kernels.
#pragma once
#include "ops/internal.h"

namespace tt {

// ---- indices
void check_index_type(const char* op, const Tensor& index, bool allows_int32);
Tensor as_int64(const Tensor& index, Device device);
// Every index lies in [low, high), which belongs to dimension `dim` of that size.
void check_bounds(const char* op, ErrorKind kind, const Tensor& index, int64_t low, int64_t high,
                  int64_t dim);

// ---- destinations
// What an op changes that starts from x: x itself in place, else a copy.
enum class Order { contiguous, kept };
Tensor start_from(const Tensor& x, Out out, Order order = Order::contiguous);
// The op's result on its way to out=; nothing to do in place.
Tensor settled(const char* op, const Tensor& result, Out out);
// A number in the dtype of x, refused where it does not fit.
Tensor number_for(const char* op, const Tensor& x, const Scalar& value);
void check_apart(const char* op, const Tensor& written, const Tensor& read);
Tensor at_least_1d(const Tensor& x);  // the same memory; not recorded

// ---- elements that an index picks: those at i through `strides`, moved by step * index[i]
struct Picked {
  Shape sizes;    // of the index space
  Shape strides;  // of the tensor that is indexed
  Tensor index;   // Int64
  Shape index_strides;
  int64_t step = 1, size = 0;
  bool from_end = false;  // negative indices count from the end
};
// The places along a dimension that index[i, j, ...] names for every (i, j, ...), or a vector for whole
// slices.
Picked picked_elements(const Tensor& x, int dim, const Tensor& index);
Picked picked_slices(const Tensor& x, int dim, const Tensor& index, bool from_end = false);
void move_picked(const char* op, IndexMode mode, const Tensor& indexed, const Picked& picked,
                 const Tensor& dense, const Shape& dense_strides);
// y = the picked elements, of dimension `dim` of x; the indices are checked on the way.
void read_picked(const char* op, ErrorKind kind, const Tensor& x, const Picked& picked, const Tensor& y,
                 int64_t dim);
// Changes y at the picked places by a source that broadcasts over them.
void write_picked(const char* op, IndexMode mode, const Tensor& y, const Picked& picked, const Tensor& source,
                  Out out);

// ---- masks
Tensor dense_mask(const Tensor& mask, const Shape& sizes);  // contiguous bool
Tensor mask_places(const char* op, const Tensor& mask);     // of a dense mask: positions in row-major order
Tensor coordinates(const char* op, const Tensor& mask);     // (rank, hits), contiguous

}  // namespace tt
