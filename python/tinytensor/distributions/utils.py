"""What the families share below the level of distributions: broadcasting, lazy attributes, chances and logits."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from numbers import Number
from operator import attrgetter
from typing import Any

from tinytensor import _C
from tinytensor._C import Tensor
from tinytensor._types_info import finfo
from tinytensor.autograd.grad_mode import enable_grad
from tinytensor.functional import broadcast_tensors

__all__ = [
    "broadcast_all",
    "clamp_probs",
    "euler_constant",
    "lazy_property",
    "logits_to_probs",
    "probs_to_logits",
    "tril_matrix_to_vec",
    "vec_to_tril_matrix",
]

Shape = tuple[int, ...]
euler_constant = 0.57721566490153286060


def as_tensors(values: tuple) -> list[Tensor]:
    """Numbers become tensors of the first tensor's dtype and device, or of the default dtype."""
    if not all(isinstance(value, (Tensor, Number)) for value in values):
        kinds = ", ".join(type(value).__name__ for value in values)
        raise ValueError(f"Input arguments must all be instances of Number or torch.Tensor, got {kinds}")
    model = next((value for value in values if isinstance(value, Tensor)), None)
    options: dict[str, Any] = {"dtype": _C.get_default_dtype()}
    if model is not None:
        options = {"dtype": model.dtype, "device": model.device}
    return [value if isinstance(value, Tensor) else _C.tensor(value, **options) for value in values]


def broadcast_all(*values: Any) -> tuple[Tensor, ...]:
    """Numbers and tensors as tensors of one shape."""
    return tuple(broadcast_tensors(*as_tensors(values)))


class lazy_property:
    """An attribute that is computed at its first use, with gradients, and then kept."""

    def __init__(self, wrapped: Callable[[Any], Any]) -> None:
        self.wrapped = wrapped
        self.__doc__ = wrapped.__doc__

    def __get__(self, instance: Any, owner: Any = None) -> Any:
        if instance is None:
            return self
        with enable_grad():
            value = self.wrapped(instance)
        vars(instance)[self.wrapped.__name__] = value
        return value


def same_as(path: str) -> property:
    """A property that reads another attribute, or `a.b` one of an attribute's."""
    return property(attrgetter(path), doc=f"The same as {path}.")


def sum_rightmost(value: Tensor, count: int) -> Tensor:
    """The sum over the last `count` dimensions."""
    return value.sum(tuple(range(-count, 0))) if count else value


def eps_of(value: Tensor) -> float:
    return float(finfo(value.dtype).eps)


def tiny_of(value: Tensor) -> float:
    return float(finfo(value.dtype).tiny)


# ---------------------------------------------------------------- chances


def clamp_probs(probs: Tensor) -> Tensor:
    """Chances kept off 0 and 1, by one rounding step."""
    eps = eps_of(probs)
    return probs.clamp(min=eps, max=1 - eps)


def probs_to_logits(probs: Tensor, is_binary: bool = False) -> Tensor:
    """log(p), or of a binary chance log(p / (1 - p))."""
    clamped = clamp_probs(probs)
    return clamped.log() - (-clamped).log1p() if is_binary else clamped.log()


def logits_to_probs(logits: Tensor, is_binary: bool = False) -> Tensor:
    """The inverse: softmax over the last dimension, or of binary logits sigmoid."""
    return logits.sigmoid() if is_binary else _C.softmax(logits, -1)


# ---------------------------------------------------------------- matrices


def _triangle(n: int, diag: int) -> int:
    """How many elements an n by n matrix has up to the diagonal `diag`."""
    return (n + diag) * (n + diag + 1) // 2 if diag < 0 else n * n - (n - diag - 1) * (n - diag) // 2


def vec_to_tril_matrix(vec: Tensor, diag: int = 0) -> Tensor:
    """Lower triangles, up to `diag` above the diagonal, from their elements row by row."""
    count = vec.shape[-1]
    n = next(n for n in itertools.count(max(1, -diag)) if _triangle(n, diag) >= count)
    if _triangle(n, diag) != count:
        raise ValueError(
            f"vec_to_tril_matrix: {count} elements do not fill a triangle up to the diagonal {diag}"
        )
    matrix = vec.new_zeros(vec.shape[:-1] + (n, n))
    rows, columns = _C.tril_indices(n, n, diag)
    matrix[..., rows, columns] = vec
    return matrix


def tril_matrix_to_vec(mat: Tensor, diag: int = 0) -> Tensor:
    """The elements of a lower triangle of matrices, row by row."""
    n = mat.shape[-1]
    if not -n <= diag < n:
        raise ValueError(f"diag ({diag}) provided is outside [{-n}, {n - 1}].")
    rows, columns = _C.tril_indices(n, n, diag)
    return mat[..., rows, columns]
