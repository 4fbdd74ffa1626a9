"""Normalisation as functions."""

from __future__ import annotations

from tinytensor import _C
from tinytensor._C import Tensor

__all__ = [
    "batch_norm",
    "group_norm",
    "instance_norm",
    "layer_norm",
    "local_response_norm",
    "normalize",
    "rms_norm",
]

batch_norm = _C.batch_norm
group_norm = _C.group_norm
instance_norm = _C.instance_norm
layer_norm = _C.layer_norm
normalize = _C.normalize
rms_norm = _C.rms_norm


def local_response_norm(
    input: Tensor, size: int, alpha: float = 1e-4, beta: float = 0.75, k: float = 1.0
) -> Tensor:
    """input / (k + alpha times the mean square of `size` neighbouring channels)^beta."""
    if input.dim() < 3:
        raise ValueError(
            f"local_response_norm: expected 3D or higher dimensionality input, got {input.dim()}D"
        )
    if size < 1:
        raise RuntimeError(f"local_response_norm: size should be greater than zero, got {size}")
    if input.numel() == 0:
        return input
    before, after = list(input.shape), list(input.shape)
    before[1], after[1] = size // 2, (size - 1) // 2
    squares = _C.cat([input.new_zeros(before), input * input, input.new_zeros(after)], 1)
    return input / (squares.unfold(1, size, 1).mean(-1) * alpha + k) ** beta
