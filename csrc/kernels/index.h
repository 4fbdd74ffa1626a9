// The CPU's indexing kernels.
#pragma once
#include "kernels/table.h"

namespace tt {

void cpu_index(const IndexCall& call);
void cpu_places(const PlacesCall& call);
bool cpu_outside(OutsideCall& call);
int64_t cpu_nonzero(const NonzeroCall& call);
void cpu_triangle(const TriangleCall& call);
void cpu_search(const SearchCall& call);

}  // namespace tt
