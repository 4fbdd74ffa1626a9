// How the indexing kernels walk strided operands: in row-major order, with neighbouring dimensions merged
// where every operand allows it.
#pragma once
#include <algorithm>
#include <cstdint>

#include "kernels/table.h"

namespace tt {

template <int operands>
struct IndexWalk {
  int rank = 0;  // at least 1
  char* data[operands];
  int64_t item[operands];  // bytes of an element
  int64_t sizes[max_rank];
  int64_t strides[operands][max_rank];  // bytes

  // With `reorders`, dimensions are walked in the order of operand 0's strides. False when the index space is
  // empty.
  bool build(int call_rank, const int64_t* call_sizes, const Operand* const* call, bool reorders) {
    for (int k = 0; k < operands; k++) {
      data[k] = call[k]->data;
      item[k] = size_of(call[k]->dtype);
    }
    for (int d = 0; d < call_rank; d++) {
      if (call_sizes[d] == 0) return false;
      if (call_sizes[d] == 1) continue;
      int at = rank++;
      for (; reorders && at > 0 && strides[0][at - 1] < call[0]->strides[d] * item[0]; at--) {
        sizes[at] = sizes[at - 1];
        for (int k = 0; k < operands; k++) strides[k][at] = strides[k][at - 1];
      }
      sizes[at] = call_sizes[d];
      for (int k = 0; k < operands; k++) strides[k][at] = call[k]->strides[d] * item[k];
    }
    if (rank == 0) {
      rank = 1;
      sizes[0] = 1;
      for (int k = 0; k < operands; k++) strides[k][0] = item[k];
    }
    merge();
    return true;
  }

  int64_t count() const {
    int64_t n = 1;
    for (int d = 0; d < rank; d++) n *= sizes[d];
    return n;
  }
  int64_t inner() const { return sizes[rank - 1]; }
  int64_t inner_stride(int k) const { return strides[k][rank - 1]; }

  // The walk over [first, last) of dimension d alone.
  IndexWalk part(int d, int64_t first, int64_t last) const {
    IndexWalk walk = *this;
    walk.sizes[d] = last - first;
    for (int k = 0; k < operands; k++) walk.data[k] += first * strides[k][d];
    return walk;
  }

  // Calls body(data) at the start of every row of the innermost dimension.
  template <class Body>
  void each_row(Body&& body) const {
    char* at[operands];
    std::copy(data, data + operands, at);
    int64_t position[max_rank] = {};
    while (true) {
      body(at);
      int d = rank - 2;
      for (; d >= 0; d--) {
        for (int k = 0; k < operands; k++) at[k] += strides[k][d];
        if (++position[d] < sizes[d]) break;
        position[d] = 0;
        for (int k = 0; k < operands; k++) at[k] -= sizes[d] * strides[k][d];
      }
      if (d < 0) return;
    }
  }

 private:
  void merge() {
    int merged = 0;
    for (int d = 1; d < rank; d++) {
      bool joins = true;
      for (int k = 0; k < operands; k++) joins &= strides[k][merged] == strides[k][d] * sizes[d];
      if (!joins) merged++;
      sizes[merged] = joins ? sizes[merged] * sizes[d] : sizes[d];
      for (int k = 0; k < operands; k++) strides[k][merged] = strides[k][d];
    }
    rank = merged + 1;
  }
};

}  // namespace tt
