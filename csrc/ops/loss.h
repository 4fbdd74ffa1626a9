// Losses: what a network's answers cost.
#pragma once
#include "ops/internal.h"

namespace tt {

enum class LossReduction : uint8_t { none, mean, sum };
using MaybeTensor = std::optional<Tensor>;

// ---- of an input and a target, element by element; they broadcast. With a weight for each element the mean
// of mse and l1 is the weighted one.
Tensor mse_loss(const Tensor& x, const Tensor& target, LossReduction reduction,
                const MaybeTensor& weight = {});
Tensor l1_loss(const Tensor& x, const Tensor& target, LossReduction reduction,
               const MaybeTensor& weight = {});
Tensor smooth_l1_loss(const Tensor& x, const Tensor& target, LossReduction reduction, double beta);
Tensor huber_loss(const Tensor& x, const Tensor& target, LossReduction reduction, double delta,
                  const MaybeTensor& weight = {});
Tensor binary_cross_entropy(const Tensor& x, const Tensor& target, const MaybeTensor& weight,
                            LossReduction reduction);
Tensor binary_cross_entropy_with_logits(const Tensor& x, const Tensor& target, const MaybeTensor& weight,
                                        const MaybeTensor& pos_weight, LossReduction reduction);
Tensor kl_div(const Tensor& x, const Tensor& target, LossReduction reduction, bool log_target);
Tensor soft_margin_loss(const Tensor& x, const Tensor& target, LossReduction reduction);
Tensor reduced_loss(const Tensor& losses, LossReduction reduction);

// ---- of scores (C), (N, C) or (N, C, ...) for classes; the target names a class for each place, or gives
// probabilities in the shape of the scores.
Tensor cross_entropy(const Tensor& x, const Tensor& target, const MaybeTensor& weight, int64_t ignore_index,
                     LossReduction reduction, double label_smoothing);
Tensor nll_loss(const Tensor& x, const Tensor& target, const MaybeTensor& weight, int64_t ignore_index,
                LossReduction reduction);

// ---- composed
Tensor poisson_nll_loss(const Tensor& x, const Tensor& target, bool log_input, bool full, double eps,
                        LossReduction reduction);
Tensor gaussian_nll_loss(const Tensor& x, const Tensor& target, const Tensor& var, bool full, double eps,
                         LossReduction reduction);
Tensor hinge_embedding_loss(const Tensor& x, const Tensor& target, double margin, LossReduction reduction);
Tensor margin_ranking_loss(const Tensor& a, const Tensor& b, const Tensor& target, double margin,
                           LossReduction reduction);
Tensor multi_margin_loss(const Tensor& x, const Tensor& target, int64_t p, double margin,
                         const MaybeTensor& weight, LossReduction reduction);
Tensor multilabel_margin_loss(const Tensor& x, const Tensor& target, LossReduction reduction);
Tensor multilabel_soft_margin_loss(const Tensor& x, const Tensor& target, const MaybeTensor& weight,
                                   LossReduction reduction);
Tensor cosine_embedding_loss(const Tensor& a, const Tensor& b, const Tensor& target, double margin,
                             LossReduction reduction);
Tensor triplet_margin_loss(const Tensor& anchor, const Tensor& positive, const Tensor& negative,
                           double margin, double p, double eps, bool swap, LossReduction reduction);

// ---- distances
Tensor cosine_similarity(const Tensor& a, const Tensor& b, int64_t dim, double eps);
Tensor pairwise_distance(const Tensor& a, const Tensor& b, double p, double eps, bool keepdim);
Tensor pdist(const Tensor& x, double p);

}  // namespace tt
