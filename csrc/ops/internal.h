// What the ops share: promotion, broadcasting, allocation of results, out= and in-place destinations.
#pragma once
#include <initializer_list>
#include <optional>
#include <vector>

#include "core/tensor.h"
#include "graph/record.h"
#include "kernels/table.h"

namespace tt {

// Where a result goes: fresh memory, the tensor given as out=, or the very tensor that the op changes.
struct Out {
  const Tensor* target = nullptr;
  bool in_place = false;
  explicit operator bool() const { return target != nullptr; }
};

using Dims = std::optional<Shape>;

// ---- types
DType result_type(std::initializer_list<const Tensor*> inputs);
DType floating_result(DType type);  // integers become the default floating type
void store_scalar(char* to, DType type, const Scalar& value);
Tensor wrapped_number(const Scalar& value);                // 0-dim, takes part in promotion by category only
Tensor number_like(const Tensor& x, const Scalar& value);  // 0-dim, dtype and device of x
Scalar item(const Tensor& x);                              // the value of a one-element tensor

// ---- elementwise: the only place that promotes, broadcasts and allocates for them
Tensor elementwise(Elementwise op, std::initializer_list<const Tensor*> inputs, Out out = {});
// The same with the compute type settled by the caller.
Tensor elementwise_as(Elementwise op, DType compute, std::initializer_list<const Tensor*> inputs,
                      Out out = {});
inline Tensor unary(Elementwise op, const Tensor& x, Out out = {}) { return elementwise(op, {&x}, out); }
inline Tensor binary(Elementwise op, const Tensor& a, const Tensor& b, Out out = {}) {
  return elementwise(op, {&a, &b}, out);
}

// ---- results
// Whether the elements fill a stretch of memory, each place once; dimensions of size 1 do not matter.
bool is_dense(const Tensor& x);
// Strides of a dense tensor whose dimensions lie in memory in the order that the inputs prefer.
Shape preferred_strides(const Shape& sizes, const std::vector<Shape>& input_strides);
// The tensor that out= asks for, resized to the result's sizes, or fresh memory.
Tensor result_tensor(const char* op, Out out, const Shape& sizes, DType dtype, Device device);
// out= does not record: an error where one of the inputs needs a gradient.
void check_unrecorded(const char* op, Out out, std::initializer_list<const Tensor*> inputs);
// For ops without a native destination: puts a finished result where out says.
Tensor deliver(const char* op, Tensor result, Out out);
Device common_device(const char* op, std::initializer_list<const Tensor*> inputs);

// ---- in-place
// `uniform`: every element gets the same value, so that elements may share memory. `recording`: another input
// makes the result part of a graph.
void check_inplace(const char* op, const Tensor& self, bool uniform = false, bool recording = false);
void check_no_overlap(const char* op, const Tensor& written, const Tensor& read);
bool reaches_into(const Tensor& x,
                  const Tensor& y);  // their ranges of memory overlap, and they are not the same
// The tensor as it was, with its place in the graph, for rules that need the value that is about to be
// overwritten.
Tensor snapshot(const Tensor& self);
// Another input of a recorded in-place op: as it was, where it shares memory with what is about to be
// overwritten.
Tensor apart_from(const char* op, const Tensor& self, const Tensor& other);

// Runs body(input, out) so that its result replaces the values of self. `keeps_input` says that the
// derivative reads the old values.
template <class Body>
Tensor in_place(const char* op, const Tensor& self, bool keeps_input, bool recording, Body&& body) {
  check_inplace(op, self, false, recording);
  Tensor input = recording && keeps_input ? snapshot(self) : self;
  Tensor result = body(input, Out{&self, true});
  if (!result.is(self)) return deliver(op, result, Out{&self, true});
  return self;
}

// ---- geometry
Shape expanded_strides(const Tensor& x, const Shape& sizes);
Operand operand_of(const Tensor& x, const Shape& strides);
void copy_values(const Tensor& to,
                 const Tensor& from);  // same sizes; casts and crosses devices; not recorded

}  // namespace tt
