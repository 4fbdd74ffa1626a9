"""What optimizers that are derived from PyTorch's own import from it."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any

import tinytensor
from tinytensor import _C

__all__ = [
    "_capturable_doc",
    "_default_to_fused_or_foreach",
    "_differentiable_doc",
    "_disable_dynamo_if_unsupported",
    "_foreach_doc",
    "_fused_doc",
    "_get_capturable_supported_devices",
    "_get_scalar_dtype",
    "_get_value",
    "_group_tensors_by_device_and_dtype",
    "_maximize_doc",
    "_params_doc",
    "_stack_if_compiling",
    "_to_scalar",
    "_use_grad_for_differentiable",
    "_view_as_real",
]

_params_doc = _foreach_doc = _fused_doc = _maximize_doc = _capturable_doc = _differentiable_doc = ""


def _use_grad_for_differentiable(func: Callable) -> Callable:
    """A step that records gradients only if the optimizer is `differentiable`."""

    @functools.wraps(func)
    def step(self: Any, *args: Any, **kwargs: Any) -> Any:
        with tinytensor.set_grad_enabled(self.defaults.get("differentiable", False)):
            return func(self, *args, **kwargs)

    return step


def _disable_dynamo_if_unsupported(single_tensor_fn: Callable | None = None) -> Callable:
    return lambda func: func


def _get_value(x: Any) -> Any:
    return x.item() if isinstance(x, _C.Tensor) else x


def _to_scalar(x: Any) -> Any:
    return x.squeeze() if isinstance(x, _C.Tensor) and x.dim() else x


def _stack_if_compiling(x: Any) -> Any:
    return x


def _view_as_real(params: Any, *state_and_grads: Any) -> None:
    """There are no complex parameters."""


def _get_scalar_dtype(is_fused: Any = None) -> Any:
    double = not is_fused and tinytensor.get_default_dtype() == _C.float64
    return _C.float64 if double else _C.float32


def _get_capturable_supported_devices(supports_xla: bool = True) -> list[str]:
    return ["cuda", "xpu", "hpu", "privateuseone", *["xla"] * supports_xla]


def _default_to_fused_or_foreach(
    params: Sequence[Any], differentiable: bool, use_fused: bool = False
) -> tuple[bool, bool]:
    """Lists of tensors are an advantage on CUDA only."""
    if differentiable:
        return False, False
    on_cuda = all(
        p is None or (type(p) in (_C.Tensor, tinytensor.nn.Parameter) and p.is_cuda) for p in params
    )
    fused = use_fused and on_cuda and all(p is None or p.is_floating_point() for p in params)
    return fused, not fused and on_cuda


def _group_tensors_by_device_and_dtype(
    tensorlistlist: Sequence[Sequence[Any]], with_indices: bool = False
) -> dict[tuple[Any, Any], tuple[list[list[Any]], list[int]]]:
    """The rows of lists of tensors, apart for each device and dtype of the first list."""
    groups: dict[tuple[Any, Any], tuple[list[list[Any]], list[int]]] = {}
    for index, row in enumerate(zip(*tensorlistlist)):
        columns, indices = groups.setdefault((row[0].device, row[0].dtype), ([[] for _ in row], []))
        for column, value in zip(columns, row):
            column.append(value)
        if with_indices:
            indices.append(index)
    return groups
