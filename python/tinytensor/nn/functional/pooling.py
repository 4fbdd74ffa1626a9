"""Pooling: maxima, means and norms of windows."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from tinytensor import _C
from tinytensor._C import Tensor

__all__ = [
    "adaptive_avg_pool1d",
    "adaptive_avg_pool2d",
    "adaptive_avg_pool3d",
    "adaptive_max_pool1d",
    "adaptive_max_pool1d_with_indices",
    "adaptive_max_pool2d",
    "adaptive_max_pool2d_with_indices",
    "adaptive_max_pool3d",
    "adaptive_max_pool3d_with_indices",
    "avg_pool1d",
    "avg_pool2d",
    "avg_pool3d",
    "fractional_max_pool2d",
    "fractional_max_pool2d_with_indices",
    "fractional_max_pool3d",
    "fractional_max_pool3d_with_indices",
    "lp_pool1d",
    "lp_pool2d",
    "lp_pool3d",
    "max_pool1d",
    "max_pool1d_with_indices",
    "max_pool2d",
    "max_pool2d_with_indices",
    "max_pool3d",
    "max_pool3d_with_indices",
    "max_unpool1d",
    "max_unpool2d",
    "max_unpool3d",
]

max_pool1d = _C.max_pool1d
max_pool2d = _C.max_pool2d
max_pool3d = _C.max_pool3d
avg_pool1d = _C.avg_pool1d
avg_pool2d = _C.avg_pool2d
avg_pool3d = _C.avg_pool3d
adaptive_avg_pool1d = _C.adaptive_avg_pool1d


def _named(function: Callable, name: str, doc: str) -> Callable:
    function.__name__ = function.__qualname__ = name
    function.__doc__ = doc
    return function


# ---------------------------------------------------------------- maxima


def _with_indices(dims: int) -> Callable:
    op = getattr(_C, f"max_pool{dims}d_with_indices")

    def pool(
        input: Tensor,
        kernel_size: Any,
        stride: Any = None,
        padding: Any = 0,
        dilation: Any = 1,
        ceil_mode: bool = False,
        return_indices: bool = False,
    ) -> tuple[Tensor, Tensor]:
        return op(input, kernel_size, stride, padding, dilation, ceil_mode)

    return _named(pool, f"max_pool{dims}d_with_indices", "The maximum of every window, and where it is.")


max_pool1d_with_indices = _with_indices(1)
max_pool2d_with_indices = _with_indices(2)
max_pool3d_with_indices = _with_indices(3)


def _filled(output_size: Any, input: Tensor) -> Any:
    """The output size, with the input's own where it is None."""
    if isinstance(output_size, int):
        return output_size
    if output_size is None:
        raise TypeError("output_size must be a number or a tuple of numbers and None, not None")
    sizes = input.shape[input.dim() - len(output_size) :]
    if input.dim() <= len(output_size):
        raise ValueError(f"Input dimension should be at least {len(output_size) + 1}")
    return [own if wanted is None else wanted for wanted, own in zip(output_size, sizes, strict=True)]


def adaptive_avg_pool2d(input: Tensor, output_size: Any) -> Tensor:
    """Means over windows that give results of output_size, or of the input's size where that is None."""
    return _C.adaptive_avg_pool2d(input, _filled(output_size, input))


def adaptive_avg_pool3d(input: Tensor, output_size: Any) -> Tensor:
    """Means over windows that give results of output_size, or of the input's size where that is None."""
    return _C.adaptive_avg_pool3d(input, _filled(output_size, input))


def _adaptive_max(dims: int) -> tuple[Callable, Callable]:
    name = f"adaptive_max_pool{dims}d"
    op = getattr(_C, name)

    def with_indices(input: Tensor, output_size: Any, return_indices: bool = False) -> tuple[Tensor, Tensor]:
        return op(input, _filled(output_size, input))

    def values(input: Tensor, output_size: Any, return_indices: bool = False) -> Any:
        both = op(input, _filled(output_size, input))
        return both if return_indices else both[0]

    doc = "Maxima over windows that give results of output_size, or of the input's size where that is None"
    return (
        _named(values, name, f"{doc}; with return_indices also where they are."),
        _named(with_indices, f"{name}_with_indices", f"{doc}, and where they are."),
    )


adaptive_max_pool1d, adaptive_max_pool1d_with_indices = _adaptive_max(1)
adaptive_max_pool2d, adaptive_max_pool2d_with_indices = _adaptive_max(2)
adaptive_max_pool3d, adaptive_max_pool3d_with_indices = _adaptive_max(3)


# ---------------------------------------------------------------- norms


def _volume(kernel_size: Any, dims: int) -> int:
    sizes = (kernel_size,) * dims if isinstance(kernel_size, int) else kernel_size
    volume = 1
    for size in sizes:
        volume *= size
    return volume


