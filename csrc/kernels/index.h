// The CPU's indexing kernels: the drivers, and what they ask of an instruction set.
#pragma once
#include "kernels/select.h"
#include "kernels/table.h"

namespace tt {

// n elements; element i of operand k (dense, indexed, index) is at data[k] + i * steps[k], that of `indexed`
// moved by step bytes times its index, to which size is added where it is negative. Steps in bytes.
struct IndexRow {
  char* data[3];
  int64_t steps[3];
  int64_t n, step, size;
  const char* next =
      nullptr;  // what the row after this one reads, to be fetched in time; its index is unchecked
};

struct IndexTable {
  void (*row[6][dtype_count])(const IndexRow&);  // by mode
  bool (*outside)(const char* index, int64_t stride, int64_t n, int64_t low, int64_t high);
};

TT_TABLE(IndexTable, index_table)

void cpu_index(const IndexCall& call);
bool cpu_checked_get(const IndexCall& call, int64_t low, int64_t high);
void cpu_places(const PlacesCall& call);
bool cpu_outside(OutsideCall& call);
int64_t cpu_nonzero(const NonzeroCall& call);
void cpu_triangle(const TriangleCall& call);
void cpu_search(const SearchCall& call);

}  // namespace tt
