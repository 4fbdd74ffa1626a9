#include "ops/attention.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "kernels/attention_call.h"
#include "kernels/network.h"
#include "ops/ops.h"

namespace tt {
namespace {

constexpr const char* name = "scaled_dot_product_attention";

struct Attention {
  double scale;
  bool causal;
  bool shares_heads;  // several heads of queries use one of keys and values
};

// ---------------------------------------------------------------- checks

Shape leading(const Tensor& x) { return Shape(x.sizes().data(), x.rank() - 2); }

void check_operands(const Tensor& q, const Tensor& k, const Tensor& v) {
  check(q.rank() >= 2 && k.rank() >= 2 && v.rank() >= 2, name,
        ": Expected query, key, and value to all be at least 2 dimensional, but got query.dim: ", q.rank(),
        " key.dim: ", k.rank(), " and value.dim: ", v.rank());
  check(q.dtype() == k.dtype() && q.dtype() == v.dtype(), name,
        ": Expected query, key, and value to have the same dtype, but got query.dtype: ", name_of(q.dtype()),
        " key.dtype: ", name_of(k.dtype()), " and value.dtype: ", name_of(v.dtype()));
  common_device(name, {&q, &k, &v});
  check_floating(name, q);
  check(q.size(-1) == k.size(-1), name, ": the last sizes of query and key differ, got ", q.sizes(), " and ",
        k.sizes());
  check(k.size(-2) == v.size(-2), name, ": key and value differ in length, got ", k.sizes(), " and ",
        v.sizes());
}

void check_mask(const Tensor& mask, const Tensor& q) {
  const bool fits =
      mask.dtype() == DType::Bool || mask.dtype() == q.dtype() || mask.dtype() == DType::Float32;
  check(fits && (mask.dtype() != DType::Float32 || q.dtype() != DType::Float64), name,
        ": Expected attn_mask dtype to be bool or float or to match query dtype, but got attn_mask.dtype: ",
        name_of(mask.dtype()), " and query.dtype: ", name_of(q.dtype()));
  common_device(name, {&mask, &q});
}

// ---------------------------------------------------------------- from recorded ops

// The heads of keys and values, each as often as it has heads of queries.
Tensor for_each_query_head(const Tensor& x, const Tensor& q, const Attention& a) {
  return a.shares_heads ? repeat_interleave(x, q.size(-3) / x.size(-3), -3, std::nullopt) : x;
}

Tensor causal_bias(const Tensor& scores) {
  Tensor hidden = full({scores.size(-2), scores.size(-1)}, -std::numeric_limits<double>::infinity(),
                       scores.dtype(), scores.device());
  return triu(hidden, 1);
}

Tensor probabilities(const Tensor& q, const Tensor& k, const Tensor& mask, const Attention& a) {
  Tensor scores = times(matmul(q, transpose(k, -2, -1)), a.scale);
  if (a.causal) scores = add(scores, causal_bias(scores));
  if (!mask.defined()) return softmax(scores, -1);
  scores = add(scores, mask);
  const Scalar lowest = -std::numeric_limits<double>::infinity();
  Tensor blind = all(eq(detach(scores), wrapped_number(lowest)), Shape{-1}, true);
  return masked_fill(softmax(masked_fill(scores, blind, Scalar(0)), -1), blind, Scalar(0));
}

Tensor composed(const Tensor& q, const Tensor& k, const Tensor& v, const Tensor& mask, const Attention& a,
                double dropout_p) {
  Tensor keys = for_each_query_head(k, q, a), values = for_each_query_head(v, q, a);
  Tensor p = probabilities(q, keys, mask, a);
  return matmul(dropout_p > 0 ? dropout(p, dropout_p, true) : p, values);
}

// Sums over the heads of queries that share a head.
Tensor per_key_head(const Tensor& g, const Tensor& x) {
  if (g.sizes() == x.sizes()) return g;
  Shape sizes = x.sizes();
  const int head = sizes.size() - 3;
  sizes.insert(head + 1, g.sizes()[head] / sizes[head]);
  return sum(reshape(g, sizes), Shape{head + 1});
}

Gradients composed_backward(const Tensor& g, const Tensor& q, const Tensor& k, const Tensor& v,
                            const Tensor& mask, const Attention& a) {
  const Tensor keys = for_each_query_head(k, q, a), values = for_each_query_head(v, q, a);
  const Tensor p = probabilities(q, keys, mask, a), to_p = matmul(g, transpose(values, -2, -1));
  const Tensor product = mul(p, to_p);
  const Tensor to_scores = times(sub(product, mul(p, sum(product, Shape{-1}, true))), a.scale);
  return {matmul(to_scores, keys), per_key_head(matmul(transpose(to_scores, -2, -1), q), k),
          per_key_head(matmul(transpose(p, -2, -1), g), v)};
}

// ---------------------------------------------------------------- by the kernel

template <class Data>
HeadMatrices<Data> heads_of(const Tensor& x) {
  if (!x.defined()) return {};
  const int rank = x.rank();
  auto stride = [&](int dim) {
    return rank < dim || x.sizes()[rank - dim] == 1 ? 0 : x.strides()[rank - dim];
  };
  return {x.bytes(), stride(4), stride(3), stride(2)};
}

// A tensor whose rows are contiguous.
Tensor with_rows(const Tensor& x) {
  return x.strides().back() == 1 || x.sizes().back() <= 1 ? x : contiguous(x);
}

AttentionShape shape_of(const Tensor& q, const Tensor& k, const Tensor& v, const Tensor& mask,
                        const Attention& a) {
  auto size = [](const Tensor& x, int dim) { return x.rank() < dim ? 1 : x.sizes()[x.rank() - dim]; };
  return {q.dtype(),
          size(q, 4),
          size(q, 3),
          size(q, 3) / size(k, 3),
          size(q, 2),
          size(k, 2),
          size(q, 1),
          size(v, 1),
          a.scale,
          a.causal,
          heads_of<const void>(q),
          heads_of<const void>(k),
          heads_of<const void>(v),
          heads_of<const void>(mask)};
}

// A result with contiguous rows, and the dimensions of a batch of heads in the order in which x has them in
// memory.
Tensor laid_out_as(const Tensor& x, int64_t width) {
  Shape sizes = x.sizes();
  sizes.back() = width;
  if (x.rank() != 4) return empty(sizes, x.dtype(), x.device());
  constexpr int last = 3;
  Shape order;  // of the other dimensions, the farthest apart first
  for (int i = 0; i < last; i++) order.push_back(i);
  std::stable_sort(order.begin(), order.end(),
                   [&](int64_t i, int64_t j) { return x.strides()[i] > x.strides()[j]; });
  Shape strides = Shape::filled(x.rank(), 1);
  int64_t step = width;
  for (int i = last - 1; i >= 0; i--) {
    strides[order[i]] = step;
    step *= sizes[order[i]];
  }
  return empty_strided(sizes, strides, x.dtype(), x.device());
}

Gradients backward(const Gradients& grads, Wanted wanted, const Tensor& query, const Tensor& key,
                   const Tensor& value, const Tensor& mask, const Tensor& out, const Tensor& logsum,
                   const Attention& a) {
  if (any_needs_grad(inputs(grads[0], query, key, value)))
    return composed_backward(grads[0], query, key, value, mask, a);
  const Tensor q = with_rows(query), k = with_rows(key), v = with_rows(value), g = with_rows(grads[0]);
  Tensor grad_query, grad_key, grad_value;
  if (wanted[0]) grad_query = laid_out_as(q, q.size(-1));
  if (wanted[1] || wanted[2]) {
    grad_key = laid_out_as(k, k.size(-1));
    grad_value = laid_out_as(v, v.size(-1));
  }
  AttentionBackwardCall call{shape_of(q, k, v, mask, a)};
  call.out = heads_of<const void>(out);
  call.grad_out = heads_of<const void>(g);
  call.logsum = logsum.bytes();
  call.grad_query = heads_of<void>(grad_query);
  call.grad_key = heads_of<void>(grad_key);
  call.grad_value = heads_of<void>(grad_value);
  kernels_of(q.device()).network->attention_backward(call);
  return {grad_query, grad_key, grad_value};
}

// The mask as numbers to add, with a row of its own for every key.
Tensor additive(const Tensor& mask, const Tensor& q, int64_t keys) {
  Tensor numbers = mask;
  if (mask.dtype() == DType::Bool) {
    const Scalar lowest = -std::numeric_limits<double>::infinity();
    numbers = masked_fill(zeros(mask.sizes(), q.dtype(), q.device()), logical_not(mask), lowest);
  }
  numbers = to_dtype(numbers, q.dtype());
  if (numbers.rank() == 0) numbers = reshape(numbers, {1});
  if (numbers.sizes().back() == keys) return with_rows(numbers);
  Shape sizes = numbers.sizes();
  sizes.back() = keys;
  return contiguous(expand(numbers, sizes));
}

bool has_kernel(const Tensor& q) {
  const NetworkKernels* network = kernels_of(q.device()).network;
  return network && network->attention;
}

// Operands of one rank, at most 4, whose batches agree.
Tensor by_kernel(const Tensor& query, const Tensor& key, const Tensor& value, const Tensor& mask,
                 const Attention& a) {
  const bool recorded = any_needs_grad(inputs(query, key, value));
  Tensor out, logsum;
  {
    GradGuard off(false);
    const Tensor q = with_rows(query), k = with_rows(key), v = with_rows(value);
    out = laid_out_as(q, v.size(-1));
    if (recorded) logsum = empty(Shape(q.sizes().data(), q.rank() - 1), q.dtype(), q.device());
    AttentionCall call{shape_of(q, k, v, mask, a)};
    call.out = heads_of<void>(out);
    call.logsum = recorded ? logsum.bytes() : nullptr;
    kernels_of(q.device()).network->attention(call);
  }
  if (!recorded) return out;
  return record_joint("ScaledDotProductFlashAttentionForCpuBackward0", out, inputs(query, key, value),
                      save(query, key, value, mask, out, logsum, a), backward);
}

// x with the batch dimensions of the whole, the one of the heads being its own where heads are shared.
Tensor with_batch(const Tensor& x, const Shape& batch, bool shares_heads) {
  Shape sizes = batch;
  if (shares_heads) sizes.back() = x.size(-3);
  sizes.push_back(x.size(-2));
  sizes.push_back(x.size(-1));
  return sizes == x.sizes() ? x : expand(x, sizes);
}

Tensor flattened(const Tensor& x) {  // to one dimension of batches and one of heads
  return flatten(x, 0, x.rank() - 4);
}

Tensor blockwise(const Tensor& q, const Tensor& k, const Tensor& v, const Tensor& mask, const Attention& a) {
  const bool gqa = a.shares_heads;
  Shape batch = leading(q);
  if (!gqa) batch = broadcast(name, broadcast(name, batch, leading(k)), leading(v));
  Tensor query = with_batch(q, batch, false), key = with_batch(k, batch, gqa),
         value = with_batch(v, batch, gqa);
  Tensor numbers;
  if (mask.defined()) {
    GradGuard off(false);
    numbers = additive(mask, q, k.size(-2));
    Shape sizes = batch;
    sizes.push_back(q.size(-2));
    sizes.push_back(k.size(-2));
    check(expandable(numbers.sizes(), sizes), name, ": attn_mask of shape ", mask.sizes(),
          " does not broadcast to the scores, which are ", sizes);
    numbers = expand(numbers, sizes);
    if (numbers.rank() > 4) numbers = flattened(numbers);
  }
  if (query.rank() <= 4) return by_kernel(query, key, value, numbers, a);
  Tensor y = by_kernel(flattened(query), flattened(key), flattened(value), numbers, a);
  Shape sizes = query.sizes();
  sizes.back() = value.size(-1);
  return reshape(y, sizes);
}

// Whether heads are shared, which they may be only where that is said.
bool shares_heads(const Tensor& q, const Tensor& k, const Tensor& v, bool enabled) {
  if (!enabled || q.rank() < 3 || k.rank() < 3 || k.size(-3) == q.size(-3)) return false;
  check(k.size(-3) == v.size(-3) && k.size(-3) > 0 && q.size(-3) % k.size(-3) == 0, name,
        ": Number of heads in key and value must divide the number of heads in query, got ", q.size(-3), ", ",
        k.size(-3), " and ", v.size(-3));
  return true;
}

}  // namespace

Tensor scaled_dot_product_attention(const Tensor& query, const Tensor& key, const Tensor& value,
                                    const std::optional<Tensor>& mask, double dropout_p, bool is_causal,
                                    std::optional<double> scale, bool enable_gqa) {
  check_operands(query, key, value);
  if (mask) check_mask(*mask, query);
  check(dropout_p >= 0 && dropout_p <= 1, name, ": dropout probability has to be between 0 and 1, but got ",
        dropout_p);
  if (is_half(query.dtype())) {
    auto wide = [](const Tensor& x) { return to_dtype(x, DType::Float32); };
    std::optional<Tensor> numbers = mask && mask->is_floating() ? std::optional(wide(*mask)) : mask;
    return to_dtype(scaled_dot_product_attention(wide(query), wide(key), wide(value), numbers, dropout_p,
                                                 is_causal, scale, enable_gqa),
                    query.dtype());
  }
  const Attention a{scale ? *scale : 1 / std::sqrt(double(std::max<int64_t>(1, query.size(-1)))), is_causal,
                    shares_heads(query, key, value, enable_gqa)};
  const bool empty = query.count() == 0 || key.count() == 0 || value.count() == 0;
  const bool mask_learns = mask && any_needs_grad(inputs(*mask));
  if (dropout_p == 0 && !empty && !mask_learns && has_kernel(query))
    return blockwise(query, key, value, mask ? *mask : Tensor(), a);
  return composed(query, key, value, mask ? additive(*mask, query, key.size(-2)) : Tensor(), a, dropout_p);
}

}  // namespace tt
