// Random numbers into contiguous memory, equal to PyTorch's for the same generator state. Each function locks
// the generator while it draws. Bad arguments are errors even where there is nothing to fill.
//
// For a tensor that is not contiguous PyTorch draws in the order of its memory (dimensions sorted by stride):
// fill a contiguous block, then copy it there. normal_serial says where that differs.
#pragma once
#include <cstdint>
#include <optional>

#include "core/dtype.h"
#include "core/random.h"

namespace tt::draw {

struct Target {
  DType dtype;
  void* data;
  int64_t count;
};

void uniform(Generator& generator, const Target& out, double from, double to);

void normal(Generator& generator, const Target& out, double mean, double std);
// What normal_() puts into memory that is not contiguous, and normal() into fewer than 16 elements.
void normal_serial(Generator& generator, const Target& out, double mean, double std);

void bernoulli(Generator& generator, const Target& out, double p);
// What dropout multiplies by: 1 / keep with the chance `keep`, else 0; floating types only.
void scaled_bernoulli(Generator& generator, const Target& out, double keep);
// One p per element, in the order of `out`.
void bernoulli(Generator& generator, const Target& out, DType p_dtype, const void* p);

void random(Generator& generator, const Target& out);  // random_(): the range depends on the dtype
// [from, to), and up to the largest value of the dtype without `to`; randint too.
void random(Generator& generator, const Target& out, int64_t from, std::optional<int64_t> to);
void permutation(Generator& generator, const Target& out);

void exponential(Generator& generator, const Target& out, double lambda);
void geometric(Generator& generator, const Target& out, double p);
void cauchy(Generator& generator, const Target& out, double median, double sigma);
void log_normal(Generator& generator, const Target& out, double mean, double std);
// One rate per element, of the dtype of `out`.
void poisson(Generator& generator, const Target& out, const void* rates);

struct MultinomialCall {
  DType dtype;
  const void* weights;  // [rows, categories]
  int64_t rows, categories, samples;
  bool replacement;
  // Weights whose memory runs along the rows first (a transposed matrix): their noise is drawn in that order.
  bool columns_first = false;
  int64_t* out;  // [rows, samples]
};
void multinomial(Generator& generator, const MultinomialCall& call);

}  // namespace tt::draw
