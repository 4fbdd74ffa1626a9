"""Losses as functions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tinytensor import _C
from tinytensor._C import Tensor
from tinytensor.nn.functional.distance import pairwise_distance

__all__ = [
    "binary_cross_entropy",
    "binary_cross_entropy_with_logits",
    "cosine_embedding_loss",
    "cross_entropy",
    "ctc_loss",
    "gaussian_nll_loss",
    "hinge_embedding_loss",
    "huber_loss",
    "kl_div",
    "l1_loss",
    "margin_ranking_loss",
    "mse_loss",
    "multi_margin_loss",
    "multilabel_margin_loss",
    "multilabel_soft_margin_loss",
    "nll_loss",
    "poisson_nll_loss",
    "smooth_l1_loss",
    "soft_margin_loss",
    "triplet_margin_loss",
    "triplet_margin_with_distance_loss",
]

binary_cross_entropy = _C.binary_cross_entropy
binary_cross_entropy_with_logits = _C.binary_cross_entropy_with_logits
cosine_embedding_loss = _C.cosine_embedding_loss
cross_entropy = _C.cross_entropy
ctc_loss = _C.ctc_loss
gaussian_nll_loss = _C.gaussian_nll_loss
hinge_embedding_loss = _C.hinge_embedding_loss
huber_loss = _C.huber_loss
kl_div = _C.kl_div
l1_loss = _C.l1_loss
margin_ranking_loss = _C.margin_ranking_loss
mse_loss = _C.mse_loss
multi_margin_loss = _C.multi_margin_loss
multilabel_margin_loss = _C.multilabel_margin_loss
multilabel_soft_margin_loss = _C.multilabel_soft_margin_loss
nll_loss = _C.nll_loss
poisson_nll_loss = _C.poisson_nll_loss
smooth_l1_loss = _C.smooth_l1_loss
soft_margin_loss = _C.soft_margin_loss
triplet_margin_loss = _C.triplet_margin_loss


def triplet_margin_with_distance_loss(
    anchor: Tensor,
    positive: Tensor,
    negative: Tensor,
    *,
    distance_function: Callable[[Tensor, Tensor], Tensor] | None = None,
    margin: float = 1.0,
    swap: bool = False,
    reduction: str = "mean",
) -> Tensor:
    """max(0, margin + the distance from anchor to positive - that to negative)."""
    name = "triplet_margin_with_distance_loss"
    if reduction not in ("mean", "sum", "none"):
        raise ValueError(f"{name}: {reduction} is not a valid value for reduction")
    if margin <= 0:
        raise ValueError(f"{name}: margin must be greater than 0, got {margin}")
    ranks = [x.dim() for x in (anchor, positive, negative)]
    if len(set(ranks)) > 1:
        raise RuntimeError(f"{name}: the inputs need the same number of dimensions, got {ranks}")
    distance: Any = pairwise_distance if distance_function is None else distance_function
    near, far = distance(anchor, positive), distance(anchor, negative)
    if swap:
        far = far.minimum(distance(positive, negative))
    losses = (margin + near - far).clamp_min(0)
    return losses if reduction == "none" else losses.mean() if reduction == "mean" else losses.sum()