def _lp(dims: int) -> Callable:
    average = getattr(_C, f"avg_pool{dims}d")

    def lp_pool(
        input: Tensor, norm_type: float, kernel_size: Any, stride: Any = None, ceil_mode: bool = False
    ) -> Tensor:
        mean = average(input.pow(norm_type), kernel_size, stride, 0, ceil_mode)
        return (mean.sign() * mean.abs().relu()).mul(_volume(kernel_size, dims)).pow(1.0 / norm_type)

    return _named(
        lp_pool, f"lp_pool{dims}d", "(The sum over every window of input ** norm_type) ** (1 / norm_type)."
    )


lp_pool1d = _lp(1)
lp_pool2d = _lp(2)
lp_pool3d = _lp(3)


# ---------------------------------------------------------------- windows at random


def _fractional(dims: int) -> tuple[Callable, Callable]:
    name = f"fractional_max_pool{dims}d"
    op = getattr(_C, name)

    def with_indices(
        input: Tensor,
        kernel_size: Any,
        output_size: Any = None,
        output_ratio: Any = None,
        return_indices: bool = False,
        _random_samples: Tensor | None = None,
    ) -> tuple[Tensor, Tensor]:
        if output_size is None and output_ratio is None:
            raise ValueError(f"{name} requires specifying either an output_size or an output_ratio")
        if output_size is None:
            ratios = (output_ratio,) * dims if isinstance(output_ratio, (int, float)) else output_ratio
            output_size = [int(size * ratio) for size, ratio in zip(input.shape[-dims:], ratios, strict=True)]
        if _random_samples is None:
            batch = 1 if input.dim() == dims + 1 else input.shape[0]
            _random_samples = _C.rand(
                batch, input.shape[-dims - 1], dims, dtype=input.dtype, device=input.device
            )
        return op(input, kernel_size, output_size, _random_samples)

    def values(
        input: Tensor,
        kernel_size: Any,
        output_size: Any = None,
        output_ratio: Any = None,
        return_indices: bool = False,
        _random_samples: Tensor | None = None,
    ) -> Any:
        both = with_indices(input, kernel_size, output_size, output_ratio, False, _random_samples)
        return both if return_indices else both[0]

    doc = "The maximum of windows at random places, as many as output_size or output_ratio says"
    return (
        _named(values, name, f"{doc}; with return_indices also where they are."),
        _named(with_indices, f"{name}_with_indices", f"{doc}, and where they are."),
    )


fractional_max_pool2d, fractional_max_pool2d_with_indices = _fractional(2)
fractional_max_pool3d, fractional_max_pool3d_with_indices = _fractional(3)


# ---------------------------------------------------------------- the inverse of maxima


def _tuple_of(value: Any, count: int) -> tuple[int, ...]:
    return (value,) * count if isinstance(value, int) else tuple(value)


def _unpool_output_size(
    input: Tensor,
    kernel_size: Sequence[int],
    stride: Sequence[int],
    padding: Sequence[int],
    output_size: Sequence[int] | None,
) -> list[int]:
    dims = len(kernel_size)
    sizes = input.shape[-dims:]
    usual = [(sizes[d] - 1) * stride[d] + kernel_size[d] - 2 * padding[d] for d in range(dims)]
    if output_size is None:
        return usual
    wanted = list(output_size)
    if len(wanted) == dims + 2:
        wanted = wanted[2:]
    if len(wanted) != dims:
        raise ValueError(
            f"output_size should be a sequence containing {dims} or {dims + 2} elements, but it has a length of "
            f"'{len(wanted)}'"
        )
    for d in range(dims):
        low, high = usual[d] - stride[d], usual[d] + stride[d]
        if not low < wanted[d] < high:
            raise ValueError(f'invalid output_size "{wanted}" (dim {d} must be between {low} and {high})')
    return wanted


def _unpool(dims: int) -> Callable:
    op = getattr(_C, f"max_unpool{dims}d")

    def max_unpool(
        input: Tensor,
        indices: Tensor,
        kernel_size: Any,
        stride: Any = None,
        padding: Any = 0,
        output_size: Sequence[int] | None = None,
    ) -> Tensor:
        kernel = _tuple_of(kernel_size, dims)
        step = kernel if stride is None else _tuple_of(stride, dims)
        return op(
            input, indices, _unpool_output_size(input, kernel, step, _tuple_of(padding, dims), output_size)
        )

    return _named(
        max_unpool, f"max_unpool{dims}d", "The maxima back in the places that indices name, zeros elsewhere."
    )


max_unpool1d = _unpool(1)
max_unpool2d = _unpool(2)
max_unpool3d = _unpool(3)
