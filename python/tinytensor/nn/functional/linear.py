"""Products with weights."""

from __future__ import annotations

from tinytensor import _C
from tinytensor._C import Tensor

__all__ = ["bilinear", "linear"]

linear = _C.linear


def bilinear(input1: Tensor, input2: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """y[o] = sum over i, j of input1[i] weight[o, i, j] input2[j], plus bias[o]."""
    _check_bilinear(input1, input2, weight, bias)
    outputs, size1, size2 = weight.shape
    flat1 = input1.reshape(-1, size1)
    flat2 = input2.reshape(-1, size2, 1)
    half = flat1.matmul(weight.transpose(0, 1).reshape(size1, outputs * size2))
    y = half.reshape(-1, outputs, size2).matmul(flat2).reshape(*input1.shape[:-1], outputs)
    return y if bias is None else y + bias


def _check_bilinear(input1: Tensor, input2: Tensor, weight: Tensor, bias: Tensor | None) -> None:
    if input1.dim() != input2.dim():
        raise RuntimeError(
            f"bilinear(): input dimensions do not match: got {input1.dim()} and {input2.dim()}"
        )
    for i, (size1, size2) in enumerate(zip(input1.shape[:-1], input2.shape[:-1])):
        if size1 != size2:
            raise RuntimeError(
                f"bilinear(): input batch dimensions do not match at dim {i}: got {size1} and {size2}"
            )
    if weight.dim() != 3:
        raise RuntimeError(f"bilinear(): weight must have 3 dimensions, got {weight.dim()}")
    for i, x in ((1, input1), (2, input2)):
        if x.size(-1) != weight.size(i):
            raise RuntimeError(
                f"bilinear(): input{i} size does not match weight size: "
                f"got {x.size(-1)} but expected {weight.size(i)}"
            )
    if bias is not None and bias.size(0) != weight.size(0):
        raise RuntimeError(
            "bilinear(): bias size does not match weight size: "
            f"got {bias.size(0)} but expected {weight.size(0)}"
        )
