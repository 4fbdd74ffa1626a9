"""What `torch.fft` does with real numbers: frequencies, and their order. The transforms need complex numbers, of which
there are no tensors; their names are there for libraries to import, and calling one is an error.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NoReturn

from . import _C
from ._C import Tensor
from ._missing import missing

_TRANSFORMS = (
    *("fft", "ifft", "rfft", "irfft", "hfft", "ihfft", "fft2", "ifft2", "rfft2", "irfft2", "hfft2", "ihfft2"),
    *("fftn", "ifftn", "rfftn", "irfftn", "hfftn", "ihfftn"),
)

__all__ = ["fftfreq", "fftshift", "ifftshift", "rfftfreq"]  # noqa: PLE0604
__all__ += _TRANSFORMS


def _refusing(name: str) -> Callable[..., NoReturn]:
    def transform(*args: Any, **kwargs: Any) -> NoReturn:
        raise NotImplementedError(
            f"{name}: there are no tensors of complex numbers; numpy.fft works on x.numpy(), without derivatives"
        )

    transform.__name__ = transform.__qualname__ = name
    return transform


globals().update({name: _refusing(name) for name in _TRANSFORMS})
__getattr__ = missing(__name__)


def _count(n: int, dtype: Any, layout: Any, device: Any) -> Tensor:
    kind = _C.get_default_dtype() if dtype is None else dtype
    return _C.arange(n, dtype=kind, layout=_C.strided if layout is None else layout, device=device)


def _frequencies(numbers: Tensor, n: int, d: float, out: Tensor | None, requires_grad: bool) -> Tensor:
    result = numbers.mul_(1.0 / (n * d))
    if out is None:
        return result.requires_grad_(requires_grad)
    return out.resize_(result.shape).copy_(result)


def fftfreq(
    n: int,
    d: float = 1.0,
    *,
    out: Tensor | None = None,
    dtype: Any = None,
    layout: Any = None,
    device: Any = None,
    requires_grad: bool = False,
) -> Tensor:
    """The frequencies of a transform of `n` samples that lie `d` apart: 0, 1, ..., -2, -1 over n d."""
    numbers = _count(n, dtype, layout, device)
    numbers[(n + 1) // 2 :] -= n
    return _frequencies(numbers, n, d, out, requires_grad)


def rfftfreq(
    n: int,
    d: float = 1.0,
    *,
    out: Tensor | None = None,
    dtype: Any = None,
    layout: Any = None,
    device: Any = None,
    requires_grad: bool = False,
) -> Tensor:
    """The frequencies that are not negative: 0, 1, ..., n // 2 over n d."""
    return _frequencies(_count(n // 2 + 1, dtype, layout, device), n, d, out, requires_grad)


def _rolled(input: Tensor, dim: int | Sequence[int] | None, sign: int) -> Tensor:
    dims = range(input.dim()) if dim is None else [dim] if isinstance(dim, int) else [*dim]
    return _C.roll(input, [sign * (input.size(axis) // 2) for axis in dims], [*dims])


def fftshift(input: Tensor, dim: int | Sequence[int] | None = None) -> Tensor:
    """Order frequencies from the lowest, which is negative, to the highest."""
    return _rolled(input, dim, 1)


def ifftshift(input: Tensor, dim: int | Sequence[int] | None = None) -> Tensor:
    """Undo `fftshift`."""
    return _rolled(input, dim, -1)
