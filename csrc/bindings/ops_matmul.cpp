#include "bindings/registry.h"

namespace tt {

static Tensor chain_matmul(const std::vector<Tensor>& matrices, Out out) {
  check(!matrices.empty(), "chain_matmul: expected one or more matrices");
  return matrices.size() == 1 ? deliver("chain_matmul", clone(matrices[0]), out) : multi_dot(matrices, out);
}

// How the distances are found is ours to choose, but the name must be one of those.
static Tensor distances(const Tensor& a, const Tensor& b, double p, const std::string& mode) {
  check_value(mode == "use_mm_for_euclid_dist_if_necessary" || mode == "use_mm_for_euclid_dist" ||
                  mode == "donot_use_mm_for_euclid_dist",
              "cdist: ", mode, " is not a valid value for compute_mode");
  return cdist(a, b, p);
}

void bind_matmul(Registry& registry) {
  registry
      .op<matmul>(
          "matmul(input, other, *, out=None)", both,
          "The product of two matrices, of vectors and matrices, or of batches of them, which broadcast.")
      .op<mm>("mm(input, mat2, *, out=None)", both, "The product of two matrices.")
      .op<bmm>("bmm(input, mat2, *, out=None)", both, "The products of two batches of matrices.")
      .op<mv>("mv(input, vec, *, out=None)", both, "The product of a matrix and a vector.")
      .op<dot>("dot(input, tensor, *, out=None)", both, "The inner product of two vectors.")
      .op<dot>("vdot(input, other, *, out=None)", both, "The inner product of two vectors.")
      .op<inner>("inner(input, other, *, out=None)", both, "Sums of products along the last dimensions.")
      .op<outer>("outer(input, vec2, *, out=None)", both,
                 "All products of an element of one vector and one of the other.")
      .op<outer>("ger(input, vec2, *, out=None)", both, "The same as outer.")
      .op<kron>("kron(input, other, *, out=None)", both,
                "The Kronecker product: blocks of other, scaled by input.")
      .op<cross>("cross(input, other, dim: int = None, *, out=None)", both,
                 "The cross product of vectors along a dimension of size 3, the first one by default.");
  registry
      .op<addmm>("addmm(input, mat1, mat2, *, beta: Number = 1, alpha: Number = 1, out=None)",
                 both | inplace_free, "beta * input + alpha * (mat1 @ mat2).")
      .op<addmv>("addmv(input, mat, vec, *, beta: Number = 1, alpha: Number = 1, out=None)",
                 both | inplace_free, "beta * input + alpha * (mat @ vec).")
      .op<addr>("addr(input, vec1, vec2, *, beta: Number = 1, alpha: Number = 1, out=None)",
                both | inplace_free, "beta * input + alpha * outer(vec1, vec2).")
      .op<baddbmm>("baddbmm(input, batch1, batch2, *, beta: Number = 1, alpha: Number = 1, out=None)",
                   both | inplace_free, "beta * input + alpha * (batch1 @ batch2).")
      .op<addbmm>("addbmm(input, batch1, batch2, *, beta: Number = 1, alpha: Number = 1, out=None)",
                  both | inplace_free, "beta * input + alpha * the sum of batch1 @ batch2 over the batch.")
      .op<linear>("linear(input, weight, bias=None)", function | unlisted, "input @ weight.T + bias.");
  registry
      .op<chain_matmul>("chain_matmul(*matrices: Tensor, out=None)", function,
                        "The product of matrices, in the order that multiplies least.")
      .op<distances>(
          "cdist(x1, x2, p: float = 2.0, compute_mode: str = 'use_mm_for_euclid_dist_if_necessary')",
          function, "The distances between the rows of x1 and those of x2.")
      .op<multi_dot>("_multi_dot(tensors, *, out=None)", function, "linalg.multi_dot.")
      .op<matrix_power>("matrix_power(input, n: int, *, out=None)", both,
                        "A square matrix times itself, n times.");
}

}  // namespace tt
