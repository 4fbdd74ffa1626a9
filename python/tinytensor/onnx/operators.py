"""Shapes as tensors, for programs that compute with them."""

from __future__ import annotations

from typing import Any

from tinytensor import _C
from tinytensor._C import Tensor

__all__: list[str] = []


def shape_as_tensor(x: Tensor) -> Tensor:
    """The sizes of a tensor, as a tensor."""
    from tinytensor.onnx._recording import Recorded, recorder

    return recorder().shape_of(x) if isinstance(x, Recorded) else _C.tensor(tuple(x.shape), dtype=_C.int64)


def reshape_from_tensor_shape(x: Tensor, shape: Tensor) -> Any:
    """A tensor in the shape that another one tells."""
    from tinytensor.onnx._recording import Recorded, recorder

    if isinstance(x, Recorded) or isinstance(shape, Recorded):
        return recorder().reshaped(x, shape)
    return x.reshape(shape.tolist())
