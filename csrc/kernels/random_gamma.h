// Draws that take gamma numbers, and the binomial distribution. Like kernels/random.h: equal to PyTorch's for
// the same generator state, into contiguous memory.
#pragma once
#include "kernels/random.h"

namespace tt::draw {

// One shape parameter per element, of the dtype of `out`.
void standard_gamma(Generator& generator, const Target& out, const void* shapes);
// Rows of `categories` numbers that sum to 1.
void dirichlet(Generator& generator, const Target& out, const void* concentrations, int64_t categories);
// One count and one chance per element, of the dtype of `out`.
void binomial(Generator& generator, const Target& out, const void* counts, const void* chances);

}  // namespace tt::draw
